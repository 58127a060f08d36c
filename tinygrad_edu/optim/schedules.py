"""Learning rates that change during training: factors that are functions of the step, and `Schedule`.

A factor is any function of the number of steps taken; several are multiplied. So
`Schedule(optimizer, LinearWarmup(100), CosineLR(1000))` warms up for 100 steps
and then follows half a cosine wave.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tinygrad_edu.errors import wrong
from tinygrad_edu.optim.optimizer import Group, Optimizer
from tinygrad_edu.optim.settings import check_settings, saved_setting, without_arguments
from tinygrad_edu.scalars import number, plain
from tinygrad_edu.words import explaining
from tinygrad_edu.words.calls import explain_methods

Factor = Callable[[int], float]


def _check_count(factor: Any, name: str) -> None:
    """Convert a factor's settings to Python numbers, and the setting `name` to an int of at least 1.

    Raises ValueError if it is not one, and TypeError for an optimizer in its place.
    """
    for setting, given in vars(factor).items():
        object.__setattr__(factor, setting, plain(given))  # the dataclass is frozen
    title, value = type(factor).__name__, getattr(factor, name)
    if isinstance(value, Optimizer):
        raise wrong(
            TypeError,
            title,
            "the optimizer belongs to the schedule that applies a factor",
            f"write optim.Schedule(optimizer, optim.{title}({name}=...)); PyTorch's schedules are in "
            "optim.lr_scheduler",
        )
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if number < 1:
        raise wrong(ValueError, title, f"{name}={value!r} must be an integer >= 1")
    object.__setattr__(factor, name, number)


@dataclass(frozen=True)
class StepLR:
    """Multiplied by `factor` after each `every` steps: factor^(step // every)."""

    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        _check_count(self, "every")
        if not 0 <= self.factor < math.inf:
            raise wrong(ValueError, "StepLR", f"factor={self.factor} must be a finite number >= 0")

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
        _check_count(self, "total")
        if not 0 <= self.lowest <= 1:
            raise wrong(ValueError, "CosineLR", f"lowest={self.lowest} must be in [0, 1]")

    def __call__(self, step: int) -> float:
        way = min(step, self.total) / self.total
        return self.lowest + (1.0 - self.lowest) * 0.5 * (1.0 + math.cos(math.pi * way))


@dataclass(frozen=True)
class LinearWarmup:
    """From 1 / steps up to 1 in equal parts over the first `steps` steps, and 1 from then on."""

    steps: int

    def __post_init__(self) -> None:
        _check_count(self, "steps")

    def __call__(self, step: int) -> float:
        return min(step + 1, self.steps) / self.steps


for _factor in (StepLR, CosineLR, LinearWarmup):
    setattr(_factor, "__init__", explaining(_factor.__init__, _factor.__name__))  # noqa: B010


class Schedule:
    """Sets each group's `lr` to its first value times all `factors`, functions of the count of steps.

    If the user sets a rate, or adds a group, that rate stays until the next step, and from then on it changes
    in proportion to the factors. The first rates are stored in the groups (`initial_lr`) and saved with them,
    so a new schedule for a loaded optimizer starts at the first rates, not at the last ones.
    """

    def __init__(self, optimizer: Optimizer, *factors: Factor) -> None:
        if not isinstance(optimizer, Optimizer):
            raise wrong(
                TypeError, "Schedule", f"the first argument is a {type(optimizer).__name__}, not an optimizer"
            )
        if not factors:
            raise wrong(ValueError, "Schedule", "give at least one factor, such as optim.CosineLR(1000)")
        for factor in factors:
            if not callable(factor):
                raise wrong(
                    TypeError,
                    "Schedule",
                    f"{factor!r:.60} is no factor, a function of the number of steps such as "
                    "optim.StepLR(30)",
                )
        self.optimizer, self.factors = optimizer, factors
        self.base: list[float] = [_initial_rate(group) for group in optimizer.param_groups]
        self.count = 0
        self._set(0, self.base, self._rates(0, self.base))

    @without_arguments
    def step(self) -> None:
        """Set the rates of the next step; call it after `optimizer.step()`."""
        count, base = self.count + 1, self._first_rates()
        self._set(count, base, self._rates(count, base))

    def _first_rates(self) -> list[float]:
        """The first rate of each group; computed for rates set, and for groups added, since."""
        now, first = self._factor(self.count), []
        for i, group in enumerate(self.optimizer.param_groups):
            if i < len(self.base) and group.get("scheduled_lr") == group["lr"]:
                first.append(self.base[i])
            else:
                first.append(group["lr"] / now if now else group["lr"])
        return first

    def _factor(self, count: int) -> float:
        return math.prod(float(number(f(count), "Schedule: what a factor returns")) for f in self.factors)

    def _rates(self, count: int, base: list[float]) -> list[float]:
        """The rates of the groups at that step. Raises ValueError if one is not a finite number >= 0."""
        factor = self._factor(count)
        for lr in (rates := [first * factor for first in base]):
            if not 0.0 <= lr < math.inf:
                raise wrong(
                    ValueError,
                    "Schedule",
                    f"at step {count} the factors make a learning rate of {lr}",
                    "it must be a finite number >= 0",
                )
        return rates

    def _set(self, count: int, base: list[float], rates: list[float]) -> None:
        self.count, self.base = count, base
        for group, first, lr in zip(self.optimizer.param_groups, base, rates, strict=True):
            group.update(lr=lr, initial_lr=first, scheduled_lr=lr)

    def spans(self) -> dict[str, int]:
        """The numbers of steps in its factors: what they say is over after them."""
        found: dict[str, int] = {}
        for factor in self.factors:
            if isinstance(factor, StepLR | CosineLR | LinearWarmup):
                name = {StepLR: "every", CosineLR: "total", LinearWarmup: "steps"}[type(factor)]
                found[name] = max(getattr(factor, name), found.get(name, 0))
        return found

    def overrun(self, steps: int) -> str:
        """What is odd about so many steps of it, such as a rate of nothing; "" if nothing is."""
        return worn_out(math.prod(f(steps) for f in self.factors if isinstance(f, StepLR)))

    def state_dict(self) -> dict[str, Any]:
        """The count of steps, the first learning rates and the current ones, and the texts of the factors."""
        return {
            "count": self.count,
            "base": self._first_rates(),
            "rates": [group["lr"] for group in self.optimizer.param_groups],
            "settings": self._saved_settings(),
        }

    def _saved_settings(self) -> dict[str, Any]:
        return {"factors": saved_setting(self.factors)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state`.

        Raises ValueError for another number of groups and for other factors; then nothing is changed. Factors
        that are functions of yours are not compared.
        """
        self._plan(state)()

    def _plan(self, state: Mapping[str, Any]) -> Callable[[], None]:
        """The last step of `load_state_dict`, a function that cannot fail: all checks have been made."""
        try:
            count, base = operator.index(state["count"]), [float(lr) for lr in state["base"]]
            rates = [float(lr) for lr in state.get("rates", self._rates(count, base))]
            if len(rates) != len(base) or not all(0.0 <= lr < math.inf for lr in rates):
                raise ValueError
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
            raise wrong(
                ValueError, "Schedule.load_state_dict", "no schedule's state, nothing was loaded"
            ) from None
        if len(base) != len(self.optimizer.param_groups) or count < 0:
            raise wrong(
                ValueError,
                "Schedule",
                f"the state has {len(base)} groups at step {count}, this optimizer "
                f"{len(self.optimizer.param_groups)}",
            )
        check_settings("Schedule.load_state_dict", state, self._saved_settings())
        return lambda: self._set(count, base, rates)


def worn_out(factor: float) -> str:
    """What is odd about a rate that is multiplied by `factor` in all; "" if it is not as good as nothing."""
    return f"the rate is then {factor:.0e} of the first one" if factor < 1e-6 else ""


def _initial_rate(group: Group) -> float:
    """The rate of a group before any schedule; the current rate if the user has set it since."""
    lr = group["lr"]
    return float(group["initial_lr"] if group.get("scheduled_lr", lr) == lr and "initial_lr" in group else lr)


explain_methods(Schedule, only=("state_dict", "load_state_dict", "get_last_lr"))
