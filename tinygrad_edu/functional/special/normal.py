"""The normal distribution's functions, right in all digits far out in its tails, too, and their inverses.

Sources: Abramowitz, Stegun, "Handbook of mathematical functions", 7.1.14 and 26.2; Winitzki, "A handy
approximation for the error function and its inverse", 2008; Halley's method.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tinygrad_edu.functional.creation import zeros_like
from tinygrad_edu.functional.elementwise import (
    abs,
    equal,
    erf,
    exp,
    greater,
    less,
    log,
    log1p,
    logical_and,
    logical_not,
    minimum,
    neg,
    reciprocal,
    sqrt,
    where,
)
from tinygrad_edu.functional.special.operands import floats
from tinygrad_edu.ops.activation import normal_cdf

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["erfc", "erfcx", "erfinv", "log_ndtr", "ndtr", "ndtri"]

_ROOT2, _ROOT_PI = math.sqrt(2.0), math.sqrt(math.pi)
_FAR = 2.0  # from here on the continued fraction is right to all digits


def erfc(x: Any) -> Tensor:
    """1 - erf(x), elementwise, right in all digits where it is small, too."""
    x = floats(x)
    far = greater(x, _FAR)
    z = where(far, x, 3.0)
    return where(far, exp(-z * z) * _scaled_tail(z), normal_cdf(where(far, 0.0, x) * -_ROOT2) * 2.0)


def erfcx(x: Any) -> Tensor:
    """e ** (x ** 2) erfc(x), elementwise: neither factor is computed where x is large."""
    x = floats(x)
    far = greater(x, _FAR)
    near = where(far, 0.0, x)
    return where(far, _scaled_tail(where(far, x, 3.0)), exp(near * near) * normal_cdf(near * -_ROOT2) * 2.0)


def _scaled_tail(z: Tensor) -> Tensor:
    """e^(z^2) erfc(z) for z >= 2, by a continued fraction."""
    tail = z
    for k in range(60, 0, -1):
        tail = z + (k / 2) / tail
    return reciprocal(tail * _ROOT_PI)


def ndtr(x: Any) -> Tensor:
    """The probability that a standard normal number is below x, elementwise."""
    found: Tensor = normal_cdf(floats(x))
    return found


def log_ndtr(x: Any) -> Tensor:
    """ln of `ndtr`, elementwise, right in all digits where `ndtr` is 0 as a float, too."""
    x = floats(x)
    left = less(x, -1.0)
    far, near = where(left, x, -2.0), where(left, 0.0, x)
    return where(left, _log_tail(far, erfcx(far * (-1.0 / _ROOT2))), log1p(neg(normal_cdf(neg(near)))))


def _log_tail(y: Tensor, scaled: Tensor) -> Tensor:
    return log(scaled * 0.5) - y * y * 0.5


def erfinv(x: Any) -> Tensor:
    """The inverse of `te.erf`, elementwise: infinite at -1 and 1, NaN beyond them."""
    x = floats(x)
    size = abs(x)
    near = less(size, 0.5)
    far = logical_and(less(size, 1.0), logical_not(near))
    tail = _lower_tail(where(far, (1.0 - size) * 0.5, 0.25)) * (1.0 / _ROOT2)
    found = where(far, where(less(x, 0.0), tail, neg(tail)), _ends(x, -1.0))
    return where(near, _erfinv_near_0(where(near, x, 0.0)), found)


def ndtri(p: Any) -> Tensor:
    """The inverse of `ndtr`, elementwise: infinite at 0 and 1, NaN beyond them."""
    p = floats(p)
    least = minimum(p, 1.0 - p)
    near = greater(least, 0.25)
    far = logical_and(greater(least, 0.0), logical_not(near))
    tail = _lower_tail(where(far, least, 0.25))
    found = where(far, where(less(p, 0.5), tail, neg(tail)), _ends(p, 0.0))
    return where(near, _erfinv_near_0(where(near, p * 2.0 - 1.0, 0.0)) * _ROOT2, found)


def _ends(x: Tensor, low: float) -> Tensor:
    """-infinity at `low`, infinity at 1, NaN elsewhere."""
    return where(equal(x, low), -math.inf, where(equal(x, 1.0), math.inf, zeros_like(x) + math.nan))


def _erfinv_near_0(z: Tensor) -> Tensor:
    """erfinv for |z| <= 1/2: a series, and three of Halley's steps."""
    y = z * (_ROOT_PI / 2) * (1.0 + z * z * (math.pi / 12))
    for _ in range(3):
        u = (erf(y) - z) * exp(y * y) * (_ROOT_PI / 2)
        y = y - u / (1.0 + y * u)
    return y


def _lower_tail(p: Tensor) -> Tensor:
    """ndtri for 0 < p <= 1/4: a formula of logarithms, and three of Halley's steps for ln p."""
    goal = log(p)
    half = (goal + log1p(neg(p)) + math.log(4.0)) * 0.5
    middle = half + 2.0 / (math.pi * 0.147)
    y = sqrt(sqrt(middle * middle - half * (2.0 / 0.147)) - middle) * -_ROOT2
    for _ in range(3):
        scaled = erfcx(y * (-1.0 / _ROOT2))
        ratio = scaled * (_ROOT_PI / _ROOT2)  # of ndtr to its derivative
        u = (_log_tail(y, scaled) - goal) * ratio
        y = y - u / (1.0 + u * (y + reciprocal(ratio)) * 0.5)
    return y
