"""The gamma function and its kin, by PyTorch's names; the mathematics is `te.special`'s."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.errors import wrong
from tinygrad_edu.functional import special
from tinygrad_edu.torch.core.border import torch_function
from tinygrad_edu.torch.core.dtypes import floating, promoted
from tinygrad_edu.torch.functions.axes import check_tensor, is_tensor
from tinygrad_edu.torch.functions.makers import check_kind, of_two, real

__all__ = ["digamma", "igamma", "igammac", "lgamma", "mvlgamma", "polygamma"]

lgamma = real(special.gammaln, "lgamma", "ln of the size of gamma(input).")
digamma = real(special.digamma, "digamma", "The derivative of lgamma.")
zeta = of_two(
    special.zeta,
    "zeta",
    floating,
    doc="Hurwitz's zeta: the sum of (other + k) ** -input over k = 0, 1, 2, ...",
)
igamma = of_two(
    special.gammainc, "igamma", promoted, tensors=True, refused="ib",
    doc="The share of gamma(input) that lies below other.",
)  # fmt: skip
igammac = of_two(
    special.gammaincc, "igammac", promoted, tensors=True, refused="ib",
    doc="The share of gamma(input) that lies above other.",
)  # fmt: skip


@torch_function
def polygamma(n: int, input: Any) -> Any:
    """The n-th derivative of digamma."""
    if is_tensor(n):  # as a method: x.polygamma(n)
        n, input = input, n
    check_tensor("polygamma", input)
    if n < 0:
        raise wrong(RuntimeError, "polygamma", "polygamma(n, x) does not support negative n.")
    return special.polygamma(n, *floating(input))


@torch_function
def mvlgamma(input: Any, p: int) -> Any:
    """ln of the gamma function of p dimensions."""
    check_tensor("mvlgamma", input)
    check_kind("mvlgamma", input, "b")
    if p < 1:
        raise wrong(RuntimeError, "mvlgamma", "p has to be greater than or equal to 1")
    (x,) = floating(input)
    return special.multigammaln(x, p)
