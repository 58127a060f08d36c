"""Makers of the functions that work element by element, one line for each in the files beside this one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import torch_function
from tinygrad_edu.torch.core.dtypes import dtype_of, floating, promoted
from tinygrad_edu.torch.functions.axes import beside, check_tensor, is_tensor, numbers


def named(function: Callable[..., Any], name: str, doc: str = "") -> Any:
    """`function`, about the library's tensors, as PyTorch's function of that name."""
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc or f"`torch.{name}`, element by element."
    return torch_function(function)


def real(function: Callable[..., Any], name: str = "", doc: str = "") -> Any:
    """A function of real numbers: integers and bools become the default float."""
    name = name or function.__name__

    def made(input: Any) -> Any:
        check_tensor(name, input)
        return function(input if input.dtype.kind == "f" else floating(input)[0])

    return named(made, name, doc)


def same(function: Callable[..., Any], name: str = "", doc: str = "", refused: str = "b") -> Any:
    """A function whose result has the dtype of its input; `refused` are the kinds of dtypes it is not for."""
    name = name or function.__name__

    def made(input: Any) -> Any:
        check_tensor(name, input)
        check_kind(name, input, refused)
        return function(input)

    return named(made, name, doc)


def of_two(
    function: Callable[..., Any], name: str, operands: Callable[..., Any] = promoted, *, doc: str = "",
    refused: str = "", tensors: bool = False,
) -> Any:  # fmt: skip
    """A function of two tensors, or, unless `tensors`, of a tensor and a number."""

    def made(input: Any, other: Any) -> Any:
        if tensors:
            check_tensor(name, input)
            check_tensor(name, other, "other")
        x, y = pair(name, operands, input, other)
        if refused:
            check_kind(name, x if is_tensor(x) else y, refused)
        return function(x, y)

    return named(made, name, doc)


def pair(name: str, operands: Callable[..., Any], x: Any, y: Any) -> tuple[Any, Any]:
    """Both operands in the dtype of the result. TypeError unless one is a tensor."""
    if not is_tensor(x) and not is_tensor(y):
        check_tensor(name, x)
    first, second = operands(x, y)
    return first, second


def check_kind(name: str, x: te.Tensor, refused: str) -> None:
    """RuntimeError for dtypes that PyTorch does not compute a function in."""
    if x.dtype.kind in refused or ("i" in refused and x.dtype.kind == "u"):
        raise wrong(
            RuntimeError,
            name,
            f'"{name}" not implemented for {dtype_of(x.dtype).name!r}',
            "convert it to another dtype first",
            inputs=(x,),
        )


def kind_of(*operands: Any) -> np.dtype[Any]:
    """The dtype of operands that are promoted already, one of which is a tensor."""
    return next(x.dtype for x in operands if is_tensor(x))


def tensor_of(x: Any, near: Any) -> te.Tensor:
    """x if it is a tensor; a number as one of the dtype and on the device of the tensor `near`."""
    made: Any = x if is_tensor(x) else te.full((), x, dtype=near.dtype, device=near.device)
    found: te.Tensor = made
    return found


def check_not_zero(y: Any) -> None:
    """RuntimeError if an integer divisor is 0, as PyTorch has it."""
    zero = y == 0 if not is_tensor(y) else bool((numbers(y, "div") == 0).any())
    if zero:
        raise wrong(RuntimeError, "div", "ZeroDivisionError: an integer is divided by 0")


def of_integers(function: Any, name: str, doc: str, *, bools: bool = True, tensors: bool = False) -> Any:
    """A function of integers that NumPy computes, and that has no gradient."""

    def made(input: Any, other: Any) -> Any:
        if tensors:
            check_tensor(name, other, "other")
        x, y = pair(name, promoted, input, other)
        check_kind(name, x if is_tensor(x) else y, "f" if bools else "fb")
        kind = kind_of(x, y)
        first, second = (numbers(v, name) if is_tensor(v) else np.asarray(v, kind) for v in (x, y))
        near = x if is_tensor(x) else y
        return beside(near, np.asarray(function(first, second), kind))

    return named(made, name, doc)
