"""The part of the table with matrices, pieces, selections, statistics of order, and distances."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.functional import drawing as d
from tests.functional.drawing import WIDE, Case
from tinygrad_edu.domain import Call, Interval
from tinygrad_edu.testing import HypothesisDraw

# -- oracles -------------------------------------------------------------------------------------------------


def _chunks(x: Any, chunks: int, axis: int) -> list[Any]:
    size = max(1, -(-x.shape[axis] // chunks))
    count = chunks if not x.shape[axis] else -(-x.shape[axis] // size)
    return [np.take(x, range(i * size, min((i + 1) * size, x.shape[axis])), axis) for i in range(count)]


def _extreme(best: Any) -> Any:
    def oracle(x: Any, axis: int) -> Any:
        lines = np.moveaxis(x, axis, -1)
        places = np.zeros(lines.shape, np.int64)
        for at in np.ndindex(lines.shape):
            line = lines[at[:-1]][: at[-1] + 1]
            places[at] = max(i for i, v in enumerate(line) if v == best(line))
        return np.take_along_axis(x, np.moveaxis(places, -1, axis), axis), np.moveaxis(places, -1, axis)

    return oracle


def _quantile(x: Any, q: Any, axis: Any, keepdims: bool, interpolation: str) -> Any:
    if (x.size if axis is None else x.shape[axis]) == 0:
        raise ValueError("nothing")
    return np.asarray(np.quantile(x, q, axis=axis, keepdims=keepdims, method=interpolation))


def _median(x: Any, axis: Any, keepdims: bool) -> Any:
    if (x.size if axis is None else x.shape[axis]) == 0:
        raise ValueError("nothing")
    return np.asarray(np.median(x, axis=axis, keepdims=keepdims))


def _counts(x: Any, weights: Any = None, *, minlength: int) -> Any:
    found = np.bincount(x, weights, minlength)  # int64 of no weights at all
    return found if weights is None else found.astype(np.float64)


def _unique(*parts: str) -> Any:
    def oracle(x: Any) -> Any:
        found = np.unique(x, return_index=True, return_inverse=True, return_counts=True)
        named = dict(zip(("values", "indices", "inverse", "counts"), found, strict=True))
        named["inverse"] = named["inverse"].reshape(x.shape)
        return named[parts[0]] if len(parts) == 1 else tuple(named[part] for part in parts)

    return oracle


def _selected(x: Any, mask: Any) -> Any:
    x, mask = np.broadcast_arrays(x, mask)
    return x[mask]


def _norms(x: Any, ord: float, axis: int) -> Any:
    return np.linalg.norm(x, ord, axis, keepdims=True)


def _similarity(x: Any, y: Any, axis: int, eps: float) -> Any:
    x, y = np.broadcast_arrays(x, y)
    x, y = (v / np.maximum(_norms(v, 2, axis), eps) for v in (x, y))
    return (x * y).sum(axis)


def _distances(x: Any, y: Any, ord: float) -> Any:
    rows = [[np.linalg.norm(u - v, ord) for v in y] for u in x]
    return np.array(rows).reshape(len(x), len(y))


# -- calls ---------------------------------------------------------------------------------------------------


def matrix_calls(name: str) -> Any:
    def recipe(draw: HypothesisDraw) -> Call:
        return Call((draw.array(draw.shape(min_dims=2)),), {name: draw.integer(-3, 3)})

    return recipe


def diag_calls(draw: HypothesisDraw) -> Call:
    return Call((draw.array(draw.shape(min_dims=1, max_dims=2)),), {"k": draw.integer(-3, 3)})


def kron_calls(draw: HypothesisDraw) -> Call:
    return Call(d.arrays(draw, draw.shape(), draw.shape()))


def batch_calls(draw: HypothesisDraw) -> Call:
    b, m, k, n = (draw.integer(0, 3) for _ in range(4))
    return Call(d.arrays(draw, (b, m, k), (b, k, n)))


def sum_calls(draw: HypothesisDraw) -> Call:
    x, y = batch_calls(draw).arrays
    shape = draw.choice(((x.shape[0], x.shape[1], y.shape[2]), (y.shape[2],), ()))
    params = {"beta": draw.choice((1.0, 0.0, 0.5)), "alpha": draw.choice((1.0, -2.0))}
    return Call((draw.array(shape), x, y), params)


def pieces_calls(**params: Any) -> Any:
    def recipe(draw: HypothesisDraw) -> Call:
        x = draw.array(draw.shape(min_dims=1))
        given = {k: draw.choice(v) for k, v in params.items()}
        return Call((x,), {"axis": draw.integer(-x.ndim, x.ndim - 1), **given})

    return recipe


def grid_calls(draw: HypothesisDraw) -> Call:
    vectors = [draw.array((draw.integer(0, 3),)) for _ in range(draw.integer(1, 3))]
    return Call(tuple(vectors), {"indexing": draw.choice(("xy", "ij"))})


def mask_calls(draw: HypothesisDraw) -> Call:
    shapes = draw.broadcast(2)
    return Call((draw.array(shapes[0]), draw.integers(shapes[1], 0, 1) > 0))


def fill_calls(draw: HypothesisDraw) -> Call:
    return Call((*mask_calls(draw).arrays, draw.choice((0.0, -1.5, float("inf")))))


def whole_calls(draw: HypothesisDraw) -> Call:
    return Call((draw.integers(draw.shape(min_dims=1), -2, 2) * draw.choice((1, 1.0)),))


def count_calls(draw: HypothesisDraw) -> Call:
    x = draw.integers((draw.integer(0, 5),), 0, 4)
    weights = draw.choice(((), (draw.array(x.shape),)))
    return Call((x, *weights), {"minlength": draw.integer(0, 7)})


def bin_calls(draw: HypothesisDraw) -> Call:
    x = draw.array(draw.shape())
    edges = draw.choice(({"low": -1.0, "high": 2.0}, {"bins": [-1.0, 0.0, 0.5, 2.0]}))
    return Call((x,), {"bins": draw.integer(1, 4), **edges})


def quantile_calls(draw: HypothesisDraw) -> Call:
    x = draw.array(draw.shape(min_dims=1), distinct=True)
    methods = ("linear", "lower", "higher", "nearest", "midpoint")
    params = {"q": draw.choice((0.5, 0.0, 1.0, 0.3, [0.25, 0.9])), "interpolation": draw.choice(methods)}
    return Call((x,), {**params, **median_params(draw, x)})


def median_params(draw: HypothesisDraw, x: Any) -> dict[str, Any]:
    return {"axis": d.axis_of(draw, x.ndim, many=False), "keepdims": draw.choice((True, False))}


def median_calls(draw: HypothesisDraw) -> Call:
    x = draw.array(draw.shape(min_dims=1))
    return Call((x,), median_params(draw, x))


def vectors_calls(**params: Any) -> Any:
    """Two arrays that broadcast, with an axis of each."""

    def recipe(draw: HypothesisDraw) -> Call:
        shape = draw.shape(min_dims=1, min_side=1)
        other = tuple(draw.choice((1, n)) for n in shape[:-1])
        given = {k: draw.choice(v) for k, v in params.items()}
        return Call(d.arrays(draw, shape, (*other, shape[-1])), given)

    return recipe


def normal_calls(draw: HypothesisDraw) -> Call:
    x = draw.array(draw.shape(min_dims=1, min_side=1))
    params = {"ord": draw.choice((1.0, 2.0, 3.0)), "axis": draw.integer(-x.ndim, x.ndim - 1)}
    return Call((x * draw.choice((1.0, 0.0)),), {**params, "eps": draw.choice((1e-12, 0.5))})


def row_calls(draw: HypothesisDraw) -> Call:
    m, n, k = draw.integer(0, 3), draw.integer(0, 3), draw.integer(1, 3)
    return Call(d.arrays(draw, (m, k), (n, k)), {"ord": draw.choice((1.0, 2.0, 3.0))})


def with_gaps(draw: HypothesisDraw, x: Any) -> Any:
    """x with some of its elements NaN or infinite."""
    kind = draw.integers(x.shape, 0, 9)
    return np.select([kind == 1, kind == 2, kind == 3], [np.nan, np.inf, -np.inf], x)


def close_calls(draw: HypothesisDraw) -> Call:
    x = draw.array(draw.shape())
    y = x * (1.0 + draw.choice((0.0, 1e-7, 1e-3))) + draw.choice((0.0, 1e-9))
    params = {"rtol": draw.choice((1e-5, 0.0)), "atol": draw.choice((1e-8, 1e-2)),
              "equal_nan": draw.choice((True, False))}  # fmt: skip
    return Call((with_gaps(draw, x), with_gaps(draw, y)), params)


def gap_calls(**params: Any) -> Any:
    def recipe(draw: HypothesisDraw) -> Call:
        return Call(
            (with_gaps(draw, draw.array(draw.shape())),), {k: draw.choice(v) for k, v in params.items()}
        )

    return recipe


def gap_reductions(draw: HypothesisDraw) -> Call:
    call = d.reductions()(draw)
    return Call(
        (np.where(draw.integers(call.arrays[0].shape, 0, 2) == 0, np.nan, call.arrays[0]),), call.params
    )


def axes_calls(draw: HypothesisDraw) -> Call:
    x = draw.array(draw.shape(min_dims=1))
    axes = [draw.integer(-x.ndim, x.ndim - 1) for _ in range(2)]
    if x.ndim > 1 and draw.choice((True, False)):
        return Call((x,), {"source": (axes[0], (axes[0] + 1) % x.ndim), "destination": (0, -1)})
    return Call((x,), {"source": axes[0], "destination": axes[1]})


def search_calls(draw: HypothesisDraw) -> Call:
    x = np.sort(np.round(draw.array((draw.integer(0, 5),))))
    return Call((x, np.round(draw.array(draw.shape()))), {"side": draw.choice(("left", "right"))})


FUNCTIONS = {
    "tril": Case(np.tril, matrix_calls("k")),
    "triu": Case(np.triu, matrix_calls("k")),
    "diagonal": Case(lambda x, offset: np.diagonal(x, offset, -2, -1), matrix_calls("offset")),
    "diag": Case(np.diag, diag_calls),
    "kron": Case(np.kron, kron_calls),
    "bmm": Case(np.matmul, batch_calls),
    "baddbmm": Case(lambda c, x, y, beta, alpha: beta * c + alpha * (x @ y), sum_calls),
    "chunk": Case(_chunks, pieces_calls(chunks=(1, 2, 3, 5))),
    "unbind": Case(lambda x, axis: [np.take(x, i, axis) for i in range(x.shape[axis])], pieces_calls()),
    "meshgrid": Case(lambda *xs, indexing: list(np.meshgrid(*xs, indexing=indexing)), grid_calls),
    "masked_fill": Case(lambda x, mask, value: np.where(mask, value, x), fill_calls),
    "masked_select": Case(_selected, mask_calls),
    "nonzero": Case(np.nonzero, whole_calls),
    "unique_values": Case(_unique("values"), whole_calls),
    "unique_counts": Case(_unique("values", "counts"), whole_calls),
    "unique_inverse": Case(_unique("values", "inverse"), whole_calls),
    "unique_all": Case(_unique("values", "indices", "inverse", "counts"), whole_calls),
    "bincount": Case(_counts, count_calls),
    "histogram": Case(
        lambda x, bins, low=None, high=None: np.histogram(x, bins, None if low is None else (low, high)),
        bin_calls,
    ),
    "cummax": Case(_extreme(max), d.along(whole=True)),
    "cummin": Case(_extreme(min), d.along(whole=True)),
    "median": Case(_median, median_calls),
    "quantile": Case(_quantile, quantile_calls),
    "logaddexp": Case(np.logaddexp, d.maps(WIDE, WIDE)),
    "lerp": Case(lambda x, y, w: x + w * (y - x), d.maps(WIDE, WIDE, Interval(0, 1))),
    "normalize": Case(lambda x, ord, axis, eps: x / np.maximum(_norms(x, ord, axis), eps), normal_calls),
    "cosine_similarity": Case(_similarity, vectors_calls(axis=(-1,), eps=(1e-8, 0.5))),
    "pairwise_distance": Case(
        lambda x, y, ord, eps, keepdims: np.linalg.norm(x - y + eps, ord, -1, keepdims=keepdims),
        vectors_calls(ord=(1.0, 2.0, 3.0), eps=(1e-6, 0.1), keepdims=(True, False)),
    ),
    "cdist": Case(_distances, row_calls),
    "isclose": Case(np.isclose, close_calls),
    "nan_to_num": Case(np.nan_to_num, gap_calls(nan=(0.0, 2.5), posinf=(None, 9.0), neginf=(None, -9.0))),
    "nansum": Case(np.nansum, gap_reductions),
    "nanmean": Case(np.nanmean, gap_reductions),
    "count_nonzero": Case(
        lambda x, **k: np.asarray(np.count_nonzero(x, **k), np.int64), d.reductions(Interval(0, 1))
    ),
    "diff": Case(np.diff, d.along(n=(1, 2, 0))),
    "moveaxis": Case(np.moveaxis, axes_calls),
    "searchsorted": Case(lambda x, v, side: np.searchsorted(x, v, side), search_calls),
}
