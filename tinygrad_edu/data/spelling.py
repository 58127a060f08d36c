"""How a cell spells a number: points and commas, thousands, and the words for a missing value.

There are two styles, named by their decimal sign: with ".", commas separate thousands; with ",", points do;
with both, blanks or apostrophes may, too. Only groups of exactly three digits are thousands. So
`1.5` and `2,5` prove what their file means, while `1,234` alone does not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

MISSING = frozenset({"", "na", "n/a", "nan", "null", "?", "#n/a", "<na>"})  # compared in lower case
INFINITE = frozenset({"inf", "infinity"})

_BLANKS = " \u00a0\u2009\u202f'\u2019"  # space, no-break, thin and narrow space, apostrophes
_MINUS = "\u2212"  # as spreadsheets of some languages write it
_DIGITS = r"(?:[1-9]\d{{0,2}}(?:([{marks}])\d{{3}})(?:\1\d{{3}})*|\d+)"
_STYLES = {
    decimal: re.compile(
        r"[+-]?" + _DIGITS.format(marks=group + _BLANKS) + rf"(?:{re.escape(decimal)}\d*)?(?:[eE][+-]?\d+)?",
        re.ASCII,
    )
    for decimal, group in ((".", ","), (",", "."))
}
_START = re.compile(r"\s*[+\-\u2212]?\.?\d")
_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def is_missing(word: str) -> bool:
    """Whether the cell says that there is no value."""
    return word.strip().lower() in MISSING


def plain(word: str, decimal: str = ".") -> str | None:
    """The number that `word` spells in that style, as `1234.5`; None if it spells none."""
    word = word.strip().replace(_MINUS, "-")
    if decimal == "." and _PLAIN.fullmatch(word):
        return word
    found = _STYLES[decimal].fullmatch(word)
    if found is None:
        return None
    digits = word.replace(found[1], "") if found[1] else word
    return digits.replace(decimal, ".")


def is_plain(word: str) -> bool:
    """Whether every program reads the cell as a number: digits, a point, an exponent."""
    return _PLAIN.fullmatch(word) is not None


def number(word: str, decimal: str = ".") -> float | None:
    """The finite number that `word` spells, or None; Python's `1_000` is not a number in a data file."""
    text = plain(word, decimal)
    value = math.nan if text is None else float(text)
    return value if math.isfinite(value) else None


def exact(word: str, decimal: str = ".") -> Decimal | None:
    """The same number without rounding, with all its digits."""
    text = plain(word, decimal)
    try:
        value = Decimal("NaN" if text is None else text)
    except InvalidOperation:  # raised for an exponent of twenty digits
        return None
    return value if value.is_finite() else None


def numberlike(word: str) -> bool:
    """Whether `word` is a number in one style or the other, or an infinity."""
    if not _START.match(word):
        return word.strip().lower().lstrip("+-") in INFINITE
    return any(plain(word, style) is not None for style in _STYLES)


def decimal_sign(cells: Iterable[str]) -> tuple[str, str]:
    """(sign, cell): the decimal sign that a cell proves, and that cell.

    ("", cell) if none proves it and `cell` has two meanings, ("", "") if every cell has one meaning.
    """
    doubtful = ""
    for cell in cells:
        if not ("," in cell or "." in cell):
            continue
        values = {style: number(cell, style) for style in _STYLES}
        known = [style for style, value in values.items() if value is not None]
        if len(known) == 1:
            return known[0], cell
        if len(known) == 2 and values["."] != values[","]:
            doubtful = doubtful or cell
    return "", doubtful
