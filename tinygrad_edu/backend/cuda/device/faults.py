"""Errors that kernels find, such as a bad index. They are raised when a thread waits for the device.

A kernel that finds a bad index does not access memory there. It writes (call, index, size) into a cell in
device memory, unless the cell already holds an error. So the check itself never waits. The cell is read at
the next synchronisation of any thread, if a kernel may have written to it since the last one. The thread that
reads the cell raises the error, since it may use the wrong result. The thread that launched the kernel raises
it too, at its own next synchronisation. A call is identified by its op, its line in the user's program and
its thread, so the number of registered calls is limited by the size of the program.
"""

from __future__ import annotations

import sys
import threading

import numpy as np

from tinygrad_edu.backend.cuda.device.driver import Context
from tinygrad_edu.backend.cuda.device.memory import Pool
from tinygrad_edu.backend.forks import add_locks
from tinygrad_edu.errors import user_line, wrong


class Faults:
    """The error cell of one device, and the calls that may write to it."""

    _calls_lock: threading.Lock
    _cell_lock: threading.Lock

    def __init__(self, context: Context, pool: Pool) -> None:
        self.context = context
        self.memory = pool.take(32, "the cell for bad indices")
        self.pointer = self.memory.pointer
        self._calls: dict[tuple[str, str, str, type[Exception], int], int] = {}
        self._pending: dict[int, int] = {}  # thread -> number of its calls that may have written
        self._unraised: dict[int, Exception] = {}  # thread -> its error that another thread has read
        add_locks(self, "_calls_lock", "_cell_lock")
        context.clear(self.pointer, 32)

    def register_call(self, op: str, text: str, kind: type[Exception] = IndexError) -> int:
        """The number of a call, whose kernel must be launched next.

        `text` is the message of a fault, with the fields {value}, {size} and {last}; `kind` is its exception.
        """
        me = threading.get_ident()
        call = (op, text, user_line(), kind, me)
        with self._calls_lock:
            self._pending[me] = self._pending.get(me, 0) + 1
            return self._calls.setdefault(call, len(self._calls) + 1)

    def check(self) -> None:
        """Raise the first fault since the last check. The caller has synchronised the stream before."""
        if not self._pending and not self._unraised:
            return
        me, error = threading.get_ident(), None
        with self._cell_lock:
            seen, alive = dict(self._pending), sys._current_frames().keys() - {me}
            cell = np.zeros(4, np.int64)
            self.context.to_host(cell, self.pointer)
            self.context.synchronize()
            number, value, size = (int(v) for v in cell[:3])
            if number:
                self.context.clear(self.pointer, 32)
                op, text, line, kind, caller = list(self._calls)[number - 1]
                said = text.format(value=value, size=size, last=size - 1)
                error = wrong(kind, op, said, where=line)
                if caller in alive:
                    self._unraised[caller] = wrong(kind, op, said, where=line)
            error = self._unraised.pop(me, error)
            self._unraised = {thread: one for thread, one in self._unraised.items() if thread in alive}
            with self._calls_lock:  # another thread may be between `register_call` and its launch
                for thread, count in seen.items():
                    if thread not in alive and self._pending.get(thread) == count:
                        del self._pending[thread]
        if error is not None:
            raise error

    def close(self) -> None:
        """Free the cell."""
        self._pending.clear()
        self._unraised.clear()
        del self.memory
