"""Quotients and products that have a limit where one of their factors has none.

Source: Abramowitz, Stegun, "Handbook of mathematical functions", 4.3.65 and 10.1.11.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tinygrad_edu.functional.creation import zeros_like
from tinygrad_edu.functional.elementwise import (
    abs,
    equal,
    greater,
    isinf,
    isnan,
    less,
    less_equal,
    log,
    log1p,
    logical_and,
    logical_or,
    neg,
    sin,
    where,
)
from tinygrad_edu.functional.special.operands import floats, pair

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["entr", "sinc", "spherical_bessel_j0", "xlog1py", "xlogy"]


def xlogy(x: Any, y: Any) -> Tensor:
    """x ln y, elementwise, and 0 where x = 0, unless y is NaN. Shapes broadcast."""
    x, y = pair("xlogy", x, y)
    limit = logical_and(equal(x, 0), logical_or(less_equal(y, 0), equal(y, math.inf)))
    return x * log(where(limit, 1.0, y))


def xlog1py(x: Any, y: Any) -> Tensor:
    """x ln(1 + y), elementwise, and 0 where x = 0, unless y is NaN. Shapes broadcast."""
    x, y = pair("xlog1py", x, y)
    limit = logical_and(equal(x, 0), logical_or(less_equal(y, -1.0), equal(y, math.inf)))
    return x * log1p(where(limit, 0.0, y))


def entr(x: Any) -> Tensor:
    """-x ln x, elementwise: 0 at 0, and -infinity for x < 0.

    The sum over probabilities is their entropy.
    """
    x = floats(x)
    inside = greater(x, 0.0)
    positive = where(inside, x, 1.0)
    outside = where(isnan(x), x, where(equal(x, 0.0), zeros_like(x), -math.inf))
    return where(inside, neg(positive * log(positive)), outside)


def sinc(x: Any) -> Tensor:
    """sin(pi x) / (pi x), elementwise: 1 at 0."""
    return _sine_over(floats(x) * math.pi)


def spherical_bessel_j0(x: Any) -> Tensor:
    """sin(x) / x, the spherical Bessel function of order 0, elementwise: 1 at 0, and 0 at infinity."""
    x = floats(x)
    infinite = isinf(x)
    return where(infinite, 0.0, _sine_over(where(infinite, 1.0, x)))


def _sine_over(x: Tensor) -> Tensor:
    """sin(x) / x; near 0 by its series, which has all derivatives there, too."""
    near = less(abs(x), 0.5)
    small, large = where(near, x, 0.0), where(near, 1.0, x)
    square: Any = small * small
    series: Any = 1.0
    for k in range(9, 0, -1):
        series = 1.0 - series * square / (2.0 * k * (2.0 * k + 1.0))
    return where(near, series, sin(large) / large)
