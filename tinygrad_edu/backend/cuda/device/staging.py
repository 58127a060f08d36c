"""Copies between host and device through pinned memory, which the device reads and writes directly.

Without this, the driver would first copy ordinary memory to pinned memory of its own. An upload is copied
into slabs of pinned memory, one after another. A slab is used again after the device has read all of it;
until then, uploads use other slabs, up to `SLABS` of them. So an upload waits only if that many are in use,
and a training loop runs ahead of its device. A download must wait anyway. A large array is downloaded in
pieces through two buffers: the host copies from one while the device writes to the other.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

import numpy as np

from tinygrad_edu.backend.cuda.device.driver import Context, NumpyArray
from tinygrad_edu.backend.forks import add_locks

SLAB = 1 << 21  # bytes
SLABS = 32  # the most slabs for uploads; each is created when it is needed
ALIGNMENT = 256  # bytes; an upload begins in its slab at a multiple of this


class _Slab:
    """Pinned memory, how many bytes of it are used, and the event after which the device has read them."""

    def __init__(self, context: Context) -> None:
        self.memory, self.used, self.read = context.pinned(SLAB), 0, context.event()


class Staging:
    """The pinned memory of one device, allocated at its first use."""

    _uploading: threading.Lock
    _downloading: threading.Lock

    def __init__(self, context: Context) -> None:
        self.context = context
        self._slabs: deque[_Slab] = deque()  # the last is being filled; the first has waited longest
        self._buffers: list[NumpyArray] = []
        add_locks(self, "_uploading", "_downloading")

    def upload(self, pointer: int, host: NumpyArray) -> None:
        """Copy a contiguous array to `pointer`. The caller may change `host` after the return."""
        data = host.reshape(-1).view(np.uint8)
        with self._uploading:
            for start in range(0, data.size, SLAB):
                piece = data[start : start + SLAB]
                slab = self._slab_with_space(piece.size)
                place = slab.memory[slab.used : slab.used + piece.size]
                place[...] = piece
                slab.used += -(-piece.size // ALIGNMENT) * ALIGNMENT
                self.context.to_device(pointer + start, place)
                self.context.record(slab.read)

    def download(self, host: NumpyArray, pointer: int) -> None:
        """Fill a contiguous array from `pointer`; waits for all work of the stream."""
        data = host.reshape(-1).view(np.uint8)
        with self._downloading:
            if not self._buffers:
                self._buffers = [self.context.pinned(SLAB), self.context.pinned(SLAB)]
            waiting: list[tuple[NumpyArray, NumpyArray, Any]] = []
            for k, start in enumerate(range(0, data.size, SLAB)):
                piece = data[start : start + SLAB]
                if len(waiting) == 2:
                    self._receive(*waiting.pop(0))
                buffer = self._buffers[k % 2][: piece.size]
                self.context.to_host(buffer, pointer + start)
                waiting.append((piece, buffer, self.context.event()))
            for arrived in waiting:
                self._receive(*arrived)

    def close(self) -> None:
        """Free the pinned memory. The caller has synchronised the stream before."""
        self._slabs.clear()
        self._buffers = []

    def _slab_with_space(self, size: int) -> _Slab:
        """A slab with `size` free bytes.

        It is the last one; else the first one, if the device has read it; else a new one. If `SLABS` exist
        already, wait until the device has read the first one.
        """
        slabs = self._slabs
        if slabs and slabs[-1].used + size <= SLAB:
            return slabs[-1]
        if slabs and (len(slabs) == SLABS or self.context.has_passed(slabs[0].read)):
            slab = slabs.popleft()
            slab.read.synchronize()
            slab.used = 0
        else:
            slab = _Slab(self.context)
        slabs.append(slab)
        return slab

    @staticmethod
    def _receive(piece: NumpyArray, buffer: NumpyArray, event: Any) -> None:
        event.synchronize()
        piece[...] = buffer
