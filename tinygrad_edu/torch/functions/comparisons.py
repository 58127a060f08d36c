"""Comparisons, logic, choices, and bits."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import torch_function
from tinygrad_edu.torch.core.dtypes import dtype_of, promoted, result_of
from tinygrad_edu.torch.functions.axes import beside, check_tensor, is_tensor, lined, numbers
from tinygrad_edu.torch.functions.makers import named, of_integers, of_two

__all__ = ["allclose", "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or",
           "bitwise_right_shift", "bitwise_xor", "eq", "equal", "ge", "greater", "greater_equal", "gt",
           "isclose", "isfinite", "isinf", "isnan", "isneginf", "isposinf", "isreal", "le", "less",
           "less_equal", "logical_and", "logical_not", "logical_or", "logical_xor", "lt", "masked_fill",
           "ne", "not_equal", "where"]  # fmt: skip

eq, ne = of_two(te.equal, "eq"), of_two(te.not_equal, "ne")
lt, le = of_two(te.less, "lt"), of_two(te.less_equal, "le")
gt, ge = of_two(te.greater, "gt"), of_two(te.greater_equal, "ge")
not_equal, less, less_equal, greater, greater_equal = ne, lt, le, gt, ge


def _asking(function: Any, name: str, doc: str) -> Any:
    def made(input: Any) -> Any:
        check_tensor(name, input)
        return function(input)

    return named(made, name, doc)


isnan = _asking(te.isnan, "isnan", "Whether an element is NaN.")
isinf = _asking(te.isinf, "isinf", "Whether an element is infinite.")
isfinite = _asking(te.isfinite, "isfinite", "Whether an element is neither infinite nor NaN.")
isposinf = _asking(lambda x: te.equal(x, math.inf), "isposinf", "Whether an element is +infinity.")
isneginf = _asking(lambda x: te.equal(x, -math.inf), "isneginf", "Whether an element is -infinity.")
isreal = _asking(
    lambda x: te.ones(x.shape, dtype=bool, device=x.device), "isreal", "True: all numbers are real."
)
logical_not = _asking(te.logical_not, "logical_not", "Whether an element is 0.")


def _logic(function: Any, name: str, doc: str) -> Any:
    def made(input: Any, other: Any) -> Any:
        check_tensor(name, input)
        check_tensor(name, other, "other")
        return function(te.not_equal(input, 0), te.not_equal(other, 0))

    return named(made, name, doc)


logical_and = _logic(te.logical_and, "logical_and", "Whether both elements are not 0.")
logical_or = _logic(te.logical_or, "logical_or", "Whether any of both elements is not 0.")
logical_xor = _logic(te.logical_xor, "logical_xor", "Whether one of both elements is not 0.")


# -- nearly and exactly equal ------------------------------------------------------------------------------


def _check_one_dtype(x: Any, y: Any) -> None:
    check_tensor("isclose", x)
    check_tensor("isclose", y, "other")
    if x.dtype != y.dtype:
        raise wrong(
            RuntimeError, "isclose", f"{dtype_of(x.dtype).name} did not match {dtype_of(y.dtype).name}"
        )


@torch_function
def isclose(input: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether |input - other| <= atol + rtol |other|, element by element."""
    _check_one_dtype(input, other)
    if rtol < 0 or atol < 0:
        raise wrong(RuntimeError, "isclose", "rtol and atol must be greater than or equal to zero")
    return te.isclose(input, other, rtol=rtol, atol=atol, equal_nan=equal_nan)


@torch_function
def allclose(input: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether `isclose` holds for all elements."""
    _check_one_dtype(input, other)
    return bool(te.all(te.isclose(input, other, rtol=rtol, atol=atol, equal_nan=equal_nan)))


@torch_function
def equal(input: Any, other: Any) -> bool:
    """Whether both have the same shape and the same numbers."""
    check_tensor("equal", input)
    check_tensor("equal", other, "other")
    return input.shape == other.shape and bool(te.all(te.equal(*promoted(input, other))))


# -- choices -----------------------------------------------------------------------------------------------


@torch_function
def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """input where `condition` is true, other elsewhere; given alone, the places where it is true."""
    check_tensor("where", condition, "condition")
    if input is None and other is None:
        return tuple(beside(condition, at) for at in np.nonzero(numbers(lined(condition), "where")))
    if condition.dtype.kind != "b" and condition.dtype != np.uint8:
        raise wrong(
            RuntimeError,
            "where",
            "where expected condition to be a boolean tensor, but got a tensor with dtype "
            f"{dtype_of(condition.dtype).name}",
            "compare first, as in torch.where(x > 0, ...)",
        )
    chosen = condition if condition.dtype.kind == "b" else te.not_equal(condition, 0)
    x, y = promoted(input, other) if is_tensor(input) or is_tensor(other) else (
        te.as_tensor(v, condition) for v in _numbers(input, other)
    )  # fmt: skip
    return te.where(chosen, x, y)


def _numbers(x: Any, y: Any) -> tuple[Any, Any]:
    """Two numbers as arrays in the dtype that PyTorch gives both."""
    kind = result_of((x, y))
    return np.asarray(x, kind), np.asarray(y, kind)


@torch_function
def masked_fill(input: Any, mask: Any, value: Any) -> Any:
    """input with `value`, a number or a 0-d tensor, where `mask` is true."""
    check_tensor("masked_fill", input)
    check_tensor("masked_fill", mask, "mask")
    if mask.dtype.kind != "b":
        raise wrong(
            RuntimeError,
            "masked_fill",
            f"masked_fill_ only supports boolean masks, but got mask with dtype {dtype_of(mask.dtype).name}",
            "compare first, as in mask == 0",
        )
    if is_tensor(value):
        if value.shape:
            raise wrong(
                RuntimeError,
                "masked_fill",
                "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with "
                f"{len(value.shape)} dimension(s).",
            )
        return te.where(mask, value.cast(input.dtype), input)
    return te.masked_fill(input, mask, np.asarray(value).astype(input.dtype).item())


# -- bits --------------------------------------------------------------------------------------------------

bitwise_and = of_integers(np.bitwise_and, "bitwise_and", "Bits that are set in both; of bools logic.")
bitwise_or = of_integers(np.bitwise_or, "bitwise_or", "Bits that are set in any of both; of bools logic.")
bitwise_xor = of_integers(np.bitwise_xor, "bitwise_xor", "Bits that are set in one of both; of bools logic.")
bitwise_left_shift = of_integers(
    np.left_shift, "bitwise_left_shift", "input * 2 ** other, of integers.", bools=False
)
bitwise_right_shift = of_integers(
    np.right_shift, "bitwise_right_shift", "input / 2 ** other, rounded down, of integers.", bools=False
)


@torch_function
def bitwise_not(input: Any) -> Any:
    """All bits turned, of integers; of bools `logical_not`."""
    check_tensor("bitwise_not", input)
    if input.dtype.kind == "f":
        raise wrong(
            RuntimeError,
            "bitwise_not",
            f'"bitwise_not" not implemented for {dtype_of(input.dtype).name!r}',
            inputs=(input,),
        )
    return beside(input, operator.invert(numbers(input, "bitwise_not")))
