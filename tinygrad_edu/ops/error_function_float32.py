"""The error function and the normal distribution function of float32, for blocks of elements.

They have no branches, because to take elements out of an array and to put them back costs more than to
compute them all. The polynomials are minimax fits to values of SciPy, by Lawson's iteration (J. R. Rice,
"The Approximation of Functions", volume 2, 1969), highest power first.

The distribution function is computed in float64, which costs little more than the second exponential that
float32 would need for its tail: then only the result is rounded.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any
Coefficients = tuple[float, ...]

# Phi(-a) e^(a^2/2) / u in powers of u = 1 / (1 + a/4), for 0 <= a <= LARGEST, within 9e-9 of itself.
_TAIL = (1.69516165373153e-02, -6.48666354095661e-02, 5.66751314822221e-02, 2.15182887981616e-02,
         1.86731863114783e-02, 8.33293485585663e-02, 7.32003524979050e-02, 9.52459294963153e-02,
         9.95267421907715e-02, 9.97460438929372e-02)  # fmt: skip
LARGEST = 14.6  # beyond it Phi(-a) is less than half the smallest float32, and so is its product with a
# erf(x) / x - 1 in powers of x^2, for |x| <= 1, within 2e-9.
_NEAR = (7.8538575923e-05, -8.0101924863e-04, 5.1883275561e-03, -2.6853811867e-02,
         1.1283585147e-01, -3.7612625824e-01, 1.2837916573e-01)  # fmt: skip
# ln(erfc(x)) in powers of x, for 1 <= x <= ONE, so that erf is within 2e-9.
_OUTSIDE = (1.8638005329e-04, -2.9476665019e-03, 2.1838095825e-02, -1.0310681905e-01,
            -6.3814476076e-01, -1.1270892323e+00, -3.4151295227e-04)  # fmt: skip
ONE = 3.95  # erf is 1 from here on


def erf(x: Array) -> Array:
    """The error function: near 0 a polynomial, elsewhere 1 - erfc."""
    inside, size = np.clip(x, -1.0, 1.0), np.abs(x)
    near = _polynomial(inside * inside, _NEAR)
    near *= inside
    near += inside
    far = _polynomial(np.clip(size, 1.0, ONE), _OUTSIDE)
    np.exp(far, out=far)
    np.subtract(1.0, far, out=far)
    np.copysign(far, x, out=far)
    return np.where(size > 1.0, far, near)


def normal_cdf(x: Array) -> Array:
    """The distribution function of the standard normal distribution."""
    tail = _tail(np.abs(x, dtype=np.float64))
    return np.where(x > 0.0, 1.0 - tail, tail).astype(np.float32)


def gelu(x: Array) -> Array:
    """x times its distribution function."""
    wide = x.astype(np.float64)
    size = np.abs(wide)
    product = _tail(size)
    product *= np.clip(wide, -LARGEST, LARGEST)
    return np.where(x > 0.0, wide - product, product).astype(np.float32)


def _tail(size: Array) -> Array:
    """Phi(-size), in float64."""
    size = np.minimum(size, LARGEST)
    u = size * 0.25
    u += 1.0
    np.divide(1.0, u, out=u)
    out = _polynomial(u, _TAIL)
    out *= u
    size *= size
    size *= -0.5
    out *= np.exp(size, out=size)
    return out


def _polynomial(x: Array, coefficients: Coefficients) -> Array:
    """Horner's rule, computed in one array."""
    total = x * coefficients[0]
    for c in coefficients[1:-1]:
        total += c
        total *= x
    total += coefficients[-1]
    return total
