"""A search along a line for a step that satisfies Wolfe's strong conditions, with PyTorch's numbers.

    f(t) <= f(0) + c1 t f'(0)                       (the function has fallen enough)
    |f'(t)| <= -c2 f'(0)                            (and it is almost flat)

First the step grows until an interval must have such a point; then the interval shrinks. Each new step is the
lowest point of the cubic polynomial through the values and derivatives at two steps.

Sources: Nocedal, Wright, "Numerical optimization", 2nd edition, algorithms 3.5 and 3.6 and equation 3.59; the
limits of each step are those of Schmidt's minFunc, 2005.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple


class Point(NamedTuple):
    """A step on the line: its length, the value there, the gradient there, and the derivative on the line."""

    t: float
    value: float
    gradient: Any
    slope: float


def lowest_of_cubic(one: Point, other: Point, low: float, high: float) -> float:
    """Where the cubic through two points is lowest, limited to [low, high]; the middle if it is nowhere."""
    left, right = (one, other) if one.t <= other.t else (other, one)
    if right.t == left.t:
        return (low + high) / 2.0
    d1 = one.slope + other.slope - 3.0 * (one.value - other.value) / (one.t - other.t)
    square = d1 * d1 - one.slope * other.slope
    if not square >= 0.0:
        return (low + high) / 2.0
    d2 = math.sqrt(square)
    width = right.slope - left.slope + 2.0 * d2
    if width == 0.0:
        return (low + high) / 2.0
    place = right.t - (right.t - left.t) * ((right.slope + d2 - d1) / width)
    return min(max(place, low), high)


def strong_wolfe(
    evaluate: Callable[[float], Point],
    start: Point,
    t: float,
    longest: float,
    most: int,
    c1: float = 1e-4,
    c2: float = 0.9,
    tolerance: float = 1e-9,
) -> tuple[Point, int]:
    """(the point found, the number of evaluations).

    evaluate    the point at a step
    start       the point at step 0, where the slope is negative
    t           the first step to try
    longest     the largest component of the direction: an interval times it below `tolerance` is short enough
    most        the number of steps to try after the first
    """
    search = _Search(evaluate, start, c1, c2)
    interval = search.bracket(t, most)
    if len(interval) == 2:
        interval = [search.shrink(interval, longest, most, tolerance)]
    return interval[0], search.evaluations


class _Search:
    """One search: the conditions, and how often the function was evaluated."""

    def __init__(self, evaluate: Callable[[float], Point], start: Point, c1: float, c2: float) -> None:
        self.function, self.start, self.c1, self.c2 = evaluate, start, c1, c2
        self.evaluations = 0
        self.rounds = 0

    def evaluate(self, t: float) -> Point:
        self.evaluations += 1
        return self.function(t)

    def too_high(self, point: Point) -> bool:
        return point.value > self.start.value + self.c1 * point.t * self.start.slope

    def flat(self, point: Point) -> bool:
        return abs(point.slope) <= -self.c2 * self.start.slope

    def bracket(self, t: float, most: int) -> list[Point]:
        """A point that satisfies both conditions; or two with one between them."""
        before, now = self.start, self.evaluate(t)
        while self.rounds < most:
            if self.too_high(now) or (self.rounds > 1 and now.value >= before.value):
                return [before, now]
            if self.flat(now):
                return [now]
            if now.slope >= 0.0:
                return [before, now]
            shortest, longest = now.t + 0.01 * (now.t - before.t), now.t * 10.0
            t = lowest_of_cubic(before, now, shortest, longest)
            before, now = now, self.evaluate(t)
            self.rounds += 1
        return [self.start, now]

    def shrink(self, interval: list[Point], longest: float, most: int, tolerance: float) -> Point:
        """The best point of an interval that is made smaller until it satisfies both conditions."""
        low, high = (0, 1) if interval[0].value <= interval[1].value else (1, 0)
        slow = False
        while self.rounds < most:
            first, last = sorted(point.t for point in interval)
            if (last - first) * longest < tolerance:
                break
            t = lowest_of_cubic(interval[0], interval[1], first, last)
            margin = 0.1 * (last - first)
            if min(last - t, t - first) < margin:  # close to an end, where little is gained
                if slow or t >= last or t <= first:
                    t = last - margin if abs(t - last) < abs(t - first) else first + margin
                    slow = False
                else:
                    slow = True
            else:
                slow = False
            new = self.evaluate(t)
            self.rounds += 1
            if self.too_high(new) or new.value >= interval[low].value:
                interval[high] = new
                low, high = (0, 1) if interval[0].value <= interval[1].value else (1, 0)
                continue
            done = self.flat(new)
            if not done and new.slope * (interval[high].t - interval[low].t) >= 0.0:
                interval[high] = interval[low]
            interval[low] = new
            if done:
                break
        return interval[low]
