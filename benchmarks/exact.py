"""What the ops compute, in thousands of binary digits by mpmath, and their derivatives by differences.

The formula of an op is its oracle (`tinygrad_edu/ops/oracle.py`): what a book has, with no thought of
cancellation, since there are digits enough to lose. It has no value outside of its domain. The step of the
differences is 2^-150 of x, so that a derivative has some 300 binary digits, whatever the formula; `digits` is
how many the numbers need for that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import mpmath
from mpmath import mp

from tinygrad_edu.engine.op import REGISTRY
from tinygrad_edu.ops.elementwise import Map
from tinygrad_edu.ops.oracle import number, oracle_of

BASE = {"float32": 800, "float64": 1800}  # steps, and results as small as the dtype has
# Piecewise constant, or a choice: nothing is rounded.
CHOICES = {"floor", "ceil", "round", "trunc", "sign", "step", "where", "maximum", "minimum", "clip",
           "floor_divide", "remainder", "cast"}  # fmt: skip
_FLAT = 60  # beyond it erf is +-1 and the bell 0 in every dtype; mpmath would take long to compute that
Number = Any
Formula = Callable[..., Number]


def _erf(x: Number) -> Number:
    return mpmath.erf(x) if abs(x) < _FLAT else mpmath.sign(x)


def _normal_cdf(x: Number) -> Number:
    return mpmath.ncdf(x) if abs(x) < _FLAT else mp.mpf(int(x > 0))


# Instead of the oracle, where that takes too long.
FASTER: dict[str, Formula] = {"erf": _erf, "normal_cdf": _normal_cdf, "gelu": lambda x: x * _normal_cdf(x)}


def measurable() -> list[str]:
    """The ops that can be measured: those of one or two inputs that round, if their oracle has the digits."""
    ops = (op for op in REGISTRY.values() if isinstance(op, Map) and op.differentiable)
    return [
        op.name
        for op in ops
        if op.name not in CHOICES and len(op.inputs) < 3 and {*op.params} == {*op.defaults} and has_digits(op)
    ]


def has_digits(op: Map) -> bool:
    """Whether the op's oracle computes in as many digits as its input has."""
    oracle = oracle_of(op)
    return oracle.exact and not isinstance(number(oracle, [0.75] * len(op.inputs), op.defaults), float)


def formula(name: str) -> Formula:
    """The exact function of an op, its parameters at their defaults; None comes where it has no value."""
    op, oracle = REGISTRY[name], oracle_of(REGISTRY[name])
    return FASTER.get(name) or (lambda *xs: number(oracle, xs, op.defaults, mp.prec))


def digits(dtype: str, at: Sequence[float]) -> int:
    """The binary digits to compute with at a point: a second difference divides by the square of the step."""
    return BASE[dtype] + 3 * max(abs(math.frexp(x)[1]) for x in at)


def derivatives(formula: Formula, at: Sequence[Number], i: int) -> tuple[Number | None, Number | None]:
    """The first and second derivative by input `i`; None where the formula has no value beside the point."""
    step = min(abs(at[i]), mp.one) * mp.mpf(2) ** -150 / max(mp.one, *map(abs, at))
    left, middle, right = (formula(*at[:i], at[i] + step * k, *at[i + 1 :]) for k in (-1, 0, 1))
    if left is None or right is None:
        return None, None
    return (right - left) / (2 * step), (right - 2 * middle + left) / (step * step)
