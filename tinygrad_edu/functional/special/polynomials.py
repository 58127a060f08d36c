"""Families of orthogonal polynomials, each by its recurrence in the degree.

Source: Abramowitz, Stegun, "Handbook of mathematical functions", 22.7.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.dtypes import is_floating
from tinygrad_edu.engine.access import look
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.creation import as_tensor, ones_like, zeros_like
from tinygrad_edu.functional.elementwise import equal, where
from tinygrad_edu.functional.special.operands import floats

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["eval_chebyt", "eval_chebyu", "eval_chebyv", "eval_chebyw", "eval_hermite", "eval_hermitenorm",
           "eval_laguerre", "eval_legendre", "eval_sh_chebyt", "eval_sh_chebyu", "eval_sh_chebyv",
           "eval_sh_chebyw"]  # fmt: skip

Step = Callable[["Tensor", int, "Tensor", "Tensor"], "Tensor"]


def _polynomial(name: str, n: Any, x: Tensor, first: Tensor, step: Step) -> Tensor:
    """Of degree n: 1, `first`, and each next one by `step` of x, its degree - 1, and the two before."""
    degrees = as_tensor(n, x)
    if is_floating(degrees.dtype):
        raise wrong(TypeError, name, f"a degree is an integer, and n is {degrees.dtype}", "n.cast('int64')")
    before, now = ones_like(x), first
    if not degrees.ndim:  # the last one alone is computed
        degree = int(np.asarray(look(degrees.storage, name)).item())
        if degree < 0:
            return zeros_like(x)
        for k in range(1, degree + 1):
            before, now = now, step(x, k, now, before)
        return before
    most = int(np.asarray(look(degrees.storage, name)).max()) if degrees.size else 0
    found = where(equal(degrees, 0), before, zeros_like(x))
    for k in range(1, most + 1):
        found = where(equal(degrees, k), now, found)
        before, now = now, step(x, k, now, before)
    return found


def _chebyshev(name: str, n: Any, x: Tensor, first: Tensor) -> Tensor:
    return _polynomial(name, n, x, first, lambda x, k, now, before: x * now * 2.0 - before)


def eval_chebyt(n: Any, x: Any) -> Tensor:
    """Chebyshev's polynomial of the first kind, of degree n at x; 0 for n < 0.

    n is an integer or integers, which broadcast with x. Raises TypeError for others.
    """
    x = floats(x)
    return _chebyshev("eval_chebyt", n, x, x)


def eval_chebyu(n: Any, x: Any) -> Tensor:
    """Chebyshev's polynomial of the second kind; see `eval_chebyt`."""
    x = floats(x)
    return _chebyshev("eval_chebyu", n, x, x * 2.0)


def eval_chebyv(n: Any, x: Any) -> Tensor:
    """Chebyshev's polynomial of the third kind; see `eval_chebyt`."""
    x = floats(x)
    return _chebyshev("eval_chebyv", n, x, x * 2.0 - 1.0)


def eval_chebyw(n: Any, x: Any) -> Tensor:
    """Chebyshev's polynomial of the fourth kind; see `eval_chebyt`."""
    x = floats(x)
    return _chebyshev("eval_chebyw", n, x, x * 2.0 + 1.0)


def eval_sh_chebyt(n: Any, x: Any) -> Tensor:
    """`eval_chebyt` at 2 x - 1, the shifted polynomial of the first kind, for x in [0, 1]."""
    return eval_chebyt(n, floats(x) * 2.0 - 1.0)


def eval_sh_chebyu(n: Any, x: Any) -> Tensor:
    """`eval_chebyu` at 2 x - 1, the shifted polynomial of the second kind, for x in [0, 1]."""
    return eval_chebyu(n, floats(x) * 2.0 - 1.0)


def eval_sh_chebyv(n: Any, x: Any) -> Tensor:
    """`eval_chebyv` at 2 x - 1, the shifted polynomial of the third kind, for x in [0, 1]."""
    return eval_chebyv(n, floats(x) * 2.0 - 1.0)


def eval_sh_chebyw(n: Any, x: Any) -> Tensor:
    """`eval_chebyw` at 2 x - 1, the shifted polynomial of the fourth kind, for x in [0, 1]."""
    return eval_chebyw(n, floats(x) * 2.0 - 1.0)


def eval_hermite(n: Any, x: Any) -> Tensor:
    """Hermite's polynomial H, orthogonal for the weight e ** -(x ** 2); see `eval_chebyt`."""
    x = floats(x)
    return _polynomial(
        "eval_hermite", n, x, x * 2.0, lambda x, k, now, before: x * now * 2.0 - before * (2.0 * k)
    )


def eval_hermitenorm(n: Any, x: Any) -> Tensor:
    """Hermite's polynomial He, orthogonal for the weight e ** -(x ** 2 / 2); see `eval_chebyt`."""
    x = floats(x)
    return _polynomial("eval_hermitenorm", n, x, x, lambda x, k, now, before: x * now - before * float(k))


def eval_laguerre(n: Any, x: Any) -> Tensor:
    """Laguerre's polynomial, orthogonal for the weight e ** -x on x > 0; see `eval_chebyt`."""

    def step(x: Tensor, k: int, now: Tensor, before: Tensor) -> Tensor:
        return ((2 * k + 1.0 - x) * now - before * float(k)) * (1.0 / (k + 1))

    x = floats(x)
    return _polynomial("eval_laguerre", n, x, 1.0 - x, step)


def eval_legendre(n: Any, x: Any) -> Tensor:
    """Legendre's polynomial, orthogonal on [-1, 1]; see `eval_chebyt`."""

    def step(x: Tensor, k: int, now: Tensor, before: Tensor) -> Tensor:
        return (x * now * (2.0 * k + 1.0) - before * float(k)) * (1.0 / (k + 1))

    x = floats(x)
    return _polynomial("eval_legendre", n, x, x, step)
