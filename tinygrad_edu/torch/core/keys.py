"""What is between the brackets of x[...]: integers, slices, None, ..., masks, tensors and lists of indices.

A key is taken apart into two: a basic one, which gives a view, and one of index arrays and full slices for
that view. So an integer removes its dimension before arrays are looked at, as in PyTorch, not NumPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.engine.access import look
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core import views
from tinygrad_edu.torch.core.border import faced

Array = np.ndarray[Any, Any]
_ALL = slice(None)
_OBJECTS = (Value, list, tuple, slice, type(None), type(...))


def _parts(key: Any) -> list[Any]:
    """The items of a key; a list that holds more than numbers counts as a tuple."""
    if isinstance(key, range):
        key = list(key)
    if isinstance(key, tuple) or (isinstance(key, list) and any(isinstance(k, _OBJECTS) for k in key)):
        return list(key)
    return [key]


def _plain(k: Any) -> Any:
    """One item as an int, a bool, a slice, None, ... or an array of indices or bools."""
    kind = type(k)
    if kind is int or kind is bool or k is None or k is ...:
        return k
    if kind is slice:
        return _slice(k)
    if isinstance(k, (list, tuple, range)):
        k = np.array([_item(y) for y in k]) if len(k) else np.zeros(0, np.int64)
    elif isinstance(k, Value):
        k = np.array(look(k.inner.storage, "x[key]"))
    elif isinstance(k, (np.bool_, np.integer)):
        return k.item()
    elif not isinstance(k, np.ndarray):
        if hasattr(k, "__index__"):
            return k.__index__()
        raise wrong(IndexError, "getitem", "only integers, slices (`:`), ellipsis (`...`), None and long "
                    "or byte "
                    f"Variables are valid indices (got {kind.__name__})")  # fmt: skip
    return _checked(k)


def _item(y: Any) -> Any:
    if isinstance(y, Value):
        return np.array(look(y.inner.storage, "x[key]"))
    return [_item(z) for z in y] if isinstance(y, (list, tuple)) else y


def _checked(k: Array) -> Any:
    if k.dtype == np.uint8:
        k = k.astype(bool)
    if k.dtype.kind not in "iub":
        raise wrong(IndexError, "getitem", "tensors used as indices must be long, int, byte or bool tensors")
    return k.item() if not k.shape else k


def _slice(k: slice) -> slice:
    """A slice of plain integers. ValueError for a step below 1."""
    start, stop, step = (n if n is None or type(n) is int else _bound(n) for n in (k.start, k.stop, k.step))
    if step is not None and step <= 0:
        raise wrong(ValueError, "getitem", "step must be greater than zero", "x.flip(0) reverses a dimension")
    return slice(start, stop, step)


def _bound(n: Any) -> int:
    if not hasattr(n, "__index__"):
        raise wrong(TypeError, "getitem", f"a bound of a slice must be an integer, not {type(n).__name__}")
    return int(n.__index__())


def _width(k: Any) -> int:
    """How many dimensions an item stands for."""
    if k is None or k is ... or type(k) is bool:
        return 0
    return k.ndim if isinstance(k, np.ndarray) and k.dtype == np.bool_ else 1


def taken_apart(key: Any, ndim: int) -> tuple[tuple[Any, ...], tuple[Any, ...] | None]:
    """(basic key, key of arrays for the view that it gives, or None)."""
    items = [_plain(k) for k in _parts(key)]
    if sum(k is ... for k in items) > 1:
        first = next(i for i, k in enumerate(items) if k is ...)
        items = [_ALL if k is ... and i != first else k for i, k in enumerate(items)]
    used = sum(map(_width, items))
    if used > ndim:
        if not ndim:
            raise wrong(
                IndexError, "getitem", "invalid index of a 0-dim tensor. Use `tensor.item()` in Python"
            )
        raise wrong(IndexError, "getitem", f"too many indices for tensor of dimension {ndim}")
    basic: list[Any] = []
    arrays: list[Any] = []
    for k in items:
        if k is ...:
            basic += [_ALL] * (ndim - used)
            arrays += [_ALL] * (ndim - used)
        elif type(k) is bool:
            basic.append(None)
            arrays.append(np.zeros(int(k), np.int64))
        elif isinstance(k, np.ndarray):
            basic += [_ALL] * _width(k)
            arrays.append(k)
        else:
            basic.append(k)
            if type(k) is not int:
                arrays.append(_ALL)
    found = any(isinstance(k, np.ndarray) for k in arrays)
    return tuple(basic), tuple(arrays) if found else None


def _check_bounds(shape: tuple[int, ...], key: tuple[Any, ...]) -> None:
    at = 0
    for k in key:
        if isinstance(k, np.ndarray) and k.dtype == np.bool_:
            if k.shape != shape[at : at + k.ndim]:
                raise wrong(IndexError, "getitem", f"The shape of the mask {list(k.shape)} at index {at} "
                            f"does not "
                            f"match the shape of the indexed tensor {list(shape)} at index {at}")  # fmt: skip
            at += k.ndim
            continue
        if isinstance(k, np.ndarray) and k.size and not -shape[at] <= k.min() <= k.max() < shape[at]:
            bad = k.min() if k.min() < -shape[at] else k.max()
            raise wrong(
                IndexError,
                "getitem",
                f"index {bad} is out of bounds for dimension {at} with size {shape[at]}",
            )
        at += k is not None


def part(x: Any, key: tuple[Any, ...]) -> Any:
    """The view of x at a basic key."""
    if all(type(k) is slice and k == _ALL for k in key):
        return views.view(x, lambda i: te.reshape(i, i.shape), lambda i, one: one)
    return views.view(x, lambda i: te.functional.getitem(i, key), lambda i, one: views.put_at(i, key, one))


def get(x: Any, key: Any) -> Any:
    """`x[key]`."""
    if isinstance(key, Value) and x.inner.device != "cpu" and x.inner.ndim:
        places = key.inner
        if places.ndim and places.dtype.kind == "i":  # indices on a device are not waited for
            return faced(te.functional.getitem(x.inner, places))
    basic, arrays = taken_apart(key, x.inner.ndim)
    if arrays is None:
        return part(x, basic)
    inner = x.inner
    if any(k is None or type(k) is int or k != _ALL for k in basic):
        inner = te.functional.getitem(inner, basic)
    _check_bounds(inner.shape, arrays)
    return faced(te.functional.getitem(inner, arrays))


def put(x: Any, key: Any, value: Any) -> None:
    """`x[key] = value`."""
    if any(k is False for k in _parts(key)):  # nothing is chosen
        return
    basic, arrays = taken_apart(key, x.inner.ndim)
    moved = any(k is None or type(k) is int or k != _ALL for k in basic)
    if arrays is None or not moved:
        inner = x.inner
        if arrays is not None:
            _check_bounds(inner.shape, arrays)
        where = basic if arrays is None else arrays
        views.set_item(x, where, fitting(value, inner, shape_at(inner.shape, where), arrays is not None))
        return
    put_arrays(part(x, basic), arrays, value)


def put_arrays(x: Any, arrays: tuple[Any, ...], value: Any) -> None:
    """`x[arrays] = value` for index arrays and full slices."""
    inner = x.inner
    _check_bounds(inner.shape, arrays)
    views.set_item(x, arrays, fitting(value, inner, shape_at(inner.shape, arrays), True))


def shape_at(shape: tuple[int, ...], key: Any) -> tuple[int, ...]:
    """The shape of x[key] for an x of a shape."""
    return np.broadcast_to(np.empty((), bool), shape)[key].shape


def fitting(value: Any, inner: te.Tensor, shape: tuple[int, ...], arrays: bool) -> Any:
    """`value` in the dtype of `inner`, and without leading dimensions of length 1 that `shape` has not.

    Raises TypeError for what is no number or tensor, RuntimeError for what does not broadcast to `shape`.
    """
    if isinstance(value, Value):
        given = value.inner
    elif isinstance(value, (int, float, np.generic)):
        number = value.item() if isinstance(value, np.generic) else value
        kind = inner.dtype.kind
        return bool(number) if kind == "b" else int(number) if kind in "iu" else float(number)
    else:
        raise wrong(TypeError, "setitem", f"can't assign a {type(value).__name__} to a tensor",
                    "make a tensor of it: torch.tensor(...)")  # fmt: skip
    extra = given.ndim - len(shape)
    if extra > 0 and all(n == 1 for n in given.shape[:extra]):
        given = te.reshape(given, given.shape[extra:])
    lead = len(shape) - given.ndim
    if lead < 0 or any(n not in (1, shape[a + lead]) for a, n in enumerate(given.shape)):
        if arrays:
            raise wrong(RuntimeError, "setitem", f"shape mismatch: value tensor of shape "
                        f"{list(given.shape)} cannot be "
                        f"broadcast to indexing result of shape {list(shape)}")  # fmt: skip
        raise wrong(RuntimeError, "setitem", f"The expanded size of the tensor {list(shape)} must match "
                    f"the existing "
                    f"size {list(given.shape)}")  # fmt: skip
    if given.dtype != inner.dtype:
        with np.errstate(invalid="ignore", over="ignore"):
            given = given.cast(inner.dtype)
    return given if given.device == inner.device else given.to(inner.device)
