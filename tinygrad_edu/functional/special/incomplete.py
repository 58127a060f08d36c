"""The incomplete gamma functions: which part of the integral of the gamma function lies below or above x.

Sources: Abramowitz, Stegun, "Handbook of mathematical functions", 6.5.29 and 6.5.31; Gauss's quadrature.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.functional.creation import ones_like, tensor
from tinygrad_edu.functional.elementwise import (
    abs,
    equal,
    exp,
    greater,
    greater_equal,
    isfinite,
    isinf,
    less,
    log,
    log1p,
    logical_and,
    logical_or,
    minimum,
    neg,
    reciprocal,
    sqrt,
    where,
)
from tinygrad_edu.functional.movement import expand_dims
from tinygrad_edu.functional.reduction import sum
from tinygrad_edu.functional.special.gamma import gammaln, stirling
from tinygrad_edu.functional.special.logarithms import xlogy
from tinygrad_edu.functional.special.operands import pair

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["gammainc", "gammaincc"]

_TERMS = 250  # of the series and of the fraction: enough for a <= _LARGE
_LARGE = 100.0
_POINTS = 40  # of the quadrature
_DROP = 64.0  # what it leaves out is less than e^-36 of the integral


def gammainc(a: Any, x: Any) -> Tensor:
    """Which part of the gamma function's integral lies below x, elementwise, for a, x >= 0. Shapes broadcast.

    The integrand is t ** (a - 1) e ** -t. The result is NaN where an argument is negative or both are 0.
    """
    return _share("gammainc", a, x, 0)


def gammaincc(a: Any, x: Any) -> Tensor:
    """1 - gammainc(a, x), right in all digits where it is small; see `gammainc`."""
    return _share("gammaincc", a, x, 1)


def _share(name: str, a: Any, x: Any, which: int) -> Tensor:
    a, x = pair(name, a, x)
    bad = logical_or(logical_or(less(a, 0), less(x, 0)), logical_and(equal(a, 0), equal(x, 0)))
    bad = logical_or(bad, logical_and(isinf(a), isinf(x)))
    far = logical_or(logical_and(isinf(x), isfinite(a)), equal(a, 0))  # all of it lies below x
    none = logical_and(isinf(a), isfinite(x))  # all of it lies above x
    replaced = logical_or(bad, logical_or(far, none))
    found = _shares(where(replaced, 1.0, a), where(replaced, 1.0, x))[which]
    found = where(far, 1.0 - which, where(none, float(which), found))
    return where(bad, math.nan, found)


def _shares(a: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """(P, Q), both right in all digits: for large a and x by quadrature, else by a series or a fraction."""
    large = logical_and(greater(a, _LARGE), greater(x, a * 0.5))
    low, high = _by_sums(where(large, 1.0, a), where(large, 1.0, x))
    a, x = where(large, a, 2.0 * _LARGE), where(large, x, 2.0 * _LARGE)
    upper = greater_equal(x, a)
    part = _by_quadrature(a, x, upper)
    return (
        where(large, where(upper, 1.0 - part, part), low),
        where(large, where(upper, part, 1.0 - part), high),
    )


def _by_sums(a: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """(P, Q): a series where x < a + 1, else a continued fraction."""
    series_holds = less(x, a + 1.0)
    density = exp(xlogy(a, x) - x - gammaln(a + 1.0))
    y = where(series_holds, x, 0.5)
    total = term = ones_like(y * a)
    for k in range(1, _TERMS):
        term = term * y / (a + float(k))
        total = total + term
    low = density * total
    y = where(series_holds, a + 2.0, x)
    tail = y + float(2 * _TERMS + 1) - a
    for k in range(_TERMS, 0, -1):
        tail = y + float(2 * k - 1) - a - (float(k) * (float(k) - a)) / tail
    high = density * a / tail
    return where(series_holds, low, 1.0 - high), where(series_holds, 1.0 - low, high)


@functools.cache
def _points() -> tuple[Any, Any]:
    """Gauss's points in (0, 1), and their weights."""
    points, weights = np.polynomial.legendre.leggauss(_POINTS)
    return (points + 1.0) / 2.0, weights / 2.0


def _by_quadrature(a: Tensor, x: Tensor, upper: Tensor) -> Tensor:
    """The integral from x away from the maximum at a - 1, to where the integrand is e^-64 of that at x.

    All is relative to the maximum, so that large numbers do not cancel.
    """
    most = a - 1.0
    rate, bend = abs(x - most) / x, most / x / x
    width = 2.0 * _DROP / (rate + sqrt(rate * rate + bend * (2.0 * _DROP)))
    width = where(upper, width, neg(minimum(width, x)))
    points, weights = (tensor(v, dtype=x.dtype, device=x.device) for v in _points())
    t = expand_dims(x, -1) + expand_dims(width, -1) * points
    most = expand_dims(most, -1)
    away = (t - most) / most
    low = less(away, -0.5)
    logarithm = where(low, log(where(low, t / most, 1.0)), log1p(where(low, 0.0, away)))
    total = sum(exp(most * (logarithm - away)) * weights, -1)
    height = (a - 1.0) * log1p(neg(reciprocal(a))) - log(a) * 0.5 + 1.0 - stirling(a)
    return abs(width) * total * exp(height)
