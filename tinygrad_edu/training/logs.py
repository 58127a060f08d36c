"""Logs of a run, as callbacks: a table on the terminal, a progress bar, CSV, and JSON lines.

A log that goes on with a resumed run has each row once, whatever was written after the last checkpoint.
"""

from __future__ import annotations

import csv
import io
import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from tinygrad_edu import files
from tinygrad_edu.errors import wrong
from tinygrad_edu.training.callbacks import Callback
from tinygrad_edu.training.history import Row
from tinygrad_edu.training.progress import progress_bar
from tinygrad_edu.training.run import Run
from tinygrad_edu.training.saving import PathLike


class TableLog(Callback):
    """Prints the history as a table: the numbers of each epoch, and the seconds that it took.

    stream  where to; None is sys.stdout
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream
        self.columns: list[str] = []
        self.since = 0.0

    def on_fit_begin(self, run: Run) -> None:
        """Begin a table."""
        self.columns = []

    def on_epoch_begin(self, run: Run) -> None:
        """Take the time."""
        self.since = time.perf_counter()

    def on_epoch_end(self, run: Run) -> None:
        """Print a row; before the first, and if there are new columns, their names."""
        if not run.is_first:
            return
        numbers = {name: cell for name, cell in run.row.items() if isinstance(cell, int | float)}
        if self.since:
            numbers["seconds"] = round(time.perf_counter() - self.since, 1)
        if list(numbers) != self.columns:
            self.columns = list(numbers)
            self._write("  ".join(f"{name:>{_width(name)}}" for name in self.columns))
        self._write("  ".join(f"{_text(cell):>{_width(name)}}" for name, cell in numbers.items()))

    def on_fit_end(self, run: Run) -> None:
        """Say why the run ended early."""
        if run.is_first and run.history.ended != "epochs":
            self._write(f"{run.history.ended} after {len(run.history)} epochs, {run.step} steps"
                        + (f": {run.history.reason}" if run.history.reason else ""))  # fmt: skip

    def _write(self, line: str) -> None:
        stream = self.stream or sys.stdout
        stream.write(line + "\n")
        stream.flush()


class ProgressLog(Callback):
    """A progress bar on stderr, of all steps of the run; none if stderr is not a terminal."""

    def __init__(self) -> None:
        self.bar: Any = None

    def on_epoch_begin(self, run: Run) -> None:
        """Begin the bar of an epoch."""
        self.close()
        if run.is_first and sys.stderr.isatty():
            self.bar = progress_bar(f"epoch {run.epoch}/{run.epochs}", run.batches)

    def on_step(self, run: Run) -> None:
        """Move it."""
        if self.bar is not None:
            self.bar.update(run.batch - self.bar.n)

    def on_epoch_end(self, run: Run) -> None:
        """Remove it."""
        self.close()

    def on_fit_end(self, run: Run) -> None:
        """Remove it."""
        self.close()

    def close(self) -> None:
        """Remove it; `fit` does so after an error."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None


class CSVLog(Callback):
    """Writes the history to a CSV file, a row an epoch; the file is whole at any time.

    An array, such as a confusion matrix, is a cell with JSON. The log of an earlier run is replaced; a file
    that is no such log is refused.
    """

    def __init__(self, path: PathLike) -> None:
        self.path = Path(path)

    def on_fit_begin(self, run: Run) -> None:
        """Raise FileExistsError if the file is no log."""
        if run.is_first:
            _refuse_others(self, lambda line: line.startswith("epoch,"))

    def on_epoch_end(self, run: Run) -> None:
        """Write all rows."""
        if not run.is_first:
            return
        text = io.StringIO()
        writer = csv.DictWriter(text, run.history.columns, lineterminator="\n")
        writer.writeheader()
        for row in run.history:
            writer.writerow({name: json.dumps(cell) if isinstance(cell, list) else cell
                             for name, cell in row.items()})  # fmt: skip
        files.write(self.path, text.getvalue())


class JSONLog(Callback):
    """Writes JSON lines as the run goes: `{"event": "epoch", ...}` an epoch, a number not finite as null.

    steps  also `{"event": "step", "step": ..., "epoch": ..., "loss": ..., "lr": ...}` after every update;
           reading the loss waits for the device

    The log of an earlier run is replaced, unless fit resumes it; a file that is no such log is refused.
    """

    def __init__(self, path: PathLike, *, steps: bool = False) -> None:
        self.path, self.steps = Path(path), steps
        self.file: TextIO | None = None

    def on_fit_begin(self, run: Run) -> None:
        """Open the file; of a resumed run it keeps the lines up to the checkpoint."""
        if not run.is_first:
            return
        _refuse_others(self, lambda line: line.startswith('{"event"'))
        kept = [line for line in self._lines() if _is_before(line, run)] if run.resumed else []
        files.write(self.path, "".join(json.dumps(line) + "\n" for line in kept))
        self.file = open(self.path, "a", encoding="utf-8", buffering=1)  # noqa: SIM115 - until on_fit_end

    def on_step(self, run: Run) -> None:
        """Write a line."""
        if self.steps and self.file is not None:
            self._write(
                {"event": "step", "step": run.step, "epoch": run.epoch, "loss": run.loss, **run.rates}
            )

    def on_epoch_end(self, run: Run) -> None:
        """Write a line."""
        if self.file is not None:
            self._write({"event": "epoch", "step": run.step, **run.row})

    def on_fit_end(self, run: Run) -> None:
        """Close the file."""
        if self.file is not None:
            self.file.close()
            self.file = None

    def _lines(self) -> list[dict[str, Any]]:
        """What was written; a line that a killed process has not completed is left out."""
        found = []
        for line in self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else ():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return found

    def _write(self, line: Row) -> None:
        assert self.file is not None
        self.file.write(
            json.dumps({name: _finite(cell) for name, cell in line.items()}, allow_nan=False) + "\n"
        )


def _refuse_others(log: CSVLog | JSONLog, is_own: Callable[[str], bool]) -> None:
    """Raise FileExistsError if there is a file that the log would replace, and it is no such log."""
    if not log.path.exists():
        return
    with open(log.path, encoding="utf-8", errors="replace") as file:
        first = file.readline()
    if first and not is_own(first):
        problem = f"{log.path} is there, and is no log of fit"
        raise wrong(FileExistsError, type(log).__name__, problem, "name another file, or remove it")


def _is_before(line: Any, run: Run) -> bool:
    """Whether a line is of a step, or of an epoch, that the checkpoint has."""
    if not isinstance(line, dict):
        return False
    done = line.get("epoch", 0) <= len(run.history) if line.get("event") == "epoch" else True
    return bool(done and line.get("step", 0) <= run.step)


def _finite(cell: Any) -> Any:
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def _width(name: str) -> int:
    return max(len(name), 7)


def _text(cell: float) -> str:
    return str(cell) if isinstance(cell, int) else f"{cell:.4g}"
