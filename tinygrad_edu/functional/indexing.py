"""Reads and adds elements at indices: integers, slices and masks."""

from __future__ import annotations

from types import EllipsisType
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.engine.access import glance, look
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import ShapeError, describe, wrong
from tinygrad_edu.functional.creation import as_tensor, as_tensors
from tinygrad_edu.ops import elementwise as _e
from tinygrad_edu.ops import index as _i
from tinygrad_edu.ops import movement as _m
from tinygrad_edu.scalars import integer
from tinygrad_edu.shapes import normalize_axis

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["embedding", "gather", "getitem", "index_select", "numpy_key", "one_hot", "scatter_add", "take",
           "take_along_axis"]  # fmt: skip


def numpy_key(key: Any) -> Any:
    """A key of `x[key]` for NumPy: tensors become arrays; arrays are copied, against later changes."""
    if isinstance(key, tuple):
        return tuple(numpy_key(k) for k in key)
    if isinstance(key, Value):
        return np.array(look(key.storage, "x[key]"))
    if isinstance(key, (list, np.ndarray)):
        array = np.array(key)
        return array.astype(np.int64) if array.size == 0 and array.dtype.kind == "f" else array
    return key


def getitem(x: Tensor, key: Any) -> Tensor:
    """`x[key]`: integers, slices, None, ..., integer arrays, masks. Basic keys give views.
    Raises IndexError.
    """
    if _is_device_index(key):
        return index_select(x, key)
    key = numpy_key(key)
    return (_m.slice_ if is_basic(key) else _i.index)(as_tensor(x), key=key)


def is_basic(key: Any) -> bool:
    """Whether a key for NumPy gives a view: integers, slices, None and an ellipsis."""
    return all(
        k is None
        or isinstance(k, (slice, EllipsisType))
        or (isinstance(k, (int, np.integer)) and not isinstance(k, (bool, np.bool_)))
        for k in (key if isinstance(key, tuple) else (key,))
    )


def _is_device_index(key: Any) -> bool:
    """Whether a key is an integer tensor on a device, which cannot be read without waiting."""
    if not isinstance(key, Value):
        return False
    return key.storage.array.dtype.kind == "i" and glance(key.storage, "x[key]") is None


def _from_start(index: Tensor, x: Tensor, axis: int) -> Tensor:
    """Indices along an axis of x, with negative ones counted from its end. The device is not waited for.

    An index before the start stays as it is, so that an error names it.
    """
    places, size = as_tensor(index, x), x.shape[axis]
    if places.dtype.kind != "i":
        return places
    seen = glance(places.storage, "index")
    if seen is not None and not (seen.size and seen.min() < 0):
        return places
    from_end = _e.logical_and(_e.less(places, 0), _e.greater_equal(places, -size))
    return _e.where(from_end, _e.add(places, size), places)


def _not_from_end(title: str, index: Tensor, x: Tensor) -> Tensor:
    """Indices of PyTorch's functions, which do not count from the end: it has no class -1.

    Raises IndexError if they can be seen without waiting for a device; the op raises it for all others.
    """
    places = as_tensor(index, x)
    seen = glance(places.storage, "index") if places.dtype.kind == "i" else None
    if seen is not None and seen.size and seen.min() < 0:
        problem = f"index {seen.min()} is below 0, and x.{title}, as PyTorch's, does not count from the end"
        remedy = f"te.{title}(x, indices, ...) does; of labels, leave the rows out that have no class"
        raise wrong(IndexError, title, problem, remedy, inputs=(x, places))
    return places


def _checked_axis(title: str, axis: Any, x: Tensor) -> int:
    """`axis` of x, counted from the front. TypeError if the indices were given instead."""
    if getattr(axis, "ndim", 0) or isinstance(axis, (list, tuple)):
        source = ", source" if title == "scatter_add" else ""
        raise wrong(
            TypeError,
            title,
            f"axis must be an integer, not {describe(axis)}",
            f"PyTorch's {title}(x, 1, index{source}) is te.{title}(x, indices{source}, axis=1) here",
        )
    return normalize_axis(axis, x.ndim)


def take_along_axis(x: Tensor, indices: Tensor, axis: int = -1) -> Tensor:
    """y[..., i, ...] = x[..., indices[..., i, ...], ...]; other axes must agree. Raises IndexError.

    An index below 0 counts from the end, as in NumPy: -1 is the last. `x.gather(axis, indices)`, which is
    PyTorch's, refuses it.
    """
    x = as_tensor(x)
    at = _checked_axis("gather", axis, x)
    return _i.gather(x, _from_start(indices, x, at), axis=at)


gather = take_along_axis


def gather_part(x: Tensor, indices: Tensor, axis: int) -> Tensor:
    """PyTorch's gather, from the part of x that `indices` cover; the result has their shape.

    They may have any size along `axis`, and at most that of x along each other axis. Raises ShapeError for
    more, IndexError for an index that does not exist, or that is below 0.
    """
    at = _checked_axis("gather", axis, x)
    indices = _not_from_end("gather", indices, x)
    if indices.ndim != x.ndim or any(
        n > m for a, (n, m) in enumerate(zip(indices.shape, x.shape, strict=True)) if a != at
    ):
        raise wrong(
            ShapeError,
            "gather",
            f"the indices {indices.shape} must have as many axes as x {x.shape}, and but for axis {at} none "
            "longer",
            "te.take_along_axis(x, indices, axis) broadcasts them; te.index_select takes whole slices",
            inputs=(x, indices),
        )
    part = (*indices.shape[:at], x.shape[at], *indices.shape[at + 1 :])
    if part != x.shape:
        x = _m.slice_(x, key=tuple(slice(0, n) for n in part))
    return _i.gather(x, indices, axis=at)


def scatter_add(x: Tensor, indices: Tensor, source: Tensor, axis: int = 0) -> Tensor:
    """x with `source` added at `indices` along `axis`; a repeated index gets all. Same bits every run.

    An index below 0 counts from the end. Raises IndexError.
    """
    x = as_tensor(x)
    at = _checked_axis("scatter_add", axis, x)
    return x + _i.scatter_add(as_tensor(source, x), _from_start(indices, x, at), shape=x.shape, axis=at)


def scatter_add_part(x: Tensor, indices: Tensor, source: Tensor, axis: int) -> Tensor:
    """PyTorch's scatter_add: `scatter_add`, but an index below 0 is an IndexError."""
    at = _checked_axis("scatter_add", axis, x)
    places = _not_from_end("scatter_add", indices, x)
    return x + _i.scatter_add(as_tensor(source, x), places, shape=x.shape, axis=at)


def index_select(x: Tensor, indices: Tensor, axis: int = 0) -> Tensor:
    """The slices of x along `axis` at a vector of indices; one below 0 counts from the end."""
    x = as_tensor(x)
    at = _checked_axis("index_select", axis, x)
    return _select(x, _from_start(indices, x, at), at)


def index_select_part(x: Tensor, indices: Tensor, axis: int) -> Tensor:
    """PyTorch's index_select: `index_select`, but an index below 0 is an IndexError."""
    at = _checked_axis("index_select", axis, x)
    return _select(x, _not_from_end("index_select", indices, x), at)


def _select(x: Tensor, places: Tensor, at: int) -> Tensor:
    if not _is_device_index(places):
        return _i.index(x, key=(*([slice(None)] * at), numpy_key(places)))
    front = (at, *(a for a in range(x.ndim) if a != at))
    taken = _i.take_rows(_m.permute(x, axes=front), places)
    n = places.ndim  # the axes of the indices come first; they belong at `axis`
    back = (*range(n, n + at), *range(n), *range(n + at, taken.ndim))
    return _m.permute(taken, axes=back)


take = index_select


def embedding(indices: Tensor, weight: Tensor, *, padding_idx: int | None = None) -> Tensor:
    """Rows of a table: indices (...), weight (rows, n) -> (..., n).

    The row `padding_idx` gets no gradient. Raises IndexError for a row that does not exist."""
    rows, places = as_tensors((weight, indices))
    taken = _i.take_rows(rows, places)
    if padding_idx is None or not taken.requires_grad:
        return taken
    padding = integer(padding_idx, "embedding: padding_idx")
    padding += rows.shape[0] if padding < 0 else 0
    empty = _m.reshape(_e.equal(places, padding), shape=(*places.shape, *(1,) * (rows.ndim - 1)))
    return _e.where(empty, taken.detach(), taken)


def one_hot(indices: Tensor, classes: int, *, dtype: Any = float) -> Tensor:
    """1 at the class, 0 elsewhere: (...) -> (..., classes). IndexError for a class that does not exist."""
    count = integer(classes, "one_hot: classes", least=0)
    return _i.one_hot(as_tensor(indices), classes=count, dtype=dtypes.as_dtype(dtype))
