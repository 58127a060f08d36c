"""New tensors of data: numbers, arrays, other tensors. Of constants: constants.py; of chance: draws.py."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import retold, wrong
from tinygrad_edu.functional.creation import is_typed, wrap
from tinygrad_edu.torch.core import devices, dtypes, views
from tinygrad_edu.torch.core.border import bare, faced, torch_error
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.functions.conversions import moved

__all__ = ["as_tensor", "asarray", "from_dlpack", "from_numpy", "frombuffer", "scalar_tensor", "tensor"]


def made(value: te.Tensor, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """The face's tensor of a new one of the library's, with the options that every new tensor takes."""
    try:
        if dtype is not None and value.dtype != dtypes.numpy_of(dtype):
            value = value.cast(dtypes.numpy_of(dtype))
        place = devices.here(device)
        value = value if value.device == place else value.to(place)
        out = faced(value)
        if requires_grad:
            out.requires_grad = True
        return out
    except Exception as error:
        raise torch_error(error) from None


def array_of(data: Any, dtype: Any = None) -> np.ndarray[Any, Any]:
    """Data as a new array in the dtype that PyTorch would give it: floats the default float, ints int64."""
    kind = None if dtype is None else dtypes.numpy_of(dtype)
    if data is None:
        raise wrong(RuntimeError, "tensor", "Could not infer dtype of NoneType")
    if isinstance(data, Value):
        return np.array(bare(data).detach().numpy(), dtype=kind)
    if is_typed(data):
        array = np.array(data)
        return array.astype(kind or dtypes.numpy_of(dtypes.dtype_of(array.dtype)))
    try:
        numbers = _numbers(data)
        array = np.array(numbers)
        if array.size == 0 and array.dtype.kind == "f" and kind is None:
            kind = dtypes.numpy_of(float)
        if array.dtype.kind in "fiu" and kind is None:
            typed = _first(data)
            if isinstance(typed, (np.generic, np.ndarray)):
                kind = typed.dtype
            elif isinstance(typed, Value) and bare(typed).dtype.kind == array.dtype.kind:
                kind = bare(typed).dtype
            elif array.dtype.kind == "f":
                kind = dtypes.numpy_of(float)
        return te.tensor(numbers, dtype=kind).numpy()
    except Exception as error:
        raise retold(error, "tensor") from None


_PLAIN = frozenset({int, float, bool})  # a long list of these is taken as it is


def _first(data: Any) -> Any:
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return data


def _numbers(data: Any) -> Any:
    if isinstance(data, Value):  # in a list a tensor is a number, whatever its shape
        value = bare(data).detach()
        if value.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return value.item()
    if not isinstance(data, (list, tuple)) or _PLAIN.issuperset(map(type, data)):
        return data
    return [_numbers(x) for x in data]


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
           pin_memory: bool = False) -> Tensor:  # fmt: skip
    """A tensor with a copy of `data`: numbers, nested lists, an array, another tensor."""
    try:
        if isinstance(data, Tensor):
            warnings.warn(
                "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
                "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).",
                stacklevel=2,
            )
            device = data.device if device is None else device
        value = wrap(np.array(array_of(data, dtype)))
    except Exception as error:
        raise torch_error(error) from None
    return made(value, None, device, requires_grad)


def from_numpy(ndarray: Any) -> Tensor:
    """A tensor that shares the memory of an array: what is written into one is seen in the other."""
    if not isinstance(ndarray, np.ndarray):
        raise wrong(TypeError, "from_numpy", f"expected np.ndarray (got {type(ndarray).__name__})")
    if min(ndarray.strides, default=0) < 0:
        raise wrong(ValueError, "from_numpy", "At least one stride in the given numpy array is negative, and "
                    "tensors with negative strides are not currently supported.", "give it "
                    "array.copy()")  # fmt: skip
    dtypes.numpy_of(dtypes.dtype_of(ndarray.dtype))
    found = faced(wrap(ndarray))
    if not ndarray.flags.c_contiguous:  # a view of an array: its order in memory is the array's, for good
        return views.view(found, lambda i: i, lambda i, part: part)
    return found


def frombuffer(buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0,
               requires_grad: bool = False) -> Tensor:  # fmt: skip
    """A vector that shares the memory of a buffer, from byte `offset` on."""
    return made(
        wrap(np.frombuffer(buffer, dtypes.numpy_of(dtype), count, offset)), requires_grad=requires_grad
    )


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor that shares the memory of another library's array."""
    try:
        found = te.functional.from_dlpack(ext_tensor, device=devices.here(device))
        return faced(te.functional.clone(found) if copy else found)
    except Exception as error:
        raise torch_error(error) from None


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` as a tensor: itself if it is one of that dtype and device; an array shares its memory."""
    if isinstance(data, Tensor):
        kind = None if dtype is None else dtypes.numpy_of(dtype)
        return moved(data, None if device is None else devices.here(device), kind)
    if isinstance(data, np.ndarray) and min(data.strides, default=0) >= 0:
        return made(from_numpy(data).inner, dtype, device)
    return tensor(data, dtype=dtype, device=device)


def asarray(obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None,
            requires_grad: bool = False) -> Tensor:  # fmt: skip
    """`obj` as a tensor, which shares its memory if that can be; with `copy` never, without it always."""
    shared = isinstance(obj, (Tensor, np.ndarray))
    out = as_tensor(obj, dtype, device)
    if isinstance(obj, Tensor):
        out = out if requires_grad else out.detach()
        stays = out.data_ptr() == obj.data_ptr() and out.dtype == obj.dtype
    else:
        stays = shared and dtypes.dtype_of(obj.dtype) == out.dtype and out.device.type == "cpu"
    if copy is False and not stays:
        raise wrong(ValueError, "asarray", "can't alias this object, and copy=False forbids a copy")
    if copy and stays:
        out = faced(te.functional.clone(out.inner.detach()))
    if requires_grad and not out.requires_grad:
        out.requires_grad = True
    return out


def scalar_tensor(s: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
                  pin_memory: bool = False, requires_grad: bool = False) -> Tensor:  # fmt: skip
    """A 0-d tensor of a number, a float unless told otherwise."""
    kind = dtypes.get_default_dtype() if dtype is None else dtype
    return tensor(bare(s), dtype=kind, device=device, requires_grad=requires_grad)


def new_tensor(self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
               layout: Any = None, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """A tensor with a copy of `data`, in the dtype and on the device of self."""
    kind, place = self.dtype if dtype is None else dtype, self.device if device is None else device
    return made(wrap(np.array(array_of(data, kind))), None, place, requires_grad)
