"""Copies between host and device through pinned memory, which a device reads and writes by itself.

Ordinary memory the driver first copies to pinned memory of its own. Small arrays go through ours in one step;
large ones in two halves, so that one is filled while the other travels.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from tinygrad_edu.backend.cuda.driver import Context, NumpyArray

HALF = 1 << 21  # bytes; two of them


class Staging:
    """Two pinned buffers of one device, made at first use."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._halves: list[NumpyArray] = []
        self._busy: list[Any] = [None, None]
        self._turn = 0
        self._lock = threading.Lock()

    def upload(self, pointer: int, host: NumpyArray) -> None:
        """Put a contiguous array's bytes at `pointer`. `host` may be changed when this returns."""
        data = host.reshape(-1).view(np.uint8)
        with self._lock:
            for start in range(0, data.size, HALF):
                piece = data[start : start + HALF]
                half = self._next()
                half[: piece.size] = piece
                self.context.to_device(pointer + start, half[: piece.size])
                self._busy[self._turn] = self.context.event()

    def download(self, host: NumpyArray, pointer: int) -> None:
        """Fill a contiguous array from `pointer`; waits for all work of the stream."""
        data = host.reshape(-1).view(np.uint8)
        with self._lock:
            waiting: list[tuple[NumpyArray, NumpyArray, Any]] = []
            for start in range(0, data.size, HALF):
                piece = data[start : start + HALF]
                if len(waiting) == 2:
                    self._take(*waiting.pop(0))
                half = self._next()[: piece.size]
                self.context.to_host(half, pointer + start)
                event = self._busy[self._turn] = self.context.event()
                waiting.append((piece, half, event))
            for arrived in waiting:
                self._take(*arrived)

    def close(self) -> None:
        self._halves, self._busy = [], [None, None]

    def _next(self) -> NumpyArray:
        """The half whose turn it is, when its last copy is done."""
        if not self._halves:
            self._halves = [self.context.pinned(HALF), self.context.pinned(HALF)]
        self._turn ^= 1
        if self._busy[self._turn] is not None:
            self._busy[self._turn].synchronize()
            self._busy[self._turn] = None
        return self._halves[self._turn]

    @staticmethod
    def _take(piece: NumpyArray, half: NumpyArray, event: Any) -> None:
        event.synchronize()
        piece[...] = half
