"""torch.optim.lr_scheduler: PyTorch's schedules, whose rates `tinygrad_edu.optim.lr_scheduler` computes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tinygrad_edu.errors import wrong
from tinygrad_edu.optim import lr_scheduler as _rules
from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.optim.optimizer import Optimizer
from tinygrad_edu.torch.optim.scheduler import (
    LRScheduler,
    Rates,
    Scheduled,
    _LRScheduler,
    for_groups,
    functions_state,
    put,
)
from tinygrad_edu.torch.optim.sequences import ChainedScheduler, ReduceLROnPlateau, SequentialLR

__all__ = ["LRScheduler", "LambdaLR", "MultiplicativeLR", "StepLR", "MultiStepLR", "ConstantLR", "LinearLR",
           "ExponentialLR", "SequentialLR", "CosineAnnealingLR", "ChainedScheduler", "ReduceLROnPlateau",
           "CyclicLR", "CosineAnnealingWarmRestarts", "OneCycleLR", "PolynomialLR",
           "_LRScheduler"]  # fmt: skip
rules: Any = _rules


class _Closed(Scheduled):
    """A schedule whose rates are known from the first ones alone."""

    def _get_closed_form_lr(self) -> Rates:
        found: Rates = self.rule.closed_form(self)
        return found


class StepLR(_Closed, rules.StepLR):  # type: ignore[misc]
    """Multiplies the rates by gamma after each `step_size` steps."""

    def __init__(self, optimizer: Any, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size, self.gamma = step_size, gamma
        LRScheduler.__init__(self, optimizer, last_epoch)


class MultiStepLR(_Closed, rules.MultiStepLR):  # type: ignore[misc]
    """Multiplies the rates by gamma at each of `milestones`, counts of steps."""

    def __init__(
        self, optimizer: Any, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones, self.gamma = Counter(milestones), gamma
        LRScheduler.__init__(self, optimizer, last_epoch)


class ConstantLR(_Closed, rules.ConstantLR):  # type: ignore[misc]
    """Multiplies the rates by `factor` for the first `total_iters` steps."""

    def __init__(
        self, optimizer: Any, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        if not 0 <= factor <= 1:
            raise wrong(
                ValueError, "ConstantLR", "Constant multiplicative factor expected to be between 0 and 1."
            )
        self.factor, self.total_iters = factor, total_iters
        LRScheduler.__init__(self, optimizer, last_epoch)


class LinearLR(_Closed, rules.LinearLR):  # type: ignore[misc]
    """Moves the factor of the rates from `start_factor` to `end_factor` in `total_iters` equal steps."""

    def __init__(
        self,
        optimizer: Any,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise wrong(
                ValueError,
                "LinearLR",
                "Starting multiplicative factor expected to be greater than 0 and less or equal to 1.",
            )
        if not 0 <= end_factor <= 1:
            raise wrong(
                ValueError, "LinearLR", "Ending multiplicative factor expected to be between 0 and 1."
            )
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        LRScheduler.__init__(self, optimizer, last_epoch)

    def get_lr(self) -> Rates:
        """The rate of each group; a schedule that continues begins at the current ones."""
        return self.rates() if self._is_initial and self.last_epoch > 0 else super().get_lr()


class ExponentialLR(_Closed, rules.ExponentialLR):  # type: ignore[misc]
    """Multiplies the rates by gamma at every step."""

    def __init__(self, optimizer: Any, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        LRScheduler.__init__(self, optimizer, last_epoch)


class PolynomialLR(_Closed, rules.PolynomialLR):  # type: ignore[misc]
    """Lets the rates fall to 0 in `total_iters` steps along the power `power` of the part that is left."""

    def __init__(
        self, optimizer: Any, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1
    ) -> None:
        self.total_iters, self.power = total_iters, power
        LRScheduler.__init__(self, optimizer, last_epoch)


class CosineAnnealingLR(_Closed, rules.CosineAnnealingLR):  # type: ignore[misc]
    """Moves the rates along a cosine, from the first ones to `eta_min` in `T_max` steps, and up again."""

    def __init__(self, optimizer: Any, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max, self.eta_min = T_max, eta_min
        LRScheduler.__init__(self, optimizer, last_epoch)


class _Lambda(Scheduled):
    """A schedule of functions of the step, one for each group; a state has those that are objects."""

    lr_lambdas: list[Any]

    @property
    def lr_lambda(self) -> list[Any]:
        """The functions, under the library's name."""
        return self.lr_lambdas

    def _functions(self, name: str, value: Any) -> list[Any]:
        several = list(value) if isinstance(value, (list, tuple)) else [value] * len(self.groups)
        if len(several) != len(self.groups):
            raise wrong(
                ValueError,
                type(self).__name__,
                f"Expected {len(self.groups)} lr_lambdas, but got {len(several)}",
            )
        return several

    def state_dict(self) -> dict[str, Any]:
        """All attributes but the optimizer; of functions that are objects, their attributes."""
        state = super().state_dict()
        state.pop("lr_lambdas")
        return state | {"lr_lambdas": functions_state(self.lr_lambdas)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a state."""
        self.__dict__.update({key: value for key, value in state_dict.items() if key != "lr_lambdas"})
        for function, saved in zip(self.lr_lambdas, state_dict["lr_lambdas"]):
            if saved is not None:
                vars(function).update(saved)


class LambdaLR(_Lambda, rules.LambdaLR):  # type: ignore[misc]
    """Multiplies the first rates by `lr_lambda(step)`, one function or a list of one per group."""

    def __init__(self, optimizer: Any, lr_lambda: Any, last_epoch: int = -1) -> None:
        self.optimizer = optimizer
        self.lr_lambdas = self._functions("lr_lambda", lr_lambda)
        LRScheduler.__init__(self, optimizer, last_epoch)


class MultiplicativeLR(_Lambda, rules.MultiplicativeLR):  # type: ignore[misc]
    """Multiplies the current rates by `lr_lambda(step)`, one function or a list of one per group."""

    def __init__(self, optimizer: Any, lr_lambda: Any, last_epoch: int = -1) -> None:
        self.optimizer = optimizer
        self.lr_lambdas = self._functions("lr_lambda", lr_lambda)
        for function in self.lr_lambdas:
            if not callable(function):
                raise wrong(
                    TypeError,
                    "MultiplicativeLR",
                    f"lr_lambda should be a function, but got {type(function).__name__}",
                )
        LRScheduler.__init__(self, optimizer, last_epoch)


class CosineAnnealingWarmRestarts(Scheduled, rules.CosineAnnealingWarmRestarts):  # type: ignore[misc]
    """Half a cosine wave from the first rates to `eta_min`, again and again; `step` takes any epoch."""

    def __init__(
        self, optimizer: Any, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        title = type(self).__name__
        if not isinstance(T_0, int) or T_0 <= 0:
            raise wrong(ValueError, title, f"Expected positive integer T_0, but got {T_0}")
        if not isinstance(T_mult, int) or T_mult < 1:
            raise wrong(ValueError, title, f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, (float, int)):
            raise wrong(ValueError, title, f"Expected float or int eta_min, but got {eta_min!r}")
        self.T_0, self.T_i, self.T_mult, self.eta_min, self.T_cur = T_0, T_0, T_mult, eta_min, last_epoch
        LRScheduler.__init__(self, optimizer, last_epoch)

    def step(self, epoch: Any = None) -> None:
        """Set the rates of the next step, or of `epoch`, which may be a fraction."""
        self._step_count += 1
        if epoch is None and self.last_epoch >= 0:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur, self.T_i = self.T_cur % self.T_i, self.T_i * self.T_mult
        else:
            epoch = 0 if epoch is None else epoch
            if epoch < 0:
                raise wrong(ValueError, type(self).__name__, f"Expected non-negative epoch, but got {epoch}")
            self.T_cur, self.T_i = epoch, self.T_0
            while self.T_mult > 1 and self.T_cur >= self.T_i:
                self.T_cur, self.T_i = self.T_cur - self.T_i, self.T_i * self.T_mult
            self.T_cur %= self.T_i
        self.last_epoch = math.floor(epoch)
        self._set(self.get_lr)


class _WithMomentum(Scheduled):
    """A schedule that moves the momentum, or Adam's beta1, against the rates."""

    cycle_momentum: bool

    def _start_momenta(self, base: Any, most: Any, last_epoch: int) -> None:
        defaults = self.optimizer.defaults
        if "momentum" not in defaults and "betas" not in defaults:
            raise wrong(
                ValueError,
                type(self).__name__,
                "optimizer must support momentum or beta1 with `cycle_momentum` option enabled",
                "pass cycle_momentum=False",
            )
        self.use_beta1 = "betas" in defaults
        self.base_momentums = for_groups("base_momentum", self.optimizer, base)
        self.max_momentums = for_groups("max_momentum", self.optimizer, most)
        if last_epoch != -1:
            return
        for group, low, high in zip(self.groups, self.base_momentums, self.max_momentums, strict=True):
            if self.use_beta1:
                group["betas"] = (high, *group["betas"][1:])
            else:
                group["momentum"] = high
            group["max_momentum"], group["base_momentum"] = high, low

    base_momentum = property(lambda self: self.base_momentums)
    max_momentum = property(lambda self: self.max_momentums)


class CyclicLR(_WithMomentum, rules.CyclicLR):  # type: ignore[misc]
    """Moves the rates up from `base_lr` to `max_lr` and down again, in straight lines."""

    def __init__(
        self,
        optimizer: Any,
        base_lr: Any,
        max_lr: Any,
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: Any = 0.8,
        max_momentum: Any = 0.9,
        last_epoch: int = -1,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise wrong(TypeError, "CyclicLR", f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        base_lrs = for_groups("base_lr", optimizer, base_lr)
        if last_epoch == -1:
            for lr, group in zip(base_lrs, self.groups, strict=True):
                put(group, "lr", lr)
        self.max_lrs = for_groups("max_lr", optimizer, max_lr)
        up = float(step_size_up)
        self.total_size = up + (up if step_size_down is None else float(step_size_down))
        self.step_ratio = up / self.total_size
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise wrong(ValueError, "CyclicLR", "mode is invalid and scale_fn is None")
        self.mode, self.gamma, self._scale_fn_custom, self.scale_mode = mode, gamma, scale_fn, scale_mode
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._start_momenta(base_momentum, max_momentum, last_epoch)
        LRScheduler.__init__(self, optimizer, last_epoch)
        self.base_lrs = base_lrs

    max_lr = property(lambda self: self.max_lrs)
    scale_fn = property(lambda self: self._scale_fn_custom)

    def state_dict(self) -> dict[str, Any]:
        """All attributes but the optimizer; of a `scale_fn` that is an object, its attributes."""
        state = super().state_dict()
        custom = self._scale_fn_custom
        return state | {"_scale_fn_custom": None if custom is None else functions_state([custom])[0]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a state."""
        custom = self._scale_fn_custom
        self.__dict__.update(state_dict)
        self._scale_fn_custom = custom
        if state_dict["_scale_fn_custom"] is not None:
            vars(custom).update(state_dict["_scale_fn_custom"])


class OneCycleLR(_WithMomentum, rules.OneCycleLR):  # type: ignore[misc]
    """One cycle for a whole training: the rate rises to `max_lr`, and then falls far below the first one."""

    def __init__(
        self,
        optimizer: Any,
        max_lr: Any,
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: Any = 0.85,
        max_momentum: Any = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise wrong(TypeError, "OneCycleLR", f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        counts = (
            {"total_steps": total_steps}
            if total_steps is not None
            else {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
        )
        if None in counts.values():
            raise wrong(
                ValueError, "OneCycleLR", "You must define either total_steps OR (epochs AND steps_per_epoch)"
            )
        for name, number in counts.items():
            if not isinstance(number, int) or number <= 0:
                raise wrong(ValueError, "OneCycleLR", f"Expected positive integer {name}, but got {number}")
        self.total_steps = math.prod(n for n in counts.values() if n is not None)
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise wrong(
                ValueError, "OneCycleLR", f"Expected float between 0 and 1 pct_start, but got {pct_start}"
            )
        if anneal_strategy not in ("cos", "linear"):
            raise wrong(
                ValueError,
                "OneCycleLR",
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}",
            )
        self.pct_start, self.anneal_strategy, self.three_phase = pct_start, anneal_strategy, three_phase
        self.final_div_factor = final_div_factor
        for group, most in zip(self.groups, for_groups("max_lr", optimizer, max_lr), strict=True):
            if last_epoch == -1:
                group["initial_lr"], group["max_lr"] = most / div_factor, most
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._start_momenta(base_momentum, max_momentum, last_epoch)
        LRScheduler.__init__(self, optimizer, last_epoch)

    max_lr = property(lambda self: [group["max_lr"] for group in self.groups])

    def _way(self, points: Sequence[float]) -> Any:
        return self.rule._way(self, points, math.inf)


__getattr__ = missing_from("torch.optim.lr_scheduler")
