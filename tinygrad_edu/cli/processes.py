"""The processes of a job on this machine: which of them ended first, and how; and what is left of it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import struct
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

# Linux from 6.15 on knows how a process ended whose parent has already waited for it.
PIDFD_GET_INFO, PIDFD_INFO_EXIT, INFO_BYTES = 0xC040FF0B, 8, 64


class Gone(NamedTuple):
    """The process of a rank that has ended: at what time, and its wait status if that is known."""

    rank: int
    time: float
    status: int | None


class Processes:
    """Waits for the processes of ranks; `gone` has those that have ended, in their order."""

    def __init__(self) -> None:
        self.gone: list[Gone] = []
        self._ranks: dict[int, tuple[int, int]] = {}  # rank and process of a descriptor
        # epoll gives events in the order in which they happened, though this thread may run late: MPI ends
        # the other ranks within a millisecond, and they must not be taken for the first.
        self._events = select.epoll() if sys.platform == "linux" and hasattr(os, "pidfd_open") else None
        if self._events is not None:
            threading.Thread(target=self._wait, daemon=True).start()

    def add(self, rank: int, process: int) -> None:
        """Wait for that process of this machine, too."""
        if self._events is None or sys.platform != "linux":
            return
        try:
            descriptor = os.pidfd_open(process)
        except ProcessLookupError:
            self.gone.append(Gone(rank, time.monotonic(), None))
            return
        except OSError:  # a system without it, or too many open files: MPI's own words have to do
            return
        self._ranks[descriptor] = rank, process
        self._events.register(descriptor, select.EPOLLIN)

    def status(self, gone: Gone) -> int | None:
        """The wait status of a process that has ended, if it is known."""
        if gone.status is not None:
            return gone.status
        for descriptor, (rank, _) in self._ranks.items():
            if rank == gone.rank:
                return _status_of(descriptor)
        return None

    def _wait(self) -> None:
        assert self._events is not None
        while True:
            for descriptor, _ in self._events.poll(maxevents=1):
                rank, process = self._ranks[descriptor]
                self.gone.append(Gone(rank, time.monotonic(), _status_now(process)))
                self._events.unregister(descriptor)


def _status_now(process: int) -> int | None:
    """The wait status of a process that has ended a moment ago; None if its parent has waited for it."""
    try:
        words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return int(words[49]) if words[0] == "Z" else None
    except (OSError, IndexError, ValueError):
        return None


def _status_of(descriptor: int) -> int | None:
    import fcntl

    asked = struct.pack("=Q", PIDFD_INFO_EXIT).ljust(INFO_BYTES, b"\0")
    try:
        found = fcntl.ioctl(descriptor, PIDFD_GET_INFO, asked)
    except OSError:
        return None
    mask, status = struct.unpack_from("=Q", found)[0], struct.unpack_from("=i", found, INFO_BYTES - 4)[0]
    return int(status) if mask & PIDFD_INFO_EXIT else None


def is_stopped(process: int) -> bool:
    """Whether a signal has stopped that process of this machine; False where that is not known."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    except (OSError, IndexError):
        return False


def signal_name(number: int) -> str:
    """`SIGKILL` for 9."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"


def left_of(job: str) -> list[int]:
    """The processes on this machine that have this job in their environment."""
    mark = f"TINYGRAD_EDU_JOB={job}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found
