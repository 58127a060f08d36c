"""Tensor's operators: a + b, -a, a < b, a @ b is elsewhere.

Most programs add and multiply floats of one dtype, and numbers to them. Operators of these go straight to the
library; everything else takes the way of the function, which promotes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.engine.value import Value
from tinygrad_edu.functional.overwrite import update
from tinygrad_edu.torch.core import views
from tinygrad_edu.torch.core.border import torch_error
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.functions import arithmetic, comparisons, pointwise, rounding

_F32, _F64 = np.dtype("float32"), np.dtype("float64")
_new = object.__new__
Operator = Callable[[Any, Any], Any]


def _operand(x: Any) -> bool:
    return isinstance(x, (Value, int, float, np.generic, np.ndarray))


def _binary(direct: Operator, function: Operator) -> Operator:
    """The operator that is `direct` for the library's tensors, and `function` for others of the face's."""

    def method(self: Any, other: Any) -> Any:
        x = self._inner if self._view is None else self.inner
        kind = x.storage.array.dtype
        if kind is _F32 or kind is _F64:
            y: Any
            if isinstance(other, Tensor):
                y = other._inner if other._view is None else other.inner
                if y.storage.array.dtype is not kind:
                    return function(self, other)
            elif type(other) is float or type(other) is int:
                y = other
            else:
                return function(self, other) if _operand(other) else NotImplemented
            try:
                found = direct(x, y)
            except Exception as error:
                raise torch_error(error) from None
            made = _new(Tensor)
            made._inner = found
            return made
        return function(self, other) if _operand(other) else NotImplemented

    return method


def _general(function: Operator) -> Operator:
    def method(self: Any, other: Any) -> Any:
        return function(self, other) if _operand(other) else NotImplemented

    return method


def _reflected(function: Operator) -> Operator:
    def method(self: Any, other: Any) -> Any:
        return function(other, self) if _operand(other) else NotImplemented

    return method


def _updating(name: str, direct: Any, changed: Callable[..., Any]) -> Callable[..., Any]:
    """The method `name` that changes floats outside the graph by one pass of the memory, else `changed`."""

    def method(self: Any, other: Any, **named: Any) -> Any:
        if not named:
            x = self._inner if self._view is None else self.inner
            array = x.storage.array
            kind = array.dtype
            if (kind is _F32 or kind is _F64) and (self._view is None or not self._view.loose):
                y: Any = other
                fits = type(other) is float
                if isinstance(other, Tensor):
                    y = other._inner if other._view is None else other.inner
                    there = y.storage.array
                    fits = there.dtype is kind and there.shape == array.shape and y.device == x.device
                if fits and not views.recording(x, y):
                    try:
                        update(x, name, direct, y)
                    except Exception as error:
                        raise torch_error(error) from None
                    return self
        return changed(self, other, **named)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = changed.__doc__
    return method


def _in_place(name: str) -> Operator:
    change = getattr(Tensor, name)

    def method(self: Any, other: Any) -> Any:
        return change(self, other) if _operand(other) else NotImplemented

    return method


def _swap(direct: Operator) -> Operator:
    return lambda x, y: direct(y, x)


def _positive(self: Any) -> Any:
    return pointwise.positive(self)


def _inverted(self: Any) -> Any:
    if self.inner.dtype.kind == "f":
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return comparisons.bitwise_not(self)


_DIRECT = {
    "add": (te.add.op, arithmetic.add),
    "sub": (te.sub.op, arithmetic.sub),
    "mul": (te.mul.op, arithmetic.mul),
    "truediv": (te.div.op, arithmetic.div),
    "pow": (None, arithmetic.pow),
    "floordiv": (None, rounding.floor_divide),
    "mod": (None, rounding.remainder),
    "and": (None, comparisons.bitwise_and),
    "or": (None, comparisons.bitwise_or),
    "xor": (None, comparisons.bitwise_xor),
    "lshift": (None, comparisons.bitwise_left_shift),
    "rshift": (None, comparisons.bitwise_right_shift),
}
_METHODS = {"truediv": "div_", "floordiv": "floor_divide_", "mod": "remainder_", "and": "bitwise_and_",
            "or": "bitwise_or_", "xor": "bitwise_xor_", "lshift": "bitwise_left_shift_",
            "rshift": "bitwise_right_shift_"}  # fmt: skip
_COMPARED = {
    "eq": (te.equal.op, comparisons.eq),
    "ne": (te.not_equal.op, comparisons.ne),
    "lt": (te.less.op, comparisons.lt),
    "le": (te.less_equal.op, comparisons.le),
    "gt": (te.greater.op, comparisons.gt),
    "ge": (te.greater_equal.op, comparisons.ge),
}


def bind() -> None:
    """Give Tensor its operators."""
    for name, direct in (("add_", te.add), ("sub_", te.sub), ("mul_", te.mul), ("div_", te.div)):
        setattr(Tensor, name, _updating(name, direct.op, getattr(Tensor, name)))  # type: ignore[attr-defined]
    for sign, (direct, function) in _DIRECT.items():
        ahead = _general(function) if direct is None else _binary(direct, function)
        behind = _reflected(function) if direct is None else _binary(_swap(direct), _reflected(function))
        setattr(Tensor, f"__{sign}__", ahead)
        setattr(Tensor, f"__r{sign}__", behind)
        setattr(Tensor, f"__i{sign}__", _in_place(_METHODS.get(sign, f"{sign}_")))
    for sign, (direct, function) in _COMPARED.items():
        setattr(Tensor, f"__{sign}__", _binary(direct, function))
    for sign, method in (
        ("neg", pointwise.neg),
        ("abs", pointwise.abs),
        ("pos", _positive),
        ("invert", _inverted),
    ):
        setattr(Tensor, f"__{sign}__", method)
    Tensor.where = _where  # type: ignore[attr-defined]


def _where(self: Any, condition: Any, other: Any) -> Any:
    """self where `condition` is true, other elsewhere."""
    return comparisons.where(condition, self, other)


__all__ = ["bind"]
