"""New tensors: from data, and of constants."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import retold
from tinygrad_edu.functional.creation import is_typed, wrap
from tinygrad_edu.torch.core import devices, dtypes
from tinygrad_edu.torch.core.border import bare, faced, torch_error
from tinygrad_edu.torch.core.tensor import Tensor


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
    if isinstance(data, Value):
        return np.array(bare(data).detach().numpy(), dtype=kind)
    if is_typed(data):
        array = np.array(data)
        return array.astype(kind or dtypes.numpy_of(dtypes.dtype_of(array.dtype)))
    try:
        array = np.array(_numbers(data))
        if array.size == 0 and array.dtype.kind == "f" and kind is None:
            kind = dtypes.numpy_of(float)
        if array.dtype.kind == "f" and kind is None:
            typed = _first(data)
            kind = typed.dtype if isinstance(typed, (np.generic, np.ndarray)) else dtypes.numpy_of(float)
        return te.tensor(_numbers(data), dtype=kind).numpy()
    except Exception as error:
        raise retold(error, "tensor") from None


def _first(data: Any) -> Any:
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return data


def _numbers(data: Any) -> Any:
    if isinstance(data, Value):
        return bare(data).detach().tolist()
    return [_numbers(x) for x in data] if isinstance(data, (list, tuple)) else data


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
