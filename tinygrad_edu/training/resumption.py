"""What a run that goes on must have in common with the saved one, and what may differ if the user says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tinygrad_edu.errors import wrong
from tinygrad_edu.nn import CheckpointError
from tinygrad_edu.training.history import Monitor
from tinygrad_edu.training.run import Run

ALWAYS = ("manual", "ranks")  # a run with others is another run
NAMES = {  # what `resume=[...]` can name, and the argument of `fit` that is meant
    "data": "data", "optimizer": "optimizer=", "schedule": "schedule=", "schedule_per": "schedule_per=",
    "ema": "ema=", "generators": "generators=", "callbacks": "callbacks=", "metrics": "metrics=",
    "accumulate": "accumulate=", "clip_norm": "clip_norm=", "clip_value": "clip_value=",
    "monitor": "monitor= and mode=",
}  # fmt: skip


def changes(resume: Any) -> frozenset[str] | None:
    """What may differ: nothing for resume=True, what it names for a list of names; None for resume=False."""
    if isinstance(resume, bool):
        return frozenset() if resume else None
    found = [resume] if isinstance(resume, str) else resume
    if not isinstance(found, Iterable) or not all(isinstance(name, str) for name in found):
        raise wrong(TypeError, "fit", f"resume={resume!r:.60}", 'give True, or what is changed: ["schedule"]')
    unknown = [name for name in found if name not in NAMES]
    if unknown:
        raise wrong(ValueError, "fit", f"resume cannot name {unknown[0]!r}", f"there are {', '.join(NAMES)}")
    return frozenset(found)


def settings_of(run: Run, plan: Any, metrics: Iterable[str], generators: Any) -> dict[str, Any]:
    """What the run is made of, as JSON: under the names that `resume=[...]` takes, and those of `ALWAYS`."""
    monitor = plan.monitor
    return {
        "data": type(plan.loader).__name__ if has_state(plan.loader) else "batches without a position",
        "schedule": [type(one).__name__ for one in listed(run.schedule)],
        "optimizer": settings_of_optimizer(run.optimizer),
        "schedule_per": plan.schedule_per,
        "ema": None if run.ema is None else described_average(run.ema),
        "generators": sorted(generators or ()),
        "callbacks": [described(one) for one in plan.callbacks if has_state(one)],
        "metrics": list(metrics),
        "accumulate": plan.accumulate,
        "clip_norm": plan.clip_norm,
        "clip_value": plan.clip_value,
        "monitor": f"{monitor.name} ({monitor.mode})",
        "manual": plan.manual,
        "ranks": 1 if plan.comm is None else plan.comm.size,
    }


def check(place: str, saved: Mapping[str, Any], own: Mapping[str, Any], changed: frozenset[str]) -> None:
    """Raise CheckpointError if the run differs from the saved one in more than was said to be `changed`.

    saved  what `fit` saved: its "settings", and "current", the settings of the optimizer when it was saved.
           An optimizer that has these is the same, too: the user goes on with the object itself
    """
    for name, value in own.items():
        before = saved["settings"].get(name)
        if name in changed or value == before or (name == "optimizer" and value == saved.get("current")):
            continue
        old, new = _difference(name, before, value)
        remedy = "resume with the same, or name another folder"
        if name not in ALWAYS:
            remedy += f'; if the change is meant, say resume=["{name}"]'
        what = f"{place} was trained with {name}={_shown(old)}, this run has {_shown(new)}"
        raise wrong(CheckpointError, None, what, remedy, place=place)


def settings_of_optimizer(optimizer: Any) -> Any:
    """The class of an optimizer, and the settings of each group; of several, by name.

    A rate is the one before its schedule changed it, which the schedule keeps in the group.
    """
    if isinstance(optimizer, dict):
        return {name: settings_of_optimizer(one) for name, one in optimizer.items()}
    groups = []
    for group in getattr(optimizer, "param_groups", ()):
        found = {name: list(value) if isinstance(value, tuple) else value
                 for name, value in group.items() if name in optimizer.defaults}  # fmt: skip
        groups.append(found | ({"lr": group["initial_lr"]} if "initial_lr" in group else {}))
    return {"class": type(optimizer).__name__, "groups": groups}


def apply_changes(optimizer: Any, saved: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    """Give an optimizer that has loaded a state the settings that it was made with and the saved one was not.

    The others are those of the state: a rate is where its schedule has brought it.
    """
    for group, before, given in zip(optimizer.param_groups, saved["groups"], own["groups"], strict=True):
        for name, value in given.items():
            if name not in before or before[name] != value:
                group[name] = tuple(value) if isinstance(value, list) else value


def described(callback: Any) -> str:
    """What the saved state of a callback belongs to: its class, and the column that it looks at."""
    monitor = getattr(callback, "monitor", None)
    kind = type(callback).__name__
    return f"{kind}({monitor.name}, {monitor.mode})" if isinstance(monitor, Monitor) else kind


def described_average(ema: Any) -> str:
    """The class of an average of weights, and its rule where it says one."""
    rule = getattr(ema, "rule", None)
    return f"{type(ema).__name__}({rule})" if isinstance(rule, str) else type(ema).__name__


def has_state(thing: Any) -> bool:
    """Whether it can be saved and go on."""
    return hasattr(thing, "state_dict") and hasattr(thing, "load_state_dict")


def listed(schedule: Any) -> list[Any]:
    """One or several schedules, or none, as a list."""
    several = schedule if isinstance(schedule, list | tuple) else [schedule]
    return [one for one in several if one is not None]


def _difference(name: str, old: Any, new: Any) -> tuple[Any, Any]:
    """The parts of two settings that differ: of an optimizer the first such setting, not all of them."""
    if name != "optimizer" or not isinstance(old, dict) or "groups" not in old or "groups" not in new:
        return old, new
    if old["class"] != new["class"] or len(old["groups"]) != len(new["groups"]):
        return (f"{one['class']} ({len(one['groups'])} groups)" for one in (old, new))  # type: ignore[return-value]
    for i, (before, after) in enumerate(zip(old["groups"], new["groups"], strict=True)):
        for key in {**before, **after}:
            if before.get(key) != after.get(key):
                place = f"group {i}: " * (len(old["groups"]) > 1)
                return (f"{old['class']}({place}{key}={one.get(key)})" for one in (before, after))  # type: ignore[return-value]
    return old, new


def _shown(value: Any) -> str:
    return "none" if value == [] else str(value)
