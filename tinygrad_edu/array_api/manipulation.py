"""The Array API's functions that rearrange elements, and those that take some by index."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import numpy as np

from tinygrad_edu import functional as F
from tinygrad_edu.errors import wrong
from tinygrad_edu.tensor import Tensor

__all__ = ["broadcast_arrays", "broadcast_shapes", "broadcast_to", "concat", "expand_dims", "flip",
           "moveaxis", "permute_dims", "repeat", "reshape", "roll", "squeeze", "stack", "take",
           "take_along_axis", "tile", "unstack"]  # fmt: skip

Axes = int | tuple[int, ...] | None
broadcast_to, moveaxis, permute_dims, take_along_axis = (
    F.broadcast_to,
    F.moveaxis,
    F.permute_dims,
    F.take_along_axis,
)


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape to which arrays of these shapes broadcast. ValueError if there is none."""
    return np.broadcast_shapes(*shapes)


def broadcast_arrays(*arrays: Tensor) -> tuple[Tensor, ...]:
    """The tensors broadcast to their common shape, as views."""
    shape = np.broadcast_shapes(*(x.shape for x in arrays))
    return tuple(F.broadcast_to(x, shape) for x in arrays)


def concat(arrays: Sequence[Tensor], /, *, axis: int | None = 0) -> Tensor:
    """The tensors one after the other along an axis; flattened first if it is None."""
    if axis is None:
        arrays, axis = [F.reshape(x, (-1,)) for x in arrays], 0
    return F.concat(_of_one_dtype(arrays), axis)


def stack(arrays: Sequence[Tensor], /, *, axis: int = 0) -> Tensor:
    """The tensors as the slices of a new axis."""
    return F.stack(_of_one_dtype(arrays), axis)


def _of_one_dtype(arrays: Sequence[Tensor]) -> list[Tensor]:
    arrays = list(arrays)
    kinds = {x.dtype for x in arrays}
    return [x.cast(np.result_type(*kinds)) for x in arrays] if len(kinds) > 1 else arrays


def unstack(x: Tensor, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """The slices along an axis."""
    return tuple(F.unbind(x, axis))


def expand_dims(x: Tensor, /, axis: int | tuple[int, ...] = 0) -> Tensor:
    """`x` with new axes of size 1, at these positions in the result."""
    axes = axis if isinstance(axis, tuple) else (axis,)
    total = x.ndim + len(axes)
    if any(not -total <= a < total for a in axes) or len({a % total for a in axes}) < len(axes):
        problem = f"axes {axes} in a result of {total} axes"
        raise wrong(
            IndexError, "expand_dims", problem, f"name each of {-total} to {total - 1} once", inputs=(x,)
        )
    new, old = {a % total for a in axes}, iter(x.shape)
    return F.reshape(x, tuple(1 if i in new else next(old) for i in range(total)))


def flip(x: Tensor, /, *, axis: Axes = None) -> Tensor:
    """The order of elements reversed along the axes, or along all."""
    return F.flip(x, axis)


def repeat(x: Tensor, repeats: int | Tensor, /, *, axis: int | None = None) -> Tensor:
    """Each element repeated as often as `repeats` says, for all the same or one number for each."""
    if not isinstance(repeats, Tensor) or repeats.size == 1 != x.size:
        return F.repeat(x, int(repeats), axis)
    if axis is None:
        x, axis = F.reshape(x, (-1,)), 0
    counts = np.broadcast_to(repeats.numpy(), (x.shape[axis],))
    return F.take(x, F.tensor(np.repeat(np.arange(len(counts)), counts), device=x.device), axis)


def reshape(x: Tensor, /, shape: tuple[int, ...], *, copy: bool | None = None) -> Tensor:
    """`x` with another shape; a view if it can be one. `copy=False` raises ValueError if it cannot."""
    found = F.reshape(x, shape)
    if copy:
        return F.clone(found)
    if copy is False and found.size and not x.storage.backend.shares(x.storage.array, found.storage.array):
        problem = f"copy=False, and {x.shape} with these strides is no view of shape {shape}"
        raise wrong(ValueError, "reshape", problem, "leave out copy=")
    return found


def roll(x: Tensor, /, shift: int | tuple[int, ...], *, axis: Axes = None) -> Tensor:
    """The elements moved along the axes; those that leave the end return at the start."""
    if isinstance(shift, tuple) and isinstance(axis, int):
        shift = sum(shift)
    if isinstance(axis, tuple) and isinstance(shift, int):
        shift = (shift,) * len(axis)
    return F.roll(x, shift, axis)


def squeeze(x: Tensor, /, axis: int | tuple[int, ...]) -> Tensor:
    """`x` without these axes, which have size 1."""
    return F.squeeze(x, axis)


def take(x: Tensor, indices: Tensor, /, *, axis: int | None = None) -> Tensor:
    """The slices of these indices along an axis, which a vector need not name."""
    if axis is None and x.ndim != 1:
        raise wrong(ValueError, "take", f"a tensor of {x.ndim} axes", "say which axis=", inputs=(x, indices))
    return F.take(x, indices, 0 if axis is None else operator.index(axis))


def tile(x: Tensor, repetitions: tuple[int, ...], /) -> Tensor:
    """`x` repeated whole along each axis."""
    return F.tile(x, repetitions)
