"""Roundings, quotients that are whole, and remainders."""

from __future__ import annotations

from typing import Any

import tinygrad_edu as te
from tinygrad_edu.torch.core.border import torch_function
from tinygrad_edu.torch.core.dtypes import promoted
from tinygrad_edu.torch.functions.axes import check_tensor, is_tensor
from tinygrad_edu.torch.functions.makers import check_kind, check_not_zero, kind_of, of_two, pair, same

__all__ = ["ceil", "fix", "floor", "floor_divide", "fmod", "frac", "remainder", "round", "trunc"]

floor, ceil, trunc = map(same, (te.floor, te.ceil, te.trunc))
fix = trunc
frac = same(lambda x: x - te.trunc(x).detach(), "frac", "What follows the point: input - trunc(input).", "ib")


@torch_function
def round(input: Any, *, decimals: int = 0) -> Any:
    """The nearest whole number, the even one of two; with `decimals` to so many digits."""
    check_tensor("round", input)
    check_kind("round", input, "b" if decimals == 0 else "bi")
    if not decimals:
        return te.round(input)
    if decimals < 0:
        return te.round(input / 10.0**-decimals) * 10.0**-decimals
    return te.round(input * 10.0**decimals) / 10.0**decimals


def quotient(x: Any, y: Any, rounding: str) -> te.Tensor:
    """x / y rounded, "floor" or "trunc"; integers stay integers, and are not divided by 0."""
    kind = kind_of(x, y)
    check_kind(f"div_{rounding}", x if is_tensor(x) else y, "b")
    if kind.kind == "f":
        return te.floor_divide(x, y) if rounding == "floor" else te.trunc(te.div(x, y))
    check_not_zero(y)
    found = te.floor_divide(x, y)
    if rounding == "floor" or kind.kind == "u":
        return found
    inexact = te.not_equal(te.mul(found, y), x)
    return found + te.logical_and(te.less(found, 0), inexact).cast(kind)


@torch_function
def floor_divide(input: Any, other: Any) -> Any:
    """input / other, rounded down; integers stay integers, and by 0 they are a RuntimeError."""
    x, y = pair("floor_divide", promoted, input, other)
    return quotient(x, y, "floor")


def _remainder(x: Any, y: Any) -> te.Tensor:
    if kind_of(x, y).kind != "f":
        check_not_zero(y)
    return te.remainder(x, y)


def _fmod(x: Any, y: Any) -> te.Tensor:
    """Of the sizes of both, and then the sign of x."""
    if kind_of(x, y).kind != "f":
        check_not_zero(y)
    left = te.remainder(_size(x), _size(y))
    return te.where(te.less(x, 0), te.neg(left), left).cast(kind_of(x, y))


def _size(x: Any) -> Any:
    if not is_tensor(x):
        return -x if x < 0 else x
    return x if x.dtype.kind == "u" else te.where(te.less(x, 0), te.neg(x), x)


remainder = of_two(
    _remainder,
    "remainder",
    refused="b",
    doc="What is left of input after whole multiples of other; has its sign.",
)
fmod = of_two(
    _fmod, "fmod", refused="b", doc="What is left of input after whole multiples of other; has input's sign."
)
