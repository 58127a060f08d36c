"""The settings of schedules in a saved state, and the check that a state is loaded into the same settings.

Most schedules compute a rate from the rate before, so with other settings the rates would be those of no
schedule at all. Numbers and texts are compared. A function cannot be saved: of a function the state only has
that it is one, of an object such as `optim.LinearWarmup(5)` it has the text.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from tinygrad_edu.errors import wrong
from tinygrad_edu.scalars import plain

A_FUNCTION = "a function"
Step = TypeVar("Step", bound=Callable[..., None])


def saved_setting(value: Any) -> Any:
    """A setting in the form that a state has: a number, a text, None, or a list of these."""
    if isinstance(value, Counter):
        return sorted(value.elements())
    if isinstance(value, list | tuple):
        return [saved_setting(one) for one in value]
    return _description(value) if callable(value) else plain(value)


def _description(function: Any) -> str:
    """The text of an object that says all about it, such as a dataclass; "a function" for others."""
    if not dataclasses.is_dataclass(function) or isinstance(function, type):
        return A_FUNCTION
    values = {field.name: plain(getattr(function, field.name)) for field in dataclasses.fields(function)}
    # 1.0 and 1 are the same setting, and have the same text
    texts = {k: repr(int(v) if isinstance(v, float) and v.is_integer() else v) for k, v in values.items()}
    text = f"{type(function).__name__}({', '.join(f'{k}={v}' for k, v in texts.items())})"
    return A_FUNCTION if " at 0x" in text else text  # an address is another one in each process


def check_settings(title: str, state: Mapping[str, Any], current: Mapping[str, Any]) -> None:
    """Raise ValueError unless the settings in `state` are the current ones; an older state has none.

    One number for all groups is the same as a list of it for each.
    """
    if "settings" not in state:
        return
    if not isinstance(saved := state["settings"], Mapping):
        raise wrong(ValueError, title, "no schedule's state, nothing was loaded")
    for name, found in saved.items():
        if name not in current:
            problem = f"the state has a setting {name!r:.60} that is unknown here, nothing was loaded"
            raise wrong(ValueError, title, problem, f"known are {', '.join(current) or 'none'}")
        if not _is_same(found, current[name]):
            problem = f"{name} is {found!r:.200} in the state and {current[name]!r:.200} here"
            remedy = "nothing was loaded: make the schedule with the settings of the saved one"
            raise wrong(ValueError, title, problem, remedy)


def _is_same(saved: Any, current: Any) -> bool:
    several, here = isinstance(saved, list | tuple), isinstance(current, list)
    if several and here:
        return len(saved) == len(current) and all(map(_is_equal, saved, current))
    if several:
        return bool(saved) and all(_is_equal(one, current) for one in saved)
    if here:
        return bool(current) and all(_is_equal(saved, one) for one in current)
    return _is_equal(saved, current)


def _is_equal(saved: Any, current: Any) -> bool:
    """Whether two settings that are no lists are equal; 1 and 1.0 are, 1 and True are not."""
    saved = plain(saved)
    kinds = {float if type(one) is int else type(one) for one in (saved, current)}
    return len(kinds) == 1 and bool(saved == current)


def without_arguments(step: Step) -> Step:
    """The method `step`, with an error that explains why it takes no number of an epoch and no score."""

    @functools.wraps(step)
    def called(self: Any, *args: Any, **named: Any) -> None:
        if args or named:
            named_ones = [f"{name}={value!r:.60}" for name, value in named.items()]
            given = ", ".join([*(f"{one!r:.60}" for one in args), *named_ones])
            remedy = (
                "write schedule.step(): it counts the steps; lr_scheduler.ReduceLROnPlateau takes a score"
            )
            raise wrong(
                TypeError, f"{type(self).__name__}.step", f"it takes no argument, not {given}", remedy
            )
        step(self)

    return cast(Step, called)
