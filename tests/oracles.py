"""What ops and functions should return, written again: the oracles that no declaration can name.

An elementwise op's oracle stands in its declaration, as `oracle=`, or has the op's name in another library
(`tinygrad_edu/ops/oracle.py`). Here are loops for the ops that take whole arrays, and textbook formulas for
functions that NumPy lacks. Nothing here calls the library, and nothing repeats how it computes. Arrays come
in as float64 or integers.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tests import oracles_linalg
from tinygrad_edu.engine.op import Op
from tinygrad_edu.ops.elementwise import Map
from tinygrad_edu.ops.oracle import expected

# -- reductions and scans: lines gathered one by one ------------------------------------------------


def _lines(x: Any, axes: tuple[int, ...]) -> Any:
    """(kept index with axes at 0, the numbers along `axes` there)."""
    for at in np.ndindex(*(1 if a in axes else n for a, n in enumerate(x.shape))):
        along = [range(n) if a in axes else (at[a],) for a, n in enumerate(x.shape)]
        yield at, [x[i].item() for i in itertools.product(*along)]


def _reduced(function: Callable[[list[float]], float]) -> Callable[..., Any]:
    def compute(x: Any, *, axes: tuple[int, ...]) -> Any:
        out = np.empty([1 if a in axes else n for a, n in enumerate(x.shape)], object)
        for at, line in _lines(x, axes):
            out[at] = function(line)
        return np.array(out.tolist()).reshape(out.shape)

    return compute


def _logsumexp(line: list[float]) -> float:
    return math.log(math.fsum(math.exp(v) for v in line)) if line else -math.inf


def _along(function: Callable[[list[float]], list[float]]) -> Callable[..., Any]:
    """A function of lines along one axis (or several, taken together) that keeps their length."""

    def compute(x: Any, *, axis: int | None = None, axes: tuple[int, ...] = (), **params: Any) -> Any:
        axes = axes if axis is None else (axis,)
        out = np.empty(x.shape)
        for at, line in _lines(x, axes):
            along = [range(n) if a in axes else (at[a],) for a, n in enumerate(x.shape)]
            for place, value in zip(itertools.product(*along), function(line, **params), strict=True):
                out[place] = value
        return out

    return compute


def _softmax(line: list[float]) -> list[float]:
    total = math.fsum(math.exp(v) for v in line)
    return [math.exp(v) / total for v in line]


def _softmax_grad(seed: Any, y: Any, *, axis: int) -> Any:
    """The Jacobian of softmax, diag(y) - y y^T, times the seed."""
    s, p = (np.moveaxis(a, axis, -1) for a in (seed, y))
    out = np.empty(p.shape)
    for at in np.ndindex(p.shape[:-1]):
        out[at] = (np.diag(p[at]) - np.outer(p[at], p[at])) @ s[at]
    return np.moveaxis(out, -1, axis)


def _log_softmax_grad(seed: Any, y: Any, *, axis: int) -> Any:
    """The transposed Jacobian of log_softmax, I - 1 p^T, times the seed."""
    s, p = (np.moveaxis(a, axis, -1) for a in (seed, np.exp(y)))
    out = np.empty(p.shape)
    for at in np.ndindex(p.shape[:-1]):
        out[at] = (np.eye(p.shape[-1]) - np.outer(p[at], np.ones(p.shape[-1]))) @ s[at]
    return np.moveaxis(out, -1, axis)


def _standardize_grad(seed: Any, x: Any, *, axes: Any, eps: float = 1e-5) -> Any:
    """The Jacobian, (I - 1/n - y y^T / n) / sqrt(variance + eps), written out, times the seed; rows only."""
    out = np.empty(x.shape)
    for r, (row, weights) in enumerate(zip(x.tolist(), seed, strict=True)):
        n, y = len(row), np.array(_standardized(row, eps))
        mean = math.fsum(row) / n
        spread = math.sqrt(math.fsum((v - mean) ** 2 for v in row) / n + eps)
        out[r] = (np.eye(n) - 1 / n - np.outer(y, y) / n) / spread @ weights
    return out


def _standardized(line: list[float], eps: float = 1e-5) -> list[float]:
    mean = math.fsum(line) / len(line)
    variance = math.fsum((v - mean) ** 2 for v in line) / len(line)
    return [(v - mean) / math.sqrt(variance + eps) for v in line]


# -- movement, indexing, contractions ---------------------------------------------------------------


def _flip(x: Any, *, axes: tuple[int, ...]) -> Any:
    return x[tuple(slice(None, None, -1) if a in axes else slice(None) for a in range(x.ndim))]


def _fold(x: Any, *, shape: Any, sizes: Any, strides: Any, dilations: Any) -> Any:
    (size,), (stride,), (dilation,), out = sizes, strides, dilations, np.zeros(shape)
    for row, count, k in itertools.product(range(x.shape[0]), range(x.shape[1]), range(size)):
        out[row, count * stride + k * dilation] += x[row, count, k]
    return out


def _windows(x: Any, *, sizes: Any, strides: Any, dilations: Any) -> Any:
    (size,), (stride,), (dilation,) = sizes, strides, dilations
    starts = range(0, x.shape[1] - dilation * (size - 1), stride)
    return np.array([[[row[s + k * dilation] for k in range(size)] for s in starts] for row in x])


def _scattered(shape: Any, places: Any) -> Any:
    out = np.zeros(shape)
    for at, value in places:
        out[at] += value
    return out


def _scatter_add(source: Any, index: Any, *, shape: Any, axis: int) -> Any:
    places = (((*i[:axis], index[i], *i[axis + 1 :]), source[i]) for i in np.ndindex(source.shape))
    return _scattered(shape, places)


def _gather(x: Any, index: Any, *, axis: int) -> Any:
    out = np.empty(index.shape)
    for i in np.ndindex(index.shape):
        out[i] = x[(*i[:axis], index[i], *i[axis + 1 :])]
    return out


def _products(x: Any, weight: Any, strides: Any, padding: Any, dilations: Any, groups: int) -> Any:
    """(place in x, place in weight, place in the result) of every product of a convolution, one by one."""
    (n, _, *spatial), (o, per, *sizes) = x, weight
    counts = [
        (m + 2 * p - d * (k - 1) - 1) // s + 1
        for m, p, d, k, s in zip(spatial, padding, dilations, sizes, strides, strict=True)
    ]
    for b, f, ch in itertools.product(range(n), range(o), range(per)):
        channel = f // (o // groups) * per + ch
        for place, k in itertools.product(np.ndindex(*counts), np.ndindex(*sizes)):
            at = tuple(
                p * s + i * d - a for p, s, i, d, a in zip(place, strides, k, dilations, padding, strict=True)
            )
            if all(0 <= v < m for v, m in zip(at, spatial, strict=True)):
                yield (b, channel, *at), (f, ch, *k), (b, f, *place)


def convolution(x: Any, weight: Any, **how: Any) -> Any:
    counts = [
        (m + 2 * p - d * (k - 1) - 1) // s + 1
        for m, p, d, k, s in zip(
            x.shape[2:], how["padding"], how["dilations"], weight.shape[2:], how["strides"], strict=True
        )
    ]
    out = np.zeros((x.shape[0], weight.shape[0], *counts))
    for a, b, at in _products(x.shape, weight.shape, **how):
        out[at] += x[a] * weight[b]
    return out


def _convolution_input(seed: Any, weight: Any, *, shape: Any, **how: Any) -> Any:
    out = np.zeros(shape)
    for a, b, at in _products(shape, weight.shape, **how):
        out[a] += seed[at] * weight[b]
    return out


def _convolution_weight(seed: Any, x: Any, *, shape: Any, **how: Any) -> Any:
    out = np.zeros(shape)
    for a, b, at in _products(x.shape, shape, **how):
        out[b] += seed[at] * x[a]
    return out


def _window_places(shape: Any, sizes: Any, strides: Any) -> Any:
    """(window, the places of its elements) for each window over the last axes, and the leading places."""
    k = len(sizes)
    counts = [(n - s) // d + 1 for n, s, d in zip(shape[len(shape) - k :], sizes, strides, strict=True)]
    for lead in np.ndindex(*shape[: len(shape) - k]):
        for place in np.ndindex(*counts):
            yield (
                (*lead, *place),
                [
                    (*lead, *(p * d + i for p, d, i in zip(place, strides, at, strict=True)))
                    for at in np.ndindex(*sizes)
                ],
            )


def _max_pool(x: Any, *, sizes: Any, strides: Any) -> Any:
    found = {at: max(x[p] for p in places) for at, places in _window_places(x.shape, sizes, strides)}
    return np.array(list(found.values())).reshape(np.array(list(found)).max(0) + 1)


def _max_pool_spread(seed: Any, x: Any, *, sizes: Any, strides: Any) -> Any:
    out = np.zeros(x.shape)
    for at, places in _window_places(x.shape, sizes, strides):
        best = [p for p in places if x[p] == max(x[q] for q in places)]
        for p in best:
            out[p] += seed[at] / len(best)
    return out


def _max_pool_read(u: Any, x: Any, *, sizes: Any, strides: Any) -> Any:
    out = np.zeros(_max_pool(x, sizes=sizes, strides=strides).shape)
    for at, places in _window_places(x.shape, sizes, strides):
        best = [p for p in places if x[p] == max(x[q] for q in places)]
        out[at] = math.fsum(u[p] for p in best) / len(best)
    return out


def _matmul(x: Any, y: Any) -> Any:
    return (x[..., :, :, None] * y[..., None, :, :]).sum(-2)


def _cross_entropy(logits: Any, target: Any, *, reduction: str = "mean") -> Any:
    losses = [-math.log(_softmax(row.tolist())[t]) for row, t in zip(logits, target, strict=True)]
    if reduction == "none":
        return np.array(losses)
    return math.fsum(losses) / (len(losses) if reduction == "mean" else 1)


def _cross_entropy_grad(g: Any, logits: Any, target: Any, *, reduction: str = "mean") -> Any:
    out = np.array([_softmax(row.tolist()) for row in logits]).reshape(logits.shape)
    for row, t in enumerate(target):
        out[row, t] -= 1
    weight = np.broadcast_to(g, target.shape)[:, None]
    return out * weight / (len(target) if reduction == "mean" else 1)


def _concat(*xs: Any, axis: int) -> Any:
    out = np.empty([sum(x.shape[a] for x in xs) if a == axis else n for a, n in enumerate(xs[0].shape)])
    start = 0
    for x in xs:
        out[(slice(None),) * axis + (slice(start, start + x.shape[axis]),)] = x
        start += x.shape[axis]
    return out


def _pad(x: Any, *, widths: Any, value: float = 0.0) -> Any:
    out = np.full([before + n + after for n, (before, after) in zip(x.shape, widths, strict=True)], value)
    for i in np.ndindex(x.shape):
        out[tuple(k + before for k, (before, _) in zip(i, widths, strict=True))] = x[i]
    return out


def _unslice(x: Any, *, shape: Any, key: Any) -> Any:
    out = np.zeros(shape)
    for value, place in zip(x.tolist(), range(shape[0])[key[0]], strict=True):
        out[place] = value
    return out


def _roll(x: Any, *, shifts: Any, axes: Any) -> Any:
    out = np.empty(x.shape)
    for i in np.ndindex(x.shape):
        at = list(i)
        for shift, a in zip(shifts, axes, strict=True):
            at[a] = (at[a] + shift) % x.shape[a]
        out[tuple(at)] = x[i]
    return out


# fmt: off
LOOPS: dict[str, Callable[..., Any]] = {
    "sum": _reduced(math.fsum), "prod": _reduced(math.prod), "max": _reduced(max), "min": _reduced(min),
    "any": _reduced(any), "all": _reduced(all), "logsumexp": _reduced(_logsumexp),
    "norm2": _reduced(lambda line: math.hypot(*line)),
    "norm_p": lambda x, *, axes, ord: _reduced(
        lambda line: math.fsum(abs(v) ** ord for v in line) ** (1 / ord))(x, axes=axes),
    "argmax": _reduced(lambda line: line.index(max(line))),
    "argmin": _reduced(lambda line: line.index(min(line))),
    "prod_others": _along(lambda line: [math.prod(line[:i] + line[i + 1:]) for i in range(len(line))]),
    "cumsum": _along(lambda line: list(itertools.accumulate(line))),
    "cumprod": _along(lambda line: [math.prod(line[:i + 1]) for i in range(len(line))]),
    "softmax": _along(_softmax), "log_softmax": _along(lambda line: [math.log(p) for p in _softmax(line)]),
    "standardize": _along(_standardized), "standardize_grad": _standardize_grad,
    "softmax_grad": _softmax_grad, "log_softmax_grad": _log_softmax_grad,
    "argsort": _along(lambda line, descending=False: sorted(range(len(line)), key=lambda i: line[i],
                                                            reverse=descending)),
    "reshape": lambda x, *, shape: np.array(x.ravel().tolist()).reshape(shape),
    "permute": lambda x, *, axes: np.moveaxis(x, axes, range(x.ndim)),
    "expand": lambda x, *, shape: x + np.zeros(shape), "flip": _flip,
    "slice": lambda x, *, key: x.copy()[key],
    "windows": _windows, "fold": _fold, "unslice": _unslice, "pad": _pad, "roll": _roll, "concat": _concat,
    "gather": _gather, "scatter_add": _scatter_add,
    "index": lambda x, *, key: x.copy()[key],
    "index_add": lambda x, *, shape, key: _scattered(shape, zip(key[0].tolist(), x.tolist(), strict=True)),
    "take_rows": lambda w, i: np.array([w[k] for k in i.ravel()]).reshape((*i.shape, *w.shape[1:])),
    "add_rows": lambda x, i, *, rows: _scattered((rows, x.shape[-1]),
                                                 ((i[at], x[at]) for at in np.ndindex(i.shape))),
    "one_hot": lambda x, *, classes, dtype=float: (x[..., None] == np.arange(classes)).astype(dtype),
    "convolution": convolution, "convolution_input": _convolution_input,
    "convolution_weight": _convolution_weight,
    "max_pool": _max_pool, "max_pool_spread": _max_pool_spread, "max_pool_read": _max_pool_read,
    "matmul": _matmul, "linear": lambda x, w, b: (x[..., None, :] * w).sum(-1) + b,
    "einsum": lambda *xs, subscripts: np.einsum(subscripts, *(x.copy() for x in xs)),
    "cross_entropy": _cross_entropy, "cross_entropy_grad": _cross_entropy_grad,
    **oracles_linalg.LOOPS,
}
# fmt: on


def of_op(op: Op, arrays: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """What an op should return, masked where its oracle has no number. Raises for an op without one."""
    return (
        expected(op, arrays, params) if isinstance(op, Map) else np.ma.array(loops_of(op)(*arrays, **params))
    )


def loops_of(op: Op) -> Callable[..., Any]:
    """The oracle of an op of whole arrays."""
    if op.name not in LOOPS:
        raise KeyError(
            f"op {op.name!r} has nothing to be held against: write what it should return, as loops, in LOOPS "
            "of tests/oracles.py"
        )
    return LOOPS[op.name]


def agree(found: Any, said: Any, rtol: float, atol: float) -> None:
    """The numbers, and no finite one where the oracle has none."""
    assert found.shape == said.shape
    masked = np.ma.getmaskarray(said)
    np.testing.assert_allclose(found[~masked], said.data[~masked], rtol=rtol, atol=atol)
    assert not np.isfinite(found[masked]).any(), "finite where the oracle has no number"


# -- functions that are no op, or name axes as NumPy does -------------------------------------------


def logsumexp(x: Any, axis: Any, keepdims: bool) -> Any:
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def norm(x: Any, axis: Any, keepdims: bool, ord: float) -> Any:
    if math.isinf(ord):
        return (np.max if ord > 0 else np.min)(np.abs(x), axis=axis, keepdims=keepdims)
    if ord == 0:
        return np.sum(x != 0, axis=axis, keepdims=keepdims).astype(x.dtype)
    return np.sum(np.abs(x) ** ord, axis=axis, keepdims=keepdims) ** (1 / ord)


def softmax(x: Any, axis: int) -> Any:
    return LOOPS["softmax"](x, axis=axis % x.ndim)


def layer_norm(x: Any, axis: Any, weight: Any = 1.0, bias: Any = 0.0, eps: float = 1e-5) -> Any:
    axes = tuple(a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,)))
    return LOOPS["standardize"](x, axes=axes, eps=eps) * weight + bias


def ordered(x: Any, axis: int, descending: bool) -> tuple[Any, Any]:
    """The sorted numbers and their places; equals keep their order, in both directions."""
    places = LOOPS["argsort"](x, axis=axis % x.ndim, descending=descending).astype(np.int64)
    return np.take_along_axis(x, places, axis), places


def topk(x: Any, k: int, axis: int) -> tuple[Any, ...]:
    return tuple(np.take(a, range(k), axis) for a in ordered(x, axis, True))


def reduced(loss: Callable[..., Any]) -> Callable[..., Any]:
    def oracle(*xs: Any, reduction: str, **params: Any) -> Any:
        losses = np.asarray(loss(*xs, **params), np.float64)
        return losses if reduction == "none" else np.sum(losses) if reduction == "sum" else np.mean(losses)

    return oracle


def huber(y: Any, t: Any, delta: float) -> Any:
    d = np.abs(y - t)
    return np.where(d <= delta, d * d / 2, delta * (d - delta / 2))
