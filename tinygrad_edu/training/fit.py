"""`fit`: the loop over batches that one would write for any model, with what a long run needs around it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from tinygrad_edu import nn
from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.distributed import Comm, DataParallel
from tinygrad_edu.errors import wrong
from tinygrad_edu.scalars import integer
from tinygrad_edu.training import callbacks as events
from tinygrad_edu.training.arguments import (
    check_manual,
    check_monitors,
    check_optimizer,
    check_schedule,
    check_span,
    check_ways,
    limit,
)
from tinygrad_edu.training.history import History, Monitor
from tinygrad_edu.training.interrupt import interrupt_flag
from tinygrad_edu.training.logs import ProgressLog, TableLog
from tinygrad_edu.training.loop import Loop, Plan, evaluated
from tinygrad_edu.training.resumption import changes, settings_of
from tinygrad_edu.training.run import Run
from tinygrad_edu.training.saving import Checkpoint, PathLike, Saving
from tinygrad_edu.training.steps import Step, loader_of, metrics_of, supervised
from tinygrad_edu.training.tally import Tally
from tinygrad_edu.words import explaining


@partial(explaining, title="fit")
def fit(
    model: nn.Module,
    data: Any,
    *,
    optimizer: Any,
    loss: Callable[[Any, Any], Any] | None = None,
    step: Step | None = None,
    epochs: int = 1,
    validation: Any = None,
    validation_step: Step | None = None,
    metrics: Any = (),
    callbacks: Iterable[Any] = (),
    batch_size: int = 32,
    shuffle: bool = True,
    seed: int = 0,
    manual: bool = False,
    schedule: Any = None,
    schedule_per: str | None = None,
    accumulate: int = 1,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    ema: Any = None,
    monitor: str | None = None,
    mode: str | None = None,
    checkpoint: PathLike | Checkpoint | None = None,
    resume: bool | Iterable[str] = False,
    generators: Mapping[str, Generator] | None = None,
    verbose: bool = True,
    comm: Comm | None = None,
) -> History:
    """Train a model, and return the history, a row an epoch.

    Without options it takes the steps of the loop `for x, y in data: optimizer.zero_grad(); loss(model(x),
    y).backward(); optimizer.step()`, to the same bits. The model is in training mode then and afterwards.

    data             a DataLoader, an iterable of batches, a dataset, or arrays `(x, y)`; the last two are cut
                     into batches of `batch_size` in an order that follows from `shuffle` and `seed`
    optimizer        its parameters are trained; with manual=True also `{name: optimizer}`
    loss             for batches `(x, y)`: `loss(outputs, targets)`, a function or a module. Where batches are
                     joined, it counts as a mean over their rows, or as what a loss of `te` says that its mean
                     is divided by, with ignore_index= and weights of classes; one with reduction="sum" as a
                     sum. Another one can return a dict, {"loss": mean, "rows": what it is divided by}
    step             for all other batches and losses: `step(model, batch)` returns the loss, or a dict with
                     "loss", for metrics "outputs" and "targets", "rows" if the loss is not a mean over the
                     first axis of the batch, and any further numbers to log
    validation       data that is measured after every epoch, in evaluation mode and without graphs, by `step`
                     or its own `validation_step`; it is never trained on
    metrics          objects of `te.metrics`, or `{name: metric}`: measured on both
    callbacks        objects with methods of `Callback`
    manual           `step` differentiates and updates by itself, as for a GAN; it returns numbers to log
    schedule         one or several of this optimizer, stepped after every update or, with
                     schedule_per="epoch", every epoch; one whose `step` needs a number, as that of a plateau,
                     gets the monitored one. One that seems to count epochs, such as
                     CosineAnnealingLR(T_max=epochs), is refused unless schedule_per says what it counts
    accumulate       batches whose gradients make one update: that of one batch of all their rows
    clip_norm, clip_value  limit the gradients of an update, as `optim.clip_grad_norm_` and `..._value_`
    ema              an average of the weights with `update_parameters(model)`, as `AveragedModel`; it is
                     updated after every step, and measured in place of the model if it is a module
    monitor, mode    the column that says which epoch is the best, and whether "min" or "max" of it, which a
                     loss and a metric know: by default validation_loss, or train_loss without validation
    checkpoint       a folder, or `Checkpoint(folder, ...)`: `last.safetensors` has the whole run after each
                     epoch, `best.safetensors` the best weights
    resume           go on from `last.safetensors`, if it is there, to the same bits: make everything as
                     before. An iterable without `state_dict` must give the same batches again. A list says
                     what is changed on purpose, resume=["ema", "schedule"]: of that, what the file has is
                     dropped, and what is given begins; changed data begins its epoch again, and a changed
                     setting of an optimizer is used with the state that was saved
    generators       further streams of random numbers to save, by name
    verbose          print the history as a table, with a progress bar if stderr is a terminal
    comm             the ranks of a job, all of which call this. Batches are each rank's own: a loader has
                     `shard=(comm.rank, comm.size)`, and arrays are shared; `batch_size` is that of a rank.
                     An update is that of all their rows, and the history the same on all ranks

    Ctrl-C, or `run.interrupt()`, ends the run after the current step: it is saved, and the history so far is
    returned, with `history.ended == "interrupted"`. A second Ctrl-C raises KeyboardInterrupt.

    Raises TrainingError when a loss or a weight is not finite, with its epoch and step; checkpoints stay as
    they were. TypeError and ValueError for arguments that do not fit, FileExistsError if the folder has a run
    and resume is not given, nn.CheckpointError if its run is another one.
    """
    if not isinstance(model, nn.Module) or isinstance(model, DataParallel):
        what = f"model is a {type(model).__name__}"
        raise wrong(TypeError, "fit", what, "give the model itself, and in a job comm=comm")
    chosen = chosen_step("fit", loss, step)
    loaders = (
        loader_of(data, "data", batch_size, shuffle, seed, comm),
        None if validation is None else loader_of(validation, "validation", batch_size, False, 0, comm),
    )
    measured = metrics_of(metrics)
    plan = Plan(
        step=chosen,
        validation_step=validation_step or chosen,
        manual=bool(manual),
        loader=loaders[0],
        validation=loaders[1],
        schedule_per=schedule_per or "step",
        accumulate=integer(accumulate, "fit: accumulate", least=1),
        clip_norm=limit("clip_norm", clip_norm),
        clip_value=limit("clip_value", clip_value),
        monitor=Monitor(monitor or _usual(validation), mode, owner="fit").resolved(measured),
        is_monitor_given=monitor is not None,
        callbacks=events.checked(callbacks),
        comm=comm,
    )
    check_optimizer("fit", optimizer, None if plan.manual else model)
    check_ways(optimizer, plan)
    check_schedule(schedule, schedule_per, ema, optimizer)
    if plan.manual:
        check_manual(plan, step is None, validation_step)
    run = Run(model, optimizer, schedule, ema, integer(epochs, "fit: epochs", least=0))
    if schedule_per is None:
        check_span(schedule, plan, run.epochs)
    run.is_first = comm is None or comm.rank == 0
    bar = ProgressLog()
    if verbose:
        plan.callbacks = (*plan.callbacks, TableLog(), bar)
    check_monitors(plan, measured, step is None and validation_step is None)
    changed = changes(resume)
    run.may_resume = changed is not None
    saving = _saving(checkpoint, changed, generators, run, plan, measured)
    with contextlib.ExitStack() as stack:
        interrupted = stack.enter_context(interrupt_flag())
        loop = Loop(run, plan, measured, saving, interrupted)
        stack.callback(loop.close)
        stack.callback(bar.close)
        if changed is not None and saving.exists():
            loop.rates = saving.resume(run, plan, loop.train)
        loop.fit()
    return run.history


@partial(explaining, title="evaluate")
def evaluate(
    model: nn.Module,
    data: Any,
    *,
    loss: Callable[[Any, Any], Any] | None = None,
    step: Step | None = None,
    metrics: Any = (),
    batch_size: int = 256,
) -> dict[str, Any]:
    """The mean loss and the metrics of a model on data, `{"loss": ..., "accuracy": ...}`.

    The arguments are those of `fit`. The model is in evaluation mode meanwhile, in this thread.
    """
    chosen = chosen_step("evaluate", loss, step)
    loader = loader_of(data, "data", batch_size, False, 0, None)
    return evaluated(model, loader, chosen, Tally(metrics_of(metrics)), None, "")


def chosen_step(title: str, loss: Any, step: Any) -> Step:
    """The step that was given, or that of a loss. Raises TypeError unless it is one of the two."""
    if (loss is None) == (step is None):
        problem = "it needs loss= for batches (x, y), or step= for all others"
        raise wrong(TypeError, title, problem, "give one of the two")
    chosen = loss if step is None else step
    if not callable(chosen) or isinstance(chosen, type):
        remedy = "call it: nn.MSELoss(), not nn.MSELoss" if isinstance(chosen, type) else "give a function"
        raise wrong(TypeError, title, f"{'loss' if step is None else 'step'}={chosen!r:.60}", remedy)
    return supervised(loss) if step is None else chosen


def _usual(validation: Any) -> str:
    """The column that says which epoch is the best, unless the user names one."""
    return "train_loss" if validation is None else "validation_loss"


def _saving(
    checkpoint: Any, changed: frozenset[str] | None, generators: Any, run: Run, plan: Plan, metrics: Any
) -> Saving:
    """What writes and reads the checkpoints; `changed` is None for a run that is not to go on."""
    where = checkpoint if checkpoint is None or isinstance(checkpoint, Checkpoint) else Checkpoint(checkpoint)
    if changed is not None and where is None:
        raise wrong(ValueError, "fit", "resume=True without checkpoint=", "name the folder of the run")
    settings = settings_of(run, plan, metrics, generators)
    saving = Saving(where, generators, settings, changed or frozenset(), plan.comm)
    if changed is None and saving.exists():
        raise wrong(FileExistsError, "fit", f"{os.fspath(saving.last)} is the checkpoint of a run",
                    "say resume=True to go on with it, or name another folder")  # fmt: skip
    return saving
