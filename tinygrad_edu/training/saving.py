"""The checkpoints of a run: `last.safetensors`, from which it goes on to the same bits, and the best one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinygrad_edu import nn
from tinygrad_edu.errors import wrong
from tinygrad_edu.nn.ranks import together
from tinygrad_edu.scalars import integer
from tinygrad_edu.training.history import History, Monitor, Row
from tinygrad_edu.training.resumption import apply_changes, check, described, has_state, listed
from tinygrad_edu.training.resumption import settings_of_optimizer as current
from tinygrad_edu.training.run import Run
from tinygrad_edu.training.steps import length_of
from tinygrad_edu.training.tally import Tally

PathLike = str | os.PathLike[str]
LAST, BEST = "last.safetensors", "best.safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """Where and when `fit` saves.

    folder       gets `last.safetensors` after every epoch, and `best.safetensors`, the best one's weights
    every_steps  save also after so many steps, which are not the last of an epoch; None: not
    """

    folder: PathLike
    every_steps: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.folder, str | os.PathLike):
            raise wrong(TypeError, "fit", f"checkpoint is a {type(self.folder).__name__}",
                        "give the path of a folder, or training.Checkpoint(folder, ...)")  # fmt: skip
        if self.every_steps is not None:
            object.__setattr__(
                self, "every_steps", integer(self.every_steps, "Checkpoint: every_steps", least=1)
            )


class _State:
    """A state that was read before, or is to be read, as a part of a checkpoint."""

    def __init__(self, state: Any = None) -> None:
        self.state = state

    def state_dict(self) -> Any:
        return self.state

    def load_state_dict(self, state: Any) -> None:
        self.state = state


class Saving:
    """Writes and reads the checkpoints of a run.

    settings  what a run that goes on must have in common with the saved one
    changed   the names of those that may differ
    """

    def __init__(
        self,
        where: Checkpoint | None,
        generators: Any,
        settings: Mapping[str, Any],
        changed: frozenset[str],
        comm: Any,
    ):
        self.where, self.generators, self.settings, self.comm = where, generators, dict(settings), comm
        self.changed = changed
        self.skipped = 0  # batches of a loader without a state that were used before this process began

    @property
    def last(self) -> Path:
        """The file that a run goes on from."""
        assert self.where is not None
        return Path(self.where.folder) / LAST

    def exists(self) -> bool:
        """Whether there is a run to go on with; rank 0 looks."""
        return bool(self.where) and bool(
            together(self.comm, lambda: None, lambda _: self.last.exists())
        )  # fmt: skip

    def batches(self, loader: Any) -> Iterator[Any]:
        """The batches that are left of the current epoch."""
        skipped, self.skipped = self.skipped, 0
        for i, batch in enumerate(loader):
            if i >= skipped:
                yield batch

    def is_last(self, loader: Any, used: int) -> bool:
        """Whether the batch was the last of its epoch, as far as the loader says."""
        if (length := length_of(loader)) is not None:
            return used >= length
        return bool(has_state(loader) and loader.state_dict().get("position") == 0)

    def is_due(self, step: int) -> bool:
        """Whether to save after a step within an epoch."""
        return (
            self.where is not None
            and bool(self.where.every_steps)
            and step % (self.where.every_steps or 1) == 0
        )

    def is_best(self, history: History, monitor: Monitor) -> bool:
        """Whether the newest row is better than all before."""
        if self.where is None:
            return False
        *before, newest = [monitor.value(row) for row in history]
        best: float | None = None
        for value in before:
            best = value if monitor.is_better(value, best) else best
        return monitor.is_better(newest, best)

    def save_best(self, run: Run, monitor: Monitor) -> None:
        """Write the weights that were measured, the averaged ones if there are any."""
        assert self.where is not None
        model = getattr(run.ema, "module", None) if run.ema is not None else None
        nn.save_checkpoint(
            Path(self.where.folder) / BEST,
            model=model if isinstance(model, nn.Module) else run.model,
            extra={"row": run.row, "monitor": monitor.name},
            comm=self.comm,
        )

    def save_last(self, run: Run, plan: Any, tally: Tally, rates: Row) -> None:
        """Write the whole state of the run."""
        if self.where is None:
            return
        counts = {"step": run.step, "batch": run.batch, "rates": rates, "stopped": run.stop_reason}
        states = tally.state_dict()
        ranks = [states] if self.comm is None else self.comm.all_gather_object(states)
        extra = {"history": run.history.rows, **counts, "settings": self.settings}
        extra["current"] = current(run.optimizer)
        nn.save_checkpoint(self.last, extra={"fit": extra}, parts=_parts(run, plan, _State(ranks)),
                           generators=self.generators, comm=self.comm, **_main(run, plan))  # fmt: skip

    def resume(self, run: Run, plan: Any, tally: Tally) -> Row:
        """Restore the run from the last checkpoint; returns the rates of its last step.

        Of what may differ, the parts that both runs have go on, and the others begin.

        Raises nn.CheckpointError if that is of other settings, or does not fit; then nothing was changed.
        """
        facts = together(self.comm, lambda: None, lambda _: nn.read_checkpoint(self.last)[0])
        saved = facts["extra"].get("fit") if isinstance(facts["extra"], dict) else None
        if not isinstance(saved, dict):
            remedy = "go on with nn.load_checkpoint, or name another folder"
            raise wrong(
                nn.CheckpointError, None, f"{self.last} was not saved by fit", remedy, place=str(self.last)
            )
        check(str(self.last), saved, self.settings, self.changed)
        kept = {"data", "metrics"}.isdisjoint(self.changed)  # whether the counts of the epoch go on
        fits = _same_optimizer(saved["settings"]["optimizer"], self.settings["optimizer"])
        main = _main(run, plan)
        for name, place in (("data", "loader"), ("schedule", "schedule"), ("optimizer", "optimizer")):
            if name in self.changed and not (name == "optimizer" and fits):
                main.pop(place, None)
        ranks = _State()
        parts = _parts(run, plan, ranks)
        if self.changed:
            parts = self._common(parts, saved["settings"], fits)
        generators = {name: stream for name, stream in (self.generators or {}).items()
                      if name in saved["settings"]["generators"]}  # fmt: skip
        nn.load_checkpoint(self.last, parts=parts, generators=generators, comm=self.comm, **main)
        if "optimizer" not in self.changed:
            self.settings["optimizer"] = saved["settings"]["optimizer"]
        elif fits and not isinstance(run.optimizer, dict):
            apply_changes(run.optimizer, saved["settings"]["optimizer"], self.settings["optimizer"])
        if kept:
            tally.load_state_dict(ranks.state[0 if self.comm is None else self.comm.rank])
        run.history.rows[:] = saved["history"]
        run.step, run.resumed = saved["step"], True
        run.batch = 0 if "data" in self.changed else saved["batch"]
        if not has_state(plan.loader):
            self.skipped = run.batch
        run.epoch, run.stop_reason = len(run.history) + 1, saved["stopped"]
        return dict(saved["rates"])

    def _common(self, parts: dict[str, Any], saved: Mapping[str, Any], fits: bool) -> dict[str, Any]:
        """The parts of this run that the saved one has, too, where the user says that they may differ."""
        left = list(enumerate(saved["callbacks"]))
        found = {}
        for name, part in parts.items():
            kind = name.partition(".")[0]
            if kind == "callback" and "callbacks" in self.changed:
                place = next((entry for entry in left if entry[1] == described(part)), None)
                if place is not None:
                    left.remove(place)
                    found[f"callback.{place[0]}"] = part
            elif kind == "ema" and "ema" in self.changed:
                if str(saved["ema"]).partition("(")[0] == type(part).__name__:
                    found[name] = part
            elif kind not in self.changed or (kind == "optimizer" and fits):
                found[name] = part
        return found


def _same_optimizer(saved: Any, own: Any) -> bool:
    """Whether an optimizer can load the state of the saved one: both have one class, and as many groups."""
    if "groups" not in saved or "groups" not in own:
        return bool(saved == own)
    return saved["class"] == own["class"] and len(saved["groups"]) == len(own["groups"])


def _main(run: Run, plan: Any) -> dict[str, Any]:
    """What a checkpoint has places of its own for."""
    found: dict[str, Any] = {"model": run.model}
    if not isinstance(run.optimizer, dict):
        found["optimizer"] = run.optimizer
    if hasattr(run.schedule, "_plan"):
        found["schedule"] = run.schedule
    if has_state(plan.loader):
        found["loader"] = plan.loader
    return found


def _parts(run: Run, plan: Any, ranks: _State) -> dict[str, Any]:
    """Everything else."""
    parts: dict[str, Any] = {"counted": ranks}
    if isinstance(run.optimizer, dict):
        parts |= {f"optimizer.{name}": one for name, one in run.optimizer.items()}
    parts |= {f"schedule.{i}": one for i, one in enumerate(listed(run.schedule))
              if hasattr(one, "state_dict") and one is not _main(run, plan).get("schedule")}  # fmt: skip
    if hasattr(run.ema, "state_dict"):
        parts["ema"] = run.ema
    parts |= {f"callback.{i}": one for i, one in enumerate(filter(has_state, plan.callbacks))}
    return parts
