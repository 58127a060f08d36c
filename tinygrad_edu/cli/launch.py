"""`tinygrad-edu launch` starts the ranks of a job, shows their output, and ends all when one ends badly."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import IO, Any, TextIO

from tinygrad_edu.cli import mpiexec
from tinygrad_edu.cli.arguments import UsageError
from tinygrad_edu.cli.output import Filter, Screen, message
from tinygrad_edu.cli.processes import Gone, Processes, is_stopped, left_of, signal_name

PATIENCE = 5.0  # seconds that a stopped rank is left alone after the others' timeout
LINGER = 3.0  # seconds that what ranks have started may go on after all of them have ended

DEATHS = (
    re.compile(r"PID (?P<process>\d+) RUNNING AT (?P<host>\S+) +=? +EXIT CODE: (?P<signal>\d+)"),
    re.compile(r"process rank (?P<rank>\d+) with PID (?P<process>\d+) on node (?P<host>\S+) exited on signal "
               r"(?P<signal>\d+)"),
    re.compile(r"srun: error: (?P<host>\S+): task (?P<rank>\d+): "
               r"(?P<name>Killed|Aborted|Segmentation fault)"),
)  # fmt: skip
SLURM_NAMES = {"Killed": "9", "Segmentation fault": "11", "Aborted": "6"}
CLEANUP = (signal.SIGKILL, signal.SIGTERM)  # what MPI ends the other ranks with
NEAR = 0.1  # seconds after the first end of a process in which it may have been MPI that ended it
SAME = 0.003  # seconds in which two processes end in no order that says anything


def run(asked: argparse.Namespace) -> int:
    """Run the script on all ranks; returns 0, or the exit code of the first rank that failed."""
    words = _script(asked)
    starter = mpiexec.find(asked)
    hosts = mpiexec.hosts_of(asked.hosts, asked.ranks)
    ranks = mpiexec.ranks_of(asked, hosts)
    env = mpiexec.environment(asked, starter, ranks, hosts)
    env["TINYGRAD_EDU_JOB"] = uuid.uuid4().hex
    if sys.stderr.isatty():
        env["TINYGRAD_EDU_TERMINAL"] = "1"
    command = mpiexec.command(asked, starter, ranks, hosts, env)
    command += [sys.executable, "-m", "tinygrad_edu.cli.rank", *words]
    return Job(command, env, ranks, asked.timeout or 300.0, starter.kind).run()


def _script(asked: argparse.Namespace) -> list[str]:
    words: list[str] = asked.words[1:] if asked.words[:1] == ["--"] else asked.words
    if not words:
        raise UsageError("name a script, as in: tinygrad-edu launch -n 4 train.py; or a module with -m")
    if asked.module:
        return ["-m", *words]
    if not Path(words[0]).exists():
        raise FileNotFoundError(2, "no such script", words[0])
    return words


class Job:
    """A started job: the program that runs its ranks, and what is known of them."""

    def __init__(
        self, command: list[str], env: dict[str, str], count: int, timeout: float, kind: str
    ) -> None:
        self.command, self.env, self.count, self.timeout, self.kind = command, env, count, timeout, kind
        self.job = env["TINYGRAD_EDU_JOB"]
        self.ranks: dict[int, dict[str, Any]] = {}
        self.done: set[int] = set()  # the ranks whose program has come to its end
        self.over: set[int] = set()  # those whose process has come to its end, too
        self.failed: dict[str, Any] | None = None  # what the first rank that failed has reported
        self.failed_at = 0.0
        self.is_cut = False  # whether only processes that ranks have started were left, and were ended
        self.said: list[str] = []  # what MPI itself has written
        self.lock = threading.Lock()
        self.screen = Screen()
        self.processes = Processes()

    def run(self) -> int:
        """Run it to its end; returns the exit code."""
        before = signal.signal(signal.SIGTERM, _terminate)
        process = subprocess.Popen(
            self.command, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True, preexec_fn=_end_with_launcher,
        )  # fmt: skip
        pumps = [threading.Thread(target=self._pump, args=streams, daemon=True)
                 for streams in ((process.stdout, sys.stdout), (process.stderr, sys.stderr))]  # fmt: skip
        try:
            for pump in pumps:
                pump.start()
            stopped = self._wait(process)
        finally:
            with contextlib.suppress(ValueError):
                signal.signal(signal.SIGINT, signal.SIG_IGN)
            self._end(process)
            for pump in pumps:
                self._finish(pump)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGTERM, before)
        return self._verdict(process.returncode, stopped)

    def _wait(self, process: subprocess.Popen[bytes]) -> str:
        """Wait for the end; returns why the job has to be ended, or ""."""
        since: dict[int, float] = {}
        all_over: float | None = None
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.2)
                return ""
            if self.failed is not None:
                time.sleep(0.1)  # for what other ranks have written
                return ""
            if self.screen.error is not None:
                return ""
            if self._is_over():  # but a process that a rank has started may keep its output open
                all_over = all_over or time.monotonic()
                if time.monotonic() - all_over > LINGER:
                    self.is_cut = True
                    return ""
            for rank, facts in list(self.ranks.items()):
                if facts["host"] != os.uname().nodename or not is_stopped(facts["process"]):
                    since.pop(rank, None)
                elif time.monotonic() - since.setdefault(rank, time.monotonic()) > self.timeout + PATIENCE:
                    return f"{self._name(rank)} has been stopped for {self.timeout + PATIENCE:g} s"

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """End what still runs: ask, then kill."""
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=2)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for _ in range(50):  # a killed process needs a moment to end
            left = left_of(self.job)
            for number in left:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(number, signal.SIGKILL)
            if not left:
                return
            time.sleep(0.02)

    def _finish(self, pump: threading.Thread) -> None:
        """Wait until all output is shown, as slowly as its reader takes it."""
        pump.join(timeout=2)
        count = -1
        while pump.is_alive() and (self.screen.is_writing() or self.screen.count != count):
            count = self.screen.count
            pump.join(timeout=0.5)

    def _is_over(self) -> bool:
        """Whether all ranks have come to their end, and well."""
        ended = self.over | {gone.rank for gone in self.processes.gone}
        return self._is_well() and len(self.ranks) == self.count and self.ranks.keys() <= ended

    def _is_well(self) -> bool:
        return bool(self.done) if "TINYGRAD_EDU_SHRINK" in self.env else len(self.done) == self.count

    def _pump(self, source: IO[bytes], target: TextIO) -> None:
        """Show the lines of a stream, but for those that ranks write to the launcher, and MPI's own."""
        own = Filter(self.kind)
        for data in source:
            # A message may follow text that did not end its line.
            line, found = message(data.decode("utf-8", "replace").rstrip("\n"), self.job)
            if line or found is None:
                for shown in own.take(line):
                    self.screen.line(shown, target)
            if isinstance(found, str):
                self.screen.bar(found, target)
            elif found is not None:
                self._report(found)
        for shown in own.rest():
            self.screen.line(shown, target)
        with self.lock:
            self.said += own.said

    def _report(self, facts: dict[str, Any]) -> None:
        with self.lock:
            if "process" in facts:
                self.ranks[facts["rank"]] = facts
                if facts["host"] == os.uname().nodename:
                    self.processes.add(facts["rank"], facts["process"])
            elif "over" in facts:
                self.over.add(facts["rank"])
            elif facts["code"] == 0:
                self.done.add(facts["rank"])
            elif self.failed is None:
                self.failed, self.failed_at = facts, time.monotonic()

    def _verdict(self, code: int, stopped: str) -> int:
        """Say how a job ended that did not end well; returns its exit code."""
        reason, code = self._reason(code, stopped)
        if reason:
            self.screen.line(f"tinygrad-edu launch: {reason}; the job has ended", sys.stderr)
        return 128 - code if code < 0 else code

    def _reason(self, code: int, stopped: str) -> tuple[str, int]:
        """Why the job ended, and its exit code; no reason if all is well."""
        if stopped:
            return stopped, 1
        if isinstance(self.screen.error, BrokenPipeError):  # the reader, `head` say, has seen enough
            return "", 141
        if self.screen.error is not None:
            return f"the output cannot be written: {self.screen.error}", 1
        said = " ".join(" ".join(self.said).split())
        death = next(filter(None, (pattern.search(said) for pattern in DEATHS)), None)
        facts = death.groupdict() if death is not None else {}
        named = self._who(facts)
        first = self._first(named)
        if self.failed is not None and (first is None or first.time > self.failed_at):
            return f"{self._name(self.failed['rank'])} {self.failed['how']}", int(self.failed["code"])
        if self.is_cut or (code == 0 and self._is_well()):
            return "", 0
        if first is not None and (
            self.processes.status(first) is not None or named != self._name(first.rank)
        ):
            return self._way(first, code if not facts and 0 < code < 128 else None)
        if facts:
            number = int(facts.get("signal") or SLURM_NAMES[facts["name"]]) & 127  # 128 stands for a core
            return f"{named} was killed by signal {number} ({signal_name(number)})", 128 + number
        for line in self.said:
            self.screen.line(line, sys.stderr)
        if not self.ranks:
            return f"{Path(self.command[0]).name} ended with code {code}, and no rank has started", code or 1
        missing = ", ".join(str(rank) for rank in sorted(self.ranks.keys() - self.done))
        if code == 0:
            return f"not all ranks came to the end of the script: {missing}", 1
        return f"{Path(self.command[0]).name} ended with code {code}", code

    def _first(self, named: str) -> Gone | None:
        """The first process of a rank that has ended without a report, if it is known to be the first.

        `named` is the one that MPI says has died. MPICH often names one that it has ended itself.
        """
        if "TINYGRAD_EDU_SHRINK" in self.env or (named and self.kind != "MPICH"):
            return None
        reported = self.over | ({self.failed["rank"]} if self.failed is not None else set())
        silent = [gone for gone in self.processes.gone if gone.rank not in reported]
        if not silent:
            return None
        near = [gone for gone in silent if gone.time - silent[0].time < NEAR]
        by_itself = [gone for gone in near if not self._is_cleanup(gone)]
        host = os.uname().nodename
        if len(self.ranks) < self.count or any(facts["host"] != host for facts in self.ranks.values()):
            # A rank that cannot be seen from here may have been the first, and MPI has then ended these.
            return by_itself[0] if by_itself else None
        if by_itself:
            return by_itself[0]
        # MPI acts when the connection of a rank closes, a moment before its process has ended.
        same = [gone for gone in near if gone.time - near[0].time < SAME]
        return next((gone for gone in same if self._name(gone.rank) == named), same[0])

    def _is_cleanup(self, gone: Gone) -> bool:
        status = self.processes.status(gone)
        return status is None or status & 127 in CLEANUP

    def _way(self, gone: Gone, code: int | None) -> tuple[str, int]:
        """How a process has ended that did not report; `code` is what MPI gives for its code."""
        status, name = self.processes.status(gone), self._name(gone.rank)
        when = "at" if gone.rank in self.done else "before"
        if status is not None and (number := status & 127):
            return f"{name} was killed by signal {number} ({signal_name(number)})", 128 + number
        if status is not None:
            code = status >> 8
        how = "ended" if code is None else f"ended with code {code}"
        return f"{name} {how} {when} the end of its script", code or 1

    def _who(self, facts: dict[str, str | None]) -> str:
        """The rank that died, if it is known, else its process; "" if MPI says nothing of one."""
        for rank, known in self.ranks.items():
            if facts.get("rank") == str(rank) or facts.get("process") == str(known["process"]):
                return self._name(rank)
        if facts.get("rank") is not None:
            return f"rank {facts['rank']}"
        return f"process {facts['process']} on {facts['host']}" if facts else ""

    def _name(self, rank: int) -> str:
        known = self.ranks.get(rank)
        return f"rank {rank}" + (f" (process {known['process']} on {known['host']})" if known else "")


def _end_with_launcher() -> None:
    """On Linux, mpiexec is ended by the system when the launcher is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def _terminate(number: int, frame: Any) -> None:
    raise SystemExit(128 + number)
