"""The gamma function and its kin, as compositions of the library's functions, differentiable to any order.

Sources: Abramowitz, Stegun, "Handbook of mathematical functions", chapters 6 and 23; Press and others,
"Numerical recipes", chapter 6.
"""

from __future__ import annotations

import math
from typing import Any

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import torch_function
from tinygrad_edu.torch.core.dtypes import floating, promoted
from tinygrad_edu.torch.functions.axes import check_tensor, is_tensor, numbers
from tinygrad_edu.torch.functions.makers import check_kind, of_two, real, tensor_of

__all__ = ["digamma", "igamma", "igammac", "lgamma", "mvlgamma", "polygamma"]

_SHIFT = 8  # from here on the series in 1 / x are right to all digits
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)


def _fraction(x: te.Tensor) -> te.Tensor:
    """x less the nearest whole number."""
    return x - te.round(x).detach()


def _log_gamma(x: te.Tensor) -> te.Tensor:
    """ln|gamma(x)|: Stirling's series, after steps up to where it holds, and a reflection below 1/2."""
    below = te.less(x, 0.5)
    y = te.where(below, 1.0 - x, x)
    small = te.less(y, _SHIFT)
    start = te.where(small, y, 1.0)
    steps = start
    for k in range(1, _SHIFT):
        steps = steps * (start + float(k))
    z = te.where(small, y + float(_SHIFT), y)
    inverse = te.reciprocal(z)
    series: Any = 0.5 * math.log(2 * math.pi) - 0.5
    square, power = inverse * inverse, inverse
    for k, number in enumerate(_BERNOULLI, 1):
        series = series + power * (number / (2 * k * (2 * k - 1)))
        power = power * square
    above = (z - 0.5) * (te.log(z) - 1.0) + series - te.where(small, te.log(steps), 0.0)
    sine = te.abs(te.sin(_fraction(te.where(below, x, 0.5)) * math.pi))
    found = te.where(below, math.log(math.pi) - te.log(sine) - above, above)
    return te.where(te.isinf(x), te.abs(x), found)


def _psi(x: te.Tensor) -> te.Tensor:
    """The derivative of ln gamma(x), by the derivative of Stirling's series."""
    below = te.less(x, 0.5)
    y = te.where(below, 1.0 - x, x)
    small = te.less(y, _SHIFT)
    start = te.where(small, y, 1.0)
    steps = te.reciprocal(start)
    for k in range(1, _SHIFT):
        steps = steps + te.reciprocal(start + float(k))
    z = te.where(small, y + float(_SHIFT), y)
    inverse = te.reciprocal(z)
    square, series = inverse * inverse, te.log(z) - 0.5 * inverse
    power = square
    for k, number in enumerate(_BERNOULLI, 1):
        series = series - power * (number / (2 * k))
        power = power * square
    above = series - te.where(small, steps, 0.0)
    angle = _fraction(te.where(below, x, 0.25)) * math.pi
    found = te.where(below, above - te.div(math.pi, te.tan(angle)), above)
    pole = te.logical_and(te.less(x, 0), te.equal(x, te.floor(x)))
    found = te.where(pole, math.nan, found)
    return te.where(te.equal(x, 0), te.neg(te.reciprocal(x)), found)


def hurwitz(order: Any, x: te.Tensor) -> te.Tensor:
    """The sum of (x + k) ** -order over k = 0, 1, 2, ..., by Euler's and Maclaurin's formula."""
    lowest = float(numbers(x.detach(), "zeta").min()) if x.size else 0.0
    count = 10 + max(0, math.ceil(-lowest)) if math.isfinite(lowest) and lowest > -1000 else 10
    total: Any = 0.0
    for k in range(count):
        total = total + te.pow(x + float(k), te.neg(order))
    z = x + float(count)
    power = te.pow(z, te.neg(order))
    total = total + power * z / (order - 1.0) + power * 0.5
    factor, power, square = order * 1.0, power / z, te.reciprocal(z * z)
    for k, number in enumerate(_BERNOULLI, 1):
        total = total + factor * power * (number / math.factorial(2 * k))
        factor = factor * (order + (2.0 * k - 1.0)) * (order + 2.0 * k)
        power = power * square
    return total


def _zeta(order: Any, x: Any) -> te.Tensor:
    order, x = tensor_of(order, x), tensor_of(x, order)
    whole = te.logical_and(te.less_equal(x, 0), te.equal(x, te.floor(x)))
    torn = te.logical_and(te.less(x, 0), te.not_equal(order, te.floor(order)))
    wrong_order = te.less(order, 1)
    safe = te.where(te.logical_or(te.logical_or(whole, torn), wrong_order), 1.0, x)
    found = hurwitz(te.where(te.less_equal(order, 1), 2.0, order), safe)
    found = te.where(te.equal(order, 1), math.inf, te.where(whole, math.inf, found))
    return te.where(te.logical_or(te.logical_and(torn, te.logical_not(whole)), wrong_order), math.nan, found)


lgamma = real(_log_gamma, "lgamma", "ln of the size of gamma(input).")
digamma = real(_psi, "digamma", "The derivative of lgamma.")
zeta = of_two(
    _zeta, "zeta", floating, doc="Hurwitz's zeta: the sum of (other + k) ** -input over k = 0, 1, 2, ..."
)


@torch_function
def polygamma(n: int, input: Any) -> Any:
    """The n-th derivative of digamma."""
    if is_tensor(n):  # as a method: x.polygamma(n)
        n, input = input, n
    check_tensor("polygamma", input)
    if n < 0:
        raise wrong(RuntimeError, "polygamma", "polygamma(n, x) does not support negative n.")
    (x,) = floating(input)
    if not n:
        return _psi(x)
    sign = 1.0 if n % 2 else -1.0
    return _zeta(tensor_of(float(n + 1), x), x) * (sign * math.factorial(n))


@torch_function
def mvlgamma(input: Any, p: int) -> Any:
    """ln of the gamma function of p dimensions."""
    check_tensor("mvlgamma", input)
    check_kind("mvlgamma", input, "b")
    if p < 1:
        raise wrong(RuntimeError, "mvlgamma", "p has to be greater than or equal to 1")
    (x,) = floating(input)
    total: Any = p * (p - 1) / 4 * math.log(math.pi)
    for k in range(p):
        total = total + _log_gamma(x - k / 2)
    return total


# -- the incomplete gamma function -------------------------------------------------------------------------

_TERMS = 250


def _shares(a: te.Tensor, x: te.Tensor) -> tuple[te.Tensor, te.Tensor]:
    """(P, Q): the shares of gamma(a) below and above x, by a series where x < a + 1, else by a fraction."""
    series_holds = te.less(x, a + 1.0)
    density = te.exp(_xlogy(a, x) - x - _log_gamma(a + 1.0))
    y = te.where(series_holds, x, 0.5)
    total = term = te.ones_like(y * a)
    for k in range(1, _TERMS):
        term = term * y / (a + float(k))
        total = total + term
    low = density * total
    y = te.where(series_holds, a + 2.0, x)
    tail = y + float(2 * _TERMS + 1) - a
    for k in range(_TERMS, 0, -1):
        tail = y + float(2 * k - 1) - a - (float(k) * (float(k) - a)) / tail
    high = density * a / tail
    return te.where(series_holds, low, 1.0 - high), te.where(series_holds, 1.0 - low, high)


def _xlogy(a: te.Tensor, x: te.Tensor) -> te.Tensor:
    zero = te.equal(x, 0)
    return te.where(te.logical_and(zero, te.equal(a, 0)), 0.0, a * te.log(x))


def _share(a: Any, x: Any, which: int) -> te.Tensor:
    a, x = tensor_of(a, x), tensor_of(x, a)
    bad = te.logical_or(te.less(a, 0), te.less(x, 0))
    bad = te.logical_or(bad, te.logical_and(te.equal(a, 0), te.equal(x, 0)))
    far = te.logical_and(te.isinf(x), te.isfinite(a))
    safe = te.logical_or(bad, far)
    found = _shares(te.where(safe, 1.0, a), te.where(safe, 1.0, x))[which]
    found = te.where(te.equal(a, 0), 1.0 - which, found)
    return te.where(bad, math.nan, te.where(far, 1.0 - which, found))


igamma = of_two(
    lambda a, x: _share(a, x, 0), "igamma", promoted, tensors=True, refused="ib",
    doc="The share of gamma(input) that lies below other.",
)  # fmt: skip
igammac = of_two(
    lambda a, x: _share(a, x, 1), "igammac", promoted, tensors=True, refused="ib",
    doc="The share of gamma(input) that lies above other.",
)  # fmt: skip
