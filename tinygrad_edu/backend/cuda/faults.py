"""What kernels found wrong, told when somebody waits: an index out of range is an IndexError, never a wait.

A kernel that meets a bad index leaves memory alone and writes (call, index, size) into a cell of the device;
the first one stays. The cell is read with the next synchronisation of any thread, and only while a kernel may
have written to it since. Who reads it raises, since he may hold the result; so does the thread that called,
when it waits. A call is known by its op, line and thread, so what is remembered is bounded by the program.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import numpy as np

from tinygrad_edu.errors import user_line

if TYPE_CHECKING:
    from tinygrad_edu.backend.cuda.backend import Cuda


class Faults:
    """The cell of one device, and who may write it."""

    def __init__(self, device: Cuda) -> None:
        self.device = device
        self.memory = device.pool.take(32, "the cell for bad indices")
        self.pointer = self.memory.pointer
        self._calls: dict[tuple[str, str, str, type[Exception], int], int] = {}
        self._pending: dict[int, int] = {}  # thread -> how many calls it has announced
        self._owed: dict[int, Exception] = {}  # thread -> the error of its own that another one read
        self._noting, self._reading = threading.Lock(), threading.Lock()
        device.context.clear(self.pointer, 32)

    def watch(self, op: str, text: str, kind: type[Exception] = IndexError) -> int:
        """The number of a call, which is launched next. `text` says what is wrong, of {value} and {size}, and
        is raised as `kind`."""
        me = threading.get_ident()
        call = (op, text, user_line(), kind, me)
        with self._noting:
            self._pending[me] = self._pending.get(me, 0) + 1
            return self._calls.setdefault(call, len(self._calls) + 1)

    def check(self) -> None:
        """Raise the first fault since the last check, an IndexError unless `watch` was told otherwise. The
        stream has been waited for."""
        if not self._pending and not self._owed:
            return
        me, error = threading.get_ident(), None
        with self._reading:
            seen, alive = dict(self._pending), sys._current_frames().keys() - {me}
            cell = np.zeros(4, np.int64)
            context = self.device.context
            context.to_host(cell, self.pointer)
            context.synchronize()
            number, value, size = (int(v) for v in cell[:3])
            if number:
                context.clear(self.pointer, 32)
                op, text, line, kind, owner = list(self._calls)[number - 1]
                said = f"{op}: {text.format(value=value, size=size, last=size - 1)} (at {line})"
                error = kind(said)
                if owner in alive:
                    self._owed[owner] = kind(said)
            error = self._owed.pop(me, error)
            self._owed = {thread: one for thread, one in self._owed.items() if thread in alive}
            with self._noting:  # another thread may still be on its way from `watch` to the launch
                for thread, count in seen.items():
                    if thread not in alive and self._pending.get(thread) == count:
                        del self._pending[thread]
        if error is not None:
            raise error

    def close(self) -> None:
        """Give the cell back."""
        self._pending.clear()
        self._owed.clear()
        del self.memory
