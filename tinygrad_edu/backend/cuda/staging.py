"""Copies between host and device through pinned memory, which a device reads and writes by itself.

Ordinary memory the driver first copies to pinned memory of its own. What goes up is laid into slabs one
after another, and a slab is used again when the device has read all of it; while it has not, there are
others, up to `SLABS`. Only who has so much on its way waits, so a training loop runs ahead of its device.
What comes down is waited for anyway: large arrays travel in two halves, one taken while the other arrives.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

import numpy as np

from tinygrad_edu.backend.cuda.driver import Context, NumpyArray

SLAB = 1 << 21  # bytes
SLABS = 32  # at most, of uploads; made when they are needed
ALIGNMENT = 256  # bytes; where an upload begins in its slab


class _Slab:
    """Pinned memory, how much of it is taken, and the moment at which the device has read that."""

    def __init__(self, context: Context) -> None:
        self.memory, self.taken, self.read = context.pinned(SLAB), 0, context.event()


class Staging:
    """The pinned memory of one device, made at first use."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._slabs: deque[_Slab] = deque()  # the last is being filled, the first was left longest ago
        self._halves: list[NumpyArray] = []
        self._uploading, self._downloading = threading.Lock(), threading.Lock()

    def upload(self, pointer: int, host: NumpyArray) -> None:
        """Put a contiguous array's bytes at `pointer`. `host` may be changed when this returns."""
        data = host.reshape(-1).view(np.uint8)
        with self._uploading:
            for start in range(0, data.size, SLAB):
                piece = data[start : start + SLAB]
                slab = self._with_room(piece.size)
                place = slab.memory[slab.taken : slab.taken + piece.size]
                place[...] = piece
                slab.taken += -(-piece.size // ALIGNMENT) * ALIGNMENT
                self.context.to_device(pointer + start, place)
                self.context.record(slab.read)

    def download(self, host: NumpyArray, pointer: int) -> None:
        """Fill a contiguous array from `pointer`; waits for all work of the stream."""
        data = host.reshape(-1).view(np.uint8)
        with self._downloading:
            if not self._halves:
                self._halves = [self.context.pinned(SLAB), self.context.pinned(SLAB)]
            waiting: list[tuple[NumpyArray, NumpyArray, Any]] = []
            for k, start in enumerate(range(0, data.size, SLAB)):
                piece = data[start : start + SLAB]
                if len(waiting) == 2:
                    self._take(*waiting.pop(0))
                half = self._halves[k % 2][: piece.size]
                self.context.to_host(half, pointer + start)
                waiting.append((piece, half, self.context.event()))
            for arrived in waiting:
                self._take(*arrived)

    def close(self) -> None:
        """Let go of the pinned memory. The stream has been waited for."""
        self._slabs.clear()
        self._halves = []

    def _with_room(self, size: int) -> _Slab:
        """A slab with `size` bytes free: the last; else the first, when the device is done with it; else a
        new one; and only when there are no more, the first after a wait."""
        slabs = self._slabs
        if slabs and slabs[-1].taken + size <= SLAB:
            return slabs[-1]
        if slabs and (len(slabs) == SLABS or self.context.passed(slabs[0].read)):
            slab = slabs.popleft()
            slab.read.synchronize()
            slab.taken = 0
        else:
            slab = _Slab(self.context)
        slabs.append(slab)
        return slab

    @staticmethod
    def _take(piece: NumpyArray, half: NumpyArray, event: Any) -> None:
        event.synchronize()
        piece[...] = half
