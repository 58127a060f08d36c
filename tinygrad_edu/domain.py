"""The inputs for tests of an op, and the exact results at its special points, as data.

`Interval` is the range of an input where the derivative exists. `Edge` is a point where the value or the
slope is a convention (a kink, a tie, a singularity); it is declared, so that it is tested on purpose. An op
whose inputs must fit together (a matmul, a gather) has a recipe that draws a call from a `Draw`. In the tests
`Draw` uses hypothesis, in the docs a seeded generator, so the library itself does not import hypothesis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from tinygrad_edu.shapes import Shape

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Interval:
    """The closed interval [low, high], less a neighbourhood (`gap`) of each point in `avoid`."""

    low: float = -3.0
    high: float = 3.0
    avoid: tuple[float, ...] = ()
    gap: float = 0.05

    def __contains__(self, x: float) -> bool:
        return self.low <= x <= self.high and all(abs(x - a) >= self.gap for a in self.avoid)

    def __str__(self) -> str:
        holes = "".join(rf" \ {{{a:g}}}" for a in self.avoid)
        return f"[{self.low:g}, {self.high:g}]{holes}"


REAL = Interval()
POSITIVE = Interval(0.2, 4.0)


@dataclass(frozen=True)
class Edge:
    """The exact results at a special point: `inputs` give `out`, and the vjps of ones give `slopes`.

    None means that a result is not stated.
    """

    inputs: dict[str, Any]
    out: Any
    slopes: tuple[Any, ...] = ()
    params: dict[str, Any] = field(default_factory=dict)
    why: str = ""


def edge(
    *, out: Any, slope: Any = None, params: dict[str, Any] | None = None, why: str = "", **inputs: Any
) -> Edge:
    """`edge(x=0, out=0, slope=0)`: an Edge with inputs by name; `slope` is a tuple for several inputs."""
    slopes = slope if isinstance(slope, tuple) else () if slope is None else (slope,)
    return Edge(inputs, out, slopes, params or {}, why)


class Draw(Protocol):
    """A source of choices: hypothesis in the tests, a seeded generator in the docs."""

    def integer(self, low: int, high: int) -> int: ...
    def broadcast(self, count: int) -> list[Shape]: ...
    def array(self, shape: Shape, interval: Interval = REAL, *, distinct: bool = False) -> Array: ...
    def integers(self, shape: Shape, low: int, high: int) -> Array: ...

    def choice(self, options: Sequence[Any]) -> Any:
        """One of `options`."""
        return options[self.integer(0, len(options) - 1)]

    def shape(self, min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 3) -> Shape:
        """A shape; sizes 0 and 1 are as likely as others."""
        return tuple(self.integer(min_side, max_side) for _ in range(self.integer(min_dims, max_dims)))


@dataclass(frozen=True)
class Call:
    """One drawn call of an op: its array inputs, in order, and its keyword parameters."""

    arrays: tuple[Any, ...]
    params: dict[str, Any] = field(default_factory=dict)


Recipe = Callable[[Draw], Call]


def elementwise(*intervals: Interval) -> Recipe:
    """The recipe of an elementwise op: one array per interval, of shapes that broadcast."""

    def recipe(draw: Draw) -> Call:
        shapes = draw.broadcast(len(intervals))
        return Call(tuple(draw.array(s, i) for s, i in zip(shapes, intervals, strict=True)))

    return recipe


class SeededDraw(Draw):
    """A `Draw` over NumPy's generator: the same calls for the same seed."""

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)

    def integer(self, low: int, high: int) -> int:
        return int(self.random.integers(low, high + 1))

    def broadcast(self, count: int) -> list[Shape]:
        full = self.shape()
        return [tuple(self.choice((1, n)) for n in full[self.integer(0, len(full)) :]) for _ in range(count)]

    def array(self, shape: Shape, interval: Interval = REAL, *, distinct: bool = False) -> Array:
        size = int(np.prod(shape))
        if distinct:
            spread = np.linspace(interval.low, interval.high, max(size, 2))[:size]
            return self.random.permutation(spread).reshape(shape)
        out = self.random.uniform(interval.low, interval.high, size)
        for point in interval.avoid:
            out = np.where(np.abs(out - point) < interval.gap, point + 2 * interval.gap, out)
        return out.reshape(shape)

    def integers(self, shape: Shape, low: int, high: int) -> Array:
        return self.random.integers(low, high + 1, shape)
