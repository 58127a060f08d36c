"""Adaptive pooling: the size of the result is given, and the windows follow from it.

Window i of an axis of n elements in m windows has the elements from floor(i n / m) up to, not including,
ceil((i + 1) n / m), so that windows have nearly equal sizes, together all elements, and may overlap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.creation import as_tensor
from tinygrad_edu.functional.indexing import index_select
from tinygrad_edu.functional.movement import permute_dims, reshape
from tinygrad_edu.functional.pooling import above_padding, positions_of, real_dtype, spatial_axes
from tinygrad_edu.functional.reduction import max, mean, sum
from tinygrad_edu.ops import elementwise as _e
from tinygrad_edu.ops import pooling as _p
from tinygrad_edu.scalars import integer, is_one

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d",
           "adaptive_max_pool2d", "adaptive_max_pool3d"]  # fmt: skip

Outputs = int | Sequence[int | None]


def output_sizes(output_size: Any, axes: int) -> tuple[int | None, ...]:
    """One size for all axes, or one for each; None keeps the size that x has. ValueError for others."""
    if output_size is None or is_one(output_size):
        given: tuple[Any, ...] = (output_size,) * axes
    elif isinstance(output_size, str) or not hasattr(output_size, "__iter__"):
        raise wrong(TypeError, None, f"output_size must be an integer or {axes}, not {output_size!r:.60}")
    else:
        given = tuple(output_size)
    found = tuple(None if n is None else integer(n, "output_size", least=1) for n in given)
    if len(found) != axes:
        raise wrong(ValueError, None, f"output_size={output_size!r} must be an integer or {axes} of them")
    return found


def _prepared(x: Any, output_size: Any, axes: int) -> tuple[Tensor, tuple[int, ...], bool]:
    """x, the sizes of the result, and whether all windows of an axis have one size and do not overlap."""
    x = spatial_axes(x, axes)
    spatial = x.shape[-axes:]
    if 0 in spatial:
        raise wrong(ShapeError, None, "of no elements there is no window", inputs=(x,))
    sizes = tuple(
        n if m is None else m for n, m in zip(spatial, output_sizes(output_size, axes), strict=True)
    )
    return x, sizes, not any(n % m for n, m in zip(spatial, sizes, strict=True))


def _spread(x: Tensor, axis: int, count: int) -> tuple[Tensor, Any, Any]:
    """x with `axis` as two: the `count` windows, and the elements of each up to the longest window.

    Also (count, longest): which of these belong to the window; and (count,): the first element of each.
    """
    n = x.shape[axis]
    start = np.arange(count) * n // count
    stop = -(-(np.arange(count) + 1) * n // count)
    longest = int((stop - start).max())
    places = start[:, None] + np.arange(longest)
    parts = index_select(x, np.minimum(places, n - 1).reshape(-1), axis)
    shape = (*x.shape[:axis], count, longest, *x.shape[axis + 1 :])
    return reshape(parts, shape), places < stop[:, None], start


def _avg(axes: int, x: Any, output_size: Any) -> Tensor:
    x, sizes, even = _prepared(x, output_size, axes)
    lead = x.shape[: x.ndim - axes]
    if even:
        pairs = [n for m, size in zip(sizes, x.shape[-axes:], strict=True) for n in (m, size // m)]
        parts = reshape(x, (*lead, *pairs))
        return mean(parts, tuple(len(lead) + 2 * a + 1 for a in range(axes)))
    for axis, count in enumerate(sizes, len(lead)):
        parts, inside, _ = _spread(x, axis, count)
        spare = (1,) * (x.ndim - axis - 1)
        mask = as_tensor(inside.reshape(*inside.shape, *spare), x)
        counts = as_tensor(inside.sum(1).reshape(-1, *spare).astype(real_dtype(x)), x)
        x = sum(_e.where(mask, parts, 0.0), axis + 1) / counts
    return x


def _rows(x: Tensor, sizes: tuple[int, ...]) -> tuple[Tensor, list[Any], list[int]]:
    """(..., sizes, window): each window as a row as long as the longest, with -inf beyond its end.

    Also the first element of each window, and the length of the longest, along each axis.
    """
    lead, starts, longest = x.ndim - len(sizes), [], []
    for axis, count in enumerate(sizes):
        x, inside, start = _spread(x, lead + 2 * axis, count)
        mask = inside.reshape(*inside.shape, *(1,) * (x.ndim - lead - 2 * axis - 2))
        x = x if inside.all() else _e.where(as_tensor(mask, x), x, float("-inf"))
        starts.append(start)
        longest.append(inside.shape[1])
    order = (*range(lead), *range(lead, x.ndim, 2), *range(lead + 1, x.ndim, 2))
    rows = reshape(permute_dims(x, order), (*x.shape[:lead], *sizes, math.prod(longest)))
    return rows, starts, longest


def _max(axes: int, x: Any, output_size: Any, return_indices: bool) -> Any:
    x, sizes, even = _prepared(x, output_size, axes)
    spatial = x.shape[-axes:]
    if even:
        windows = tuple(n // m for n, m in zip(spatial, sizes, strict=True))
        out = _p.max_pool(x, sizes=windows, strides=windows)
    else:
        out = max(_rows(x, sizes)[0], -1)
    if not return_indices:
        return out
    rows, starts, longest = _rows(above_padding(x), sizes)
    steps = [math.prod(spatial[axis + 1 :]) for axis in range(axes)]
    return out, positions_of(
        rows,
        [start * step for start, step in zip(starts, steps, strict=True)],
        [np.arange(n) * step for n, step in zip(longest, steps, strict=True)],
    )


def adaptive_avg_pool1d(x: Tensor, output_size: Outputs) -> Tensor:
    """The means of `output_size` windows that have all elements: (..., length) -> (..., output_size)."""
    return _avg(1, x, output_size)


def adaptive_avg_pool2d(x: Tensor, output_size: Outputs) -> Tensor:
    """The means of windows that have all elements: (..., H, W) -> (..., H', W') for output_size (H', W').

    One number is for both axes, and None keeps a size. output_size 1 is the mean of each channel.
    """
    return _avg(2, x, output_size)


def adaptive_avg_pool3d(x: Tensor, output_size: Outputs) -> Tensor:
    """The means of windows that have all elements: (..., D, H, W) -> (..., D', H', W')."""
    return _avg(3, x, output_size)


def adaptive_max_pool1d(x: Tensor, output_size: Outputs, *, return_indices: bool = False) -> Any:
    """The largest of each of `output_size` windows that have all elements: (..., length) -> (..., count)."""
    return _max(1, x, output_size, return_indices)


def adaptive_max_pool2d(x: Tensor, output_size: Outputs, *, return_indices: bool = False) -> Any:
    """The largest of windows that have all elements: (..., H, W) -> (..., H', W') for output_size (H', W').

    One number is for both axes, and None keeps a size. A tie shares the gradient evenly. `return_indices` is
    as in `max_pool2d`.
    """
    return _max(2, x, output_size, return_indices)


def adaptive_max_pool3d(x: Tensor, output_size: Outputs, *, return_indices: bool = False) -> Any:
    """The largest of windows that have all elements: (..., D, H, W) -> (..., D', H', W')."""
    return _max(3, x, output_size, return_indices)
