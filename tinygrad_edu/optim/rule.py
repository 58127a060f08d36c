"""A rule as it is passed to a backend: an optimizer's formula with the settings of one group."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from typing import Any

from numpy.lib.mixins import NDArrayOperatorsMixin

from tinygrad_edu.errors import wrong

Group = dict[str, Any]  # the settings of a group, and its parameters as `params`
Numbers = tuple[float, ...]  # the constants of one update
# A schedule stores these in a group, and they are saved with it: the first rate, and the rate it set last.
SCHEDULED = ("initial_lr", "scheduled_lr")
MAXIMIZE = 4  # in the flag of a rule: the kernel changes the sign of the gradient, as `Rule.formula` does


class Choice(NDArrayOperatorsMixin):
    """A number among the settings that a formula gets: the formula can only test whether it is 0.

    A formula is compiled once for all values, so the numbers that it computes with come from `numbers`.
    """

    def __init__(self, name: str, value: Any) -> None:
        self.name, self.value = name, value

    def __bool__(self) -> bool:
        return bool(self.value)

    def __array_ufunc__(self, *_: Any, **__: Any) -> Any:
        raise wrong(
            TypeError,
            None,
            f"a formula computes with {self.name!r} of its settings",
            "it may only ask whether it is 0, and takes what it computes with from `numbers`",
        )


def choices(group: Mapping[str, Any], structural: Sequence[str] = ()) -> dict[str, Any]:
    """The settings of a group for a formula: each number as a `Choice`, except those in `structural`.

    Strings and bools stay as they are.
    """
    return {
        name: value
        if value is None or isinstance(value, bool | str) or name in structural
        else Choice(name, value)
        for name, value in group.items()
        if name != "params"
    }


class Rule:
    """The argument of `Backend.update`: see `backend.protocol.Rule`.

    name         the name of the kernel: `sgd_step`
    title        the name of the optimizer: `SGD`
    state_count  the number of arrays in the state of each parameter
    flag         the variant of the rule, with MAXIMIZE
    """

    __slots__ = ("_settings", "_optimizer", "flag", "name", "programs", "state_count", "title")

    def __init__(self, optimizer: Any, group: Mapping[str, Any], programs: dict[Any, Any]) -> None:
        self.name, self.title = optimizer.kernel, type(optimizer).__name__
        self.state_count = len(optimizer.memory(group))
        self.flag = int(optimizer.flag(group)) | (MAXIMIZE if group["maximize"] else 0)
        self._optimizer, self._settings = weakref.ref(optimizer), choices(group, optimizer.structural)
        self.programs = programs.setdefault(self._program_key(), {})

    def _program_key(self) -> tuple[Any, ...]:
        """All that a formula can know of the settings; its programs can be used while this stays equal."""
        return tuple(bool(v) if isinstance(v, Choice) else v for v in self._settings.values())

    def formula(self, p: Any, g: Any, state: Sequence[Any], numbers: Sequence[Any]) -> tuple[Any, ...]:
        """(new p, *new state), by operators."""
        optimizer: Any = self._optimizer()
        g = -g if self._settings["maximize"] else g
        new: tuple[Any, ...] = optimizer.formula(p, g, state, numbers, self._settings)
        return new
