"""Moves elements without changing them: views, permutations, joins and copies.

Some functions return views. The result of any other function has memory of its own, also where a view would
do: whether a change in place of it changes the argument never depends on the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.engine.access import look
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import ShapeError, describe, wrong
from tinygrad_edu.functional.creation import as_tensor, operands
from tinygrad_edu.ops import elementwise as _e
from tinygrad_edu.ops import index as _i
from tinygrad_edu.ops import movement as _m
from tinygrad_edu.scalars import integer, integers, is_one
from tinygrad_edu.shapes import Axis, normalize_axes, normalize_axis

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["broadcast_to", "clone", "concat", "expand", "expand_dims", "flatten", "flip",
           "matrix_transpose", "moveaxis", "permute_dims", "repeat", "reshape", "roll", "sliding_windows",
           "split", "squeeze", "stack", "tile", "transpose"]  # fmt: skip


def reshape(x: Tensor, shape: Sequence[int] | int) -> Tensor:
    """x with another shape; one size may be -1. Raises ShapeError when the element counts differ."""
    return _m.reshape(as_tensor(x), shape=integers(shape, "a shape"))


def permute_dims(x: Tensor, axes: Sequence[int]) -> Tensor:
    """Axis i of the result is axis `axes[i]` of x."""
    x = as_tensor(x)
    order = tuple(normalize_axis(a, x.ndim) for a in integers(axes, "axes"))
    if sorted(order) != list(range(x.ndim)):
        raise wrong(
            ValueError,
            "permute_dims",
            f"axes {tuple(axes)} are not an order of the {x.ndim} axes of {x.shape}",
            inputs=(x,),
        )
    return _m.permute(x, axes=order)


def transpose(x: Tensor, *axes: int) -> Tensor:
    """All axes reversed, or, with two axes given, those two swapped."""
    x = as_tensor(x)
    order = list(range(x.ndim))
    if not axes:
        return _m.permute(x, axes=tuple(order[::-1]))
    if len(axes) != 2:
        raise wrong(
            ValueError,
            "transpose",
            f"transpose swaps two axes, {len(axes)} were given",
            "permute_dims takes an order",
            inputs=(x,),
        )
    i, j = (normalize_axis(a, x.ndim) for a in axes)
    order[i], order[j] = j, i
    return _m.permute(x, axes=tuple(order))


def matrix_transpose(x: Tensor) -> Tensor:
    """The last two axes swapped."""
    x = as_tensor(x)
    if x.ndim < 2:
        raise wrong(
            ShapeError,
            "matrix_transpose",
            f"matrix_transpose needs at least 2 axes, this tensor has shape {x.shape}",
            inputs=(x,),
        )
    return transpose(x, -1, -2)


def expand(x: Tensor, shape: Sequence[int]) -> Tensor:
    """x broadcast to `shape`, as a read-only view; -1 keeps a size."""
    x, to = as_tensor(x), integers(shape, "a shape")
    lead = len(to) - x.ndim
    return _m.expand(
        x, shape=tuple(x.shape[i - lead] if n == -1 and i >= lead else n for i, n in enumerate(to))
    )


def broadcast_to(x: Tensor, shape: Sequence[int]) -> Tensor:
    """x broadcast to `shape`, as a read-only view."""
    return expand(x, shape)


def moveaxis(x: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """x with the axes `source` at the positions `destination`; the others keep their order.

    Raises ValueError if the two do not have as many, or name an axis twice.
    """
    x = as_tensor(x)
    old, new = (
        tuple(normalize_axis(a, x.ndim) for a in integers(given, f"moveaxis: {name}"))
        for given, name in ((source, "source"), (destination, "destination"))
    )
    if len(old) != len(new) or len(set(old)) != len(old) or len(set(new)) != len(new):
        problem = f"source {source} and destination {destination} must name as many axes, each once"
        raise wrong(ValueError, "moveaxis", problem, inputs=(x,))
    rest = iter(a for a in range(x.ndim) if a not in old)
    moved = dict(zip(new, old, strict=True))
    return _m.permute(x, axes=tuple(moved[a] if a in moved else next(rest) for a in range(x.ndim)))


def squeeze(x: Tensor, axis: Axis = None) -> Tensor:
    """x without its axes of size 1, or without those named. Raises ShapeError when a named one is larger."""
    x = as_tensor(x)
    axes = tuple(i for i, n in enumerate(x.shape) if n == 1) if axis is None else normalize_axes(axis, x.ndim)
    if any(x.shape[a] != 1 for a in axes):
        raise wrong(ShapeError, "squeeze", f"axis {axis} does not have size 1", inputs=(x,))
    return _m.reshape(x, shape=tuple(n for i, n in enumerate(x.shape) if i not in axes))


def expand_dims(x: Tensor, axis: int) -> Tensor:
    """x with a new axis of size 1 at `axis`."""
    x = as_tensor(x)
    at = normalize_axis(axis, x.ndim + 1)
    return _m.reshape(x, shape=(*x.shape[:at], 1, *x.shape[at:]))


def flatten(x: Tensor, start: int = 0, end: int = -1) -> Tensor:
    """Axes start to end (included) joined into one."""
    x = as_tensor(x)
    if x.ndim == 0:
        return reshape(x, (1,))
    i, j = normalize_axis(start, x.ndim), normalize_axis(end, x.ndim)
    return _m.reshape(x, shape=(*x.shape[:i], int(np.prod(x.shape[i : j + 1])), *x.shape[j + 1 :]))


def clone(x: Tensor) -> Tensor:
    """A copy with its own memory, bit for bit; gradients pass through."""
    x = as_tensor(x)
    return _e.cast(x, dtype=x.dtype)


def apart(y: Tensor, x: Tensor) -> Tensor:
    """y, or a copy if it may share memory with x; both are on one device."""
    ours, source = y.storage, x.storage
    return clone(y) if ours.backend.shares(ours.array, source.array) else y


def flip(x: Tensor, axis: Axis = None) -> Tensor:
    """A copy of x with the order of elements reversed along `axis`, or along all axes."""
    x = as_tensor(x)
    return apart(_m.flip(x, axes=normalize_axes(axis, x.ndim)), x)


def roll(x: Tensor, shift: int | Sequence[int], axis: Axis = None) -> Tensor:
    """Elements moved `shift` places along `axis`, and those beyond the end put back at the start."""
    x = as_tensor(x)
    if axis is None:
        return reshape(roll(flatten(x), shift, 0), x.shape)
    axes = integers(axis, "axis")
    shifts = integers(shift, "roll: shift") * (len(axes) if is_one(shift) else 1)
    if len(shifts) != len(axes):
        raise wrong(ValueError, "roll", f"{len(shifts)} shifts for {len(axes)} axes", inputs=(x,))
    return _m.roll(x, shifts=shifts, axes=tuple(normalize_axis(a, x.ndim) for a in axes))


def _check_tensors(title: str, tensors: Sequence[Tensor], axis: Any) -> Sequence[Tensor]:
    """The tensors. TypeError if a tensor was given as the axis."""
    if getattr(axis, "ndim", 0):
        raise wrong(
            TypeError,
            title,
            f"axis must be an integer, not {describe(axis)}",
            f"the tensors are given in one list: te.{title}([x, y], axis=0)",
        )
    return tensors


def concat(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    """The tensors one after the other along `axis`; other sizes must agree."""
    items = operands(_check_tensors("concat", tensors, axis))
    if not items:
        raise wrong(ValueError, "concat", "concat needs at least one tensor")
    return _m.concat(*items, axis=normalize_axis(axis, items[0].ndim))


def stack(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    """The tensors, all of one shape, side by side along a new axis."""
    items = operands(_check_tensors("stack", tensors, axis))
    if not items or any(t.shape != items[0].shape for t in items):
        raise wrong(
            ShapeError,
            "stack",
            f"stack needs tensors of one shape, got {[t.shape for t in items]}",
            inputs=items,
        )
    return concat([expand_dims(t, axis) for t in items], normalize_axis(axis, items[0].ndim + 1))


def split(x: Tensor, sizes: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """x cut along `axis` into pieces of one size (the last may be smaller), or of the sizes given."""
    x = as_tensor(x)
    at, n = normalize_axis(axis, x.ndim), x.shape[normalize_axis(axis, x.ndim)]
    if is_one(sizes):
        size = integer(sizes)
        if size < 1:
            raise wrong(ValueError, "split", f"a piece must have at least 1 element, not {size}")
        sizes = [min(size, n - i) for i in range(0, n, size)] or [0]
    sizes = integers(sizes, "split: sizes")
    if sum(sizes) != n:
        raise wrong(
            ShapeError,
            "split",
            f"sizes {list(sizes)} do not add up to {n}, the size of axis {axis} of {x.shape}",
            inputs=(x,),
        )
    out, start = [], 0
    for size in sizes:
        out.append(_m.slice_(x, key=(*([slice(None)] * at), slice(start, start + size))))
        start += size
    return out


def tile(x: Tensor, repeats: Sequence[int] | int) -> Tensor:
    """A copy of x repeated whole, `repeats[i]` times along axis i (NumPy's tile)."""
    x, times = as_tensor(x), integers(repeats, "repeats")
    ndim = max(x.ndim, len(times))
    shape, times = (1,) * (ndim - x.ndim) + x.shape, (1,) * (ndim - len(times)) + times
    spaced = _m.reshape(x, shape=tuple(s for n in shape for s in (1, n)))
    grown = _m.expand(spaced, shape=tuple(s for n, t in zip(shape, times, strict=True) for s in (t, n)))
    return apart(_m.reshape(grown, shape=tuple(n * t for n, t in zip(shape, times, strict=True))), x)


def repeat(x: Tensor, count: int | Sequence[int], axis: int | None = None) -> Tensor:
    """A copy of x with every element repeated `count` times along `axis`, or of x with a single axis (NumPy's
    repeat). A vector of counts has one for each element of the axis; it is read."""
    x = as_tensor(x)
    if axis is None:
        return repeat(flatten(x), count, 0)
    at = normalize_axis(axis, x.ndim)
    if getattr(count, "ndim", isinstance(count, list | tuple)):
        return _repeat_each(x, count, at)
    count = integer(count, "repeat: count", least=0)
    grown = _m.expand(expand_dims(x, at + 1), shape=(*x.shape[: at + 1], count, *x.shape[at + 1 :]))
    whole = _m.reshape(grown, shape=(*x.shape[:at], x.shape[at] * count, *x.shape[at + 1 :]))
    return apart(whole, x)


def _repeat_each(x: Tensor, counts: Any, at: int) -> Tensor:
    """x with slice i of axis `at` repeated counts[i] times."""
    times = look(counts.storage, "repeat") if isinstance(counts, Value) else np.asarray(counts)
    if times.dtype.kind not in "iu" or times.shape != (x.shape[at],) or (times.size and times.min() < 0):
        problem = f"counts {times.shape} {times.dtype} for an axis of {x.shape[at]}"
        raise wrong(ShapeError, "repeat", problem, "give one integer >= 0 for each element, or one for all",
                    inputs=(x,))  # fmt: skip
    places = np.repeat(np.arange(x.shape[at]), times)
    return _i.index(x, key=(*([slice(None)] * at), places))


def sliding_windows(
    x: Tensor,
    sizes: int | Sequence[int],
    *,
    stride: int | Sequence[int] = 1,
    dilation: int | Sequence[int] = 1,
) -> Tensor:
    """All windows over the last axes, as a view: (..., *counts, *sizes).

    For x of (..., L1, ..., Lk) and k sizes; count i = (Li - dilation_i * (size_i - 1) - 1) // stride_i + 1.
    Raises ValueError when a window does not fit or a stride or dilation is below 1.
    """
    x = as_tensor(x)
    shape = integers(sizes)
    strides, dilations = (
        integers(v, what) * (len(shape) if is_one(v) else 1)
        for v, what in ((stride, "stride"), (dilation, "dilation"))
    )
    if min((*shape, *strides, *dilations)) < 1 or not len(shape) == len(strides) == len(dilations) <= x.ndim:
        raise wrong(
            ValueError,
            "sliding_windows",
            f"sizes {shape}, stride {strides}, dilation {dilations} must be >= 1, and as many as axes they "
            "walk",
            inputs=(x,),
        )
    return _m.windows(x, sizes=shape, strides=strides, dilations=dilations)
