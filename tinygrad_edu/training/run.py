"""Run: a training run as its callbacks see it."""

from __future__ import annotations

from typing import Any

from tinygrad_edu import nn
from tinygrad_edu.training.history import History, Row


class Run:
    """What callbacks get.

    model       the model; in a job the one inside of DataParallel
    optimizer   as it was given to `fit`; also `schedule` and `ema`
    history     a row for each completed epoch
    epochs      how many are to be trained
    epoch       the current one, from 1
    step        updates of the parameters since the beginning, over all epochs
    batch       batches of the current epoch that were used
    batches     batches of an epoch, or None if the data does not say
    row         the newest row of the history
    resumed     whether the run went on from a checkpoint
    may_resume  whether it would have, had there been one: `resume=` was given
    is_first    whether this process is to write files: it is rank 0 of a job, or alone
    """

    def __init__(self, model: nn.Module, optimizer: Any, schedule: Any, ema: Any, epochs: int) -> None:
        self.model, self.optimizer, self.schedule, self.ema = model, optimizer, schedule, ema
        self.history, self.epochs = History(), epochs
        self.epoch, self.step, self.batch = 1, 0, 0
        self.batches: int | None = None
        self.resumed, self.may_resume, self.is_first = False, False, True
        self.stop_reason: str | None = None
        self.is_interrupted = False
        self._loss: Any = float("nan")

    @property
    def loss(self) -> float:
        """The loss of the newest batch of this process; reading it waits for the device."""
        if not isinstance(self._loss, float):
            self._loss = float(self._loss.item())
        return self._loss

    @property
    def row(self) -> Row:
        """The newest row of the history; {} before the first epoch has ended."""
        return self.history.rows[-1] if self.history.rows else {}

    @property
    def rates(self) -> dict[str, float]:
        """The current learning rates: `lr`, or of several optimizers `lr_<name>`."""
        several = self.optimizer if isinstance(self.optimizer, dict) else {"": self.optimizer}
        return {f"lr_{name}" if name else "lr": float(one.param_groups[0]["lr"])
                for name, one in several.items() if getattr(one, "param_groups", None)}  # fmt: skip

    def stop(self, reason: str = "") -> None:
        """End the run after the current step, or the epoch if it has just ended; it is complete then."""
        self.stop_reason = reason

    def interrupt(self) -> None:
        """End the run as Ctrl-C does: it is not complete, and `fit(resume=True)` goes on with it."""
        self.is_interrupted = True

    def __repr__(self) -> str:
        return f"Run(epoch {self.epoch} of {self.epochs}, step {self.step})"
