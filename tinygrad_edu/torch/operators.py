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
from tinygrad_edu.ops import elementwise as ops
from tinygrad_edu.torch.core import views
from tinygrad_edu.torch.core.border import torch_error
from tinygrad_edu.torch.core.quiet import IGNORED, resume, silence
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.functions import binary, comparisons, pointwise, rounding

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
            token = silence(IGNORED)
            try:
                found = direct(x, y)
            except Exception as error:
                raise torch_error(error) from None
            finally:
                resume(token)
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

    scaled = name in ("add_", "sub_")

    def method(self: Any, other: Any, **named: Any) -> Any:
        alpha = named.get("alpha") if scaled and len(named) == 1 else None
        if not named or type(alpha) is float or type(alpha) is int:
            x = self._inner if self._view is None else self.inner
            array = x.storage.array
            kind = array.dtype
            if (kind is _F32 or kind is _F64) and (self._view is None or not self._view.loose):
                y: Any = other
                fits = type(other) is float and not named
                if isinstance(other, Tensor):
                    y = other._inner if other._view is None else other.inner
                    there = y.storage.array
                    fits = there.dtype is kind and there.shape == array.shape and y.device == x.device
                if fits and not views.recording(x, y):
                    token = silence(IGNORED)
                    try:
                        if named:
                            y = ops.mul(y, alpha)
                        update(x, name, direct, y)
                    except Exception as error:
                        raise torch_error(error) from None
                    finally:
                        resume(token)
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
    "add": (ops.add, binary.add),
    "sub": (ops.sub, binary.sub),
    "mul": (ops.mul, binary.mul),
    "truediv": (ops.div, binary.div),
    "pow": (te.pow, binary.pow),
    "floordiv": (ops.floor_divide, rounding.floor_divide),
    "mod": (ops.remainder, rounding.remainder),
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
    "eq": (ops.equal, comparisons.eq),
    "ne": (ops.not_equal, comparisons.ne),
    "lt": (ops.less, comparisons.lt),
    "le": (ops.less_equal, comparisons.le),
    "gt": (ops.greater, comparisons.gt),
    "ge": (ops.greater_equal, comparisons.ge),
}


def bind() -> None:
    """Give Tensor its operators."""
    direct: Any
    for name, direct in (("add_", ops.add), ("sub_", ops.sub), ("mul_", ops.mul), ("div_", ops.div)):
        setattr(Tensor, name, _updating(name, direct, getattr(Tensor, name)))
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
