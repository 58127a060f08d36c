"""Oracles that NumPy has no single function for, and the calls whose arguments must fit together."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.functional.drawing import WIDE, Recipe
from tinygrad_edu.domain import Call, Interval
from tinygrad_edu.testing import HypothesisDraw

erf = np.vectorize(math.erf, otypes=[np.float64])


# -- elementwise


def special(draw: HypothesisDraw) -> Call:
    values = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0])
    return Call((values[draw.integers(draw.shape(), 0, 5)],))


def truths(count: int) -> Recipe:
    def recipe(draw: HypothesisDraw) -> Call:
        return Call(tuple(draw.integers(s, 0, 1).astype(bool) for s in draw.broadcast(count)))

    return recipe


def choices(draw: HypothesisDraw) -> Call:
    condition, x, y = draw.broadcast(3)
    return Call((draw.integers(condition, 0, 1).astype(bool), draw.array(x), draw.array(y)))


# -- reductions


def logsumexp(x: Any, axis: Any, keepdims: bool) -> Any:
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def norm(x: Any, axis: Any, keepdims: bool, ord: float) -> Any:
    if math.isinf(ord):
        return (np.max if ord > 0 else np.min)(np.abs(x), axis=axis, keepdims=keepdims)
    if ord == 0:
        return np.sum(x != 0, axis=axis, keepdims=keepdims).astype(x.dtype)
    return np.sum(np.abs(x) ** ord, axis=axis, keepdims=keepdims) ** (1 / ord)


def softmax(x: Any, axis: int) -> Any:
    return np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)


def layer_norm(x: Any, axis: Any, weight: Any = 1.0, bias: Any = 0.0, eps: float = 1e-5) -> Any:
    variance = np.var(x, axis=axis, keepdims=True)
    return (x - np.mean(x, axis=axis, keepdims=True)) / np.sqrt(variance + eps) * weight + bias


def layer_norm_calls(draw: HypothesisDraw) -> Call:
    x = draw.array(draw.shape(min_dims=1, min_side=1))
    axis = draw.choice((-1, x.ndim - 1, tuple(range(x.ndim))))
    return Call(
        (x,),
        {"axis": axis, "eps": 0.1, "weight": draw.array((x.shape[-1],)), "bias": draw.array((x.shape[-1],))},
    )


def ordered(x: Any, axis: int, descending: bool) -> tuple[Any, Any]:
    """Python's own sort of every line; equals keep their order, in both directions."""

    def line(v: Any) -> list[int]:
        return sorted(range(len(v)), key=lambda i: -v[i] if descending else v[i])

    places = (
        np.apply_along_axis(lambda v: np.array(line(v), np.int64), axis, x)
        if x.size
        else np.zeros(x.shape, np.int64)
    )
    return np.take_along_axis(x, places, axis), places


def topk(x: Any, k: int, axis: int) -> tuple[Any, Any]:
    values, places = ordered(x, axis, True)
    return tuple(np.take(a, range(k), axis) for a in (values, places))  # type: ignore[return-value]


def topk_calls(draw: HypothesisDraw) -> Call:
    x = draw.array(draw.shape(min_dims=1))
    axis = draw.integer(-x.ndim, x.ndim - 1)
    return Call((x,), {"k": draw.integer(0, x.shape[axis]), "axis": axis})


def nearly(draw: HypothesisDraw) -> Call:
    x = draw.array(draw.shape())
    return Call((x, x + draw.choice((0.0, 1e-9, 1e-3))))


# -- losses


def reduced(loss: Callable[..., Any]) -> Callable[..., Any]:
    def oracle(*xs: Any, reduction: str, **params: Any) -> Any:
        losses = np.asarray(loss(*xs, **params), np.float64)
        return losses if reduction == "none" else np.sum(losses) if reduction == "sum" else np.mean(losses)

    return oracle


def huber(y: Any, t: Any, delta: float) -> Any:
    d = np.abs(y - t)
    return np.where(d <= delta, d * d / 2, delta * (d - delta / 2))


def pairs(interval: Interval = WIDE, *, signs: bool = False, **params: Any) -> Recipe:
    def recipe(draw: HypothesisDraw) -> Call:
        shape = draw.shape()
        target = draw.integers(shape, 0, 1) * 2.0 - 1.0 if signs else draw.array(shape, Interval(0, 1))
        extra = {k: draw.choice(v) for k, v in params.items()}
        return Call(
            (draw.array(shape, interval), target),
            {"reduction": draw.choice(("mean", "sum", "none")), **extra},
        )

    return recipe


def class_calls(draw: HypothesisDraw) -> Call:
    rows, classes = draw.integer(0, 4), draw.integer(1, 4)
    return Call(
        (draw.array((rows, classes)), draw.integers((rows,), 0, classes - 1)),
        {"reduction": draw.choice(("mean", "sum", "none"))},
    )
