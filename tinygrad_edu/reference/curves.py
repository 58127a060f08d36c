"""Pictures of elementwise ops: the function of the first input, and the derivative from the gradient rule.

The values are computed by the op itself. The SVG has coordinates of a tenth of a pixel, so every machine
writes the same text. The function is blue and solid, its derivative orange and dashed: colours of Okabe and
Ito, with others for a dark page.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.engine.op import Op
from tinygrad_edu.ops.elementwise import Map

FOLDER = "curves"
WIDTH, HEIGHT = 420, 260
# fmt: off
LEFT, RIGHT, TOP, BOTTOM = 34, 12, 30, 24       # margins around the axes, pixels
SPAN, TALLEST = 4.0, 4.0                        # the range: x in [-SPAN, SPAN], |y| <= TALLEST
STEPS = 240                                     # points to find the finite range; one more to draw, off kinks
OTHERS = {"pow": 1.5, "mul": 2.0, "div": 2.0}   # the second input of ops for which 1 would show little
# fmt: on
PARAMETERS = {"clip": {"low": -1.0, "high": 1.0}, "leaky_relu": {"slope": 0.1}}  # the defaults, but for these
LIGHT = {"page": "#ffffff", "grid": "#e3e6ea", "axis": "#8b929c", "text": "#20242a", "value": "#0072b2",
         "slope": "#d55e00"}  # fmt: skip
DARK = {"page": "#15181d", "grid": "#2a2f37", "axis": "#7b8490", "text": "#e4e8ed", "value": "#56b4e9",
        "slope": "#e69f00"}  # fmt: skip

Points = list[tuple[float, float]]


def can_draw(op: Op) -> bool:
    """Whether the op is an elementwise function of numbers whose graph is useful."""
    given = {*op.params} <= {*op.defaults, *PARAMETERS.get(op.name, {})}
    return isinstance(op, Map) and op.differentiable and given and len(op.inputs) <= 2


def path(op: Op) -> str:
    """The path of the picture, relative to the folder of the pages."""
    return f"{FOLDER}/{op.name}.svg"


def shown(op: Op) -> str:
    """The Markdown of the picture, with its alternative text; "" for an op that is not drawn."""
    return f"![{alt(op)}]({path(op)})" if can_draw(op) else ""


def alt(op: Op) -> str:
    """The alternative text: a description of the picture in words."""
    x, y, slope = sample(op)
    return (
        f"{_label(op)} for x from {x[0]:.3g} to {x[-1]:.3g} {_course(y)}; its slope, dashed, {_course(slope)}"
    )


def sample(op: Op) -> tuple[Any, Any, Any]:
    """(x, function, derivative) as float64 arrays, from the first to the last finite number."""
    x = np.linspace(-SPAN, SPAN, STEPS + 1)
    there = x[np.isfinite(_compute(op, x)[0])]
    x = np.linspace(there[0], there[-1], STEPS + 2)
    return x, *_compute(op, x)


def _compute(op: Op, x: Any) -> tuple[Any, Any]:
    given = te.tensor(x, dtype="float64", requires_grad=True)
    others = [np.full_like(x, _second_input(op))] * (len(op.inputs) - 1)
    with np.errstate(all="ignore"):
        out = op(given, *others, **PARAMETERS.get(op.name, {}))
        te.sum(out).backward()
    assert given.grad is not None
    return out.detach().numpy(), given.grad.numpy()


def _second_input(op: Op) -> float:
    return OTHERS.get(op.name, 1.0)


def _course(y: Any) -> str:
    """A description of a line: its first and last value, and its extremes."""
    known = y[np.isfinite(y)]
    first, last, low, high = (_in_words(v) for v in (known[0], known[-1], known.min(), known.max()))
    steps = np.diff(known)
    if low == high:
        return f"is {low} everywhere"
    if (steps >= 0).all() or (steps <= 0).all():
        return f"{'rises' if known[-1] > known[0] else 'falls'} from {first} to {last}"
    ends = f"{first} at both ends" if first == last else f"from {first} at the left to {last} at the right"
    return f"lies between {low} and {high}, {ends}"


def _in_words(value: float) -> str:
    if abs(value) > TALLEST:
        return f"{'above' if value > 0 else 'below'} {math.copysign(TALLEST, value):g}"
    return f"{0.0 if abs(value) < 5e-3 else value:.2g}"


def _label(op: Op) -> str:
    given = [op.inputs[0], *(f"{_second_input(op):g}" for _ in op.inputs[1:])]
    given += [f"{name}={value:g}" for name, value in PARAMETERS.get(op.name, {}).items()]
    return f"{op.name}({', '.join(given)})"


# -- drawing ------------------------------------------------------------------------------------------------


def draw(op: Op) -> str:
    """The picture as SVG."""
    x, y, slope = sample(op)
    lines = (("value", y), ("slope", slope))
    inside = np.concatenate([v[np.isfinite(v) & (np.abs(v) <= TALLEST)] for _, v in lines])
    low, high = float(np.floor(min(inside.min(), 0.0))), float(np.ceil(max(inside.max(), 1.0)))

    def across(value: float) -> float:
        return LEFT + (value - x[0]) / (x[-1] - x[0]) * (WIDTH - LEFT - RIGHT)

    def down(value: float) -> float:
        return TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM)

    parts = [f'<rect class="page" width="{WIDTH}" height="{HEIGHT}" rx="8"/>']
    for tick in _ticks(low, high):
        parts += [
            _line(LEFT, down(tick), WIDTH - RIGHT, down(tick), "axis" if tick == 0 else "grid"),
            _text(LEFT - 6, down(tick) + 4, f"{tick:g}", "end"),
        ]
    for tick in _ticks(float(x[0]), float(x[-1])):
        parts += [
            _line(across(tick), TOP, across(tick), HEIGHT - BOTTOM, "axis" if tick == 0 else "grid"),
            _text(across(tick), HEIGHT - 7, f"{tick:g}", "middle"),
        ]
    for kind, values in lines:
        dash = ' stroke-dasharray="7 4"' if kind == "slope" else ""
        drawn = "".join(
            "M" + "L".join(f"{across(a):.1f} {down(b):.1f}" for a, b in run)
            for run in _segments(x, values, low, high)
        )
        parts.append(f'<path class="{kind}-line" d="{drawn}" fill="none" stroke-width="2.2"{dash}/>')
    parts += _legend(_label(op))
    return _svg_document(parts, alt(op))


def _segments(x: Any, y: Any, low: float, high: float) -> Iterator[Points]:
    """The parts of a line without a break: finite numbers inside the axes, and no jump."""
    run: Points = []
    margin = 0.02 * (high - low)
    for i, (a, b) in enumerate(zip(x.tolist(), y.tolist())):
        fits = np.isfinite(b) and low - margin <= b <= high + margin
        if run and (not fits or _jumps(y, i)):
            yield run
            run = []
        if fits:
            run.append((a, b))
    if run:
        yield run


def _jumps(y: Any, i: int) -> bool:
    """Whether the line jumps before point i: by much more than it changes on both sides."""
    moved = abs(y[i] - y[i - 1])
    around = [abs(y[j] - y[j - 1]) for j in (i - 1, i + 1) if 1 <= j < len(y)]
    return bool(moved > 0.2 and moved > 4 * max(around))


def _ticks(low: float, high: float) -> Sequence[float]:
    step = 1.0 if high - low > 2.5 else 0.5
    return [k * step for k in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<path class="{kind}-line" d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"/>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _legend(label: str) -> Iterator[str]:
    yield f'<path class="value-line" d="M{LEFT} 16h26" stroke-width="2.2"/>'
    yield _text(LEFT + 32, 20, label, "start")
    at = WIDTH - RIGHT - 118
    yield f'<path class="slope-line" d="M{at} 16h26" stroke-width="2.2" stroke-dasharray="7 4"/>'
    yield _text(at + 32, 20, "slope by x", "start")


def _svg_document(parts: Sequence[str], label: str) -> str:
    def rules(colours: dict[str, str]) -> str:
        return "".join(
            [
                f".page{{fill:{colours['page']}}}text{{fill:{colours['text']}}}",
                *(f".{kind}-line{{stroke:{colours[kind]}}}" for kind in ("grid", "axis", "value", "slope")),
            ]
        )

    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}" font-size="12" '
        "font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\">\n"
        f"<style>{rules(LIGHT)}@media (prefers-color-scheme:dark){{{rules(DARK)}}}</style>\n"
        + "\n".join(parts)
        + "\n</svg>\n"
    )
