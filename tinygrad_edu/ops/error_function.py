"""The error function and the bell curve on NumPy arrays, accurate to the last digits near 0 and in the tails.

Two quotients of polynomials approximate erfc: W. J. Cody, "Rational Chebyshev approximations for the error
function", Mathematics of Computation 23 (1969) 631-637, with the coefficients of his program CALERF (1990),
highest power first; their relative error is below 1e-18. They are multiplied by e^(-x^2). If x^2 were
rounded first, its relative error would be x^2 units in the last place, so x^2 is computed in two parts. Near
0 Cody's third quotient has an error of 3 units in the last place, because two long sums are divided; a
polynomial added to x has an error of 1.

Complex numbers use the formula for their real part, which is enough for the complex step. Of float32 the
functions but the bell are those of `error_function_float32`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.ops import error_function_float32 as float32

BLOCK = 8192  # float64 at a time, twice as many float32: all temporaries of a block stay in the cache
NEAR, FAR = 0.46875, 4.0  # where Cody's quotients meet
LARGEST = 64.0  # e^(-x^2) is 0 far below it; a limit, so that no difference has infinities
ONE_OVER_ROOT_PI = 0.56418958354775628695
ROOT_HALF = 0.70710678118654752440

Array = Any
Coefficients = tuple[float, ...]
Function = Callable[[Array], Array]

# erf(x) / x - 1 in powers of x^2, for |x| <= 1, within 8e-18: the Chebyshev interpolant of degree 11 that
# mpmath.chebyfit gives with 60 digits.
_ERF = (-7.7958988270021422416e-10, 1.3720064546777685604e-8, -1.6208483801871705902e-7,
        1.644742470331736241e-6, -1.4924736907419660338e-5, 1.2055294904839707917e-4,
        -8.5483259753896920806e-4, 5.2239776071164227321e-3, -2.686617064323777036e-2,
        1.1283791670945006266e-1, -3.7612638903183540438e-1, 1.2837916709551256654e-1)  # fmt: skip
# erfc(x) e^(x^2) in powers of x, for NEAR <= x <= FAR.
# fmt: off
_MIDDLE = ((2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1,
            2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
            1.23033935479799725e3),
           (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
            3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3))
# (1 / sqrt(pi) - x erfc(x) e^(x^2)) x^2 in powers of 1 / x^2, for x >= FAR.
_TAIL = ((1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
          1.60837851487422766e-2, 6.58749161529837803e-4),
         (1.0, 2.56852019228982242e0, 1.87295284992346725e0, 5.27905102951428412e-1, 6.05183413124413191e-2,
          2.33520497626869185e-3))
# fmt: on


def erf(x: Array) -> Array:
    """The error function."""
    return _by_blocks(_erf, x, float32.erf)


def normal_cdf(x: Array) -> Array:
    """The standard normal's distribution function, erfc(-x / sqrt 2) / 2."""
    return _by_blocks(lambda part: _normal_cdf(part, np.ones_like(part)), x, float32.normal_cdf)


def gelu(x: Array) -> Array:
    """x times the standard normal's distribution function."""
    return _by_blocks(lambda part: _normal_cdf(part, part), x, float32.gelu)


def bell(x: Array, *, scale: float = 1.0) -> Array:
    """e^(-scale x^2), as accurate for every scale that is a power of two."""
    return _by_blocks(lambda part: _bell(_size(part), scale), x)


def _by_blocks(function: Function, x: Array, of_float32: Function | None = None) -> Array:
    """`function` of all elements, a block at a time; of float32 it is `of_float32`, if there is one."""
    x, step = np.asarray(x), BLOCK
    if x.dtype.kind not in "fc":
        x = x.astype(np.float64)
    if x.dtype == np.float32:
        function, step = of_float32 or function, 2 * BLOCK
    if x.size <= step:
        return function(x.reshape(-1)).reshape(x.shape)
    flat, out = np.ascontiguousarray(x).reshape(-1), np.empty(x.size, x.dtype)
    for first in range(0, x.size, step):
        out[first : first + step] = function(flat[first : first + step])
    return out.reshape(x.shape)


def _size(x: Array) -> Array:
    """|x|; for complex numbers x or -x, the one whose real part is not negative."""
    return np.where(x.real < 0, -x, x) if x.dtype.kind == "c" else np.abs(x)


def _quotient(x: Array, coefficients: tuple[Coefficients, Coefficients]) -> Array:
    above, below = (_polynomial(x, part) for part in coefficients)
    above /= below
    return above


def _polynomial(x: Array, coefficients: Coefficients) -> Array:
    """Horner's rule, computed in one array."""
    total = x * coefficients[0] if coefficients[0] != 1.0 else x.copy()
    for c in coefficients[1:-1]:
        total += c
        total *= x
    total += coefficients[-1]
    return total


def _bell(size: Array, scale: float) -> Array:
    """e^(-scale x^2) for x >= 0. s is x in sixteenths: s^2 is exact, x^2 - s^2 = (x - s)(x + s) small."""
    size = np.minimum(size, LARGEST * scale**-0.5)
    coarse = np.rint(size.real * 16.0)
    coarse *= 0.0625
    rest = (size - coarse) * (size + coarse)
    rest *= -scale
    coarse *= coarse
    coarse *= -scale
    out = np.exp(rest, out=rest)
    out *= np.exp(coarse, out=coarse)
    return out


def _erf(x: Array) -> Array:
    size = _size(x)
    near = size.real <= 1.0
    inside = int(np.count_nonzero(near))
    if inside == x.size:
        return _erf_near(x)
    if inside == 0:
        return _erf_outside(x, size)
    out = np.empty_like(x)
    out[near] = _erf_near(x[near])
    np.logical_not(near, out=near)
    out[near] = _erf_outside(x[near], size[near])
    return out


def _erf_near(x: Array) -> Array:
    out = _polynomial(x * x, _ERF)
    out *= x
    out += x
    return out


def _erf_outside(x: Array, size: Array) -> Array:
    """1 - erfc: above FAR erfc is so small that its error does not matter, and above 6 the result is 1."""
    size = np.minimum(size, 6.0)
    out = _quotient(size, _MIDDLE)
    out *= _bell(size, 1.0)
    np.subtract(1.0, out, out=out)
    return np.copysign(out, x) if x.dtype.kind == "f" else np.where(x.real < 0, -out, out)


def _normal_cdf(x: Array, factor: Array) -> Array:
    """The distribution function times `factor`. The factor comes first, because the bell may be subnormal."""
    half = x * ROOT_HALF
    size = _size(half)
    near, far = size.real <= NEAR, size.real > FAR
    out = _quotient(np.minimum(size, FAR), _MIDDLE)
    if far.any():
        out[far] = _tail(size[far])
    out *= 0.5
    out *= np.clip(factor, -LARGEST, LARGEST)  # beyond these limits the bell is 0
    out *= _bell(_size(x), 0.5)
    np.subtract(factor, out, out=out, where=x.real > 0)
    if near.any():
        out[near] = factor[near] * (0.5 + 0.5 * _erf_near(half[near]))
    return out


def _tail(size: Array) -> Array:
    """erfc(x) e^(x^2) for x >= FAR."""
    inverse = 1.0 / np.minimum(size, LARGEST)
    square = inverse * inverse
    out = _quotient(square, _TAIL)
    out *= square
    np.subtract(ONE_OVER_ROOT_PI, out, out=out)
    out *= inverse
    return out
