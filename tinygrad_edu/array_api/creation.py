"""The Array API's functions that create arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu import functional as F
from tinygrad_edu.array_api.host import OTHERS, HostArray, numpy_of, of_numpy
from tinygrad_edu.engine.value import values_in
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.creation import is_typed
from tinygrad_edu.tensor import NumpyArray, Tensor

__all__ = ["arange", "asarray", "empty", "empty_like", "eye", "from_dlpack", "full", "full_like", "linspace",
           "meshgrid", "ones", "ones_like", "tril", "triu", "zeros", "zeros_like"]  # fmt: skip


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """The array of another library, sharing its memory unless `copy`; see `te.from_dlpack`."""
    if isinstance(x, HostArray) or getattr(x, "dtype", None) in OTHERS.values():
        return HostArray(np.from_dlpack(x, device=device, copy=copy))
    return F.from_dlpack(x, device=device, copy=copy)


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Tensor:
    """`obj` as a tensor: a tensor, an array, a number, nested sequences, or an object with a buffer.

    copy  True: always a copy; None: none of a tensor that is as it should be; False: ValueError if one is
          needed
    """
    if _is_for_numpy(obj, dtype):
        return _host_array(obj, dtype, device, copy)
    if isinstance(obj, Tensor):
        found = obj if device is None else obj.to(device)
        found = found if dtype is None or found.dtype == dtypes.as_dtype(dtype) else found.cast(dtype)
        if copy is False and found is not obj:
            raise _needs_a_copy("it has another dtype or device")
        return F.clone(obj) if copy and found is obj else found
    if copy is False and not is_typed(obj):
        raise _needs_a_copy(f"a {type(obj).__name__} has no memory of numbers")
    if copy is False:
        return _shared(obj, dtype, device)
    if not is_typed(obj) and isinstance(obj, (bytearray, memoryview)):
        obj = np.asarray(obj)
    return F.tensor(obj, dtype=dtype, device=device)


def _is_for_numpy(obj: Any, dtype: Any) -> bool:
    """Whether a tensor cannot hold these numbers: they are complex, or of another dtype that it lacks."""
    if dtype is not None:
        return np.dtype(dtype) in OTHERS.values() or isinstance(obj, HostArray)
    if isinstance(obj, (list, tuple)) and not values_in(obj):
        return np.asarray(obj).dtype in OTHERS.values()
    return isinstance(obj, complex) or getattr(obj, "dtype", None) in OTHERS.values()


def _host_array(obj: Any, dtype: Any, device: Any, copy: bool | None) -> Any:
    if dtype is None and not is_typed(obj):
        dtype = np.complex64  # beside float32, the default of Python's floats
    if isinstance(obj, HostArray) and not copy and (dtype is None or obj.dtype == dtype):
        return obj
    return of_numpy(np.asarray(numpy_of(obj), dtype=dtype, copy=copy, device=device))


def _shared(obj: Any, dtype: Any, device: Any) -> Tensor:
    found = F.from_dlpack(obj, device=device)
    if dtype is not None and found.dtype != dtypes.as_dtype(dtype):
        raise _needs_a_copy("it has another dtype")
    return found


def _needs_a_copy(problem: str) -> ValueError:
    return wrong(ValueError, "asarray", f"copy=False, and {problem}", "leave out copy=")


def arange(
    start: Any, /, stop: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """The numbers from `start` in steps of `step`, below `stop`; from 0 below `start` if that is alone."""
    return F.arange(start, stop, step, dtype=dtype, device=device)


def empty(shape: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor to be written into."""
    return F.empty(shape, dtype=dtype, device=device)


def zeros(shape: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Zeros, float32 unless another dtype is given."""
    return F.zeros(shape, dtype=dtype, device=device)


def ones(shape: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Ones, float32 unless another dtype is given."""
    return F.ones(shape, dtype=dtype, device=device)


def full(shape: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """`fill_value` everywhere; a Python number has its default dtype."""
    return F.full(shape, fill_value, dtype=dtype, device=device)


def host_full(shape: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> NumpyArray:
    """`full` of NumPy; a complex number becomes complex64, as Python's floats become float32."""
    return np.full(shape, fill_value, np.complex64 if dtype is None else dtype, device=device)


def host_linspace(
    start: Any, stop: Any, /, num: int, *, dtype: Any = None, device: Any = None, endpoint: bool = True
) -> NumpyArray:
    """`linspace` of NumPy; complex numbers become complex64."""
    kind = np.complex64 if dtype is None else dtype
    return np.linspace(start, stop, num, dtype=kind, device=device, endpoint=endpoint)


def empty_like(x: Tensor, /, *, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor of the shape of `x`, to be written into."""
    return empty(x.shape, **_like(x, dtype, device))


def zeros_like(x: Tensor, /, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Zeros of the shape of `x`, in its dtype and on its device unless others are given."""
    return zeros(x.shape, **_like(x, dtype, device))


def ones_like(x: Tensor, /, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Ones of the shape of `x`, in its dtype and on its device unless others are given."""
    return ones(x.shape, **_like(x, dtype, device))


def full_like(x: Tensor, /, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """`fill_value` in the shape of `x`, in its dtype and on its device unless others are given."""
    return full(x.shape, fill_value, **_like(x, dtype, device))


def _like(x: Tensor, dtype: Any, device: Any) -> dict[str, Any]:
    return {"dtype": dtype or x.dtype, "device": device or x.device}


def eye(
    n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Any = None, device: Any = None
) -> Tensor:
    """Ones on the diagonal `k` of a matrix, zeros elsewhere."""
    if k == 0:
        return F.eye(n_rows, n_cols, dtype=dtype, device=device)
    made = np.eye(n_rows, n_cols, k, dtype=dtypes.float32 if dtype is None else dtypes.as_dtype(dtype))
    return F.tensor(made, device=device)


def linspace(
    start: Any, stop: Any, /, num: int, *, dtype: Any = None, device: Any = None, endpoint: bool = True
) -> Tensor:
    """`num` numbers at equal distances from `start` to `stop`, without the last one if not `endpoint`."""
    if endpoint or not num:
        return F.linspace(start, stop, num, dtype=dtype, device=device)
    made = np.linspace(start, stop, num, endpoint=False)
    return F.tensor(made, dtype=dtypes.float32 if dtype is None else dtype, device=device)


def meshgrid(*arrays: Any, indexing: str = "xy") -> tuple[Tensor, ...]:
    """The coordinates of a grid, a tensor for each of these vectors."""
    return tuple(F.meshgrid(*arrays, indexing=indexing))


def tril(x: Tensor, /, *, k: int = 0) -> Tensor:
    """`x` with zeros above the diagonal `k`."""
    return F.tril(x, k)


def triu(x: Tensor, /, *, k: int = 0) -> Tensor:
    """`x` with zeros below the diagonal `k`."""
    return F.triu(x, k)
