"""The arguments of `fit` around a model, its optimizer, schedule and limits: checked in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tinygrad_edu import nn
from tinygrad_edu.errors import wrong
from tinygrad_edu.metrics import Metric
from tinygrad_edu.scalars import number
from tinygrad_edu.training.history import Monitor
from tinygrad_edu.training.steps import length_of
from tinygrad_edu.training.window import needs_argument, needs_closure

if TYPE_CHECKING:
    from tinygrad_edu.training.loop import Plan


def check_optimizer(title: str, optimizer: Any, model: nn.Module | None) -> None:
    """Refuse what is no optimizer, and one without a parameter of the model; None: any parameters will do."""
    several = optimizer if isinstance(optimizer, dict) else {"": optimizer}
    for one in several.values():
        if isinstance(one, type) or (callable(one) and not hasattr(one, "step")):
            what = f"the class {one.__name__}" if isinstance(one, type) else "a function"
            name = one.__name__ if isinstance(one, type) else "Adam"
            raise wrong(TypeError, title, f"optimizer= is {what}, not an optimizer",
                        f"make one: optim.{name}(model.parameters())")  # fmt: skip
    if not several or not all(callable(getattr(one, "step", None)) for one in several.values()):
        remedy = "give optim.Adam(model.parameters()), made with the parameters"
        raise wrong(TypeError, title, f"optimizer={optimizer!r:.60} is none", remedy)
    if model is None:
        return
    own = {id(parameter) for parameter in model.parameters()}
    for one in several.values():
        groups = getattr(one, "param_groups", None)
        if groups is not None and not any(id(p) in own for group in groups for p in group["params"]):
            problem = f"none of the parameters of the {type(one).__name__} is a parameter of the model"
            raise wrong(
                ValueError,
                title,
                problem,
                "make it for this model, with model.parameters(); what else "
                "is to be trained becomes a part of the model",
            )


def check_ways(optimizer: Any, plan: Plan) -> None:
    """Refuse several optimizers, and accumulation, where they cannot be."""
    if isinstance(optimizer, dict) and not plan.manual:
        remedy = "give one with several groups; or a step that updates by itself, and manual=True"
        raise wrong(TypeError, "fit", "several optimizers without manual=True", remedy)
    if plan.accumulate > 1 and not plan.manual:
        if needs_closure(optimizer):
            problem = f"accumulate with {type(optimizer).__name__}, which computes its loss several times"
            raise wrong(ValueError, "fit", problem, "leave it out, and use larger batches")
        if plan.comm is not None and length_of(plan.loader) is None:
            remedy = "give one that has len(), or accumulate=1"
            raise wrong(ValueError, "fit", "accumulate in a job needs a loader with a length", remedy)


def check_schedule(schedule: Any, schedule_per: str | None, ema: Any, optimizer: Any) -> None:
    """Refuse a schedule or an average that cannot be stepped, and a schedule of another optimizer."""
    if schedule_per not in ("step", "epoch", None):
        raise wrong(ValueError, "fit", f"schedule_per={schedule_per!r}", 'there are "step" and "epoch"')
    several = list(optimizer.values()) if isinstance(optimizer, dict) else [optimizer]
    groups = [id(getattr(one, "param_groups", one)) for one in several]
    for one in schedule if isinstance(schedule, list | tuple) else [schedule]:
        own = getattr(one, "optimizer", None)
        if own is not None and id(getattr(own, "param_groups", own)) not in groups:
            problem = f"the {type(one).__name__} belongs to another optimizer, and changes no rate here"
            raise wrong(ValueError, "fit", problem, "make it with the optimizer that fit gets")
        if one is not None and not callable(getattr(one, "step", None)):
            remedy = "give optim.Schedule(optimizer, ...), or one of optim.lr_scheduler"
            raise wrong(TypeError, "fit", f"the schedule {one!r:.60} has no step()", remedy)
        if one is not None and needs_argument(one.step) and schedule_per != "epoch":
            remedy = 'say schedule_per="epoch"'
            raise wrong(ValueError, "fit", f"{type(one).__name__} needs the number of an epoch", remedy)
    if ema is not None and not callable(getattr(ema, "update_parameters", None)):
        remedy = "give optim.swa_utils.AveragedModel(model)"
        raise wrong(TypeError, "fit", f"ema={ema!r:.60} has no update_parameters(model)", remedy)


def check_span(schedule: Any, plan: Plan, epochs: int) -> None:
    """Refuse a schedule that seems to count epochs, unless the user says what it counts.

    It seems so if all its numbers of steps are over after as many updates as there are epochs, and if so many
    updates make nothing of the rate.
    """
    batches = length_of(plan.loader)
    if batches is None:
        return
    updates = epochs * (batches if plan.manual else -(-batches // plan.accumulate))
    for one in schedule if isinstance(schedule, list | tuple) else [schedule]:
        spans = one.spans() if hasattr(one, "spans") else {}
        problem = one.overrun(updates) if hasattr(one, "overrun") else ""
        if not problem and spans and max(spans.values()) <= epochs < updates:
            problem = f"{', '.join(f'{name}={span}' for name, span in spans.items())} is over before that"
        if problem and updates > epochs:
            count = f"stepped after every update, {updates} times in {epochs} epoch{'s' * (epochs != 1)}"
            remedy = 'say schedule_per="epoch" if it counts epochs, and schedule_per="step" if it is right so'
            raise wrong(ValueError, "fit", f"the {type(one).__name__} is {count}, and {problem}", remedy)


def check_manual(plan: Plan, is_loss: bool, validation_step: Any) -> None:
    """Refuse what has no meaning for a step that trains the model itself."""
    if is_loss:
        raise wrong(TypeError, "fit", "manual=True without step=", "give the step that trains the model")
    given = {"accumulate": plan.accumulate > 1, "clip_norm": plan.clip_norm, "clip_value": plan.clip_value}
    if any(given.values()):
        names = ", ".join(name for name, value in given.items() if value)
        raise wrong(ValueError, "fit", f"{names} with manual=True", "the step updates by itself: do it there")
    if plan.validation is not None and validation_step is None:
        problem = "validation with manual=True needs a step that does not train"
        raise wrong(ValueError, "fit", problem, "give validation_step=")


def limit(name: str, value: float | None) -> float | None:
    """A positive number, or None."""
    if value is None:
        return None
    limit = number(value, f"fit: {name}")
    if not limit > 0:
        raise wrong(ValueError, "fit", f"{name}={limit} must be above 0")
    return limit


def check_monitors(plan: Plan, metrics: Mapping[str, Metric], is_supervised: bool) -> None:
    """Give the monitors of callbacks the mode of their metric, and refuse columns that no epoch will have.

    is_supervised  whether a step adds no numbers of its own. Callbacks of a user can add any column
    """
    watched = [plan.monitor] if plan.is_monitor_given else []
    for callback in plan.callbacks:
        if isinstance(monitor := getattr(callback, "monitor", None), Monitor):
            callback.monitor = monitor.resolved(metrics)
            watched.append(monitor)
    if not all(type(one).__module__.startswith(__name__.partition(".")[0]) for one in plan.callbacks):
        return
    names = [f"train_{name}" for name in ("loss", *metrics)]
    if plan.validation is not None:
        names += [f"validation_{name}" for name in ("loss", *metrics)]
    for one in watched:
        if one.name.startswith("validation_") and plan.validation is None:
            problem = f"it looks at {one.name!r}, and there is no validation data"
            raise wrong(ValueError, one.owner, problem, "give fit validation=, or monitor a column of train_")
        if is_supervised and one.name not in names and one.name != "lr":
            raise wrong(ValueError, one.owner, f"monitor={one.name!r} is no column of the history",
                        f"it will have {', '.join(names)}; for a metric pass metrics=")  # fmt: skip
