"""Other dtypes and devices: x.to("cuda"), x.float(), x.type(torch.LongTensor)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core import devices, dtypes
from tinygrad_edu.torch.core.border import faced, torch_error
from tinygrad_edu.torch.core.tensor import Tensor


def target_of(args: tuple[Any, ...], named: dict[str, Any]) -> tuple[str | None, Any]:
    """(device, NumPy dtype) that the arguments of `.to` ask for, None for what stays."""
    device, kind = named.get("device"), named.get("dtype")
    other = named.get("other")
    for arg in (*args, other):
        if isinstance(arg, Tensor):
            device, kind = arg.device, arg.dtype
        elif isinstance(arg, (str, devices.device)) or (isinstance(arg, int) and not isinstance(arg, bool)):
            device = arg
        elif isinstance(arg, dtypes.dtype) or (isinstance(arg, type) and arg in (float, int, bool)):
            kind = arg
        elif arg is not None and not isinstance(arg, bool):
            raise wrong(TypeError, "to", f"to() received an invalid argument of type {type(arg).__name__}",
                        "it takes a device, a dtype or a tensor")  # fmt: skip
    place = None if device is None else devices.here(device)
    return place, None if kind is None else dtypes.numpy_of(kind)


def cast(value: te.Tensor, kind: np.dtype[Any]) -> te.Tensor:
    """value in another dtype, as PyTorch converts: floats are cut off, and nothing is said of it."""
    with np.errstate(invalid="ignore", over="ignore"):
        return value.cast(kind)


def moved(x: Tensor, place: str | None, kind: Any, *, copy: bool = False) -> Tensor:
    """x on a device and in a dtype; x itself if it is there, unless a copy is asked for."""
    value = x.inner
    try:
        if kind is not None and value.dtype != kind:
            value = cast(value, kind)
        if place is not None and value.device != place:
            value = value.to(place)
    except Exception as error:
        raise torch_error(error) from None
    if value is x.inner:
        return faced(te.functional.clone(value)) if copy else x
    return faced(value)


def to(self: Tensor, *args: Any, non_blocking: bool = False, copy: bool = False, memory_format: Any = None,
       **named: Any) -> Tensor:  # fmt: skip
    """self on another device, or in another dtype, or both; itself if nothing changes."""
    unknown = named.keys() - {"device", "dtype", "other"}
    if unknown:
        raise wrong(TypeError, "to", f"to() got an unexpected keyword argument {min(unknown)!r}")
    return moved(self, *target_of(args, named), copy=copy)


def _caster(name: str, kind: dtypes.dtype) -> Callable[..., Tensor]:
    def method(self: Tensor, memory_format: Any = None) -> Tensor:
        return moved(self, None, dtypes.numpy_of(kind))

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"self in {kind}."
    return method


float_ = _caster("float", dtypes.float32)
double = _caster("double", dtypes.float64)
long = _caster("long", dtypes.int64)
int_ = _caster("int", dtypes.int32)
bool_ = _caster("bool", dtypes.bool_)
byte = _caster("byte", dtypes.uint8)
half = _caster("half", dtypes.float16)
bfloat16 = _caster("bfloat16", dtypes.bfloat16)
short = _caster("short", dtypes.int16)
char = _caster("char", dtypes.int8)


def type_as(self: Tensor, other: Tensor) -> Tensor:
    """self in the dtype and on the device of `other`."""
    return moved(self, other.inner.device, other.inner.dtype)


def cpu(self: Tensor, memory_format: Any = None) -> Tensor:
    """self on the cpu."""
    return moved(self, "cpu", None)


def cuda(self: Tensor, device: Any = None, non_blocking: Any = False, memory_format: Any = None) -> Tensor:
    """self on the GPU."""
    return moved(self, devices.here("cuda" if device is None else device), None)
