"""Modified Bessel functions of the first kind, of the orders 0 and 1.

Source: Abramowitz, Stegun, "Handbook of mathematical functions", 9.6.10 and 9.7.1.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tinygrad_edu.functional.creation import ones_like
from tinygrad_edu.functional.elementwise import (
    abs,
    exp,
    greater_equal,
    isinf,
    less,
    neg,
    reciprocal,
    rsqrt,
    where,
)
from tinygrad_edu.functional.special.operands import floats

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["i0", "i0e", "i1", "i1e"]

_FAR = 20.0  # from here on the asymptotic series is right to all digits


def i0(x: Any) -> Tensor:
    """The modified Bessel function of order 0, elementwise."""
    return _unscaled(floats(x), 0)


def i0e(x: Any) -> Tensor:
    """e ** -|x| i0(x), elementwise, which does not overflow."""
    return _scaled(floats(x), 0)


def i1(x: Any) -> Tensor:
    """The modified Bessel function of order 1, elementwise."""
    return _unscaled(floats(x), 1)


def i1e(x: Any) -> Tensor:
    """e ** -|x| i1(x), elementwise, which does not overflow."""
    return _scaled(floats(x), 1)


def _unscaled(x: Tensor, order: int) -> Tensor:
    """Near 0 the series itself, so that no derivative meets the kink of |x|."""
    size = abs(x)
    far, infinite = greater_equal(size, _FAR), isinf(x)
    away = where(far, where(infinite, _FAR, x), _FAR)
    half = exp(abs(away) * 0.5)  # twice, since e^|x| may overflow where the product does not
    beyond = where(infinite, x if order else size, _asymptotic(away, order) * half * half)
    return where(far, beyond, _series(where(far, 0.0, x), order))


def _scaled(x: Tensor, order: int) -> Tensor:
    far = greater_equal(abs(x), _FAR)
    near = where(far, 0.0, x)
    series = _series(near, order) * exp(neg(abs(near)))
    return where(far, _asymptotic(where(far, x, _FAR), order), series)


def _series(x: Tensor, order: int) -> Tensor:
    """The function for |x| < 20."""
    quarter = x * x * 0.25
    total = term = ones_like(x)
    for k in range(1, 60):
        term = term * quarter * (1.0 / (k * (k + order)))
        total = total + term
    return total * x * 0.5 if order else total


def _asymptotic(x: Tensor, order: int) -> Tensor:
    """e^-|x| times the function, for |x| >= 20."""
    size = abs(x)
    inverse = reciprocal(size)
    total = term = ones_like(x)
    for k in range(1, 30):
        term = term * inverse * (((2 * k - 1) ** 2 - 4.0 * order**2) / (8.0 * k))
        total = total + term
    found = total * rsqrt(size * (2 * math.pi))
    return where(less(x, 0), neg(found), found) if order else found
