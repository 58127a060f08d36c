"""Learning rates that change on the way: factors as functions of the step, and `Schedule` to apply them.

A factor is any function of the number of steps taken; several are multiplied. So
`Schedule(optimizer, LinearWarmup(100), CosineLR(1000))` warms up for 100 steps and then follows half a cosine
wave.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tinygrad_edu.optim.optimizer import Optimizer

Factor = Callable[[int], float]


@dataclass(frozen=True)
class StepLR:
    """`factor` more at every `every`-th step: factor^(step // every)."""
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        if self.every < 1 or self.factor < 0:
            raise ValueError(f"StepLR: every={self.every} must be >= 1 and factor={self.factor} >= 0")

    def __call__(self, step: int) -> float:
        return float(self.factor ** (step // self.every))


@dataclass(frozen=True)
class CosineLR:
    """From 1 to `lowest` along half a cosine wave of `total` steps, and `lowest` from then on.

    Source: Loshchilov, Hutter, "SGDR: stochastic gradient descent with warm restarts", arXiv 1608.03983.
    """
    total: int
    lowest: float = 0.0

    def __post_init__(self) -> None:
        if self.total < 1 or not 0 <= self.lowest <= 1:
            raise ValueError(f"CosineLR: total={self.total} must be >= 1 and lowest={self.lowest} in [0, 1]")

    def __call__(self, step: int) -> float:
        way = min(step, self.total) / self.total
        return self.lowest + (1.0 - self.lowest) * 0.5 * (1.0 + math.cos(math.pi * way))


@dataclass(frozen=True)
class LinearWarmup:
    """From 1 / steps up to 1 in equal parts over the first `steps` steps, and 1 from then on."""
    steps: int

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"LinearWarmup: steps={self.steps} must be >= 1")

    def __call__(self, step: int) -> float:
        return min(step + 1, self.steps) / self.steps


class Schedule:
    """Sets each group's `lr` to its first value times all `factors`, of the number of `step()` calls."""

    def __init__(self, optimizer: Optimizer, *factors: Factor) -> None:
        if not factors:
            raise ValueError("Schedule: give at least one factor, such as optim.CosineLR(1000)")
        self.optimizer, self.factors = optimizer, factors
        self.base: list[float] = [float(group["lr"]) for group in optimizer.param_groups]
        self.count = 0
        self._set()

    def step(self) -> None:
        """One more step; call it after `optimizer.step()`."""
        self.count += 1
        self._set()

    def _set(self) -> None:
        factor = math.prod(f(self.count) for f in self.factors)
        for group, base in zip(self.optimizer.param_groups, self.base, strict=True):
            group["lr"] = base * factor

    def state_dict(self) -> dict[str, Any]:
        """Steps taken and first learning rates; the factors are the program's."""
        return {"count": self.count, "base": list(self.base)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state` was taken. Raises ValueError for another number of groups, changing nothing."""
        count, base = int(state["count"]), [float(b) for b in state["base"]]
        if len(base) != len(self.optimizer.param_groups) or count < 0:
            raise ValueError(f"Schedule: the state has {len(base)} groups at step {count}, this optimizer "
                             f"{len(self.optimizer.param_groups)}")
        self.count, self.base = count, base
        self._set()
