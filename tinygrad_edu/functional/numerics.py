"""Numbers that are nearly equal, missing, or not 0, and the differences of neighbours."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.dtypes import is_floating
from tinygrad_edu.functional.creation import as_tensor, as_tensors
from tinygrad_edu.functional.elementwise import (
    abs,
    equal,
    isfinite,
    isnan,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    not_equal,
    sub,
    where,
)
from tinygrad_edu.functional.movement import clone
from tinygrad_edu.functional.reduction import sum
from tinygrad_edu.ops import movement as _m
from tinygrad_edu.scalars import integer, number
from tinygrad_edu.shapes import Axis, normalize_axis

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["count_nonzero", "diff", "isclose", "nan_to_num", "nanmean", "nansum"]


def isclose(
    x: Any, y: Any, *, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:  # fmt: skip
    """Whether |x - y| <= atol + rtol |y|, element by element; shapes broadcast.

    An infinity is close to itself only; a NaN to nothing, or with `equal_nan` to a NaN.
    """
    x, y = (t.detach() if is_floating(t.dtype) else t.cast("float64") for t in as_tensors((x, y)))
    reach, share = number(atol, "isclose: atol"), number(rtol, "isclose: rtol")
    finite = logical_and(isfinite(x), isfinite(y))
    a, b = (where(isfinite(t), t, 0.0) for t in (x, y))  # so that no infinity is subtracted
    near = logical_and(finite, less_equal(abs(a - b), abs(b) * share + reach))
    found = logical_or(near, equal(x, y))
    return logical_or(found, logical_and(isnan(x), isnan(y))) if equal_nan else found


def nan_to_num(
    x: Tensor, *, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """x with numbers instead of NaN and the infinities, by default 0 and the largest numbers of its dtype.

    Nothing is replaced in integers. The gradient of what was replaced is 0.
    """
    x = as_tensor(x)
    if not is_floating(x.dtype):
        return clone(x)
    most = float(np.finfo(x.dtype).max)
    high = most if posinf is None else number(posinf, "nan_to_num: posinf")
    low = -most if neginf is None else number(neginf, "nan_to_num: neginf")
    found = where(isnan(x), number(nan, "nan_to_num: nan"), x)
    return where(equal(x, math.inf), high, where(equal(x, -math.inf), low, found))


def nansum(x: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The sum over `axis` of what is not NaN; 0 of nothing."""
    x = as_tensor(x)
    return sum(where(isnan(x), 0.0, x) if is_floating(x.dtype) else x, axis, keepdims=keepdims)


def nanmean(x: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The mean over `axis` of what is not NaN; NaN of nothing."""
    x = as_tensor(x)
    x = x if is_floating(x.dtype) else x.cast("float64")
    count = sum(logical_not(isnan(x)).cast(x.dtype), axis, keepdims=keepdims)
    return where(equal(count, 0.0), math.nan, nansum(x, axis, keepdims=keepdims) / maximum(count, 1.0))


def count_nonzero(x: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """How many elements along `axis` are not 0, int64. NaN is not 0."""
    return sum(not_equal(as_tensor(x), 0).cast("int64"), axis, keepdims=keepdims)


def diff(x: Tensor, *, axis: int = -1, n: int = 1) -> Tensor:
    """Each element minus the one before it along `axis`, `n` times over.

    Each time the axis gets shorter by 1. Of bools, whether the two differ.
    """
    x, times = as_tensor(x), integer(n, "diff: n", least=0)
    at = normalize_axis(axis, x.ndim)
    if not times:
        return clone(x)
    for _ in range(min(times, x.shape[at])):  # nothing is left then
        before, after = (
            _m.slice_(x, key=(*[slice(None)] * at, cut)) for cut in (slice(None, -1), slice(1, None))
        )
        x = not_equal(after, before) if x.dtype == np.bool_ else sub(after, before)
    return x
