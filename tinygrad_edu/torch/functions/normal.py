"""The normal distribution's functions: inverses of erf, and what is right far out in its tails.

Sources: Abramowitz, Stegun, "Handbook of mathematical functions", chapters 7 and 26; Halley's method.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import tinygrad_edu as te
from tinygrad_edu.torch.core.dtypes import floating
from tinygrad_edu.torch.functions.makers import of_two, real, tensor_of

__all__ = ["erfc", "erfinv"]

_ROOT2, _ROOT_PI = math.sqrt(2.0), math.sqrt(math.pi)


def _scaled_tail(z: te.Tensor) -> te.Tensor:
    """e^(z^2) erfc(z) for z >= 2, by a continued fraction (7.1.14)."""
    tail = z
    for k in range(60, 0, -1):
        tail = z + (k / 2) / tail
    return te.reciprocal(tail * _ROOT_PI)


def _erfc(x: te.Tensor) -> te.Tensor:
    """1 - erf(x), without its loss of digits where x is large."""
    large = te.greater(x, 2.0)
    z = te.where(large, x, 3.0)
    return te.where(large, te.exp(-z * z) * _scaled_tail(z), 1.0 - te.erf(te.where(large, 0.0, x)))


def _erfcx(x: te.Tensor) -> te.Tensor:
    large = te.greater(x, 2.0)
    near = te.where(large, 0.0, x)
    return te.where(large, _scaled_tail(te.where(large, x, 3.0)), te.exp(near * near) * (1.0 - te.erf(near)))


def _halley(y: te.Tensor, miss: Callable[[te.Tensor], te.Tensor], bend: float, steps: int) -> te.Tensor:
    """y improved: `miss(y)` is how far f(y) is off, over f'(y); f'' / f' is -2 bend y."""
    for _ in range(steps):
        u = miss(y)
        y = y - u / (1.0 + y * u * bend)
    return y


def _ends(x: te.Tensor, low: float) -> te.Tensor:
    """-infinity at `low`, infinity at 1, NaN elsewhere."""
    return te.where(te.equal(x, low), -math.inf, te.where(te.equal(x, 1.0), math.inf, math.nan))


def _erfinv(x: te.Tensor) -> te.Tensor:
    """From a series near 0, and a formula of logarithms elsewhere, by Halley's method.

    Source of the start: Winitzki, "A handy approximation for the error function and its inverse", 2008.
    """
    inside = te.less(te.abs(x), 1.0)
    z = te.where(inside, x, 0.0)
    near = te.less(te.abs(z), 0.5)
    small, large = te.where(near, z, 0.0), te.where(near, 0.75, z)
    series = small * (_ROOT_PI / 2) * (1.0 + small * small * (math.pi / 12))
    half = te.log1p(-large * large) * 0.5
    middle = half + 2.0 / (math.pi * 0.147)
    formula = te.sign(large) * te.sqrt(te.sqrt(middle * middle - half * (2.0 / 0.147)) - middle)
    start = te.where(near, series, formula)
    found = _halley(start, lambda y: (te.erf(y) - z) * te.exp(y * y) * (_ROOT_PI / 2), 1.0, 3)
    return te.where(inside, found, _ends(x, -1.0))


def _ndtr(x: te.Tensor) -> te.Tensor:
    return _erfc(x * (-1.0 / _ROOT2)) * 0.5


def _log_ndtr(x: te.Tensor) -> te.Tensor:
    left = te.less(x, -1.0)
    far, near = te.where(left, x, -2.0), te.where(left, 0.0, x)
    return te.where(
        left,
        te.log(_erfcx(far * (-1.0 / _ROOT2)) * 0.5) - far * far * 0.5,
        te.log1p(_erfc(near * (1.0 / _ROOT2)) * -0.5),
    )


def _ndtri(p: te.Tensor) -> te.Tensor:
    inside = te.logical_and(te.greater(p, 0.0), te.less(p, 1.0))
    q = te.where(inside, p, 0.5)
    tail = te.less(q, 0.02)
    size = te.log(te.where(tail, q, 0.01)) * -2.0
    start = te.where(
        tail,
        te.neg(te.sqrt(size - te.log(size * math.pi * 2.0 - te.log(size)))),
        _erfinv(te.where(tail, 0.0, q * 2.0 - 1.0)) * _ROOT2,
    )
    found = _halley(start, lambda y: (_ndtr(y) - q) * te.exp(y * y * 0.5) * (_ROOT2 * _ROOT_PI), 0.5, 3)
    return te.where(inside, found, _ends(p, 0.0))


def _entr(x: te.Tensor) -> te.Tensor:
    inside = te.greater(x, 0.0)
    safe = te.where(inside, x, 1.0)
    outside = te.where(te.isnan(x), x, te.where(te.equal(x, 0.0), 0.0, -math.inf))
    return te.where(inside, te.neg(safe * te.log(safe)), outside)


def _xlog1py(x: Any, y: Any) -> te.Tensor:
    x, y = tensor_of(x, y), tensor_of(y, x)
    zero = te.logical_and(te.equal(x, 0), te.logical_or(te.less_equal(y, -1.0), te.equal(y, math.inf)))
    return te.mul(x, te.log1p(te.where(zero, 0.0, y)))


erfc = real(_erfc, "erfc", "1 - erf(input), right in all digits where that is small.")
erfcx = real(_erfcx, "erfcx", "e^(input^2) erfc(input).")
erfinv = real(_erfinv, "erfinv", "The inverse of erf: infinite at -1 and 1, NaN beyond.")
ndtr = real(_ndtr, "ndtr", "The share of the standard normal distribution that lies below input.")
log_ndtr = real(_log_ndtr, "log_ndtr", "ln of ndtr, right in all digits far below 0, too.")
ndtri = real(_ndtri, "ndtri", "The inverse of ndtr.")
entr = real(_entr, "entr", "-x ln x: 0 at 0, -infinity below.")
xlog1py = of_two(_xlog1py, "xlog1py", floating, doc="input * ln(1 + other), 0 where input is 0.")
