"""Schedules made of others, SequentialLR and ChainedScheduler, and the one of a score, ReduceLROnPlateau."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from tinygrad_edu.errors import wrong
from tinygrad_edu.optim.optimizer import Optimizer
from tinygrad_edu.optim.scheduler import LRScheduler, Rates, count
from tinygrad_edu.optim.settings import without_arguments
from tinygrad_edu.scalars import number


class _Several(LRScheduler):
    """A schedule that has others, whose states are saved in its own."""

    def _check_schedulers(self, optimizer: Any, schedulers: Any) -> list[LRScheduler]:
        several = list(schedulers) if isinstance(schedulers, list | tuple) else []
        if not several:
            raise wrong(ValueError, self.title, "give it a list of at least one schedule")
        for i, one in enumerate(several):
            if not isinstance(one, LRScheduler) or isinstance(one, ReduceLROnPlateau):
                problem = f"schedule {i} is a {type(one).__name__}"
                remedy = "it takes those of optim.lr_scheduler whose step() needs no score"
                raise wrong(TypeError, self.title, problem, remedy)
            if one.optimizer is not optimizer:
                raise wrong(ValueError, self.title, f"schedule {i} belongs to another optimizer")
        return several

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "schedulers": [one.state_dict() for one in self.schedulers]}

    def _plan(self, state: Mapping[str, Any]) -> Callable[[], None]:
        install = super()._plan(state)
        inner = state.get("schedulers")
        if not isinstance(inner, list | tuple) or len(inner) != len(self.schedulers):
            problem = f"it is not the state of {len(self.schedulers)} schedules, nothing was loaded"
            raise wrong(ValueError, f"{self.title}.load_state_dict", problem)
        plans = [one._plan(part) for one, part in zip(self.schedulers, inner, strict=True)]

        def install_all() -> None:
            for plan in (*plans, install):  # the own rates last: they are the current ones
                plan()

        return install_all

    schedulers: list[LRScheduler]

    def spans(self) -> dict[str, int]:
        found = super().spans()
        for one in self.schedulers:
            for name, span in one.spans().items():
                found[name] = max(span, found.get(name, 0))
        return found

    def get_lr(self) -> Rates:
        return self.rates()

    def restart(self) -> None:
        """Set the first rates, and begin again at step 0."""
        for group, first in zip(self.groups, self.base_lrs, strict=True):
            group["lr"] = first
        self._begin()


class SequentialLR(_Several):
    """One schedule after another: at each of `milestones`, counts of steps, the next begins at its step 0."""

    settings = ("milestones",)
    counts = ("milestones",)

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int]
    ) -> None:
        self.optimizer = self._checked_optimizer(optimizer)
        self.schedulers = self._check_schedulers(optimizer, schedulers)
        given: Any = milestones
        if not isinstance(given, list | tuple | np.ndarray) or len(given) != len(self.schedulers) - 1:
            problem = f"milestones={milestones!r:.60} must be {len(self.schedulers) - 1} integers"
            raise wrong(
                ValueError, self.title, problem, "one less than schedules: where each next one begins"
            )
        self.milestones = [self._count("a milestone", one, 0) for one in given]
        if self.milestones != sorted(self.milestones):
            raise wrong(ValueError, self.title, f"milestones={self.milestones} must be in order")
        self.base_lrs = [group["initial_lr"] for group in self.groups]
        for group, first in zip(self.groups, self.base_lrs, strict=True):
            group["lr"] = first
        _undo(self)
        self._begin()

    def _begin(self) -> None:
        self.last_epoch = self.steps = 0
        self._initial = False
        active = self._active()
        active._begin()
        self._last_lr = active.get_last_lr()

    def _active(self) -> LRScheduler:
        return self.schedulers[bisect_right(self.milestones, self.last_epoch)]

    @without_arguments
    def step(self) -> None:
        """Set the rates of the next step; call it after `optimizer.step()`."""
        self.advance()
        active = self._active()
        try:
            active.restart() if self.last_epoch in self.milestones else active.step()
        except BaseException:
            self.last_epoch, self.steps = self.last_epoch - 1, self.steps - 1
            raise
        self._last_lr = active.get_last_lr()
        self.base_lrs = list(active.base_lrs)


def _undo(schedule: LRScheduler) -> None:
    """Take the first step of schedules back, which they took when they were made."""
    if isinstance(schedule, _Several):
        for one in schedule.schedulers:
            _undo(one)
    else:
        schedule.last_epoch -= 1


class ChainedScheduler(_Several):
    """Several schedules at once: each changes the rates that the one before has set."""

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        if optimizer is None and isinstance(schedulers, list | tuple) and schedulers:
            optimizer = getattr(schedulers[0], "optimizer", None)
        self.schedulers = self._check_schedulers(optimizer, schedulers)
        self.optimizer = self._checked_optimizer(optimizer)
        self.base_lrs = list(self.schedulers[0].base_lrs)
        self.last_epoch, self.steps, self._initial = 0, 0, False
        self._last_lr = self.rates()

    def overrun(self, steps: int) -> str:
        return next(filter(None, (one.overrun(steps) for one in self.schedulers)), "")

    def _begin(self) -> None:
        self.last_epoch = self.steps = 0
        for one in self.schedulers:
            one._begin()
        self._last_lr = self.rates()

    @without_arguments
    def step(self) -> None:
        """Set the rates of the next step; call it after `optimizer.step()`."""
        for one in self.schedulers:
            one.step()
        self.advance()
        self.base_lrs = list(self.schedulers[0].base_lrs)
        self._last_lr = self.rates()


def _best(value: Any) -> float:
    if isinstance(value, bool | str):
        raise ValueError(f"{value!r:.60} is no score")
    found = float(value)
    if math.isnan(found):
        raise ValueError("a best score is a number")
    return found


class ReduceLROnPlateau(LRScheduler):
    """Multiplies the rates by `factor` when a score has not improved for more than `patience` steps.

    Parameters
    ----------
    mode
        "min" if a smaller score is better, "max" if a larger one is.
    threshold, threshold_mode
        How much better counts: by a part of the best score ("rel"), or by a number ("abs").
    cooldown
        The steps after a change in which nothing is counted.
    min_lr
        The smallest rate, for all groups or a list of one per group.
    eps
        A change that is not larger is not made.

    `step(score)` takes the score, a number; NaN counts as no improvement.
    """

    settings = ("mode", "factor", "patience", "threshold", "threshold_mode", "cooldown", "min_lr", "eps")
    own: ClassVar = {"best": _best, "num_bad_epochs": count, "cooldown_counter": count}

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        self.optimizer = self._checked_optimizer(optimizer)
        self.mode = self._choice("mode", mode, ("min", "max"))
        self.threshold_mode = self._choice("threshold_mode", threshold_mode, ("rel", "abs"))
        self.factor, self.threshold = self._real("factor", factor), self._real("threshold", threshold)
        if not self.factor < 1.0:
            raise wrong(ValueError, self.title, f"factor={factor!r:.60} must be below 1")
        self.patience, self.cooldown = (
            self._count("patience", patience, 0),
            self._count("cooldown", cooldown, 0),
        )
        self.min_lr, self.eps = min_lr, self._real("eps", eps)
        self._for_groups("min_lr", min_lr)
        self.base_lrs = [group.get("initial_lr", group["lr"]) for group in self.groups]
        self.last_epoch, self.steps, self._initial = 0, 0, False
        self.best = math.inf if self.mode == "min" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = 0
        self._last_lr = self.rates()

    def _is_better(self, score: float) -> bool:
        sign = -1.0 if self.mode == "min" else 1.0
        if self.threshold_mode == "abs":
            return score * sign > self.best * sign + self.threshold
        return score * sign > self.best * (1.0 + sign * self.threshold) * sign

    def _count_score(self, score: float) -> bool:
        """Take account of a score; whether the rates are to be reduced."""
        if self._is_better(score):
            self.best, self.num_bad_epochs = score, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs <= self.patience:
            return False
        self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        return True

    def get_lr(self) -> Rates:
        """The rates, reduced."""
        lowest = self._for_groups("min_lr", self.min_lr)
        pairs = [(lr, max(lr * self.factor, least)) for lr, least in zip(self.rates(), lowest, strict=True)]
        return [new if lr - new > self.eps else lr for lr, new in pairs]

    def step(self, score: float) -> None:  # type: ignore[override]
        """Count a score, and set the rates of the next step."""
        found = float(number(score, f"{self.title}: the score"))
        reduced = False

        def advance() -> None:
            nonlocal reduced
            self.advance()
            reduced = self._count_score(found)

        self._change(advance, lambda: self.get_lr() if reduced else self.rates())
