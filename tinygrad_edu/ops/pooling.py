"""Maximum over windows: a separate op, so that backward keeps the input and not all its windows.

Where several elements of a window tie for the largest, they share its gradient evenly; NaN is the largest,
and NaNs tie. `max_pool_spread` and `max_pool_read` are each other's adjoints: both find the
same largest elements, one writes to them and the other reads from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_edu.domain import Call, Draw, Interval, edge
from tinygrad_edu.engine.op import Op
from tinygrad_edu.ops.movement import _windows
from tinygrad_edu.shapes import Shape


def _windows_of(x: Any, sizes: Shape, strides: Shape) -> Any:
    return _windows(x, sizes=sizes, strides=strides, dilations=(1,) * len(sizes))


def _places(sizes: Shape, strides: Shape, counts: Shape) -> Iterator[tuple[Any, ...]]:
    """For each position in a window, the key of its elements of x: an array of the shape of the result.

    NumPy is fast along such an array, and slow along a window, which is short.
    """
    for place in np.ndindex(*sizes):
        steps = zip(place, strides, counts, strict=True)
        yield (..., *(slice(p, p + (count - 1) * s + 1, s) for p, s, count in steps))


def _max_pool(x: Any, *, sizes: Shape, strides: Shape) -> Any:
    """One axis after the other: the largest of a window is the largest of its rows' largest."""
    counts = _windows_of(x, sizes, strides).shape[x.ndim - len(sizes) : x.ndim]
    for axis, (size, stride, count) in enumerate(zip(sizes, strides, counts, strict=True), -len(sizes)):
        rest: tuple[Any, ...] = (slice(None),) * (-axis - 1)
        first, *more = [x[(..., slice(p, p + (count - 1) * stride + 1, stride), *rest)] for p in range(size)]
        x = np.array(first, order="C")
        for part in more:
            np.maximum(x, part, out=x)
    return x


def _hits(x: Any, sizes: Shape, strides: Shape) -> tuple[list[tuple[Any, ...]], list[Any], Any]:
    """The keys of `_places`, which of those elements are the largest, and how many of these a window has."""
    top = _max_pool(x, sizes=sizes, strides=strides)
    places = list(_places(sizes, strides, top.shape[x.ndim - len(sizes) :]))
    hits = [x[at] == top for at in places]
    if (lost := np.isnan(top)).any():
        hits = [hit | (np.isnan(x[at]) & lost) for hit, at in zip(hits, places, strict=True)]
    counts = np.zeros(top.shape, np.uint8 if len(places) < 256 else np.int64)
    for hit in hits:
        counts += hit
    return places, hits, counts.astype(x.dtype)


def _max_pool_spread(seed: Any, x: Any, *, sizes: Shape, strides: Shape) -> Any:
    places, hits, counts = _hits(x, sizes, strides)
    share, out = seed / counts, np.zeros(x.shape, np.result_type(seed, x))
    for at, hit in zip(places, hits, strict=True):
        target = out[at]
        target += np.where(hit, share, 0)
    return out


def _max_pool_read(u: Any, x: Any, *, sizes: Shape, strides: Shape) -> Any:
    places, hits, counts = _hits(x, sizes, strides)
    out = np.zeros(counts.shape, np.result_type(u, x))
    for at, hit in zip(places, hits, strict=True):
        out += np.where(hit, u[at] / counts, 0)
    return out


def _draw_windows(draw: Draw) -> tuple[Any, Shape, dict[str, Any]]:
    """x without ties, the shape of its windows, and their parameters."""
    axes = draw.integer(1, 2)
    sizes, strides = (tuple(draw.integer(1, 2) for _ in range(axes)) for _ in range(2))
    counts = tuple(draw.integer(1, 2) for _ in range(axes))
    spatial = tuple(
        (c - 1) * s + n + draw.integer(0, 1) for c, s, n in zip(counts, strides, sizes, strict=True)
    )
    lead = draw.shape(max_dims=1, min_side=1)
    out = (*lead, *((n - k) // s + 1 for n, k, s in zip(spatial, sizes, strides, strict=True)))
    return (
        draw.array((*lead, *spatial), Interval(-2, 2), distinct=True),
        out,
        {"sizes": sizes, "strides": strides},
    )


def _calls(draw: Draw) -> Call:
    x, _, how = _draw_windows(draw)
    return Call((x,), how)


def _spread_calls(draw: Draw) -> Call:
    x, out, how = _draw_windows(draw)
    return Call((draw.array(out), x), how)


def _read_calls(draw: Draw) -> Call:
    x, _, how = _draw_windows(draw)
    return Call((draw.array(x.shape), x), how)


max_pool: Op = Op(
    "max_pool",
    _max_pool,
    (lambda g, x, sizes, strides: max_pool_spread(g, x, sizes=sizes, strides=strides),),
    calls=_calls,
    math=r"y_p = \max_k x_{p s + k}",
    edges=(
        edge(
            x=[1.0, 3.0, 3.0],
            out=[3.0],
            slope=[0.0, 0.5, 0.5],
            params={"sizes": (3,), "strides": (1,)},
            why="a tie is shared evenly",
        ),
        edge(
            x=[1.0, np.nan, np.inf],
            out=[np.nan],
            slope=[0.0, 1.0, 0.0],
            params={"sizes": (3,), "strides": (1,)},
            why="NaN is the largest",
        ),
    ),
)
max_pool_spread: Op = Op(
    "max_pool_spread",
    _max_pool_spread,
    (lambda g, x, sizes, strides: max_pool_read(g, x, sizes=sizes, strides=strides), None),
    inputs=("seed", "x"),
    calls=_spread_calls,
    math=r"\bar x_j = \sum_p \bar y_p \, [x_j = y_p] / n_p",
)
max_pool_read: Op = Op(
    "max_pool_read",
    _max_pool_read,
    (lambda g, x, sizes, strides: max_pool_spread(g, x, sizes=sizes, strides=strides), None),
    inputs=("u", "x"),
    calls=_read_calls,
    math=r"y_p = \sum_k u_{p s + k} \, [x_{p s + k} = \max] / n_p",
)
