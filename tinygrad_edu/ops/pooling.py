"""Maximum over windows: a separate op, so that backward keeps the input and not all its windows.

Where several elements of a window tie for the largest, they share its gradient evenly; NaN is the largest,
and NaNs tie. `max_pool_spread` and `max_pool_read` are each other's adjoints: both find the
same largest elements, one writes to them and the other reads from them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.domain import Call, Draw, Interval, edge
from tinygrad_edu.engine.op import Op
from tinygrad_edu.ops.movement import _fold, _windows
from tinygrad_edu.shapes import Shape


def _windows_of(x: Any, sizes: Shape, strides: Shape) -> Any:
    return _windows(x, sizes=sizes, strides=strides, dilations=(1,) * len(sizes))


def _shared(u: Any, x: Any, sizes: Shape, strides: Shape) -> Any:
    """(..., counts, sizes): u / n at the n largest elements of each window of x, 0 at the others."""
    seen, axes = _windows_of(x, sizes, strides), tuple(range(-len(sizes), 0))
    top = seen.max(axes, keepdims=True)
    hit = (seen == top) | (np.isnan(seen) & np.isnan(top))
    return np.where(hit, u / hit.sum(axes, keepdims=True, dtype=x.dtype), 0)


def _max_pool(x: Any, *, sizes: Shape, strides: Shape) -> Any:
    return np.ascontiguousarray(_windows_of(x, sizes, strides).max(tuple(range(-len(sizes), 0))))


def _max_pool_spread(seed: Any, x: Any, *, sizes: Shape, strides: Shape) -> Any:
    parts = _shared(seed[(..., *(None,) * len(sizes))], x, sizes, strides)
    return _fold(parts, shape=x.shape, sizes=sizes, strides=strides, dilations=(1,) * len(sizes))


def _max_pool_read(u: Any, x: Any, *, sizes: Shape, strides: Shape) -> Any:
    return _shared(_windows_of(u, sizes, strides), x, sizes, strides).sum(tuple(range(-len(sizes), 0)))


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
