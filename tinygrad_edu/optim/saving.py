"""What `Optimizer.state_dict` returns, and the checks of what `Optimizer.load_state_dict` gets."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygrad_edu.errors import wrong
from tinygrad_edu.optim.rule import SCHEDULED


def state_of(optimizer: Any) -> dict[str, Any]:
    """`{"state": {i: {"step": ..., name: array copy}}, "param_groups": [{..., "params": [i, ...]}]}`."""
    groups, state, count = [], {}, 0
    for group, slots in zip(optimizer.param_groups, optimizer._slots, strict=True):
        numbers = list(range(count, count + len(slots)))
        count += len(slots)
        groups.append({**group, "params": numbers})
        for i, slot in zip(numbers, slots, strict=True):
            if slot.step:
                arrays = [np.array(s, order="C") for s in slot.host()]
                state[i] = {
                    "step": slot.step,
                    **dict(zip(optimizer.scalars, slot.scalars, strict=False)),
                    **dict(zip(optimizer._state_names(group), arrays, strict=False)),
                }
    return {"state": state, "param_groups": groups}


def parts_of(optimizer: Any, state: Mapping[str, Any]) -> tuple[list[Any], dict[int, Any], list[list[int]]]:
    """(the saved groups, the rows of the state, the indices in each group). Raises ValueError if `state` does
    not have the groups of this optimizer."""
    title = f"{type(optimizer).__name__}.load_state_dict"
    try:
        groups = list(state["param_groups"])
        rows = {_index(i): dict(row) for i, row in state["state"].items()}
        numbers = [[_index(i) for i in group["params"]] for group in groups]
        known = set(itertools.chain(*numbers))
        if len(known) < sum(map(len, numbers)) or len(rows) < len(state["state"]):
            raise ValueError
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise wrong(ValueError, title, "no optimizer's state, nothing was loaded") from None
    sizes = list(map(len, numbers))
    if sizes != [len(slots) for slots in optimizer._slots]:
        raise wrong(
            ValueError,
            title,
            f"nothing was loaded: the state has groups of {sizes} parameters, this optimizer of "
            f"{[len(s) for s in optimizer._slots]}",
        )
    if unknown := sorted(set(rows) - known):
        problem = f"nothing was loaded: the state has a row {unknown[0]}, which belongs to no parameter"
        raise wrong(ValueError, title, problem, f"its groups name the parameters {sorted(known)!s:.60}")
    return groups, rows, numbers


def _index(value: Any) -> int:
    """The index of a parameter, from an integer or, in a key of JSON, from its text."""
    if isinstance(value, bool):
        raise TypeError(f"{value} is no index")
    return int(value) if isinstance(value, str) else operator.index(value)


def settings_of(optimizer: Any, group: dict[str, Any], saved: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of `group` with those that were saved. Raises ValueError for bad ones."""
    known = {k: v for k, v in saved.items() if k in optimizer.defaults or k in SCHEDULED}
    fresh = {**group, **known}
    for k, v in fresh.items():
        if isinstance(optimizer.defaults.get(k), tuple) and isinstance(v, list):
            fresh[k] = tuple(v)
    optimizer.check(fresh)
    return fresh


def plan(optimizer: Any, state: Mapping[str, Any]) -> list[Callable[[], None]]:
    """The steps of `load_state_dict`, as functions that cannot fail: all checks have been made."""
    groups, rows, numbers = parts_of(optimizer, state)
    installs: list[Callable[[], None]] = []
    for group, slots, saved, places in zip(
        optimizer.param_groups, optimizer._slots, groups, numbers, strict=True
    ):
        fresh = settings_of(optimizer, group, saved)
        installs.append(lambda group=group, fresh=fresh: group.update(fresh))  # type: ignore[misc]
        names = optimizer._state_names(fresh)
        for slot, i in zip(slots, places, strict=True):
            try:
                installs.append(slot.restoring(rows.get(i), names, optimizer.sometimes, optimizer.scalars))
            except ValueError as error:
                problem = f"nothing was loaded: of parameter {i}, {error}"
                raise wrong(ValueError, f"{type(optimizer).__name__}.load_state_dict", problem) from None
    return installs
