"""What the launcher reads from the ranks of a job, and what it shows of that."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import threading
import time
from typing import Any, TextIO

from tinygrad_edu.cli.mpiexec import MARK

SUMMARY = 10.0  # seconds between two lines of a progress bar in a file
CLEAR = "\r\x1b[K"

# Each MPI says in its own words that it has ended a job; the launcher says it once, with the rank. A program
# may write such a line too, so only what an MPI alone writes is left out.
OF_MPICH = re.compile(
    r"YOUR APPLICATION TERMINATED WITH THE EXIT STRING: |This typically refers to a problem with your appl"
    r"ication\.$|Please see the FAQ page for debugging suggestions$|Abort\(-?\d+\) on node \d+ \(rank "
    r"|\[mpiexec@\S+\] |\[proxy:\S+\] "
)
OF_SLURM = re.compile(r"Abort\(-?\d+\) on node \d+ \(rank |srun: (error|Job step|launch/)|slurmstepd: error")
RULE_OF_OPEN_MPI = re.compile(r"-{60,}$")
BLOCKS = (
    "MPI_ABORT was invoked",
    "has exited due to process",
    "noticed that process",
    "with non-zero status",
)
RULE_OF_MPICH = "=" * 83
BANNER = "=   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES"


def message(line: str, job: str) -> tuple[str, dict[str, Any] | str | None]:
    """(what stands before a message of this job in that line, the message).

    A message is the facts of a report, or the text of a progress bar. In a line without one it is None, and
    all of the line is output: a program may write the mark itself.
    """
    before, mark, text = line.partition(MARK + job)
    if not mark:
        return line, None
    if text.startswith("\r"):
        return before, text[1:]
    try:
        facts = json.loads(text)
    except ValueError:
        return line, None
    return (before, facts) if isinstance(facts, dict) and "rank" in facts else (line, None)


class Filter:
    """Takes out of the lines of a stream what MPI itself has written, and keeps that in `said`."""

    def __init__(self, kind: str) -> None:
        self.said: list[str] = []
        self._kind = kind
        self._held: list[str] = []  # the beginning of what may be text of MPI

    def take(self, line: str) -> list[str]:
        """The lines to show, now that this one has come."""
        shown: list[str] = []
        todo = [line]
        while todo:
            self._held.append(todo.pop(0))
            found = self._judge()
            if found == "MPI's":
                self.said.append("\n".join(self._held))
                self._held = []
            elif found == "not":  # what follows its first line may begin such text again
                shown.append(self._held[0])
                todo, self._held = self._held[1:] + todo, []
        return shown

    def rest(self) -> list[str]:
        """The lines to show at the end of the stream."""
        shown, self._held = self._held, []
        return shown

    def _judge(self) -> str:
        """Whether the lines that are held are "MPI's", or "not", or "open"."""
        own = {"MPICH": OF_MPICH, "Slurm": OF_SLURM}.get(self._kind)
        if len(self._held) == 1 and own is not None and own.match(self._held[0]):
            return "MPI's"
        return self._banner() if self._kind == "MPICH" else self._block()

    def _banner(self) -> str:
        lines = [line.rstrip() for line in (self._held[1:] if self._held[0] == "" else self._held)]
        if [RULE_OF_MPICH, BANNER][: len(lines)] != lines[:2] or len(lines) > 12:
            return "not"
        if len(lines) > 2 and lines[-1] == RULE_OF_MPICH:
            return "MPI's"
        return "open" if len(lines) < 3 or lines[-1].startswith("=   ") else "not"

    def _block(self) -> str:
        if not RULE_OF_OPEN_MPI.match(self._held[0]):
            return "not"
        is_known = any(known in " ".join(map(str.strip, self._held)) for known in BLOCKS)
        if len(self._held) > 1 and RULE_OF_OPEN_MPI.match(self._held[-1]):
            return "MPI's" if is_known else "not"
        return "open" if len(self._held) < (30 if is_known else 4) else "not"


class Screen:
    """Lines of output, and under them the progress bar of rank 0; in a file the bar is rare.

    An error of the terminal, file or pipe that is written to is kept in `error`, and what comes after it is
    lost. It is not raised: a rank whose output nobody reads would wait for ever.
    """

    def __init__(self) -> None:
        self.error: OSError | ValueError | None = None
        self.count = 0  # of lines
        self._lock = threading.Lock()
        self._bar = ""
        self._last = time.monotonic()

    def is_writing(self) -> bool:
        """Whether a line is being written, to a terminal or a pipe that may be slow."""
        return self._lock.locked()

    def line(self, text: str, target: TextIO) -> None:
        """Write a line, above the bar."""
        with self._lock:
            self.count += 1
            if self._bar:
                self._write(CLEAR, sys.stderr)
            self._write(text + "\n", target)
            if self._bar:
                self._write(self._bar, sys.stderr)

    def bar(self, text: str, target: TextIO) -> None:
        """Replace the bar; "" removes it."""
        with self._lock:
            if target.isatty():
                self._write(CLEAR + text, target)
                self._bar = text
            elif text and time.monotonic() - self._last > SUMMARY:
                self._write(text + "\n", target)
                self._last = time.monotonic()

    def _write(self, text: str, target: TextIO) -> None:
        if self.error is not None and target is not sys.stderr:
            return
        encoding = target.encoding or "utf-8"
        try:
            target.write(text.encode(encoding, "backslashreplace").decode(encoding))
            target.flush()
        except (OSError, ValueError) as error:
            self.error = self.error or error
            # What is buffered must not raise again at the end of the launcher.
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), target.fileno())
