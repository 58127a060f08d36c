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

    An array, such as a confusion matrix, is a cell with JSON.

    overwrite  whether the log of another run is replaced. Without, it is refused, except by the run that
               wrote it, when that resumes; a file that is no such log is always refused
    """

    def __init__(self, path: PathLike, *, overwrite: bool = False) -> None:
        self.path, self.overwrite = Path(path), bool(overwrite)

    def on_fit_begin(self, run: Run) -> None:
        """Raise FileExistsError if there is a file that is not to be replaced."""
        if run.is_first and self.path.exists():
            text = self.path.read_text(encoding="utf-8", errors="replace")
            _check_replaced(self, run, text.startswith("epoch,"), _cells(text), _cells(self._table(run)))

    def on_epoch_end(self, run: Run) -> None:
        """Write all rows."""
        if run.is_first:
            files.write(self.path, self._table(run))

    def _table(self, run: Run) -> str:
        text = io.StringIO()
        writer = csv.DictWriter(text, run.history.columns, lineterminator="\n")
        writer.writeheader()
        for row in run.history:
            writer.writerow({name: json.dumps(cell) if isinstance(cell, list) else cell
                             for name, cell in row.items()})  # fmt: skip
        return text.getvalue()


class JSONLog(Callback):
    """Writes JSON lines as the run goes: `{"event": "epoch", ...}` an epoch, a number not finite as null.

    steps      also `{"event": "step", "step": ..., "epoch": ..., "loss": ..., "lr": ...}` after every update;
               reading the loss waits for the device
    overwrite  as of `CSVLog`
    """

    def __init__(self, path: PathLike, *, steps: bool = False, overwrite: bool = False) -> None:
        self.path, self.steps, self.overwrite = Path(path), steps, bool(overwrite)
        self.file: TextIO | None = None

    def on_fit_begin(self, run: Run) -> None:
        """Open the file; of a resumed run it keeps the lines up to the checkpoint.

        Raises FileExistsError if there is a file that is not to be replaced.
        """
        if not run.is_first:
            return
        lines = self._lines()
        if self.path.exists():
            with open(self.path, encoding="utf-8", errors="replace") as file:
                first = file.readline()
            written = [line for line in lines if line.get("event") == "epoch"]
            own = [_epoch(row) for row in run.history]
            found = [{name: cell for name, cell in line.items() if name != "step"} for line in written]
            _check_replaced(self, run, first.startswith('{"event"'), found, own)
        kept = [line for line in lines if _is_before(line, run)] if run.resumed else []
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
        exists = self.path.exists()
        for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines() if exists else ():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return [line for line in found if isinstance(line, dict)]

    def _write(self, line: Row) -> None:
        assert self.file is not None
        self.file.write(
            json.dumps({name: _finite(cell) for name, cell in line.items()}, allow_nan=False) + "\n"
        )


def _check_replaced(
    log: CSVLog | JSONLog, run: Run, is_log: bool, written: list[Any], own: list[Any]
) -> None:
    """Raise FileExistsError if the file of a log is not to be replaced.

    written  the epochs in the file. A resumed run has `own` ones up to its checkpoint, and the file may have
             more; of a run that was killed before its first checkpoint, there is one at most
    """
    title = type(log).__name__
    if not log.path.stat().st_size:
        return
    if not is_log:
        problem = f"{log.path} is there, and is no log of fit"
        raise wrong(FileExistsError, title, problem, "name another file, or remove it")
    if log.overwrite:
        return
    common = min(len(written), len(own))
    is_own = written[:common] == own[:common] if run.resumed else run.may_resume and len(written) <= 1
    if not is_own:
        problem = f"{log.path} is the log of another run"
        raise wrong(FileExistsError, title, problem, "name another file, or say overwrite=True")


def _cells(text: str) -> list[dict[str, str]]:
    """The rows of a CSV file; an empty cell is of a column that an epoch did not have."""
    return [{name: cell for name, cell in row.items() if cell} for row in csv.DictReader(io.StringIO(text))]


def _epoch(row: Row) -> dict[str, Any]:
    """The line of an epoch as it is read back, without its step."""
    line = {"event": "epoch", **{name: _finite(cell) for name, cell in row.items()}}
    return dict(json.loads(json.dumps(line)))


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
