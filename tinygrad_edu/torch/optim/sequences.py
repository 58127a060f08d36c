"""Schedules made of others, SequentialLR and ChainedScheduler, and the one of a score, ReduceLROnPlateau."""

from __future__ import annotations

import math
import warnings
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from tinygrad_edu.errors import wrong
from tinygrad_edu.optim import lr_scheduler as _rules
from tinygrad_edu.torch.optim.optimizer import Optimizer
from tinygrad_edu.torch.optim.scheduler import EPOCH, LRScheduler, Scheduled, for_groups, put, values

rules: Any = _rules


class _Several(LRScheduler):
    """A schedule that has others, whose states are saved in its own."""

    _schedulers: Sequence[Any]

    def _check(self, optimizer: Any, schedulers: Sequence[Any]) -> None:
        title = type(self).__name__
        for i, one in enumerate(schedulers):
            if not hasattr(one, "optimizer"):
                raise wrong(
                    TypeError, title, f"{title} at index {i} should have `optimizer` as its attribute."
                )
            if isinstance(one, ReduceLROnPlateau):
                raise wrong(
                    ValueError,
                    title,
                    f"{title} does not support `ReduceLROnPlateau` scheduler, whose step "
                    f"takes a score; one is at index {i}",
                )
            if optimizer is not one.optimizer:
                raise wrong(
                    ValueError,
                    title,
                    f"{title} expects all schedulers to belong to the same optimizer, "
                    f"the one at index {i} has another",
                )

    def state_dict(self) -> dict[str, Any]:
        """All attributes but the optimizer, and the states of the schedules."""
        state = super().state_dict()
        return state | {"_schedulers": [one.state_dict() for one in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a state."""
        self.__dict__.update({key: value for key, value in state_dict.items() if key != "_schedulers"})
        for one, saved in zip(self._schedulers, state_dict["_schedulers"]):
            one.load_state_dict(saved)


class SequentialLR(_Several):
    """One schedule after another: at each of `milestones`, counts of steps, the next begins at its step 0."""

    def __init__(
        self, optimizer: Any, schedulers: list[Any], milestones: list[int], last_epoch: int = -1
    ) -> None:
        if not schedulers:
            raise wrong(
                ValueError, "SequentialLR", "SequentialLR expects at least one scheduler, but got none"
            )
        self._check(optimizer, schedulers)
        if len(milestones) != len(schedulers) - 1:
            raise wrong(
                ValueError,
                "SequentialLR",
                "Sequential Schedulers expects number of schedulers provided to "
                f"be one more than the number of milestone points, got {len(schedulers)} "
                "schedulers and "
                f"{len(milestones)} milestones",
            )
        self._schedulers, self._milestones = schedulers, milestones
        self.last_epoch, self.optimizer = last_epoch + 1, optimizer
        for group in optimizer.param_groups:
            put(group, "lr", group["initial_lr"])
        self.recursive_undo()
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def recursive_undo(self, sched: Any = None) -> None:
        """Take back the first step of schedules, which they took when they were made."""
        one = self if sched is None else sched
        if hasattr(one, "_schedulers"):
            for inner in one._schedulers:
                self.recursive_undo(inner)
        elif hasattr(one, "last_epoch"):
            one.last_epoch -= 1

    def step(self) -> None:  # type: ignore[override]
        """Set the rates of the next step; call it after `optimizer.step()`."""
        self.last_epoch += 1
        index = bisect_right(self._milestones, self.last_epoch)
        active = self._schedulers[index]
        if index > 0 and self._milestones[index - 1] == self.last_epoch:
            active._update_lr(0)
        else:
            active.step()
        self._last_lr = active.get_last_lr()


class ChainedScheduler(_Several):
    """Several schedules at once: each changes the rates that the one before has set."""

    def __init__(self, schedulers: Sequence[Any], optimizer: Any = None) -> None:
        if not schedulers:
            raise wrong(
                ValueError,
                "ChainedScheduler",
                "ChainedScheduler expects at least one scheduler to be chained, but got no scheduler.",
            )
        optimizer = optimizer or getattr(schedulers[0], "optimizer", None)
        self._check(optimizer, schedulers)
        self._schedulers, self.optimizer = schedulers, optimizer
        self._last_lr = values(optimizer, "lr")

    def step(self) -> None:  # type: ignore[override]
        """Set the rates of the next step; call it after `optimizer.step()`."""
        for one in self._schedulers:
            one.step()
        self._last_lr = values(self.optimizer, "lr")


class ReduceLROnPlateau(Scheduled, rules.ReduceLROnPlateau):  # type: ignore[misc]
    """Multiplies the rates by `factor` when a score has not improved for more than `patience` steps."""

    def __init__(
        self,
        optimizer: Any,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: Any = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1.0:
            raise wrong(ValueError, "ReduceLROnPlateau", "Factor should be < 1.0.")
        if not isinstance(optimizer, Optimizer):
            raise wrong(TypeError, "ReduceLROnPlateau", f"{type(optimizer).__name__} is not an Optimizer")
        self.factor, self.optimizer = factor, optimizer
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        self.min_lrs = for_groups("min_lr", optimizer, min_lr)
        self.patience, self.cooldown, self.eps, self.last_epoch = patience, cooldown, eps, 0
        self._last_lr = values(optimizer, "lr")
        if mode not in ("min", "max"):
            raise wrong(ValueError, "ReduceLROnPlateau", f"mode {mode} is unknown!")
        if threshold_mode not in ("rel", "abs"):
            raise wrong(ValueError, "ReduceLROnPlateau", f"threshold mode {threshold_mode} is unknown!")
        self.mode, self.threshold, self.threshold_mode = mode, threshold, threshold_mode
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self._reset()

    def _reset(self) -> None:
        self.best, self.cooldown_counter, self.num_bad_epochs = self.mode_worse, 0, 0

    in_cooldown = property(lambda self: self.cooldown_counter > 0)
    min_lr = property(lambda self: self.min_lrs)

    def step(self, metrics: Any, epoch: Any = None) -> None:  # type: ignore[override]
        """Count a score, and set the rates of the next step."""
        score = float(metrics)
        if epoch is not None:
            warnings.warn(EPOCH, UserWarning, stacklevel=2)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._count_score(score):
            if len(self.min_lrs) != len(self.groups):
                if self.default_min_lr is None:
                    raise wrong(
                        RuntimeError,
                        "ReduceLROnPlateau",
                        "The number of param groups in the `optimizer` "
                        f"({len(self.groups)}) differs from when it was initialized "
                        f"({len(self.min_lrs)})",
                        "change `min_lrs` to one for each group",
                    )
                self.min_lrs = [self.default_min_lr] * len(self.groups)
            for group, lr in zip(self.groups, self.rule.get_lr(self), strict=True):
                put(group, "lr", lr)
        self._last_lr = values(self.optimizer, "lr")
