"""Modified Bessel functions of the first kind, and families of polynomials, by their series and recurrences.

Source: Abramowitz, Stegun, "Handbook of mathematical functions", 9.6.10, 9.7.1, 10.1.11 and 22.7.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import tinygrad_edu as te
from tinygrad_edu.torch.core.dtypes import floating
from tinygrad_edu.torch.functions.axes import numbers
from tinygrad_edu.torch.functions.makers import of_two, real, tensor_of

__all__ = ["i0"]

_FAR = 15.0  # from here on the asymptotic series is right to all digits


def _scaled(x: te.Tensor, order: int) -> te.Tensor:
    """e^-|x| times the modified Bessel function of order 0 or 1."""
    size = te.abs(x)
    far = te.greater_equal(size, _FAR)
    near = te.where(far, 0.0, x)
    quarter = near * near * 0.25
    total = term = te.ones_like(x)
    for k in range(1, 50):
        term = term * quarter * (1.0 / (k * (k + order)))
        total = total + term
    if order:
        total = total * near * 0.5
    series = total * te.exp(te.neg(te.abs(near)))
    away = te.where(far, size, _FAR)
    total = term = te.ones_like(x)
    for k in range(1, 24):
        term = term * te.reciprocal(away) * (((2 * k - 1) ** 2 - 4.0 * order**2) / (8.0 * k))
        total = total + term
    beyond = total * te.rsqrt(away * (2 * math.pi))
    return te.where(far, beyond * te.where(te.less(x, 0), -1.0, 1.0) if order else beyond, series)


def _whole(order: int) -> Callable[[te.Tensor], te.Tensor]:
    return lambda x: _scaled(x, order) * te.exp(te.abs(x))


i0 = real(_whole(0), "i0", "The modified Bessel function of order 0.")
i0e = real(lambda x: _scaled(x, 0), "i0e", "e^-|input| i0(input).")
i1 = real(_whole(1), "i1", "The modified Bessel function of order 1.")
i1e = real(lambda x: _scaled(x, 1), "i1e", "e^-|input| i1(input).")


def _spherical_j0(x: te.Tensor) -> te.Tensor:
    zero = te.equal(x, 0)
    safe = te.where(zero, 1.0, x)
    return te.where(te.isinf(x), 0.0, te.where(zero, 1.0, te.sin(safe) / safe))


spherical_bessel_j0 = real(_spherical_j0, "spherical_bessel_j0", "sin(input) / input, 1 at 0.")

Step = Callable[[te.Tensor, int, te.Tensor, te.Tensor], te.Tensor]


def _family(name: str, first: Callable[[te.Tensor], te.Tensor], step: Step, shifted: bool = False) -> Any:
    """Polynomials of degree n: 1, `first`, and each next one by `step` from the two before; 0 for n < 0."""

    def made(x: Any, n: Any) -> te.Tensor:
        point = tensor_of(x, n)
        degree = tensor_of(n, point)
        at = point * 2.0 - 1.0 if shifted else point
        most = int(numbers(degree.detach(), name).max()) if degree.size else 0
        whole = te.trunc(degree.detach())
        before, now = te.ones_like(at), first(at)
        found = te.where(te.equal(whole, 0), before, te.zeros_like(at * degree))
        for k in range(1, most + 1):
            found = te.where(te.equal(whole, float(k)), now, found)
            before, now = now, step(at, k, now, before)
        return found

    return of_two(made, name, floating, doc=f"`{name}` of degree n = other, at input; 0 for n < 0.")


def _chebyshev(at: te.Tensor, k: int, now: te.Tensor, before: te.Tensor) -> te.Tensor:
    return at * now * 2.0 - before


_FIRST: dict[str, Callable[[te.Tensor], te.Tensor]] = {
    "t": lambda x: x,
    "u": lambda x: x * 2.0,
    "v": lambda x: x * 2.0 - 1.0,
    "w": lambda x: x * 2.0 + 1.0,
}
POLYNOMIALS = {
    f"{ahead}chebyshev_polynomial_{kind}": _family(
        f"{ahead}chebyshev_polynomial_{kind}", first, _chebyshev, bool(ahead)
    )
    for ahead in ("", "shifted_")
    for kind, first in _FIRST.items()
} | {
    "hermite_polynomial_h": _family(
        "hermite_polynomial_h",
        lambda x: x * 2.0,
        lambda x, k, now, before: x * now * 2.0 - before * (2.0 * k),
    ),
    "hermite_polynomial_he": _family(
        "hermite_polynomial_he", lambda x: x, lambda x, k, now, before: x * now - before * float(k)
    ),
    "laguerre_polynomial_l": _family(
        "laguerre_polynomial_l",
        lambda x: 1.0 - x,
        lambda x, k, now, before: ((2 * k + 1.0 - x) * now - before * float(k)) * (1.0 / (k + 1)),
    ),
    "legendre_polynomial_p": _family(
        "legendre_polynomial_p",
        lambda x: x,
        lambda x, k, now, before: (x * now * (2.0 * k + 1.0) - before * float(k)) * (1.0 / (k + 1)),
    ),
}
