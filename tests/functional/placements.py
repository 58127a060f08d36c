"""Oracles and calls of functions that move, read or multiply numbers: their arguments must fit together."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.functional.drawing import Recipe, arrays, axis_of
from tinygrad_edu.domain import Call
from tinygrad_edu.testing import HypothesisDraw

# -- movement


def shaped(draw: HypothesisDraw, **limits: int) -> Call:
    return Call((draw.array(draw.shape(**limits)),))


def with_axes(draw: HypothesisDraw) -> Call:
    x = draw.array(draw.shape())
    return Call((x,), {"axis": axis_of(draw, x.ndim)})


def broadcast_calls(name: str) -> Recipe:
    def recipe(draw: HypothesisDraw) -> Call:
        x = draw.array(draw.shape(max_dims=2))
        grown = tuple(draw.integer(0, 3) if n == 1 else n for n in x.shape)
        return Call((x,), {name: (*draw.shape(max_dims=1), *grown)})

    return recipe


def expand(x: Any, shape: Any) -> Any:
    lead = len(shape) - x.ndim
    return np.broadcast_to(x, [x.shape[i - lead] if n == -1 else n for i, n in enumerate(shape)])


def expand_calls(draw: HypothesisDraw) -> Call:
    call = broadcast_calls("shape")(draw)
    lead = len(call.params["shape"]) - call.arrays[0].ndim
    kept = tuple(
        -1 if i >= lead and draw.choice((True, False)) else n for i, n in enumerate(call.params["shape"])
    )
    return Call(call.arrays, {"shape": kept})


def concat_calls(draw: HypothesisDraw) -> Call:
    shape = draw.shape(min_dims=1)
    axis = draw.integer(-len(shape), len(shape) - 1)
    at = axis % len(shape)
    sizes = [draw.integer(0, 3) for _ in range(draw.integer(1, 3))]
    return Call(([draw.array((*shape[:at], n, *shape[at + 1 :])) for n in sizes],), {"axis": axis})


def stack_calls(draw: HypothesisDraw) -> Call:
    shape = draw.shape(max_dims=2)
    return Call(
        ([draw.array(shape) for _ in range(draw.integer(1, 3))],),
        {"axis": draw.integer(-len(shape) - 1, len(shape))},
    )


def expand_dims_calls(draw: HypothesisDraw) -> Call:
    x = draw.array(draw.shape(max_dims=2))
    return Call((x,), {"axis": draw.integer(-x.ndim - 1, x.ndim)})


def flatten(x: Any, start: int, end: int) -> Any:
    first, last = start % x.ndim, end % x.ndim
    return x.reshape(*x.shape[:first], math.prod(x.shape[first : last + 1]), *x.shape[last + 1 :])


def flatten_calls(draw: HypothesisDraw) -> Call:
    x = draw.array(draw.shape(min_dims=1))
    start = draw.integer(0, x.ndim - 1)
    return Call((x,), {"start": start, "end": draw.integer(start, x.ndim - 1) - draw.choice((0, x.ndim))})


def roll_calls(draw: HypothesisDraw) -> Call:
    x = draw.array(draw.shape(min_dims=1))
    axis = axis_of(draw, x.ndim)
    shift = tuple(draw.integer(-4, 4) for _ in axis) if isinstance(axis, tuple) else draw.integer(-4, 4)
    return Call((x,), {"shift": shift, "axis": axis})


def pad_calls(draw: HypothesisDraw) -> Call:
    x = draw.array(draw.shape(min_dims=1))
    widths = draw.choice((1, tuple((draw.integer(0, 2), draw.integer(0, 2)) for _ in x.shape)))
    return Call((x,), {"widths": widths, "value": draw.choice((0.0, -1.5))})


def permute_calls(draw: HypothesisDraw) -> Call:
    x = draw.array(draw.shape())
    order = list(range(x.ndim))
    axes = tuple(order.pop(draw.integer(0, len(order) - 1)) for _ in range(x.ndim))
    return Call((x,), {"axes": tuple(a - x.ndim if draw.choice((True, False)) else a for a in axes)})


def transpose(x: Any, *axes: int) -> Any:
    return np.swapaxes(x, *axes) if axes else x.T


def transpose_calls(draw: HypothesisDraw) -> Call:
    x = draw.array(draw.shape(min_dims=1))
    swapped = tuple(draw.integer(-x.ndim, x.ndim - 1) for _ in range(2))
    return Call((x, *draw.choice(((), swapped))))


def repeat_calls(draw: HypothesisDraw) -> Call:
    x = draw.array(draw.shape())
    return Call((x, draw.integer(0, 3)), {"axis": axis_of(draw, x.ndim, many=False)})


def tile_calls(draw: HypothesisDraw) -> Call:
    return Call((draw.array(draw.shape()), draw.choice((2, draw.shape()))))


def reshape_calls(draw: HypothesisDraw) -> Call:
    x = draw.array(draw.shape())
    options = [x.shape[::-1], (x.size, 1), (1, *x.shape), x.size]
    return Call((x, draw.choice([*options, -1, (*x.shape[:1], -1)] if x.size and x.ndim else options)))


def squeeze_calls(draw: HypothesisDraw) -> Call:
    x = draw.array(tuple(draw.choice((1, 1, 2, 0)) for _ in range(draw.integer(0, 3))))
    ones = [a for a in range(x.ndim) if x.shape[a] == 1]
    return Call((x,), {"axis": draw.choice((None, tuple(ones), *(a - x.ndim for a in ones)))})


def split(x: Any, sizes: Any, axis: int) -> list[Any]:
    edges = range(sizes, x.shape[axis], sizes) if isinstance(sizes, int) else np.cumsum(sizes)[:-1]
    return np.split(x, list(edges), axis)


def split_calls(draw: HypothesisDraw) -> Call:
    x = draw.array(draw.shape(min_dims=1, min_side=1))
    axis = draw.integer(-x.ndim, x.ndim - 1)
    first = draw.integer(0, x.shape[axis])
    return Call(
        (x,), {"sizes": draw.choice((draw.integer(1, 4), (first, x.shape[axis] - first))), "axis": axis}
    )


def windows(x: Any, sizes: Any, stride: int, dilation: int) -> Any:
    spans = tuple(dilation * (n - 1) + 1 for n in sizes)
    seen = np.lib.stride_tricks.sliding_window_view(x, spans, axis=tuple(range(-len(sizes), 0)))
    every = (slice(None, None, stride),) * len(sizes)
    return seen[(..., *every, *(slice(None, None, dilation),) * len(sizes))]


def windows_calls(draw: HypothesisDraw) -> Call:
    sizes = tuple(draw.integer(1, 3) for _ in range(draw.integer(1, 2)))
    dilation = draw.integer(1, 2)
    sides = tuple(dilation * (n - 1) + 1 + draw.integer(0, 3) for n in sizes)
    return Call(
        (draw.array((*draw.shape(max_dims=1), *sides)),),
        {"sizes": sizes, "stride": draw.integer(1, 3), "dilation": dilation},
    )


# -- indexing


def getitem_calls(draw: HypothesisDraw) -> Call:
    x = draw.array(draw.shape(min_dims=1, max_dims=2, min_side=1))
    rows = draw.integers((draw.integer(0, 4),), -x.shape[0], x.shape[0] - 1)
    return Call(
        (x,),
        {
            "key": draw.choice(
                (
                    0,
                    -1,
                    slice(None, None, -1),
                    (..., None),
                    rows,
                    x > 0,
                    (rows, ...),
                    (None, rows),
                    rows.reshape(-1, 1),
                    [0, -1],
                    (Ellipsis, 0),
                    x[:, 0] > 0 if x.ndim > 1 else 0,
                )
            )
        },
    )


def embedding_calls(draw: HypothesisDraw) -> Call:
    rows = draw.integer(1, 4)
    return Call((draw.integers(draw.shape(max_dims=2), 0, rows - 1), draw.array((rows, draw.integer(0, 3)))))


def one_hot_calls(draw: HypothesisDraw) -> Call:
    return Call((draw.integers(draw.shape(max_dims=2), 0, 3),), {"classes": 4})


def along_calls(draw: HypothesisDraw) -> Call:
    x = draw.array(draw.shape(min_dims=1, min_side=1))
    axis = draw.integer(-x.ndim, x.ndim - 1)
    shape = list(x.shape)
    shape[axis] = draw.integer(0, 3)
    return Call((x, draw.integers(tuple(shape), -x.shape[axis], x.shape[axis] - 1)), {"axis": axis})


def take_calls(draw: HypothesisDraw) -> Call:
    x = draw.array(draw.shape(min_dims=1, min_side=1))
    axis = draw.integer(-x.ndim, x.ndim - 1)
    return Call((x, draw.integers((draw.integer(0, 3),), -x.shape[axis], x.shape[axis] - 1)), {"axis": axis})


def scatter_add(x: Any, places: Any, source: Any, axis: int) -> Any:
    out = x.copy()
    for at in np.ndindex(places.shape):
        to = list(at)
        to[axis] = places[at]
        out[tuple(to)] += source[at]
    return out


def scatter_calls(draw: HypothesisDraw) -> Call:
    call = along_calls(draw)
    x, places = call.arrays
    return Call((x, places, draw.array(places.shape)), call.params)


# -- sums of products


def matmul_calls(draw: HypothesisDraw) -> Call:
    m, k, n = (draw.integer(0, 3) for _ in range(3))
    lead_x, lead_y = draw.broadcast(2)
    left = draw.choice(((k,), (m, k), (*lead_x, m, k)))
    right = draw.choice(((k,), (k, n), (*lead_y, k, n)))
    return Call(arrays(draw, left, right))


def vectors(draw: HypothesisDraw, *, same: bool) -> Call:
    n = draw.integer(0, 4)
    return Call(arrays(draw, (n,), (n if same else draw.integer(0, 4),)))


def square_calls(draw: HypothesisDraw) -> Call:
    n = draw.integer(0, 4)
    return Call(arrays(draw, (n, n)))


def linear_calls(draw: HypothesisDraw) -> Call:
    fan_in, fan_out = draw.integer(0, 3), draw.integer(0, 3)
    x, weight, bias = arrays(draw, (*draw.shape(max_dims=2), fan_in), (fan_out, fan_in), (fan_out,))
    return Call(draw.choice(((x, weight), (x, weight, bias))))


def einsum_calls(draw: HypothesisDraw) -> Call:
    subscripts = draw.choice(
        (
            "ij,jk->ik",
            "ij,jk",
            "ij->ji",
            "ij,ij->",
            "i,j->ij",
            "bij,bjk->bik",
            "ii->i",
            "ii",
            "ij->i",
            "...i,i->...",
            "ij,jk,kl->il",
            "i...->...",
            "iij->j",
            "ij, kj -> ik",
        )
    )
    sizes = {c: draw.integer(1, 3) for c in "ijklb"}
    terms = subscripts.replace(" ", "").partition("->")[0].split(",")
    shapes = [tuple(sizes[c] for c in t.replace("...", "b")) for t in terms]
    return Call((subscripts, *arrays(draw, *shapes)))
