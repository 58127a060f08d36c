"""LRScheduler: the base of the schedules with PyTorch's names and numbers, which `optim.lr_scheduler` has.

Most of these schedules multiply the current rates, so several of them on one optimizer combine, and a rate
that the user sets is changed from there on. `optim.Schedule` is the short form: it multiplies the first rates
by functions of the step.
"""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from tinygrad_edu.errors import wrong
from tinygrad_edu.optim.optimizer import Optimizer
from tinygrad_edu.optim.settings import check_settings, saved_setting, without_arguments
from tinygrad_edu.scalars import integer, number, plain
from tinygrad_edu.words import explaining, unknown_attribute
from tinygrad_edu.words.calls import explain_methods

Rates = list[float]


class LRScheduler(ABC):
    """The base of all schedules: it sets the `lr` of each group when it is made, and at each `step()`.

    optimizer   the optimizer whose groups it changes
    last_epoch  the number of steps so far
    base_lrs    the first rate of each group; a group that is added later begins with its own

    A step that would set a rate that is negative or not finite raises ValueError and changes nothing.
    """

    own: ClassVar[
        Mapping[str, Callable[[Any], Any]]
    ] = {}  # further attributes in the state, and their checks

    settings: ClassVar[tuple[str, ...]] = ()  # attributes that a state is loaded only into the same values of
    counts: ClassVar[tuple[str, ...]] = ()  # those of them that are numbers of steps

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__init__" in vars(cls) and cls.__module__.startswith(f"{__package__}."):
            cls.__init__ = explaining(cls.__init__)  # type: ignore[method-assign]

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            raise unknown_attribute(self, name)

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = self._checked_optimizer(optimizer)
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        self.base_lrs: Rates = [group["initial_lr"] for group in optimizer.param_groups]
        self._begin()

    def _begin(self) -> None:
        """Set the rates of the first step."""
        self.last_epoch, self.steps, self._initial = -1, -1, True
        try:
            self.step()
        finally:
            self._initial = False

    # -- what a schedule defines -----------------------------------------------------------------------------

    @abstractmethod
    def get_lr(self) -> Rates:
        """The rate of each group at `last_epoch`, from the rates at the step before."""

    def closed_form(self) -> Rates:
        """The rates at `last_epoch` from the first ones alone, for a schedule that begins in the middle."""
        return self.get_lr()

    def momenta(self) -> Rates | None:
        """The momentum of each group at `last_epoch`; None for a schedule that leaves it alone."""
        return None

    def advance(self) -> None:
        """Change the counts for one more step."""
        self.last_epoch += 1
        self.steps += 1

    # -- steps -----------------------------------------------------------------------------------------------

    @without_arguments
    def step(self) -> None:
        """Set the rates of the next step; call it after `optimizer.step()`."""
        self._change(self.advance, self.get_lr)

    def restart(self) -> None:
        """Set the rates of the schedule's step 0, as `SequentialLR` does where this schedule begins."""

        def to_zero() -> None:
            self.last_epoch = 0

        self._change(to_zero, self.closed_form)

    def _change(self, advance: Callable[[], None], rates: Callable[[], Rates]) -> None:
        """Advance the counts, compute rates and momenta, and set them; after an error nothing is changed."""
        before = dict(vars(self))
        before["base_lrs"] = list(self.base_lrs)
        try:
            for group in self.groups[len(self.base_lrs) :]:
                self.base_lrs.append(group.get("initial_lr", group["lr"]))
            advance()
            now, momenta = self._checked(rates()), self.momenta()
        except BaseException:
            vars(self).update(before)
            raise
        for group, first in zip(self.groups, self.base_lrs, strict=True):
            group["initial_lr"] = first
        self._install(now)
        for group, momentum in zip(self.groups, momenta or (), strict=momenta is not None):
            if "betas" in group:
                group["betas"] = (momentum, *group["betas"][1:])
            else:
                group["momentum"] = momentum

    def _install(self, rates: Rates) -> None:
        for group, lr in zip(self.groups, rates, strict=True):
            group["lr"] = lr
        self._last_lr = list(rates)

    def get_last_lr(self) -> Rates:
        """The rates that the last step set, one for each group."""
        return list(self._last_lr)

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The groups of the optimizer."""
        return self.optimizer.param_groups

    def rates(self) -> Rates:
        """The current rates of the groups, which the user may have changed since the last step."""
        return [group["lr"] for group in self.groups]

    def _checked(self, rates: Sequence[float]) -> Rates:
        found = [number(lr, f"{self.title}: a learning rate") for lr in rates]
        for lr in found:
            if not 0.0 <= lr < math.inf:
                raise wrong(
                    ValueError,
                    self.title,
                    f"at step {self.last_epoch} it makes a learning rate of {lr}",
                    "it must be a finite number >= 0",
                )
        return found

    # -- whether it is made for so many steps ----------------------------------------------------------------

    def spans(self) -> dict[str, int]:
        """The numbers of steps in its settings, of several the largest: what they say is over after them."""
        given = {name: vars(self)[name] for name in self.counts}
        return {name: max(span, default=0) if isinstance(span, Iterable) else span
                for name, span in given.items()}  # fmt: skip

    def overrun(self, steps: int) -> str:
        """What is odd about so many steps of it, such as a rate of nothing; "" if nothing is."""
        return ""

    # -- state -----------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """The counts of steps, the first rates and the current ones, and the settings except functions."""
        return {
            "class": self.title,
            "last_epoch": self.last_epoch,
            "steps": self.steps,
            "base_lrs": list(self.base_lrs),
            "rates": self.rates(),
            "last_lr": self.get_last_lr(),
            **{name: getattr(self, name) for name in self.own},
            "settings": self._saved_settings(),
        }

    def _saved_settings(self) -> dict[str, Any]:
        return {name: saved_setting(vars(self)[name]) for name in self.settings if name in vars(self)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state`, in a schedule with the same settings.

        Raises ValueError for the state of another schedule, of other settings or of other groups; then
        nothing is changed. Functions are not compared, and a state of an older version has no settings.
        """
        self._plan(state)()

    def _plan(self, state: Mapping[str, Any]) -> Callable[[], None]:
        """The last step of `load_state_dict`, a function that cannot fail: all checks have been made."""
        title = f"{self.title}.load_state_dict"
        try:
            found = state["class"]
            counts = {name: count(state[name]) for name in ("last_epoch", "steps")}
            base, rates, last = (
                [rate(lr) for lr in state[name]] for name in ("base_lrs", "rates", "last_lr")
            )
            own = {name: check(state[name]) for name, check in self.own.items()}
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
            raise wrong(ValueError, title, "no schedule's state, nothing was loaded") from None
        if found != self.title:
            raise wrong(ValueError, title, f"it is the state of {found!r:.60}, nothing was loaded")
        check_settings(title, state, self._saved_settings())
        if not len(base) == len(rates) == len(last) == len(self.groups):
            raise wrong(
                ValueError,
                title,
                f"the state has {len(base)} groups, this optimizer {len(self.groups)}, nothing was loaded",
            )

        def install() -> None:
            vars(self).update(counts, base_lrs=base, **own)
            for group, first in zip(self.groups, base, strict=True):
                group["initial_lr"] = first
            self._install(rates)
            self._last_lr = last

        return install

    # -- checks of settings ----------------------------------------------------------------------------------

    @property
    def title(self) -> str:
        return type(self).__name__

    def _checked_optimizer(self, optimizer: Any) -> Optimizer:
        if not isinstance(optimizer, Optimizer):
            problem = f"the first argument is a {type(optimizer).__name__}, not an optimizer"
            raise wrong(TypeError, self.title, problem)
        return optimizer

    def _count(self, name: str, value: Any, least: int = 1) -> int:
        return integer(plain(value), f"{self.title}: {name}", least)

    def _real(self, name: str, value: Any, least: float = 0.0, most: float = math.inf) -> float:
        """`value` as a finite number from `least` to `most`."""
        found = number(value, f"{self.title}: {name}")
        if isinstance(found, bool) or not least <= found <= most or math.isinf(found):
            limits = f"from {least:g} to {most:g}" if math.isfinite(most) else f">= {least:g}"
            problem = f"{name}={value!r:.60} must be a finite number {limits}"
            raise wrong(ValueError, self.title, problem)
        return found

    def _choice(self, name: str, value: Any, known: Sequence[str]) -> str:
        if value not in known:
            raise wrong(ValueError, self.title, f"{name}={value!r:.60} must be one of {', '.join(known)}")
        return str(value)

    def _for_groups(self, name: str, value: Any, least: float = 0.0, most: float = math.inf) -> Rates:
        """A setting for each group: one number for all, or a list of one per group."""
        several = value if isinstance(value, list | tuple) else [value] * len(self.groups)
        if len(several) != len(self.groups):
            problem = f"{name} has {len(several)} numbers for {len(self.groups)} groups"
            raise wrong(ValueError, self.title, problem)
        return [self._real(name, one, least, most) for one in several]

    def _functions(self, name: str, value: Any) -> list[Callable[[int], float]]:
        """A function of the step for each group: one for all, or a list of one per group."""
        several = list(value) if isinstance(value, list | tuple) else [value] * len(self.groups)
        if len(several) != len(self.groups):
            problem = f"{name} has {len(several)} functions for {len(self.groups)} groups"
            raise wrong(ValueError, self.title, problem)
        for one in several:
            if not callable(one):
                problem = f"{name}={one!r:.60} is no function of the number of steps"
                raise wrong(TypeError, self.title, problem)
        return several

    def _factors(self, lr_lambda: Any) -> list[float]:
        """What the functions of the groups return for the current step. Raises TypeError for no number."""
        found = [f(self.last_epoch) for f in self._functions("lr_lambda", lr_lambda)]
        name = f"{self.title}: what lr_lambda({self.last_epoch}) returns"
        return [one if isinstance(one, int | float) else number(one, name) for one in found]

    def __repr__(self) -> str:
        return f"{self.title}(step {self.last_epoch}, lr {', '.join(f'{lr:g}' for lr in self.rates())})"


def count(value: Any) -> int:
    """A count in a state, as an int. Raises ValueError or TypeError for anything else."""
    found = operator.index(value)
    if isinstance(value, bool) or not -1 <= found < 2**53:
        raise ValueError(f"{value!r:.60} is no count")
    return found


def rate(value: Any) -> float:
    """A finite number >= 0 in a state, as a float. Raises ValueError or TypeError for anything else."""
    if isinstance(value, bool | str):
        raise ValueError(f"{value!r:.60} is no number")
    found = float(value)
    if not 0.0 <= found < math.inf:
        raise ValueError(f"{value!r:.60} is no finite number >= 0")
    return found


explain_methods(LRScheduler, only=("state_dict", "load_state_dict", "get_last_lr"))
