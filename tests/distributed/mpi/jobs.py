"""What the tests of MPI share: a job that is started as a user would, with a limit."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[3]
needs_mpi = pytest.mark.skipif(
    importlib.util.find_spec("mpi4py") is None,
    reason='mpi4py is not installed: pip install "tinygrad_edu[mpi]"',
)


def is_open_mpi() -> bool:
    """Whether the MPI of this environment is Open MPI."""
    mpiexec = Path(sys.executable).parent / "mpiexec"
    if not mpiexec.exists():
        return False
    found = subprocess.run([mpiexec, "--version"], capture_output=True, text=True, check=False)
    return "Open MPI" in found.stdout or "prte" in found.stdout.lower()


def _take_interrupts() -> None:
    """Let Ctrl-C reach a process whose parent ignores it, as jobs of a shell's background do."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Ended(NamedTuple):
    """A job that has ended: its exit code, what it wrote, and the processes that were left of it."""

    code: int
    out: str
    err: str
    left: list[int]


class Started:
    """A running job: `tinygrad-edu launch WORDS`; `before` is a command that runs this one."""

    def __init__(self, *words: object, before: tuple[str, ...] = (), **env: str) -> None:
        self.mark = f"TINYGRAD_EDU_TEST={uuid.uuid4().hex}"
        name, _, value = self.mark.partition("=")
        self.process = subprocess.Popen(
            [*before, sys.executable, "-m", "tinygrad_edu", "launch", *map(str, words)],
            env={**os.environ, "PYTHONPATH": str(ROOT), **env, name: value}, cwd=ROOT, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, start_new_session=True,
            preexec_fn=_take_interrupts,
        )  # fmt: skip

    def processes(self) -> list[int]:
        """All processes of the job that run, found by a variable of their environment."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if self.mark.encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
        return found

    def end(self, limit: float = 60.0) -> Ended:
        """Wait for its end. A job that does not end in time is killed, and the test fails."""
        try:
            out, err = self.process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            self.kill()
            out, err = self.process.communicate()
            pytest.fail(f"the job ran for {limit} s\n{out}\n{err}")
        left = self.processes()
        self.kill()
        return Ended(self.process.returncode, out, err, left)

    def kill(self) -> None:
        """Kill what is left."""
        for number in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)


def launch(*words: object, limit: float = 60.0, **env: str) -> Ended:
    """Run `tinygrad-edu launch WORDS` to its end."""
    return Started(*words, **env).end(limit)


def program(ranks: int, name: str, *words: object, timeout: float = 60.0, limit: float = 60.0) -> Ended:
    """Run a program of `programs.py` in a job, to its end."""
    return launch("-n", ranks, "--timeout", timeout, "-m", "tests.distributed.mpi.programs", name, *words,
                  limit=limit)  # fmt: skip
