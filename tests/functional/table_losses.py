"""The part of the table with the losses that have classes, margins, distributions or sequences."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from tests import oracles as o
from tests.functional import drawing as d
from tests.functional.drawing import Case
from tinygrad_edu.domain import Call, Interval
from tinygrad_edu.testing import HypothesisDraw

REDUCTIONS = ("mean", "sum", "none")


# -- oracles: loops over rows --------------------------------------------------------------------------------


def _rows(x: Any, target: Any) -> Any:
    """(index of the loss, the numbers of the classes there, the target there)."""
    for at in np.ndindex(target.shape):
        yield at, x[(*at[:1], slice(None), *at[1:])] if x.ndim > 1 else x, target[at]


def of_classes(loss: Any) -> Any:
    """The losses of class numbers, with weights of classes and rows that do not count."""

    def oracle(
        x: Any, target: Any, reduction: str, weight: Any = None, ignore_index: Any = None, **how: Any
    ) -> Any:
        weight = np.ones(x.shape[min(1, x.ndim - 1)]) if weight is None else weight
        losses, factors = np.zeros(target.shape), np.zeros(target.shape)
        for at, line, label in _rows(x, target):
            if label != ignore_index:
                losses[at], factors[at] = loss(line, label, weight, **how), weight[label]
        if reduction == "none":
            return losses
        return losses.sum() if reduction == "sum" else np.float64(losses.sum()) / factors.sum()

    return oracle


def _smoothed(line: Any, label: int, weight: Any, label_smoothing: float) -> float:
    log_p = line - math.log(math.fsum(np.exp(line)))
    spread = -math.fsum(weight * log_p) / len(line)
    return (1 - label_smoothing) * -weight[label] * log_p[label] + label_smoothing * spread


def _multi_margin(x: Any, target: Any, reduction: str, p: int, margin: float, weight: Any = None) -> Any:
    def loss(row: Any, label: int) -> float:
        others = [max(0.0, margin - row[label] + v) ** p for j, v in enumerate(row) if j != label]
        return math.fsum(others) / len(row) * (1.0 if weight is None else weight[label])

    losses = np.array([loss(row, label) for row, label in zip(x, target, strict=True)])
    return o.reduced(lambda: losses)(reduction=reduction)


def _multilabel(x: Any, target: Any, reduction: str, weight: Any = None) -> Any:
    weight = np.ones(x.shape[-1]) if weight is None else weight
    losses = np.zeros(x.shape[:-1])
    for at in np.ndindex(losses.shape):
        p = 1 / (1 + np.exp(-x[at]))
        each = [w * -math.log(q if t else 1 - q) for w, q, t in zip(weight, p, target[at], strict=True)]
        losses[at] = math.fsum(each) / len(each)
    return o.reduced(lambda: losses)(reduction=reduction)


def _kl_div(y: Any, t: Any, log_target: bool) -> Any:
    if log_target:
        return np.exp(t) * (t - y)
    return np.vectorize(lambda y, t: t * (math.log(t) - y) if t > 0 else 0.0, otypes=[float])(y, t)


def _poisson(y: Any, t: Any, log_input: bool, full: bool, eps: float) -> Any:
    stirling = np.vectorize(
        lambda t: t * math.log(t) - t + math.log(2 * math.pi * t) / 2 if t > 1 else 0.0, otypes=[float]
    )(t)
    return (np.exp(y) - t * y if log_input else y - t * np.log(y + eps)) + (stirling if full else 0)


def _gaussian(y: Any, t: Any, var: Any, full: bool, eps: float) -> Any:
    var = np.maximum(var, eps)
    return (np.log(var) + (y - t) ** 2 / var + (np.log(2 * np.pi) if full else 0)) / 2


def _cosine(x: Any, y: Any, t: Any, margin: float) -> Any:
    cosine = (x * y).sum(-1) / np.sqrt(((x**2).sum(-1) + 1e-12) * ((y**2).sum(-1) + 1e-12))
    return np.where(t == 1, 1 - cosine, np.maximum(0, cosine - margin))


def _triplet(a: Any, x: Any, y: Any, margin: float, p: float, eps: float, swap: bool) -> Any:
    def distance(u: Any, v: Any) -> Any:
        return (np.abs(u - v + eps) ** p).sum(-1) ** (1 / p)

    far = np.minimum(distance(a, y), distance(x, y)) if swap else distance(a, y)
    return np.maximum(0, margin + distance(a, x) - far)


def _ctc(
    x: Any, labels: Any, spans: Any, counts: Any, reduction: str, blank: int, zero_infinity: bool
) -> Any:
    """Every alignment of every row, one by one."""
    losses = []
    for row, (span, count) in enumerate(zip(spans, counts, strict=True)):
        total = 0.0
        for path in itertools.product(range(x.shape[2]), repeat=int(span)):
            merged = [c for c, _ in itertools.groupby(path) if c != blank]
            if merged == labels[row, :count].tolist():
                total += math.exp(math.fsum(x[t, row, c] for t, c in enumerate(path)))
        losses.append(-math.log(total) if total else 0.0 if zero_infinity else math.inf)
    found = np.array(losses)
    return o.reduced(lambda: found / np.maximum(counts, 1) if reduction == "mean" else found)(
        reduction=reduction
    )


# -- calls ---------------------------------------------------------------------------------------------------


def class_calls(**params: Any) -> Any:
    def recipe(draw: HypothesisDraw) -> Call:
        rows, classes = draw.choice(((), (0,), (1,), (3,))), draw.integer(1, 4)
        rest = (2,) * draw.integer(0, 2) if rows else ()
        given = {k: draw.choice(v) for k, v in params.items()}
        if draw.choice((True, False)):
            given["weight"] = draw.array((classes,), Interval(0.1, 2))
        given["ignore_index"] = draw.choice((None, -100, 0))
        target = draw.integers((*rows, *rest), 0, classes - 1)
        if given["ignore_index"] == -100:
            target = np.where(draw.integers(target.shape, 0, 1) > 0, target, -100)
        x = draw.array((*rows, classes, *rest))
        return Call((x, target), {"reduction": draw.choice(REDUCTIONS), **given})

    return recipe


def margin_calls(draw: HypothesisDraw) -> Call:
    rows, classes = draw.integer(0, 4), draw.integer(1, 4)
    weight = {"weight": draw.array((classes,), Interval(0.1, 2))} if draw.choice((True, False)) else {}
    params = {
        "reduction": draw.choice(REDUCTIONS),
        "p": draw.choice((1, 2)),
        "margin": draw.choice((1.0, 0.5)),
    }
    return Call((draw.array((rows, classes)), draw.integers((rows,), 0, classes - 1)), {**params, **weight})


def vector_calls(count: int, *, signs: bool, **params: Any) -> Any:
    """`count` arrays (rows, n), and, with `signs`, targets (rows,) of -1 and 1."""

    def recipe(draw: HypothesisDraw) -> Call:
        shape = (draw.integer(0, 3), draw.integer(1, 3))
        target = (draw.integers(shape[:1], 0, 1) * 2.0 - 1.0,) if signs else ()
        given = {k: draw.choice(v) for k, v in params.items()}
        return Call(
            (*d.arrays(draw, *[shape] * count), *target), {"reduction": draw.choice(REDUCTIONS), **given}
        )

    return recipe


def sign_calls(draw: HypothesisDraw) -> Call:
    shape = draw.shape()
    target = draw.integers(shape, 0, 1) * 2.0 - 1.0
    params = {"reduction": draw.choice(REDUCTIONS), "margin": draw.choice((1.0, 0.5))}
    return Call((*d.arrays(draw, shape), target), params)


def label_calls(draw: HypothesisDraw) -> Call:
    shape = (*draw.choice(((), (0,), (3,), (2, 2))), draw.integer(1, 4))
    weight = {"weight": draw.array(shape[-1:], Interval(0.1, 2))} if draw.choice((True, False)) else {}
    x, y = draw.array(shape), draw.integers(shape, 0, 1) * 1.0
    return Call((x, y), {"reduction": draw.choice(REDUCTIONS), **weight})


def ranking_calls(draw: HypothesisDraw) -> Call:
    shape = draw.shape()
    target = draw.integers(shape, 0, 1) * 2.0 - 1.0
    params = {"reduction": draw.choice(REDUCTIONS), "margin": draw.choice((0.0, 0.5))}
    return Call((*d.arrays(draw, shape, shape), target), params)


def gaussian_calls(draw: HypothesisDraw) -> Call:
    shape = (draw.integer(1, 3), draw.integer(1, 3))
    var = draw.array(draw.choice((shape, (shape[0], 1), ())), Interval(0, 2))
    params = {"reduction": draw.choice(REDUCTIONS), "full": draw.choice((True, False)), "eps": 0.1}
    return Call((*d.arrays(draw, shape, shape), var), params)


def ctc_calls(draw: HypothesisDraw) -> Call:
    times, rows, blank = draw.choice((3, 4, 2, 1)), draw.integer(1, 2), draw.choice((0, 2))
    x = draw.array((times, rows, 3), Interval(-2, 0))
    labels = draw.integers((rows, 2), 0, 1) + (1 if blank == 0 else 0)
    spans = draw.choice((draw.integers((rows,), 0, times), np.full(rows, times)))
    counts = draw.choice((draw.integers((rows,), 0, 2), np.full(rows, 2)))
    params = {
        "reduction": draw.choice(REDUCTIONS),
        "blank": blank,
        "zero_infinity": draw.choice((True, False)),
    }
    return Call((x, labels, spans, counts), params)


LOSSES = {
    "cross_entropy": Case(of_classes(_smoothed), class_calls(label_smoothing=(0.0, 0.25))),
    "nll": Case(of_classes(lambda line, label, weight: -weight[label] * line[label]), class_calls()),
    "multi_margin": Case(_multi_margin, margin_calls),
    "smooth_l1": Case(
        o.reduced(lambda y, t, beta: o.huber(y, t, beta) / beta if beta else np.abs(y - t)),
        d.pairs(beta=(0.0, 0.5, 1.0)),
    ),
    "kl_div": Case(o.reduced(_kl_div), d.pairs(log_target=(True, False))),
    "poisson_nll": Case(
        o.reduced(_poisson),
        d.pairs(Interval(0.1, 3), log_input=(True, False), full=(True, False), eps=(1e-8, 0.1)),
    ),
    "gaussian_nll": Case(o.reduced(_gaussian), gaussian_calls),
    "margin_ranking": Case(
        o.reduced(lambda x, y, t, margin: np.maximum(0, margin - t * (x - y))), ranking_calls
    ),
    "hinge_embedding": Case(
        o.reduced(lambda x, t, margin: np.where(t == 1, x, np.maximum(0, margin - x))), sign_calls
    ),
    "multilabel_soft_margin": Case(_multilabel, label_calls),
    "cosine_embedding": Case(o.reduced(_cosine), vector_calls(2, signs=True, margin=(0.0, 0.25))),
    "triplet_margin": Case(
        o.reduced(_triplet),
        vector_calls(3, signs=False, margin=(1.0, 0.25), p=(1.0, 2.0, 3.0), eps=(1e-6,), swap=(True, False)),
    ),
    "ctc": Case(_ctc, ctc_calls),
}
