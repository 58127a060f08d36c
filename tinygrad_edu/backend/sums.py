"""Sums of NumPy arrays that stay accurate when they are long.

NumPy sums in pairs along the axis with the smallest stride. Along any other axis it keeps one running sum for
each result. In float32 such a sum has an error of one percent after a million numbers, and a running sum of
ones stops growing at 2^24. Here a long axis is split into blocks, and the sums of the blocks are summed in
the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.backend.protocol import NumpyArray
from tinygrad_edu.shapes import Shape, reduced_shape

# fmt: off
SMALL = 8192        # arrays with fewer elements go to NumPy: to analyse their layout would cost too much
RUN = 1024          # most terms of one running sum
BLOCK = 128         # terms of the sum of one block
ROW = 1024          # elements of a row at which NumPy adds two rows at full speed
SLICE = 128         # elements of a slice whose addition takes less time than 128 of one element each
# fmt: on
_add: Callable[..., Any] = np.add.reduce


class Plan(NamedTuple):
    """How to transpose and reshape an array: its axes in the order of memory, as few as possible."""

    # fmt: off
    order: Shape        # the axes, outermost in memory first
    shape: Shape        # after neighbours that are both summed, or both kept, were merged
    summed: Shape       # the axes of `shape` to sum over
    kept: Shape         # sizes of the axes that are kept, in this order
    positions: Shape    # the permutation that puts the kept axes into their original order
    # fmt: on


def total(x: Any, axes: Shape, *, keepdims: bool = False) -> Any:
    """`np.add.reduce(x, axes)` for axes >= 0, with an error that hardly grows with the length of the axes."""
    if x.size <= SMALL or x.dtype.kind not in "fc":
        return _add(x, axes, keepdims=keepdims)
    plan = _plan(x.shape, x.strides, axes)
    if plan is None:
        return _add(x, axes, keepdims=keepdims)
    repeats = tuple(a for a in axes if x.strides[a] == 0)
    values_ = x[tuple(slice(0, 1) if a in repeats else slice(None) for a in range(x.ndim))] if repeats else x
    out = _blocked_sum(values_.transpose(plan.order).reshape(plan.shape), plan.summed)
    if repeats:
        out = out * out.dtype.type(prod(x.shape[a] for a in repeats))
    out = out.reshape(plan.kept).transpose(plan.positions)
    return out.reshape(reduced_shape(x.shape, axes)) if keepdims else out


@lru_cache(maxsize=4096)
def _plan(shape: Shape, strides: Shape, axes: Shape) -> Plan | None:
    """The plan; None where NumPy keeps no long running sum. An axis of stride 0 counts as one term."""

    def step(a: int) -> float:
        return abs(strides[a]) if strides[a] or a in axes else float("inf")

    order = tuple(sorted(range(len(shape)), key=step, reverse=True))
    sizes: list[int] = []
    summed: list[bool] = []
    last = 0
    for a in order:
        n, is_summed = shape[a], a in axes
        if n == 1 or (is_summed and strides[a] == 0):
            continue
        if sizes and summed[-1] == is_summed and last == strides[a] * n:
            sizes[-1] *= n
        else:
            sizes.append(n)
            summed.append(is_summed)
        last = strides[a]
    running = prod(n for n, is_summed in zip(sizes[:-1], summed[:-1], strict=True) if is_summed)
    if running <= RUN and not any(strides[a] == 0 and shape[a] > RUN for a in axes):
        return None
    kept_axes = [a for a in order if a not in axes]
    return Plan(
        order,
        tuple(sizes),
        tuple(a for a, is_summed in enumerate(summed) if is_summed),
        tuple(shape[a] for a in kept_axes),
        tuple(sorted(range(len(kept_axes)), key=kept_axes.__getitem__)),
    )


def _blocked_sum(x: Any, axes: Shape) -> Any:
    """The sum over `axes` of an array whose axes are in the order of memory."""
    last = x.ndim - 1
    running = [a for a in axes if a != last]
    if prod(x.shape[a] for a in running) <= RUN:
        return np.add.reduce(x, axes)
    a = max(running, key=x.shape.__getitem__)
    n, block, side = x.shape[a], min(BLOCK, x.shape[a]), 1
    before, after = x.shape[:a], x.shape[a + 1 :]
    if a == last - 1 and last not in axes and x.strides[a] == x.strides[last] * x.shape[last]:
        side = max(1, min(ROW // x.shape[last], n // block))  # so many rows are added as one long row
    blocks = n // (block * side)
    whole = blocks * block * side
    if side > 1:
        rows = x[..., :whole, :].reshape(*before, blocks, block, side * x.shape[last])
    else:
        rows = x[(*(slice(None),) * a, slice(whole))].reshape(*before, blocks, block, *after)
    within = (a + 1, last + 1) if last in axes else (a + 1,)
    sums = np.add.reduce(rows, within, keepdims=True)
    after = (*after[:-1], 1) if last in axes else after
    out = _blocked_sum(sums.reshape(*before, blocks * side, *after), axes)
    if whole < n:
        out = out + _blocked_sum(x[(*(slice(None),) * a, slice(whole, None))], axes)
    return out


def power_of_two(x: Any, axes: Shape, least: float = 0.0) -> Any:
    """A power of two near the largest number along `axes`, or near `least` if that is larger.

    The axes stay at size 1. After a division by it, squares and sums of the numbers do not overflow or
    vanish, and no digit changes. NaN is ignored; if all numbers are 0 or infinite, it is 1, or near `least`.
    """
    top = np.fmax.reduce(np.abs(x.real), axes, keepdims=True, initial=0)
    top = np.where(np.isfinite(top) & (top > 0), top, 1 if not least else 0).astype(top.dtype)
    return np.ldexp(np.ones_like(top), np.frexp(np.maximum(top, least, dtype=top.dtype))[1] - 1)


def overflowed(x: Any, result: Any) -> bool:
    """Whether the result has a NaN though all numbers of x are finite."""
    return bool(np.isnan(result).any() and np.isfinite(x).all())


# -- adding at positions -------------------------------------------------------------------------------------


def add_at(shape: Shape, key: Any, source: Any, most: int | None = None) -> Any:
    """Zeros of `shape` with `source` added at `key`, by `np.add.at`; in float64 if a position occurs often.

    most  an upper limit on how many elements of the source one position gets; None is the size of the source
    """
    if (axis := _long_slices(key, source)) is not None:
        out = np.zeros(shape, source.dtype)
        before = (slice(None),) * axis
        positions = key[axis] if type(key) is tuple else key
        for n, position in enumerate(positions.tolist()):
            target = out[(*before, position, ...)]
            target += source[(*before, n, ...)]
        return out
    if source.dtype.char == "f" and (source.size if most is None else most) > SMALL and _repeats_often(key):
        wide = np.zeros(shape)
        np.add.at(wide, key, source.astype(np.float64))
        return wide.astype(source.dtype)
    out = np.zeros(shape, source.dtype)
    np.add.at(out, key, source)
    return out


def _long_slices(key: Any, source: Any) -> int | None:
    """The axis of the one vector of positions in `key`, if its slices are long enough to be added whole.

    `np.add.at` adds one element at a time, in the same order.
    """
    keys = key if type(key) is tuple else (key,)
    axis = len(keys) - 1
    position = keys[axis] if keys else None
    if type(position) is not np.ndarray or position.dtype.kind not in "iu" or position.ndim != 1:
        return None
    if any(type(k) is not slice or k != slice(None) for k in keys[:axis]):
        return None
    if source.shape[axis : axis + 1] != position.shape or len(position) > SMALL:
        return None
    return axis if source.size >= SLICE * max(1, len(position)) else None


def _repeats_often(key: Any) -> bool:
    """Whether one position occurs more than about `SMALL` times in `key`, from a sample of 1 in 64.

    The sample is counted by remainders of the positions, which may collide. Counting all positions, or in a
    table of all targets, would take as long as the sums.
    """
    keys = key if type(key) is tuple else (key,)
    arrays = [k for k in keys if isinstance(k, np.ndarray) and k.dtype.kind in "iu"]
    shape = arrays[0].shape if len(arrays) == 1 else np.broadcast_shapes(*(k.shape for k in arrays))
    count = prod(shape)
    if not arrays or count <= SMALL:
        return False
    sample = _sample(count)
    at = sample if len(shape) == 1 else np.unravel_index(sample, shape)
    table = 512 if len(sample) < 4096 else 4096
    rest: Any = 0
    for k in arrays:
        values_ = (k if k.shape == shape else np.broadcast_to(k, shape))[at]
        values_ = values_.astype(np.int64, copy=False)
        rest = values_ if k is arrays[0] else rest * 31 + values_
    return bool(np.bincount(rest & (table - 1)).max() > SMALL // 64 + 2 * len(sample) // table)


@lru_cache(maxsize=16)
def _sample(count: int) -> NumpyArray:
    """One pseudo-random number out of each 64 below `count`; every call gives the same ones."""
    steps = np.arange(count // 64, dtype=np.uint64)
    within = steps * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(58)
    return (steps * np.uint64(64) + within).astype(np.int64)


def sum_runs(positions: Any, values: Any) -> tuple[Any, Any]:
    """(the distinct positions of a sorted array, the sum of the values (n, ...) at each)."""
    n = len(positions)
    starts = np.flatnonzero(np.concatenate([[True], positions[1:] != positions[:-1]]))
    if n > RUN and values.dtype.kind in "fc" and np.diff(starts, append=n).max() > RUN:
        cuts = np.union1d(starts, np.arange(0, n, BLOCK))
        return sum_runs(positions[cuts], np.add.reduceat(values, cuts, axis=0))
    return positions[starts], np.add.reduceat(values, starts, axis=0)
