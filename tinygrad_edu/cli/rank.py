"""`python -m tinygrad_edu.cli.rank`: one process of a job that `tinygrad-edu launch` has started.

It runs the script as Python itself would, with the rank in front of each line of output. An exception that
nobody catches ends the whole job: the other ranks would wait for this one for ever.
"""

from __future__ import annotations

import atexit
import io
import json
import os
import runpy
import socket
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from types import TracebackType
from typing import IO, Any

from tinygrad_edu.cli.mpiexec import MARK
from tinygrad_edu.distributed import mpi
from tinygrad_edu.distributed.fault import RankFailed


class Prefixed(io.TextIOBase):
    """A stream that writes whole lines, each in one piece and after the rank, so that ranks do not mix.

    A progress bar, a line that ends with a carriage return or begins with one, is written as a message
    for the launcher, which draws it: `mark`, and a line that begins with a carriage return.
    """

    mode, newlines, errors = "w", None, "backslashreplace"
    line_buffering, write_through = True, False

    def __init__(self, stream: IO[str], prefix: str, is_terminal: bool, mark: str) -> None:
        super().__init__()
        self.name = getattr(stream, "name", "")
        self.buffer = getattr(stream, "buffer", None)
        self._descriptor, self._prefix, self._is_terminal = stream.fileno(), prefix, is_terminal
        self._mark = mark
        self._line = ""
        self._lock = threading.RLock()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the bytes that are written."""
        return "utf-8"

    def reconfigure(self, **settings: Any) -> None:
        """Change nothing: the launcher reads whole lines of UTF-8, and encodes them for its terminal."""
        unknown = settings.keys() - {"encoding", "errors", "newline", "line_buffering", "write_through"}
        if unknown:
            raise TypeError(f"reconfigure() got an unexpected keyword argument {min(unknown)!r}")

    def writable(self) -> bool:
        """It can be written."""
        return True

    def isatty(self) -> bool:
        """Whether a terminal shows what is written, by way of the launcher."""
        return self._is_terminal

    def fileno(self) -> int:
        """The file descriptor, for what is not Python's; it gets no prefix."""
        return self._descriptor

    def write(self, text: str) -> int:
        """Write the lines that are complete, and keep the rest."""
        with self._lock:
            *lines, self._line = (self._line + text).split("\n")
            if lines:
                # A bar that gets its end is complete, and a line from now on.
                bar = f"{self._mark}\r\n" if lines[0].startswith("\r") else ""
                self._send(bar + "".join(f"{self._prefix}{line.rpartition(chr(13))[2]}\n" for line in lines))
        return len(text)

    def flush(self) -> None:
        """Write a progress bar; any other part of a line waits for its end."""
        with self._lock:
            if self.buffer is not None and not self.buffer.closed:
                self.buffer.flush()
            if "\r" in self._line:
                bar = self._line.rstrip("\r").rpartition("\r")[2].rstrip()
                self._send(f"{self._mark}\r{self._prefix}{bar}\n" if bar else f"{self._mark}\r\n")
                self._line = "\r" + bar if bar else ""

    def finish(self) -> None:
        """Write what is left at the end of the process."""
        with self._lock:
            if self._line and not self._line.startswith("\r"):
                self.write("\n")

    def _send(self, text: str) -> None:
        data = text.encode("utf-8", "backslashreplace")
        while data:
            data = data[os.write(self._descriptor, data) :]


class Reports:
    """Sends facts about this rank to the launcher. A fork of the process is not the rank, and sends none."""

    def __init__(self, job: str, rank: int) -> None:
        self.mark, self.process = MARK + job, os.getpid()
        self._rank, self._descriptor = rank, os.dup(2)  # the script may close or replace its own

    def send(self, **facts: Any) -> None:
        """Send facts, as a line of JSON."""
        if self.is_rank():
            os.write(self._descriptor, f"{self.mark}{json.dumps({'rank': self._rank, **facts})}\n".encode())

    def is_rank(self) -> bool:
        """Whether this process is the rank, and not a fork of it."""
        return os.getpid() == self.process


def main(words: Sequence[str]) -> int:
    """Run `[-m] SCRIPT [ARGUMENTS]`; returns the exit code of the process."""
    job = os.environ.get("TINYGRAD_EDU_JOB")
    if not job:
        print("tinygrad_edu.cli.rank is started by tinygrad-edu launch", file=sys.stderr)
        return 2
    _empty_stdin()
    rank: int = mpi.library().COMM_WORLD.Get_rank()
    reports = Reports(job, rank)
    atexit.register(reports.send, over=True)  # what is registered first is called last
    mpi.connect()
    reports.send(process=os.getpid(), host=socket.gethostname())
    is_terminal = rank == 0 and "TINYGRAD_EDU_TERMINAL" in os.environ
    if rank > 0:
        os.environ.setdefault("TQDM_DISABLE", "1")  # one progress bar is enough
    prefix = "" if "TINYGRAD_EDU_PLAIN" in os.environ else f"[{rank}] "
    streams = [Prefixed(stream, prefix, is_terminal, reports.mark) for stream in (sys.stdout, sys.stderr)]
    sys.stdout, sys.stderr = streams
    code, how = _run(words)
    for stream in streams:
        stream.finish()
    if not code or not reports.is_rank():
        reports.send(code=0)
        return code
    # The launcher reads this after the traceback, and ends the job. MPI would do so before all is read.
    reports.send(code=code, how=how)
    time.sleep(1.5)
    mpi.abort(code)
    return code


def _empty_stdin() -> None:
    """Let reads find the end of the input at once: MPI would give what there is to rank 0 alone."""
    null = os.open(os.devnull, os.O_RDONLY)
    if null != 0:
        os.dup2(null, 0)
        os.close(null)


def _run(words: Sequence[str]) -> tuple[int, str]:
    """Run the program; returns its exit code, and how it failed: `raised ValueError`."""
    module = words[0] == "-m"
    sys.argv = list(words[1:] if module else words)
    try:
        if module:
            sys.path[0] = os.getcwd()
            runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        else:
            sys.path[0] = os.path.dirname(os.path.realpath(sys.argv[0]))
            runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as leave:
        code = leave.code or 0
        if not isinstance(code, int):
            print(code, file=sys.stderr)
            code = 1
        # The system keeps the lowest 8 bits, but 256 was not meant to say that all is well.
        return code and (code & 0xFF or 1), f"exited with code {int(code)}"
    except BaseException as error:
        if isinstance(error, RankFailed):
            # The failed rank ends the job after its own error, which is the one to read. If its program
            # caught that, nothing comes, and this error is written.
            time.sleep(1.5)
        sys.stderr.write("".join(traceback.format_exception(type(error), error, _from_script(error))))
        return 130 if isinstance(error, KeyboardInterrupt) else 1, f"raised {type(error).__name__}"
    return 0, ""


def _from_script(error: BaseException) -> TracebackType | None:
    """The traceback from the script on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename in (__file__, _RUNPY):
        trace = trace.tb_next
    return trace


_RUNPY = runpy.run_path.__code__.co_filename

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
