"""How the calls of the table are drawn: arrays of every layout, axes of every spelling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.domain import Call, Interval
from tinygrad_edu.testing import HypothesisDraw

WIDE = Interval(-3, 3)
OPEN = Interval(-0.95, 0.95)
POSITIVE = Interval(0.1, 4)
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
