"""TensorBoardLog: the numbers of a run for TensorBoard. No other file imports tensorboardX.

`pip install tensorboardX`, or the extra `tensorboard`; to look, `tensorboard --logdir FOLDER`.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
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
        self.folder, self.every = Path(folder), integer(every, "TensorBoardLog: every", least=1)
        self.file: _EventFile | None = None
        _tensorboardx()

    def on_fit_begin(self, run: Run) -> None:
        """Open a file; what a killed run has written after its checkpoint is marked as void."""
        if run.is_first:
            self.file = _EventFile(self.folder, run.step, run.resumed)

    def on_step(self, run: Run) -> None:
        """Write the loss and the rates."""
        if self.file is not None and run.step % self.every == 0:
            for name, value in {"loss": run.loss, **run.rates}.items():
                self.file.add(f"step/{name}", value, run.step)

    def on_epoch_end(self, run: Run) -> None:
        """Write the numbers of the epoch."""
        if self.file is not None:
            for name, value in run.row.items():
                if isinstance(value, int | float):
                    self.file.add(f"epoch/{name}", value, run.step)
            self.file.flush()

    def on_save(self, run: Run) -> None:
        """Flush what a run that goes on from this checkpoint does not write again."""
        if self.file is not None:
            self.file.flush()

    def on_fit_end(self, run: Run) -> None:
        """Close the file."""
        if self.file is not None:
            self.file.close()
            self.file = None


class _EventFile:
    """An event file. tensorboardX's SummaryWriter has a queue of events that its `flush` does not empty."""

    def __init__(self, folder: Path, step: int, resumed: bool) -> None:
        self.parts = _tensorboardx()
        events_writer, event, _, session = self.parts
        folder.mkdir(parents=True, exist_ok=True)
        # with the number of the process: a file of the same second would be overwritten
        self.file = events_writer(str(folder / "events"), f".{os.getpid()}.{step}")
        if resumed:
            self.file.write_event(event(step=step + 1, file_version="brain.Event:2", wall_time=time.time()))
            start = session(status=session.START)
            self.file.write_event(event(step=step + 1, session_log=start, wall_time=time.time()))

    def add(self, tag: str, value: float, step: int) -> None:
        """Write a number."""
        _, event, summary, _ = self.parts
        value_of = summary.Value(tag=tag, simple_value=value)
        self.file.write_event(event(step=step, summary=summary(value=[value_of]), wall_time=time.time()))

    def flush(self) -> None:
        self.file.flush()

    def close(self) -> None:
        self.file.close()


def _tensorboardx(title: str = "TensorBoardLog") -> tuple[Any, Any, Any, Any]:
    """What writes events, and the classes of events, summaries and sessions."""
    try:
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto.event_pb2 import Event, SessionLog
        from tensorboardX.proto.summary_pb2 import Summary
    except ImportError as error:
        problem = "it needs tensorboardX"
        raise wrong(ImportError, title, problem, "pip install tensorboardX") from error
    return EventsWriter, Event, Summary, SessionLog


def summary_writer(folder: str | None, **options: Any) -> Any:
    """tensorboardX's SummaryWriter, which draws more than numbers: texts, histograms, images, figures.

    `add_*` take NumPy's arrays. Raises ImportError if tensorboardX is missing.
    """
    _tensorboardx("SummaryWriter")
    from tensorboardX import SummaryWriter

    return SummaryWriter(folder, **options)
