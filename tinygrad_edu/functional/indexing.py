"""Reading and adding up at places given by integers, slices and masks."""
from __future__ import annotations

from types import EllipsisType
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.engine.value import Value
from tinygrad_edu.functional.creation import as_tensor, as_tensors
from tinygrad_edu.ops import elementwise as _e
from tinygrad_edu.ops import index as _i
from tinygrad_edu.ops import movement as _m
from tinygrad_edu.shapes import normalize_axis

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor


def numpy_key(key: Any) -> Any:
    """A key of `x[key]` in NumPy's terms: tensors become arrays; arrays are copied, so that a later change is
    none."""
    if isinstance(key, tuple):
        return tuple(numpy_key(k) for k in key)
    if isinstance(key, Value):
        return np.array(key.storage.backend.numpy(key.storage.array))
    if isinstance(key, (list, np.ndarray)):
        array = np.array(key)
        return array.astype(np.int64) if array.size == 0 and array.dtype.kind == "f" else array
    return key


def getitem(x: Tensor, key: Any) -> Tensor:
    """`x[key]`: integers, slices, None, ..., integer arrays, masks. Basic keys give views. Raises IndexError.
    """
    if _whole_numbers_elsewhere(key):
        return index_select(x, key)
    key = numpy_key(key)
    parts = key if isinstance(key, tuple) else (key,)
    basic = all(k is None or isinstance(k, (slice, EllipsisType)) or
                (isinstance(k, (int, np.integer)) and not isinstance(k, (bool, np.bool_))) for k in parts)
    return (_m.slice_ if basic else _i.index)(as_tensor(x), key=key)


def _whole_numbers_elsewhere(key: Any) -> bool:
    """Whether a key is a tensor of places on a device that would have to be waited for to look at them."""
    if not isinstance(key, Value):
        return False
    return not key.storage.backend.arithmetic and key.storage.array.dtype.kind == "i"


def _wrapped(index: Tensor, x: Tensor, axis: int) -> Tensor:
    """Places along an axis of x, negative ones counted from its end; one before its start stays as it is, so
    that an error names it. The device that has them is not waited for."""
    places, size = as_tensor(index, x), x.shape[axis]
    if places.dtype.kind != "i":
        return places
    if places.storage.backend.arithmetic and not (places.size and places.numpy().min() < 0):
        return places
    from_end = _e.logical_and(_e.less(places, 0), _e.greater_equal(places, -size))
    return _e.where(from_end, _e.add(places, size), places)


def take_along_axis(x: Tensor, indices: Tensor, axis: int = -1) -> Tensor:
    """y[..., i, ...] = x[..., indices[..., i, ...], ...]; other axes must agree. Raises IndexError."""
    x = as_tensor(x)
    at = normalize_axis(axis, x.ndim)
    return _i.gather(x, _wrapped(indices, x, at), axis=at)


gather = take_along_axis


def scatter_add(x: Tensor, indices: Tensor, source: Tensor, axis: int = 0) -> Tensor:
    """x with `source` added at `indices` along `axis`; a place named twice gets both. Same bits on every run.
    """
    x = as_tensor(x)
    at = normalize_axis(axis, x.ndim)
    return x + _i.scatter_add(as_tensor(source, x), _wrapped(indices, x, at), shape=x.shape, axis=at)


def index_select(x: Tensor, indices: Tensor, axis: int = 0) -> Tensor:
    """The slices of x along `axis` named by a vector of places."""
    x = as_tensor(x)
    at = normalize_axis(axis, x.ndim)
    places = _wrapped(indices, x, at)
    if not _whole_numbers_elsewhere(places):
        return _i.index(x, key=(*([slice(None)] * at), numpy_key(places)))
    front = (at, *(a for a in range(x.ndim) if a != at))
    taken = _i.take_rows(_m.permute(x, axes=front), places)
    n = places.ndim     # axes of the result that came from the places; they belong where `axis` was
    back = (*range(n, n + at), *range(n), *range(n + at, taken.ndim))
    return _m.permute(taken, axes=back)


take = index_select


def embedding(indices: Tensor, weight: Tensor) -> Tensor:
    """Rows of a table: indices (...), weight (rows, n) -> (..., n). Raises IndexError for a row that is not
    there."""
    return _i.take_rows(*as_tensors((weight, indices)))


def one_hot(indices: Tensor, classes: int, *, dtype: Any = float) -> Tensor:
    """1 at the class, 0 elsewhere: (...) -> (..., classes). Raises IndexError for a class that is not there.
    """
    return _i.one_hot(as_tensor(indices), classes=classes, dtype=dtypes.as_dtype(dtype))
