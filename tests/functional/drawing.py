"""How the calls of the table are drawn: arrays of every layout, axes of every spelling, targets of losses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.domain import Call, Interval
from tinygrad_edu.engine.op import Op
from tinygrad_edu.testing import HypothesisDraw

WIDE, FAR = Interval(-3, 3), Interval(-50, 50)
UNUSUAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0])
Recipe = Callable[[HypothesisDraw], Call]


@dataclass(frozen=True)
class Case:
    """A public function: its oracle over NumPy arrays, and how to draw a call."""

    oracle: Callable[..., Any]
    calls: Recipe


def maps(*intervals: Interval, **params: Any) -> Recipe:
    """Arrays of shapes that broadcast, one per interval; a tuple among `params` holds several choices."""

    def recipe(draw: HypothesisDraw) -> Call:
        arrays = tuple(
            draw.array(s, i) for s, i in zip(draw.broadcast(len(intervals)), intervals, strict=True)
        )
        return Call(arrays, {k: draw.choice(v) if isinstance(v, tuple) else v for k, v in params.items()})

    return recipe


def anywhere(op: Op) -> Recipe:
    """Calls of an elementwise op: shapes and parameters as it declares, numbers from anywhere, kinks, poles
    and the outside of its domain among them; truth values for a condition, infinities for a question."""

    def recipe(draw: HypothesisDraw) -> Call:
        declared, rules = op.calls(draw), op.vjps

        def of(shape: tuple[int, ...], rule: Any) -> Any:
            if op.differentiable:
                kind = draw.choice(("near", "far", "whole")) if rule else "truths"
            else:
                kind = draw.choice(("truths", "unusual", "whole"))
            if kind in ("near", "far"):
                return draw.array(shape, WIDE if kind == "near" else FAR)
            if kind == "truths":
                return draw.integers(shape, 0, 1).astype(bool)
            return (
                UNUSUAL[draw.integers(shape, 0, 5)]
                if kind == "unusual"
                else draw.integers(shape, -2, 2) * 1.0
            )

        return Call(tuple(map(of, (a.shape for a in declared.arrays), rules)), declared.params)

    return recipe


def axis_of(draw: HypothesisDraw, ndim: int, *, many: bool = True) -> Any:
    """None, an axis counted from either end, or (`many`) a tuple of different ones."""
    options = [None, *range(-ndim, ndim)]
    if many:
        kept = [a for a in range(ndim) if draw.choice((True, False))]
        options.append(tuple(a - ndim if draw.choice((True, False)) else a for a in kept))
    return draw.choice(options)


def reductions(interval: Interval = WIDE, *, many: bool = True, min_side: int = 0, **params: Any) -> Recipe:
    """An array with some axes of it, and `keepdims`."""

    def recipe(draw: HypothesisDraw) -> Call:
        x = draw.array(draw.shape(min_side=min_side), interval)
        extra = {k: draw.choice(v) for k, v in params.items()}
        return Call(
            (x,), {"axis": axis_of(draw, x.ndim, many=many), "keepdims": draw.choice((True, False)), **extra}
        )

    return recipe


def along(interval: Interval = WIDE, *, min_side: int = 0, whole: bool = False, **params: Any) -> Recipe:
    """An array of at least one axis, and one of its axes; `whole`: whole numbers, so that there are ties."""

    def recipe(draw: HypothesisDraw) -> Call:
        x = draw.array(draw.shape(min_dims=1, min_side=min_side), interval)
        extra = {k: draw.choice(v) for k, v in params.items()}
        return Call((np.round(x) if whole else x,), {"axis": draw.integer(-x.ndim, x.ndim - 1), **extra})

    return recipe


def arrays(draw: HypothesisDraw, *shapes: tuple[int, ...], interval: Interval = WIDE) -> tuple[Any, ...]:
    """One array per shape."""
    return tuple(draw.array(s, interval) for s in shapes)


# -- what must fit together


def layer_norm_calls(draw: HypothesisDraw) -> Call:
    x = draw.array(draw.shape(min_dims=1, min_side=1))
    axis = draw.choice((-1, x.ndim - 1, tuple(range(x.ndim))))
    return Call(
        (x,),
        {"axis": axis, "eps": 0.1, "weight": draw.array((x.shape[-1],)), "bias": draw.array((x.shape[-1],))},
    )


def topk_calls(draw: HypothesisDraw) -> Call:
    x = draw.array(draw.shape(min_dims=1))
    axis = draw.integer(-x.ndim, x.ndim - 1)
    return Call((x,), {"k": draw.integer(0, x.shape[axis]), "axis": axis})


def nearly(draw: HypothesisDraw) -> Call:
    x = draw.array(draw.shape())
    return Call((x, x + draw.choice((0.0, 1e-9, 1e-3))))


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
