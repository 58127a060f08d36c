"""The gamma function's logarithm and its derivatives, and Hurwitz's zeta function.

Sources: Abramowitz, Stegun, "Handbook of mathematical functions", 6.1 to 6.4 and 23.2; Euler's and
Maclaurin's formula for sums.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tinygrad_edu.functional.elementwise import (
    abs,
    equal,
    floor,
    isinf,
    less,
    less_equal,
    log,
    logical_and,
    logical_not,
    logical_or,
    neg,
    pow,
    reciprocal,
    round,
    sin,
    tan,
    where,
)
from tinygrad_edu.functional.special.operands import floats, pair
from tinygrad_edu.scalars import integer

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["digamma", "gammaln", "multigammaln", "polygamma", "psi", "zeta"]

_SHIFT = 8  # from here on the series in 1 / x are right to all digits
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)
_MOST = 170  # the factorial of a larger number is no float


def gammaln(x: Any) -> Tensor:
    """ln of the size of the gamma function, elementwise: infinite at 0, -1, -2, and so on.

    Its derivative is `digamma`. The absolute error is that of rounding. Near the zeros at
    1 and 2 fewer digits are right.
    """
    x = floats(x)
    infinite = isinf(x)
    return where(infinite, abs(x), _gammaln(where(infinite, 1.0, x)))


def _gammaln(x: Tensor) -> Tensor:
    """Stirling's series, after steps to where it holds, and a reflection below 1/2."""
    below = less(x, 0.5)
    y = where(below, 1.0 - x, x)
    small = less(y, _SHIFT)
    start = where(small, y, 1.0)
    steps = start
    for k in range(1, _SHIFT):
        steps = steps * (start + float(k))
    z = where(small, y + float(_SHIFT), y)
    above = (z - 0.5) * (log(z) - 1.0) + stirling(z) - 0.5 - where(small, log(steps), 0.0)
    sine = abs(sin(_fraction(where(below, x, 0.5)) * math.pi))
    return where(below, math.log(math.pi) - log(sine) - above, above)


def stirling(z: Tensor) -> Tensor:
    """gammaln(z) - (z - 1/2) ln z + z for z >= 8, by the series in 1 / z."""
    inverse = reciprocal(z)
    square, power = inverse * inverse, inverse
    total: Any = 0.5 * math.log(2 * math.pi)
    for k, number in enumerate(_BERNOULLI, 1):
        total = total + power * (number / (2 * k * (2 * k - 1)))
        power = power * square
    found: Tensor = total
    return found


def _fraction(x: Tensor) -> Tensor:
    """x less the nearest integer."""
    return x - round(x).detach()


def digamma(x: Any) -> Tensor:
    """The derivative of `gammaln`, elementwise.

    It is NaN at -1, -2, ..., and infinite at 0, with the sign of -1 / x.
    """
    x = floats(x)
    below = less(x, 0.5)
    y = where(below, 1.0 - x, x)
    small = less(y, _SHIFT)
    start = where(small, y, 1.0)
    steps = reciprocal(start)
    for k in range(1, _SHIFT):
        steps = steps + reciprocal(start + float(k))
    z = where(small, y + float(_SHIFT), y)
    inverse = reciprocal(z)
    square, series = inverse * inverse, log(z) - 0.5 * inverse
    power = square
    for k, number in enumerate(_BERNOULLI, 1):
        series = series - power * (number / (2 * k))
        power = power * square
    above = series - where(small, steps, 0.0)
    pole = logical_and(less_equal(x, 0), equal(x, floor(x)))
    angle = _fraction(where(logical_and(below, logical_not(pole)), x, 0.25)) * math.pi
    found = where(below, above - reciprocal(tan(angle)) * math.pi, above)
    found = where(pole, math.nan, found)
    zero = equal(x, 0)
    return where(zero, neg(reciprocal(where(zero, x, 1.0))), found)


def psi(x: Any) -> Tensor:
    """The derivative of `gammaln`: another name of `digamma`."""
    return digamma(x)


def polygamma(n: int, x: Any) -> Tensor:
    """The n-th derivative of `digamma` at x, elementwise.

    Raises ValueError if the integer n is negative.
    """
    n, x = integer(n, "polygamma: n", 0), floats(x)
    if not n:
        return digamma(x)
    size = float(math.factorial(n)) if n <= _MOST else math.inf
    return zeta(float(n + 1), x) * (size if n % 2 else -size)


def multigammaln(a: Any, d: int) -> Tensor:
    """ln of the gamma function in d dimensions, elementwise; a is above (d - 1) / 2.

    Raises ValueError if the integer d is below 1.
    """
    a, d = floats(a), integer(d, "multigammaln: d", 1)
    total: Any = d * (d - 1) / 4 * math.log(math.pi)
    for k in range(d):
        total = total + gammaln(a - k / 2)
    found: Tensor = total
    return found


def zeta(x: Any, q: Any = 1.0) -> Tensor:
    """Hurwitz's zeta function, elementwise: the sum of (k + q) ** -x over k = 0, 1, 2, and so on.

    It is Riemann's for q = 1. Shapes broadcast. The sum is infinite for x = 1 and for q = 0, -1, -2, and so
    on, and NaN for x < 1, and for q < 0 unless x is an integer.
    """
    x, q = pair("zeta", x, q)
    negative, whole = less(q, 0), equal(x, floor(x))
    pole = logical_and(less_equal(q, 0), equal(q, floor(q)))
    undefined = logical_or(
        less(x, 1), logical_and(logical_and(negative, logical_not(pole)), logical_not(whole))
    )
    order = where(less_equal(x, 1), 2.0, x)
    regular = where(logical_or(pole, logical_or(undefined, equal(x, 1))), 1.5, q)
    negative = less(regular, 0)
    # Below 0 the first terms are negative numbers to the power; by their size they are a difference of sums.
    size = where(negative, neg(regular), 0.5)
    rest = size - floor(size).detach()
    found = _hurwitz(order, where(negative, 1.0 - rest, regular))
    first = _hurwitz(order, rest) - _hurwitz(order, size + 1.0)
    even = equal(order * 0.5, floor(order * 0.5))
    found = found + where(negative, where(even, first, neg(first)), 0.0)
    found = where(logical_or(pole, equal(x, 1)), math.inf, found)
    return where(undefined, math.nan, found)


def _hurwitz(order: Tensor, q: Tensor) -> Tensor:
    """The sum for q > 0: ten terms, and Euler's and Maclaurin's formula for the others."""
    total: Any = 0.0
    for k in range(10):
        total = total + pow(q + float(k), neg(order))
    z = q + 10.0
    power = pow(z, neg(order))
    total = total + pow(z, 1.0 - order) / (order - 1.0) + power * 0.5
    inverse = reciprocal(z)
    factor, power, square = order, power * inverse, inverse * inverse
    for k, number in enumerate(_BERNOULLI, 1):
        total = total + factor * power * (number / math.factorial(2 * k))
        factor = factor * (order + (2.0 * k - 1.0)) * (order + 2.0 * k)
        power = power * square
    found: Tensor = total
    return found
