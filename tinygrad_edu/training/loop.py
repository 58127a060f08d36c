"""Loop: the steps of a run, epoch after epoch; what `fit` does once its arguments are checked."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu import nn
from tinygrad_edu.data import DataLoader
from tinygrad_edu.distributed import DataParallel
from tinygrad_edu.engine.modes import no_grad
from tinygrad_edu.errors import wrong
from tinygrad_edu.training.history import Monitor, Row
from tinygrad_edu.training.run import Run
from tinygrad_edu.training.saving import Saving
from tinygrad_edu.training.steps import Result, Step, is_shared, length_of, measured, number_of
from tinygrad_edu.training.tally import Tally
from tinygrad_edu.training.trainer import TrainingError
from tinygrad_edu.training.window import Window, needs_argument

AGREE = 8  # steps between two questions to all ranks whether to stop: each is a message
LAG = 16  # steps that a device may be ahead of the reading of its losses


@dataclass
class Plan:
    """The checked arguments of `fit`, under its names."""

    step: Step
    validation_step: Step
    manual: bool
    loader: Any
    validation: Any
    schedule_per: str
    accumulate: int
    clip_norm: float | None
    clip_value: float | None
    monitor: Monitor
    is_monitor_given: bool
    callbacks: tuple[Any, ...]
    comm: Any


class Loop:
    """Trains a model. After each step, and after each epoch, its whole state can be saved.

    wrapped  the model as the steps call it: within DataParallel in a job
    """

    def __init__(self, run: Run, plan: Plan, metrics: Any, saving: Saving, interrupted: Callable[[], bool]):
        self.run, self.plan, self.saving, self.interrupted = run, plan, saving, interrupted
        self.train, self.held = Tally(metrics), Tally(metrics)
        self.wrapped: Any = run.model if plan.comm is None else DataParallel(run.model, plan.comm)
        self.pending: list[tuple[int, Result]] = []  # results whose loss has not been read yet
        self.rates: Row = {}
        self.ending = ""  # why the run ends, for `History.ended`
        given = run.schedule if isinstance(run.schedule, list | tuple) else [run.schedule]
        self.schedules = [(one, needs_argument(one.step)) for one in given if one is not None]
        run.batches = length_of(plan.loader)

    # -- epochs ----------------------------------------------------------------------------------------------

    def fit(self) -> None:
        """Train until the last epoch, a stop or an interrupt."""
        run = self.run
        run.model.train()
        self.call("on_fit_begin")
        if run.stop_reason is not None:
            self.ending = "stopped"
        while not self.ending:
            if len(run.history) >= run.epochs:
                self.ending = "epochs"
                break
            run.epoch = len(run.history) + 1
            if not run.batch:
                self.call("on_epoch_begin")
            self.train_epoch()
            if not self.ending:
                self.close_epoch()
        run.history.ended, run.history.reason = self.ending, run.stop_reason or ""
        self.call("on_fit_end")

    def close(self) -> None:
        """Give the parameters back to a single process."""
        if isinstance(self.wrapped, DataParallel):
            self.wrapped.close()

    def call(self, event: str) -> None:
        """Call a method of all callbacks that have it."""
        for callback in self.plan.callbacks:
            method = getattr(callback, event, None)
            if method is not None:
                method(self.run)

    def train_epoch(self) -> None:
        """The steps that are left of an epoch."""
        run, window = self.run, Window(self)
        for batch in self.saving.batches(self.plan.loader):
            run.batch += 1
            if window.add(batch):
                self.stepped()
            if self.ending:
                return
        if window.count:  # the data did not say how many batches it has
            window.update()
            self.stepped()
        if not run.batch:
            remedy = "a generator can be walked through once: give a DataLoader, a list, or arrays"
            raise wrong(ValueError, "fit", f"the data gave no batch in epoch {run.epoch}", remedy)

    def stepped(self) -> None:
        """What follows an update: callbacks, a save, and the question whether to go on."""
        run, plan = self.run, self.plan
        run.step += 1
        self.call("on_step")
        if self.saving.is_last(plan.loader, run.batch):
            return  # the end of the epoch saves and asks
        if plan.comm is None or run.step % AGREE == 0:
            self.ask_whether_to_end()
        if self.ending or self.saving.is_due(run.step):
            self.save()

    def ask_whether_to_end(self) -> None:
        """Note why the run ends, if it does; in a job all ranks end if one of them has a reason."""
        run, comm = self.run, self.plan.comm
        stops, interrupts = run.stop_reason is not None, run.is_interrupted or self.interrupted()
        if comm is not None:
            wishes = np.array([stops, interrupts], np.float64)
            comm.all_reduce(wishes)
            stops, interrupts = bool(wishes[0]), bool(wishes[1])
        if stops:
            self.ending, run.stop_reason = "stopped", run.stop_reason or ""
        elif interrupts:
            self.ending = "interrupted"

    def close_epoch(self) -> None:
        """Measure the epoch, add its row, and save."""
        run, plan = self.run, self.plan
        self.drain(0)
        row: Row = {"epoch": run.epoch, **self.rates, **self.train.row("train_", plan.comm)}
        if plan.validation is not None:
            row |= self.validate()
        if plan.comm is not None:
            row = plan.comm.broadcast_object(row)  # ranks of different machines could differ in a last bit
        self.check_weights()
        run.history.rows.append(row)
        self.train.reset()
        run.batch = 0
        if plan.schedule_per == "epoch":
            self.step_schedule(row)
        self.call("on_epoch_end")
        if plan.is_monitor_given:
            plan.monitor.value(row)
        self.ask_whether_to_end()
        if self.ending == "interrupted" and len(run.history) >= run.epochs:
            self.ending = "epochs"  # it came too late
        if self.saving.is_best(run.history, plan.monitor):
            self.saving.save_best(run, plan.monitor)
        self.save()

    def check_weights(self) -> None:
        """Raise TrainingError if a weight is not finite: the last step of an epoch has no loss after it."""
        for name, parameter in self.run.model.named_parameters():
            if parameter.size and not math.isfinite(parameter.detach().abs().max().item()):
                when = f"epoch {self.run.epoch}, by step {self.run.step} at the latest"
                raise wrong(TrainingError, "fit", f"{name} became NaN or infinite in {when}", ADVICE)

    def validate(self) -> Row:
        """The means and metrics of the validation data."""
        plan, ema = self.plan, self.run.ema
        model = ema if isinstance(ema, nn.Module) else self.run.model
        shared = plan.comm if is_shared(plan.validation) else None
        return evaluated(model, plan.validation, plan.validation_step, self.held, shared, "validation_")

    def step_schedule(self, row: Row | None) -> None:
        """Step the schedule; one that needs a number gets the monitored one."""
        for one, needs_number in self.schedules:
            if row is not None and needs_number:
                one.step(self.plan.monitor.value(row))
            else:
                one.step()

    # -- losses ----------------------------------------------------------------------------------------------

    def note(self, result: Result) -> None:
        """Count a result; losses on a device are read later, so that it need not be waited for."""
        result = result._replace(
            loss=_detached(result.loss),
            outputs=_detached(result.outputs) if self.train.metrics else None,
            numbers={name: _detached(value) for name, value in result.numbers.items()},
        )
        self.run._loss = result.loss if result.loss is not None else math.nan
        self.pending.append((self.run.step + 1, result))
        waits = getattr(result.loss, "device", "cpu") != "cpu"
        self.drain(LAG if waits else 0)

    def drain(self, left: int) -> None:
        """Read the losses of all but the last `left` results. Raises TrainingError for one not finite."""
        while len(self.pending) > left:
            step, result = self.pending.pop(0)
            losses = {n: value for n, value in result.numbers.items() if n.endswith("loss")}
            if result.loss is not None:
                losses["loss"] = result.loss
            for name, value in losses.items():
                if not math.isfinite(found := number_of(value)):
                    what = f"the {name.replace('_', ' ')} is {found}"
                    raise wrong(
                        TrainingError, "fit", f"{what} in epoch {self.run.epoch}, step {step}", ADVICE
                    )
            self.train.add(result)

    def save(self) -> None:
        """Write the last checkpoint, if there is to be one."""
        self.drain(0)
        if self.saving.where is not None:
            self.call("on_save")
            self.saving.save_last(self.run, self.plan, self.train, self.rates)


ADVICE = (
    "lower the learning rate, or clip gradients; te.detect_anomaly() finds the op that makes the first one"
)


def evaluated(model: Any, loader: Any, step: Step, tally: Tally, comm: Any, prefix: str) -> Row:
    """The means and metrics of all batches, in evaluation mode and without graphs."""
    tally.reset()
    with no_grad(), nn.evaluating():
        for batch in iterated(loader):
            tally.add(measured(step, model, batch, needs_loss=False))
    if comm is None and not tally.means and not tally.metrics:
        raise wrong(ValueError, "fit", "the validation data gave no batch, or its step no number",
                    "give data that can be walked through again, such as arrays or a DataLoader")  # fmt: skip
    return tally.row(prefix, comm)


def iterated(loader: Any) -> Iterator[Any]:
    """All batches of a loader, and afterwards a loader that has a position is where it was before."""
    if isinstance(loader, DataLoader):
        with loader.whole_pass():
            yield from loader
        return
    before = loader.state_dict() if hasattr(loader, "load_state_dict") else None
    yield from loader
    if before is not None:
        loader.load_state_dict(before)


def _detached(value: Any) -> Any:
    return value.detach() if hasattr(value, "detach") else value
