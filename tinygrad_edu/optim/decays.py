"""Schedules that multiply the rates from step to step; t is the number of steps so far.

    StepLR             lr_0 gamma^(t // step_size)
    MultiStepLR        lr_0 gamma^(number of milestones <= t)
    ConstantLR         lr_0 factor until total_iters, then lr_0
    LinearLR           from lr_0 start_factor to lr_0 end_factor in total_iters equal steps: a warm-up
    ExponentialLR      lr_0 gamma^t
    PolynomialLR       lr_0 (1 - t / total_iters)^power, and 0 from total_iters on
    CosineAnnealingLR  eta_min + (lr_0 - eta_min) (1 + cos(pi t / T_max)) / 2
    LambdaLR           lr_0 f(t)
    MultiplicativeLR   lr_0 f(1) f(2) ... f(t)

Each is computed from the rate of the step before, as in PyTorch. Source of the cosine: Loshchilov, Hutter,
"SGDR: stochastic gradient descent with warm restarts", arXiv 1608.03983.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tinygrad_edu.errors import wrong
from tinygrad_edu.optim.optimizer import Optimizer
from tinygrad_edu.optim.scheduler import LRScheduler, Rates
from tinygrad_edu.optim.schedules import worn_out

Functions = Callable[[int], float] | Sequence[Callable[[int], float]]


class StepLR(LRScheduler):
    """Multiplies the rates by gamma after each `step_size` steps."""

    settings = ("step_size", "gamma")
    counts = ("step_size",)

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.step_size, self.gamma = self._count("step_size", step_size), self._real("gamma", gamma)
        super().__init__(optimizer)

    def get_lr(self) -> Rates:
        changes = self.last_epoch > 0 and self.last_epoch % self.step_size == 0
        return [lr * self.gamma if changes else lr for lr in self.rates()]

    def closed_form(self) -> Rates:
        return [lr * self.gamma ** (self.last_epoch // self.step_size) for lr in self.base_lrs]

    def overrun(self, steps: int) -> str:
        return worn_out(self.gamma ** (steps // self.step_size))


class MultiStepLR(LRScheduler):
    """Multiplies the rates by gamma at each of `milestones`, counts of steps (one given twice, twice)."""

    settings = ("milestones", "gamma")
    counts = ("milestones",)

    def __init__(self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1) -> None:
        given: Any = milestones
        if not isinstance(given, Iterable) or isinstance(given, str):
            raise wrong(TypeError, self.title, f"milestones={milestones!r:.60} must be a list of integers")
        self.milestones = Counter([self._count("a milestone", one, 0) for one in given])
        self.gamma = self._real("gamma", gamma)
        super().__init__(optimizer)

    def get_lr(self) -> Rates:
        times = self.milestones.get(self.last_epoch, 0)
        return [lr * self.gamma**times if times else lr for lr in self.rates()]

    def closed_form(self) -> Rates:
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [lr * self.gamma**passed for lr in self.base_lrs]


class ConstantLR(LRScheduler):
    """Multiplies the rates by `factor` for the first `total_iters` steps."""

    settings = ("factor", "total_iters")
    counts = ("total_iters",)

    def __init__(self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5) -> None:
        self.factor = self._real("factor", factor, 0.0, 1.0)
        self.total_iters = self._count("total_iters", total_iters, 0)
        if not self.factor:
            raise wrong(ValueError, self.title, "factor=0 must be above 0: the rates are divided by it later")
        super().__init__(optimizer)

    def get_lr(self) -> Rates:
        if self.last_epoch == 0:
            return [lr * self.factor for lr in self.rates()]
        if self.last_epoch != self.total_iters:
            return self.rates()
        return [lr * (1.0 / self.factor) for lr in self.rates()]

    def closed_form(self) -> Rates:
        return [lr if self.last_epoch >= self.total_iters else lr * self.factor for lr in self.base_lrs]


class LinearLR(LRScheduler):
    """Moves the factor of the rates from `start_factor` to `end_factor` in `total_iters` equal steps."""

    settings = ("start_factor", "end_factor", "total_iters")
    counts = ("total_iters",)

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
    ) -> None:
        self.start_factor = self._real("start_factor", start_factor, 0.0, 1.0)
        self.end_factor = self._real("end_factor", end_factor, 0.0, 1.0)
        self.total_iters = self._count("total_iters", total_iters)
        if not self.start_factor:
            raise wrong(
                ValueError, self.title, "start_factor=0 must be above 0: all rates come from the first"
            )
        super().__init__(optimizer)

    def get_lr(self) -> Rates:
        if self.last_epoch == 0:
            return [lr * self.start_factor for lr in self.rates()]
        if self.last_epoch > self.total_iters:
            return self.rates()
        change = self.end_factor - self.start_factor
        now = self.total_iters * self.start_factor + (self.last_epoch - 1) * change
        rates = [lr * (1.0 + change / now) for lr in self.rates()]
        return [max(lr, 0.0) if lr > -1e-12 * first else lr  # a rate of 0 may be rounded to below 0
                for lr, first in zip(rates, self.base_lrs, strict=True)]  # fmt: skip

    def closed_form(self) -> Rates:
        way = min(self.total_iters, self.last_epoch) / self.total_iters
        return [
            lr * (self.start_factor + (self.end_factor - self.start_factor) * way) for lr in self.base_lrs
        ]


class ExponentialLR(LRScheduler):
    """Multiplies the rates by gamma at every step."""

    settings = ("gamma",)

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = self._real("gamma", gamma)
        super().__init__(optimizer)

    def get_lr(self) -> Rates:
        return self.rates() if self._initial else [lr * self.gamma for lr in self.rates()]

    def closed_form(self) -> Rates:
        return [lr * self.gamma**self.last_epoch for lr in self.base_lrs]

    def overrun(self, steps: int) -> str:
        return worn_out(self.gamma**steps)


class PolynomialLR(LRScheduler):
    """Lets the rates fall to 0 in `total_iters` steps along the power `power` of the part that is left."""

    settings = ("total_iters", "power")
    counts = ("total_iters",)

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0) -> None:
        self.total_iters = self._count("total_iters", total_iters)
        self.power = self._real("power", power)
        super().__init__(optimizer)

    def _left(self, step: int) -> float:
        return 1.0 - step / self.total_iters

    def get_lr(self) -> Rates:
        if self._initial or self.last_epoch > self.total_iters:
            return self.rates()
        if self.last_epoch < 1:
            return self.closed_form()
        factor = (self._left(self.last_epoch) / self._left(self.last_epoch - 1)) ** self.power
        return [lr * factor for lr in self.rates()]

    def closed_form(self) -> Rates:
        left = self._left(min(self.total_iters, self.last_epoch)) ** self.power
        return [lr * left for lr in self.base_lrs]


class CosineAnnealingLR(LRScheduler):
    """Moves the rates along a cosine, from the first ones to `eta_min` in `T_max` steps, and up again."""

    settings = ("T_max", "eta_min")
    counts = ("T_max",)

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        self.T_max, self.eta_min = self._count("T_max", T_max), self._real("eta_min", eta_min)
        super().__init__(optimizer)

    def _wave(self, step: int) -> float:
        return 1.0 + math.cos(math.pi * step / self.T_max)

    def get_lr(self) -> Rates:
        if self._initial:
            return self.rates()
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # the wave was at its lowest point
            rise = (1.0 - math.cos(math.pi / self.T_max)) / 2.0
            pairs = zip(self.rates(), self.base_lrs, strict=True)
            rates = [lr + (first - self.eta_min) * rise for lr, first in pairs]
        else:
            factor = self._wave(self.last_epoch) / self._wave(self.last_epoch - 1)
            rates = [factor * (lr - self.eta_min) + self.eta_min for lr in self.rates()]
        return [max(lr, 0.0) if lr > -1e-15 else lr for lr in rates]  # a rate of 0 may be rounded to below 0

    def closed_form(self) -> Rates:
        wave = self._wave(self.last_epoch)
        return [self.eta_min + (lr - self.eta_min) * wave / 2.0 for lr in self.base_lrs]

    def overrun(self, steps: int) -> str:
        waves = steps // (2 * self.T_max)
        return f"the rate falls and rises again {waves} times" if waves > 1 else ""


class LambdaLR(LRScheduler):
    """Multiplies the first rates by `lr_lambda(step)`, one function or a list of one per group."""

    settings = ("lr_lambda",)

    def __init__(self, optimizer: Optimizer, lr_lambda: Functions) -> None:
        self.optimizer, self.lr_lambda = self._checked_optimizer(optimizer), lr_lambda
        self._functions("lr_lambda", lr_lambda)
        super().__init__(optimizer)

    def get_lr(self) -> Rates:
        return [lr * factor for lr, factor in zip(self.base_lrs, self._factors(self.lr_lambda), strict=True)]


class MultiplicativeLR(LRScheduler):
    """Multiplies the current rates by `lr_lambda(step)`, one function or a list of one per group."""

    settings = ("lr_lambda",)

    def __init__(self, optimizer: Optimizer, lr_lambda: Functions) -> None:
        self.optimizer, self.lr_lambda = self._checked_optimizer(optimizer), lr_lambda
        self._functions("lr_lambda", lr_lambda)
        super().__init__(optimizer)

    def get_lr(self) -> Rates:
        if self._initial:
            return self.rates()
        return [lr * factor for lr, factor in zip(self.rates(), self._factors(self.lr_lambda), strict=True)]
