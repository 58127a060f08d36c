"""Indexing: reading at integer indices, and its adjoint, adding at those indices.

Indices are checked on every device: one out of range is an IndexError that names it, and never a wrong or
illegal read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.backend.protocol import Backend
from tinygrad_edu.backend.sums import add_at, sum_runs
from tinygrad_edu.domain import Call, Draw
from tinygrad_edu.engine.op import Op
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.ops.movement import expand, slice_
from tinygrad_edu.shapes import Shape, broadcast_shapes, stretched_axes


class Gather(Op):
    """Reads along one axis at given indices."""

    family = "index"

    def lower(self, backend: Backend) -> Callable[..., Any]:
        return lambda x, index, *, axis: backend.gather(x, index, axis)


class ScatterAdd(Op):
    """Adds along one axis at given indices; the same bits on every run."""

    family = "index"

    def lower(self, backend: Backend) -> Callable[..., Any]:
        return lambda source, index, *, shape, axis: backend.scatter_add(shape, index, source, axis)


def _check(index: Any, size: int) -> None:
    if index.dtype.kind not in "iu":
        raise wrong(
            TypeError,
            None,
            f"an index must hold integers, not {index.dtype}",
            "a mask goes in brackets: x[mask]",
        )
    if index.size and (int(index.min()) < 0 or int(index.max()) >= size):
        bad = int(index.min()) if int(index.min()) < 0 else int(index.max())
        raise wrong(IndexError, None, f"index {bad} is out of range for an axis of size {size}")


def _places(index: Any, axis: int) -> tuple[Any, ...]:
    places = list(np.ogrid[tuple(slice(n) for n in index.shape)])
    places[axis] = index
    return tuple(places)


def _fits_gather(x: Any, index: Any, *, axis: int) -> None:
    if len(index.shape) != len(x.shape):
        raise wrong(
            ShapeError,
            None,
            f"the index {index.shape} must have as many axes as x {x.shape}",
            "to take whole slices use te.index_select",
        )
    broadcast_shapes((*x.shape[:axis], 1, *x.shape[axis + 1 :]), index.shape)


def _gather(x: Any, index: Any, *, axis: int) -> Any:
    _check(index, x.shape[axis])
    return np.take_along_axis(x, index, axis)


def _gather_grad(g: Any, index: Any, x_shape: Shape, axis: int) -> Any:
    """g added at the indices, in the shape that x was broadcast to; the engine sums it to x's shape."""
    shape = (*g.shape[:axis], x_shape[axis], *g.shape[axis + 1 :])
    return scatter_add(
        g, index if index.shape == g.shape else expand(index, shape=g.shape), shape=shape, axis=axis
    )


def _fits_scatter_add(source: Any, index: Any, *, shape: Shape, axis: int) -> None:
    if len(index.shape) != len(shape) or any(
        n > m for a, (n, m) in enumerate(zip(index.shape, shape, strict=True)) if a != axis
    ):
        raise wrong(
            ShapeError,
            None,
            f"the index {index.shape} must have as many axes as the target {shape}, and but for axis "
            f"{axis} none longer",
        )
    stretched_axes(source.shape, index.shape)


def _scatter_add(source: Any, index: Any, *, shape: Shape, axis: int) -> Any:
    _check(index, shape[axis])
    return add_at(shape, _places(index, axis), source, most=index.shape[axis])


def _scatter_add_grad(g: Any, index: Any, axis: int) -> Any:
    """g read at the indices, from the part of the target that the index covers."""
    part = tuple(slice(None) if a == axis else slice(0, n) for a, n in enumerate(index.shape))
    return gather(slice_(g, key=part), index, axis=axis)


def _index(x: Any, *, key: Any) -> Any:
    return x[key]


def _index_add(source: Any, *, shape: Shape, key: Any) -> Any:
    return add_at(shape, key, source)


def _take_rows(weight: Any, index: Any) -> Any:
    _check(index, weight.shape[0])
    return weight[index]


def _add_rows(source: Any, index: Any, *, rows: int) -> Any:
    """Rows of `source` added by index: sorted, then summed in runs; ten times faster than one at a time."""
    _check(index, rows)
    width = source.shape[index.ndim :]
    flat, values = index.reshape(-1), source.reshape(index.size, *width)
    out = np.zeros((rows, *width), source.dtype)
    if flat.size:
        order = np.argsort(flat, kind="stable")
        found, sums = sum_runs(flat[order], values[order])
        out[found] = sums
    return out


def _gather_calls(draw: Draw) -> Call:
    x = draw.array(draw.shape(min_dims=1, min_side=1))
    axis = draw.integer(0, x.ndim - 1)
    shape = (*x.shape[:axis], draw.integer(0, 3), *x.shape[axis + 1 :])
    return Call((x, draw.integers(shape, 0, x.shape[axis] - 1)), {"axis": axis})


def _scatter_calls(draw: Draw) -> Call:
    source = draw.array(draw.shape(min_dims=1, min_side=1))
    axis, size = draw.integer(0, source.ndim - 1), draw.integer(1, 4)
    shape = (*source.shape[:axis], size, *source.shape[axis + 1 :])
    return Call((source, draw.integers(source.shape, 0, size - 1)), {"shape": shape, "axis": axis})


def _index_calls(draw: Draw) -> Call:
    x = draw.array(draw.shape(min_dims=1, max_dims=2, min_side=1))
    rows = draw.integers((draw.integer(0, 4),), 0, x.shape[0] - 1)
    return Call((x,), {"key": draw.choice(((rows,), (x > 0,), (rows, ..., None), (rows[:, None] * 0,)))})


def _index_add_calls(draw: Draw) -> Call:
    n, rows = draw.integer(1, 3), draw.integers((draw.integer(0, 4),), 0, 0)
    return Call((draw.array((rows.size,)),), {"shape": (n,), "key": (rows,)})


def _take_calls(draw: Draw) -> Call:
    rows = draw.integer(1, 3)
    return Call(
        (draw.array((rows, *draw.shape(max_dims=1))), draw.integers(draw.shape(max_dims=2), 0, rows - 1))
    )


def _add_rows_calls(draw: Draw) -> Call:
    rows, index = draw.integer(1, 3), draw.integers(draw.shape(max_dims=2), 0, 0)
    return Call((draw.array((*index.shape, draw.integer(0, 2))), index), {"rows": rows})


# fmt: off
gather = Gather("gather", _gather,
                (_gather_grad, None), fits=_fits_gather,
                calls=_gather_calls, math=r"y_{i} = x_{\text{index}_i}")
scatter_add: Op = ScatterAdd("scatter_add", _scatter_add,
                             (_scatter_add_grad, None), fits=_fits_scatter_add,
                             calls=_scatter_calls, math=r"y_j = \sum_{i: \text{index}_i = j} x_i")
index = Op("index", _index, (lambda g, x_shape, key: index_add(g, shape=x_shape, key=key),),
           calls=_index_calls, math=r"x[\text{key}]")
index_add: Op = Op("index_add", _index_add, (lambda g, key: index(g, key=key),), calls=_index_add_calls,
               math=r"\text{zeros, with } x \text{ added at } \text{key}")
take_rows = Op("take_rows", _take_rows,
               (lambda g, index, weight_shape: add_rows(g, index, rows=weight_shape[0]), None),
               calls=_take_calls, math=r"y_i = W_{\text{index}_i}")
add_rows: Op = Op("add_rows", _add_rows, (lambda g, index: take_rows(g, index), None), calls=_add_rows_calls,
              math=r"W_j = \sum_{i: \text{index}_i = j} x_i")
# fmt: on


def _argsort(x: Any, *, axis: int, descending: bool = False, first: int | None = None) -> Any:
    """The descending order is a stable sort of the reversed line, reversed.

    So equal elements keep their order, and no number has to be negated.
    first   how many of the indices are the result; None is all
    """
    n = x.shape[axis]
    if descending and first and 8 * first <= n and x.size and x.dtype.kind != "c":
        lines = np.moveaxis(x, axis, -1)
        found = _largest(np.ascontiguousarray(lines).reshape(-1, n), first)
        return np.moveaxis(found.reshape(*lines.shape[:-1], first), -1, axis)
    part = (*(slice(None),) * (axis % x.ndim), slice(0, first))
    if not descending:
        return np.argsort(x, axis=axis, kind="stable")[part]
    places = np.argsort(np.flip(x, axis), axis=axis, kind="stable")
    return np.flip(n - 1 - places, axis)[part]


def _largest(lines: Any, k: int) -> Any:
    """The indices (m, k) of the k largest of each line (m, n), in descending order; only these are sorted.

    NaN counts as the largest. A line with ties, more than k that are not below its k-th largest, is sorted as
    a whole.
    """
    least = np.partition(lines, lines.shape[1] - k, axis=1)[:, -k, None]
    hit = lines >= least
    if lines.dtype.kind == "f":
        hit |= np.isnan(lines)
    plain = np.count_nonzero(hit, axis=1) == k
    if not plain.all():
        out = np.empty((len(lines), k), np.int64)
        out[~plain] = _argsort(lines[~plain], axis=1, descending=True)[:, :k]
        if plain.any():
            out[plain] = _largest(lines[plain], k)
        return out
    places = np.nonzero(hit)[1].reshape(-1, k)
    order = _argsort(np.take_along_axis(lines, places, 1), axis=1, descending=True)
    return np.take_along_axis(places, order, 1)


# fmt: off
argsort = Op("argsort", _argsort, (None,),
             calls=lambda draw: Call((draw.array(draw.shape(min_dims=1), distinct=True),), {"axis": 0}),
             math=r"\text{the places of the sorted elements; ties in order}")
# fmt: on


def _one_hot(x: Any, *, classes: int, dtype: Any = np.float32) -> Any:
    _check(x, classes)
    out = np.zeros((*x.shape, classes), dtype)
    np.put_along_axis(out, x[..., None], 1, -1)
    return out


# fmt: off
one_hot = Op("one_hot", _one_hot, (None,), math=r"y_{ij} = [x_i = j]",
             calls=lambda draw: Call((draw.integers(draw.shape(max_dims=2), 0, 3),), {"classes": 4}))
# fmt: on
