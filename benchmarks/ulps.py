"""How far the elementwise ops are from the exact results, in units of the last place.

Each op is computed at several hundred points of the whole range of float32 and float64: both signs of every
few powers of two down to the smallest number there is, the neighbours of 1 and -1, and densely where
functions turn. The result, its gradient and the gradient's gradient are compared with `exact`. The worst of
each is written into tinygrad_edu/ulps.json, where the reference pages read it. A gradient is not judged where
the order below overflows, or is subnormal and has few digits; nor is anything at 0, which is left to the
edges of a declaration.

    python -m benchmarks.ulps [OP ...]      measure all, or those named, and write them into the file
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_edu as te
from benchmarks import exact
from benchmarks.exact import mp
from tinygrad_edu.engine.op import REGISTRY

FILE = Path(__file__).resolve().parents[1] / "tinygrad_edu" / "ulps.json"
DTYPES = ("float32", "float64")
ORDERS = ("forward", "gradient", "second")
GOLDEN = 0.6180339887498949

Array = np.ndarray[Any, Any]
Worst = tuple[float, tuple[float, ...]]


def _spread(dtype: str, low: int, high: int, step: int) -> Iterator[float]:
    """Numbers of both signs, one every `step` powers of two, with digits that never repeat."""
    digits = np.finfo(dtype).nmant
    for k, exponent in enumerate(range(low, high, step)):
        mantissa = 1.0 + math.floor(k * GOLDEN % 1.0 * 2.0**digits) / 2.0**digits
        yield from (math.ldexp(mantissa, exponent), -math.ldexp(mantissa, exponent))


def line(dtype: str) -> Array:
    """The points of an op of one input."""
    info = np.finfo(dtype)
    emin = info.minexp - info.nmant
    whole = _spread(dtype, emin, info.maxexp, max(1, (info.maxexp - emin) // 90))
    turns = (sign * k * (1 + GOLDEN) / 16 for k in range(1, 110) for sign in (1, -1))
    wide = (sign * k * (1 + GOLDEN) * 4 for k in range(2, 130) for sign in (1, -1))
    ones = (sign + side * 2.0**-k for k in range(1, info.nmant + 2) for sign in (1, -1) for side in (1, -1))
    found = np.array([*whole, *turns, *wide, *ones, float(info.max), float(info.min)]).astype(dtype)
    return np.unique(found[np.isfinite(found) & (found != 0)])


def plane(dtype: str) -> tuple[Array, Array]:
    """The points of an op of two inputs: all pairs of some numbers, of which none is subnormal."""
    info = np.finfo(dtype)
    whole = _spread(dtype, info.minexp, info.maxexp, (info.maxexp - info.minexp) // 8)
    some = (0.3, -0.7, 1.0, 1.1, -1.9, 2.5, -3.0, 17.3, 1e3, 1e-3, 0.5, 2.0)
    found = np.unique(np.array([*whole, *some, float(info.max)]).astype(dtype))
    x, y = np.meshgrid(found, found)
    return x.reshape(-1).copy(), y.reshape(-1).copy()


def computed(name: str, points: Sequence[Array]) -> tuple[Array, list[list[Array]]]:
    """The op's result; for each input its gradient, and of an op of one input that one's own."""
    op, xs = REGISTRY[name], [te.tensor(p) for p in points]
    with np.errstate(all="ignore"):
        out = op(*xs).numpy()
        slopes: list[list[Array]] = []
        for i in range(len(xs)):
            first = te.grad(lambda *x: op(*x).sum(), argnums=i)
            found = [first(*xs).numpy()]
            if len(xs) == 1:
                found.append(te.grad(lambda x, first=first: first(x).sum())(*xs).numpy())
            slopes.append(found)
    return out, slopes


def error(got: float, wanted: Any, info: Any) -> float:
    """|got - wanted| in units of the last place of `wanted`; infinity counts as the power of two past the
    largest number."""
    if got != got:
        return math.inf
    if abs(wanted) >= info.max and math.isinf(got) and (got > 0) == (wanted > 0):
        return 0.0
    place = max(mp.frexp(wanted)[1] - 1 if wanted else info.minexp, info.minexp) - info.nmant
    here = mp.ldexp(1, info.maxexp) * (1 if got > 0 else -1) if math.isinf(got) else mp.mpf(got)
    return float(abs(here - wanted) / mp.ldexp(1, min(place, info.maxexp - info.nmant)))


def measure(name: str, dtype: str, *, every: int = 1) -> dict[str, Worst]:
    """{order: (the worst error, where)} of an op, at every so many of its points."""
    info, formula = np.finfo(dtype), exact.formula(name)
    points = [p[::every] for p in ([line(dtype)] if len(REGISTRY[name].inputs) == 1 else plane(dtype))]
    out, slopes = computed(name, points)
    worst: dict[str, Worst] = {}

    def judge(order: str, got: Any, wanted: Any, at: tuple[float, ...]) -> None:
        found = error(float(got), wanted, info)
        if found > worst.get(order, (-1.0,))[0]:
            worst[order] = found, at

    for k, given in enumerate(zip(*(p.tolist() for p in points), strict=True)):
        with mp.workprec(exact.digits(dtype, given)):
            at = [mp.mpf(v) for v in given]
            wanted = formula(*at)
            if wanted is None:
                assert math.isnan(out[k]), f"{name}{given} is {out[k]} outside of its domain"
                continue
            judge("forward", out[k], wanted, given)
            for i, found in enumerate(slopes):
                below = wanted
                for order, got, slope in zip(ORDERS[1:], found, exact.derivatives(formula, at, i)):
                    if slope is None or not (below == 0 or info.smallest_normal <= abs(below) < info.max):
                        break
                    judge(order, got[k], slope, given)
                    below = slope
    return worst


def rounded(value: float) -> float:
    """Upwards to two digits; less than a thousandth is what the differences themselves are wrong by."""
    if not 1e-3 < value < math.inf:
        return 0.0 if value < 1 else value
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / unit - 1e-9) * unit:.2g}")


def main(names: Sequence[str]) -> int:
    """The command line."""
    every = exact.measurable()
    for name in names:
        if name not in every:
            sys.exit(
                f"{name} cannot be measured; {', '.join(every)} can. An elementwise op needs an oracle that "
                "has as many digits as are asked for, as oracle=lambda x: 1 / (1 + exact.exp(-x)) has"
            )
    found: dict[str, Any] = {}
    for name in names or every:
        found[name] = {}
        for dtype in DTYPES:
            worst = measure(name, dtype)
            said = (
                f"{order} {value:.3g} at {', '.join(f'{v:.6g}' for v in at)}"
                for order, (value, at) in worst.items()
            )
            print(f"{name:16} {dtype}", *said, sep="  ", flush=True)
            found[name][dtype] = {order: rounded(value) for order, (value, _) in worst.items()}
    if names and FILE.exists():
        found = {**json.loads(FILE.read_text(encoding="utf-8")), **found}
    lines = (f' "{name}": {json.dumps(found[name])}' for name in every if name in found)
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
