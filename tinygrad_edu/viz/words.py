"""The format of numbers and text in pictures."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

import numpy as np

from tinygrad_edu.printable import printable

# A formula is text between dollars, `$x^2$`. "US$ 5 to $ 10" and "cost ($) and gain ($)" have no formula.
_FORMULA = re.compile(r"(?<![\w\\])\$(?![\s)\]])[^$\n]*(?<![\s(\[\\])\$(?!\w)")


def short(value: float, digits: int = 3) -> str:
    """A number with three digits, a real minus sign, and no useless zeros: `0.25`, `−1.5e6`."""
    whole = 10**digits <= abs(value) < 1e6  # 2,345, and not 2.3e3
    text = (f"{value:,.0f}" if whole else f"{value:.{digits}g}").replace("-", "−").replace("e+", "e")
    head, _, power = text.partition("e")
    sign, power = power[: power.startswith("−")], power.lstrip("−0")
    return ("0" if head == "−0" else head) + (f"e{sign}{power}" if power else "")


def same_format(values: Sequence[float], digits: int = 3) -> list[str]:
    """Numbers in one format, to compare them: with enough digits that they differ, and at most seven.

    The smallest has at least two digits, and a number below 1 is not written as 1. Numbers of very different
    sizes get the same number of digits instead of the same number of decimals.
    """
    known = [abs(v) for v in values if np.isfinite(v) and v]
    low, high = min(known, default=1.0), max(known, default=1.0)
    together = low >= 1e-4 and high < 1e6 and high <= 1e3 * low
    for count in range(digits, 8):
        places = max(count - 1 - int(np.floor(np.log10(high))), 1 - int(np.floor(np.log10(low))), 0)
        seen = [round(v, places) if together else float(f"{v:.{count}g}") for v in known]
        if len(set(seen)) == len(set(known)) and not any(s == 1 > v for s, v in zip(seen, known)):
            break
    while places and all(round(v, places - 1) == round(v, places) for v in known):
        places -= 1
    return [_fixed(v, places) if together else short(v, count) for v in values]


def _fixed(value: float, places: int) -> str:
    return f"{value + 0.0:,.{places}f}".replace("-", "−")


def visible(text: str) -> str:
    """Text with its invisible characters written out, line by line."""
    return "\n".join(map(printable, text.split("\n")))


def matplotlib_text(text: str) -> str:
    """`text` for matplotlib: dollars are escaped, except those around formulas."""
    text, kept, at = visible(text), [], 0
    for formula in _FORMULA.finditer(text):
        kept += [_escaped(text[at : formula.start()]), formula[0]]
        at = formula.end()
    return "".join([*kept, _escaped(text[at:])])


def _escaped(text: str) -> str:
    return re.sub(r"(?<!\\)\$", r"\\$", text)


def wrapped(text: str, inches: float, points: float) -> str:
    """`text` wrapped to lines of so many inches at a font size, without breaks in formulas."""
    letters = max(int(inches * 72 / (0.56 * points)), 8)
    kept = _FORMULA.sub(lambda formula: formula[0].replace(" ", "\N{NO-BREAK SPACE}"), text)
    lines = (textwrap.wrap(line, letters, break_on_hyphens=False) or [""] for line in kept.split("\n"))
    return "\n".join(part for line in lines for part in line).replace("\N{NO-BREAK SPACE}", " ")
