"""The Array API's statistical functions, `all`, `any` and `diff`."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu import functional as F
from tinygrad_edu.array_api.host import numpy_of, of_numpy
from tinygrad_edu.functional import all as all
from tinygrad_edu.functional import any as any
from tinygrad_edu.functional import max as max
from tinygrad_edu.functional import mean as mean
from tinygrad_edu.functional import min as min
from tinygrad_edu.functional import std as std
from tinygrad_edu.functional import var as var
from tinygrad_edu.tensor import Tensor

__all__ = ["all", "any", "cumulative_prod", "cumulative_sum", "diff", "max", "mean", "min", "prod", "std",
           "sum", "var"]  # fmt: skip

Axes = int | tuple[int, ...] | None


def sum(x: Tensor, /, *, axis: Axes = None, dtype: Any = None, keepdims: bool = False) -> Tensor:
    """The sum over the axes; integers are added up in 64 bits, unless another dtype is given."""
    if _is_unsigned(x, dtype):
        return of_numpy(np.sum(numpy_of(x), axis=axis, keepdims=keepdims))
    kind = _kind(x, dtype)
    return _cast(F.sum(_cast(x, kind), axis, keepdims=keepdims), kind)


def prod(x: Tensor, /, *, axis: Axes = None, dtype: Any = None, keepdims: bool = False) -> Tensor:
    """The product over the axes; integers are multiplied in 64 bits, unless another dtype is given."""
    if _is_unsigned(x, dtype):
        return of_numpy(np.prod(numpy_of(x), axis=axis, keepdims=keepdims))
    kind = _kind(x, dtype)
    return _cast(F.prod(_cast(x, kind), axis, keepdims=keepdims), kind)


def _is_unsigned(x: Tensor, dtype: Any) -> bool:
    """Whether a sum of `x` is a uint64, which tensors lack."""
    return dtype is None and x.dtype == dtypes.uint8


def _kind(x: Tensor, dtype: Any) -> np.dtype[Any]:
    """The dtype of a sum of `x`."""
    if dtype is None:
        return x.dtype if dtypes.is_floating(x.dtype) else dtypes.int64
    return dtypes.as_dtype(dtype)


def _cast(x: Tensor, dtype: np.dtype[Any]) -> Tensor:
    return x if x.dtype == dtype else x.cast(dtype)


def cumulative_sum(
    x: Tensor, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Tensor:
    """The sums of the first elements along an axis, after a 0 if `include_initial`."""
    if _is_unsigned(x, dtype):
        return of_numpy(np.cumulative_sum(numpy_of(x), axis=axis, include_initial=include_initial))
    return _cumulative(F.cumsum, 0, x, axis, dtype, include_initial)


def cumulative_prod(
    x: Tensor, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Tensor:
    """The products of the first elements along an axis, after a 1 if `include_initial`."""
    if _is_unsigned(x, dtype):
        return of_numpy(np.cumulative_prod(numpy_of(x), axis=axis, include_initial=include_initial))
    return _cumulative(F.cumprod, 1, x, axis, dtype, include_initial)


def _cumulative(
    function: Any, initial: int, x: Tensor, axis: int | None, dtype: Any, include_initial: bool
) -> Tensor:
    if axis is None:
        x, axis = F.reshape(x, (-1,)) if x.ndim != 1 else x, 0
    kind = _kind(x, dtype)
    found = _cast(function(_cast(x, kind), axis), kind)
    if not include_initial:
        return found
    shape = list(found.shape)
    shape[axis] = 1
    return F.concat([F.full(shape, initial, dtype=kind, device=found.device), found], axis)


def diff(
    x: Tensor, /, *, axis: int = -1, n: int = 1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """The differences of neighbours along an axis, n times, after `prepend` and before `append`."""
    parts = [part for part in (prepend, x, append) if part is not None]
    return F.diff(F.concat(parts, axis) if len(parts) > 1 else x, axis=axis, n=n)
