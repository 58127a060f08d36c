"""The slope of a function along a line by numbers alone, and how far that number may be off.

Central differences at steps that shrink are extrapolated to step 0 (Ridders, "Accurate computation of F'(x)
and F'(x) F''(x)", Advances in Engineering Software 4, 1982). Two extrapolations that differ tell how far
either is off; the size of the function's values tells which part of a difference is roundoff. So the step
fits the function: small where it turns within a thousandth, large where roundoff is all that a small step
shows. What the slopes to the left and to the right differ by is extrapolated too: where it does not vanish,
the function has a kink, and no derivative.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

EPSILON = float(np.finfo(np.float64).eps)
LARGEST = 2.0**-8  # the first step, as a share of the direction; a smooth function needs three
COARSE = 2.0**-2  # the first step where values have too few digits for small ones
SMALLEST = 2.0**-46
# fmt: off
CLOSE = 2.0**-30            # a kink this near the inputs is at the inputs
SHRINKS = 0.53              # no power of two, at which values that are rounded may agree by accident
SURE = 4.0                  # an estimated error is believed this many times over
KNOWN = 1e-2                # a slope with this relative error is beyond doubt, though not exact
ROUNDED = 64.0              # a change of so many times what a value is rounded by may be roundoff
COLUMNS = 4                 # of an extrapolation; more would only add up roundoff
# fmt: on


@dataclass(frozen=True)
class Slope:
    """A derivative along a line: `value`, off by `error` or so; at a kink, what it is on either side.

    weight  size of what was differentiated, whose roundoff no difference is free of
    nearby  how fast the function changes at the largest step; at a flat point this is not 0
    still   whether no step changed the function by even one bit
    stairs  whether small steps leave it as it is though it changes over larger ones, which `value` is of
    jumps   whether steps however small move it as far as large ones
    sides   the slopes to the left and to the right of a kink; at_point: whether the smallest steps see it
    """

    value: float
    error: float
    weight: float
    nearby: float
    still: bool = False
    stairs: bool = False
    jumps: bool = False
    sides: tuple[float, float] | None = None
    at_point: bool = False


class _Table:
    """Neville's extrapolation in h**2 of differences at smaller and smaller h, and that of the jumps."""

    def __init__(self, allowed: Callable[[float], float], claimed: float) -> None:
        self.allowed, self.claimed = allowed, claimed
        self.steps: list[float] = []
        self.rows: list[list[float]] = []
        self.gaps: list[float] = []
        self.jumps: list[float] = []
        self.noises: list[float] = []
        self.best = (0.0, math.inf)  # value, error
        self.seemed = self.best  # the same, refuted or not
        self.off = math.inf  # how far it is from what it was made of
        self.kink: tuple[float, float, float] | None = None  # value, jump, and what is doubtful of it
        self.seen = math.inf  # the smallest step that saw it
        self.stairs = False

    def add(self, h: float, central: float, gap: float, noise: float) -> None:
        row, last = [central], self.rows[-1] if self.rows else []
        found = (central, math.inf)
        for j in range(1, min(len(last) + 1, COLUMNS)):
            old = self.steps[-j]
            row.append(row[-1] + (row[-1] - last[j - 1]) * h * h / (old * old - h * h))
            error = max(abs(row[j] - row[j - 1]), abs(row[j] - last[j - 1])) + noise
            if error < found[1]:
                found = (row[j], error)
        smooth = self._smooth(h, gap, noise, found)
        if self.refuted(central, noise):
            self.best, self.off = (central, math.inf), math.inf
        self.steps.append(h)
        self.rows.append(row)
        self.gaps.append(gap)
        self.noises.append(noise)
        if smooth and found[1] < self.seemed[1]:
            self.seemed = found
        if smooth and found[1] < self.best[1]:
            self.best, self.off = found, max(abs(row[0] - found[0]), abs(last[0] - found[0]))

    def refuted(self, central: float, noise: float) -> bool:
        """Whether a smaller step shows another slope: what had seemed to agree was too coarse."""
        return abs(central - self.best[0]) > self.off + SURE * (self.best[1] + noise)

    def _smooth(self, h: float, gap: float, noise: float, found: tuple[float, float]) -> bool:
        """Whether the slopes of both sides meet as the step goes to 0, for all that can be told here."""
        if not self.gaps:
            return True
        old = self.steps[-1]
        jump = gap + (gap - self.gaps[-1]) * h / (old - h)
        doubt = 4.0 * noise + (abs(jump - self.jumps[-1]) if self.jumps else abs(jump - gap))
        self.jumps.append(jump)
        if abs(jump) > max(self.allowed(found[0]), 3.0 * doubt):
            if (
                self.kink is None
                or doubt <= self.kink[2]
                or abs(jump - self.kink[1]) > 8.0 * (doubt + self.kink[2])
            ):
                self.kink = (found[0], jump, doubt)
            self.seen = h
            return False
        if self.kink is None:
            return True
        return abs(jump) + 3.0 * doubt <= max(self.allowed(found[0]), abs(self.kink[1]) / 8.0)

    def solved(self) -> bool:
        """Whether it is known well enough, and what is claimed: against a claim, smaller steps are asked."""
        value, error = self.best
        enough = self.allowed(value)
        return len(self.rows) > 2 and error <= enough / 8.0 and abs(value - self.claimed) <= enough

    def exhausted(self, noise: float) -> bool:
        """Whether a smaller step would show roundoff alone."""
        if self.kink is not None and self.best[1] == math.inf:
            return noise > abs(self.kink[1]) / 64.0
        return noise > self.best[1]


def slope(
    at: Callable[[float], Array],
    u: Array,
    first: Array,
    rounding: float,
    allowed: Callable[[float], float],
    claimed: float,
    largest: float = LARGEST,
) -> Slope | None:
    """The derivative of <u, at(t)> at t = 0; None if `at` is finite on neither side at any step.

    first     at(0); elements that are not finite are left out by zeros in u
    rounding  how much <u, at(t)> changes where its point is rounded to float64
    allowed   which error of a value is small enough
    claimed   what it should be: steps shrink no further once they agree
    """
    walk = _Walk(at, u, first, rounding, allowed, claimed)
    if claimed == 0.0 and walk.moves(largest) == 0.0:  # as a slope of 0 is claimed
        coarse = walk.moves(COARSE)
        if coarse == 0.0 or coarse > ROUNDED * EPSILON * walk.weight:
            return Slope(0.0, EPSILON * walk.weight / COARSE, walk.weight, 0.0, still=True)
    table = walk.down(largest)
    if walk.stopped or (not table.solved() and (table.kink is None or table.best[1] < math.inf)):
        again = walk.down(COARSE)
        if not again.stairs and any(
            again.refuted(row[0], noise) for row, noise in zip(table.rows, table.noises, strict=True)
        ):
            again.best = (again.best[0], math.inf)
        if again.stairs or (not walk.stopped and again.best[1] < table.best[1]):
            table = again
    if walk.nearby is None:
        return None
    value, error = table.best
    if walk.jumps():
        return Slope(value, math.inf, walk.weight, walk.nearby, jumps=True)
    found = Slope(value, error, walk.weight, walk.nearby, walk.still, table.stairs)
    if error == math.inf and table.kink is not None:
        value, jump, _ = table.kink
        low, high = (
            0.0 if abs(side) < 1e-9 * abs(jump) else side for side in (value - jump / 2.0, value + jump / 2.0)
        )
        return replace(found, value=value, error=abs(jump), sides=(low, high), at_point=table.seen < CLOSE)
    return found


class _Walk:
    """Evaluates the function at steps that shrink, and notes how large it is and whether it moves."""

    def __init__(
        self,
        at: Callable[[float], Array],
        u: Array,
        first: Array,
        rounding: float,
        allowed: Callable[[float], float],
        claimed: float,
    ) -> None:
        kept = u != 0.0
        self.function, self.kept = at, kept
        self.u, self.first, self.rounding, self.allowed = u[kept], first[kept], rounding, allowed
        self.weight = float(np.abs(self.u * self.first).sum())
        self.claimed, self.moved = claimed, dict[float, float]()
        self.nearby: float | None = None
        self.still = True
        self.stopped = False  # whether it moved over larger steps, by no sure slope, then no more

    def at(self, t: float) -> Array:
        return np.asarray(self.function(t)[self.kept])

    def moves(self, h: float) -> float:
        """How far a step of h moves the elements of the result."""
        return float(max(np.abs(self.u * (self.at(t) - self.first)).sum() for t in (h, -h)))

    def jumps(self) -> bool:
        """Whether steps a thousand times smaller move it about as far."""
        if not self.moved:
            return False
        small = min(self.moved)
        least = self.moved[small]
        return (
            small < 1e-3 * max(self.moved)
            and least > 0.25 * max(self.moved.values())
            and least > ROUNDED * (EPSILON * self.weight + self.rounding)
        )

    def down(self, h: float) -> _Table:
        table = _Table(self.allowed, self.claimed)
        moved = 0.0  # how far the last step that changed anything changed it
        while h > SMALLEST:
            right, left = self.at(h), self.at(-h)
            if np.isfinite(right).all() and np.isfinite(left).all():
                ahead, behind = float(self.u @ (right - self.first)), float(self.u @ (self.first - left))
                self.moved[h] = max(abs(ahead), abs(behind))
                if (right == self.first).all() and (left == self.first).all():
                    rounded = 0.0 < moved <= ROUNDED * EPSILON * self.weight
                    if rounded:
                        break
                    if moved and table.seemed[1] <= KNOWN * abs(table.seemed[0]):
                        table.best, table.stairs = table.seemed, True
                        break
                    if moved:
                        table, moved, self.stopped = _Table(self.allowed, self.claimed), 0.0, True
                else:
                    self.still, moved = False, max(abs(ahead), abs(behind))
                self.weight = max(
                    self.weight, float(np.abs(self.u * right).sum()), float(np.abs(self.u * left).sum())
                )
                if self.nearby is None:
                    self.nearby = max(abs(ahead), abs(behind)) / h
                noise = (EPSILON * self.weight + self.rounding) / h
                table.add(h, float(self.u @ (right - left)) / (2.0 * h), (ahead - behind) / h, noise)
                if table.solved() or (len(table.rows) > 2 and table.exhausted(noise)):
                    break
            else:
                table = _Table(self.allowed, self.claimed)
            h *= SHRINKS if len(table.rows) < 4 else SHRINKS**2
        return table
