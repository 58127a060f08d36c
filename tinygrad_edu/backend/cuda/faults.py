"""What kernels found wrong, told when somebody waits: an index out of range is an IndexError, never a wait.

A kernel that meets a bad index leaves memory alone and writes (call, index, size) into a cell of the device;
the first one stays. The cell is read with the next synchronisation, and only if a kernel that can write
it ran since the last.
"""

from __future__ import annotations

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
        self._calls: dict[int, tuple[str, str, str]] = {}
        self._count = 0
        device.context.clear(self.pointer, 32)

    def watch(self, op: str, text: str) -> int:
        """The number of a call. `text` says what is wrong, of {value} and {size}."""
        self._count += 1
        self._calls[self._count] = (op, text, user_line())
        return self._count

    def check(self) -> None:
        """Raise IndexError for the first bad index since the last check. The stream has been waited for."""
        if not self._calls:
            return
        calls, self._calls = self._calls, {}
        cell = np.zeros(4, np.int64)
        context = self.device.context
        context.to_host(cell, self.pointer)
        context.synchronize()
        number, value, size = (int(v) for v in cell[:3])
        if number:
            context.clear(self.pointer, 32)
            op, text, line = calls[number]
            raise IndexError(f"{op}: {text.format(value=value, size=size, last=size - 1)} (at {line})")

    def close(self) -> None:
        self._calls.clear()
        del self.memory
