"""Bessel functions and families of polynomials, by PyTorch's names; the mathematics is `te.special`'s."""

from __future__ import annotations

from typing import Any

import tinygrad_edu as te
from tinygrad_edu.functional import special
from tinygrad_edu.torch.core.dtypes import floating
from tinygrad_edu.torch.functions.makers import of_two, real, tensor_of

__all__ = ["i0"]

i0 = real(special.i0, "i0", "The modified Bessel function of order 0.")
i0e = real(special.i0e, "i0e", "e^-|input| i0(input).")
i1 = real(special.i1, "i1", "The modified Bessel function of order 1.")
i1e = real(special.i1e, "i1e", "e^-|input| i1(input).")
spherical_bessel_j0 = real(special.spherical_bessel_j0, "spherical_bessel_j0", "sin(input) / input, 1 at 0.")


def _family(name: str, function: Any) -> Any:
    """A family with the degree second, which PyTorch takes as floats, too."""

    def made(x: Any, n: Any) -> te.Tensor:
        degree = tensor_of(n, x).detach()
        found: te.Tensor = function(degree.cast("int64"), tensor_of(x, degree))
        return found

    return of_two(made, name, floating, doc=f"`{name}` of degree n = other, at input; 0 for n < 0.")


# PyTorch's name: the library's
_NAMES = {
    f"{ahead}chebyshev_polynomial_{kind}": f"eval_{short}cheby{kind}"
    for ahead, short in (("", ""), ("shifted_", "sh_"))
    for kind in "tuvw"
} | {
    "hermite_polynomial_h": "eval_hermite",
    "hermite_polynomial_he": "eval_hermitenorm",
    "laguerre_polynomial_l": "eval_laguerre",
    "legendre_polynomial_p": "eval_legendre",
}
POLYNOMIALS = {name: _family(name, getattr(special, ours)) for name, ours in _NAMES.items()}
