"""TensorBoardLog: the numbers of a run for TensorBoard. No other file imports tensorboardX.

`pip install tensorboardX`, or the extra `tensorboard`; to look, `tensorboard --logdir FOLDER`.
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu.errors import wrong
from tinygrad_edu.scalars import integer
from tinygrad_edu.training.callbacks import Callback
from tinygrad_edu.training.run import Run
from tinygrad_edu.training.saving import PathLike


class TensorBoardLog(Callback):
    """Writes event files: `step/loss` and the learning rates as steps go, the history as `epoch/<column>`.

    folder  where to; a resumed run goes on in it
    every   how many steps lie between two numbers of a step; reading the loss waits for the device

    The horizontal axis is the number of steps. Raises ImportError if tensorboardX is missing.
    """

    def __init__(self, folder: PathLike, *, every: int = 1) -> None:
        self.folder, self.every = folder, integer(every, "TensorBoardLog: every", least=1)
        self.writer: Any = None
        _writer()

    def on_fit_begin(self, run: Run) -> None:
        """Open the files; what a killed run has written after its checkpoint is marked as void."""
        if run.is_first:
            purge = {"purge_step": run.step + 1} if run.resumed else {}
            self.writer = _writer()(str(self.folder), **purge)

    def on_step(self, run: Run) -> None:
        """Write the loss and the rates."""
        if self.writer is not None and run.step % self.every == 0:
            for name, value in {"loss": run.loss, **run.rates}.items():
                self.writer.add_scalar(f"step/{name}", value, run.step)

    def on_epoch_end(self, run: Run) -> None:
        """Write the numbers of the epoch."""
        if self.writer is not None:
            for name, value in run.row.items():
                if isinstance(value, int | float):
                    self.writer.add_scalar(f"epoch/{name}", value, run.step)
            self.writer.flush()

    def on_fit_end(self, run: Run) -> None:
        """Close the files."""
        if self.writer is not None:
            self.writer.close()
            self.writer = None


def _writer() -> Any:
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise wrong(
            ImportError, "TensorBoardLog", "it needs tensorboardX", "pip install tensorboardX"
        ) from error
    return SummaryWriter
