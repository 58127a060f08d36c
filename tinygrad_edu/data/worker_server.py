"""What the server process imports that forks the workers of a DataLoader: no Ctrl-C reaches a new worker.

A terminal sends SIGINT to the program, the server and the workers alike, and only the program is to act on
it. `worker_process.main` ignores it, but a worker has imported the program's file by then. So the server
blocks the signal, and what it forks begins with it blocked. Other processes of the program, which Python
forks from the same server, get it back before their function is called.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker, util

from tinygrad_edu.data.worker_process import NAME


@contextmanager
def interrupt_blocked() -> Iterator[None]:
    """Within it the thread starts processes with SIGINT blocked; a Ctrl-C is delivered afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # it unblocks SIGINT when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def block_in_server() -> None:
    """In the server: block SIGINT for all that it forks; a process that is no worker unblocks it again."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    util.register_after_fork(block_in_server, _unblock_others)


def _unblock_others(_: object) -> None:
    if not multiprocessing.current_process().name.startswith(NAME):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
