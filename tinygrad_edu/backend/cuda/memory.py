"""Device memory: a pool that keeps freed blocks for the next array of about their size, and counts.

All work runs in one stream, so a block can be handed out again at once: who used it before comes earlier in
the stream. Sizes are rounded up to eighths of a power of two, so that at most an eighth is wasted and arrays
of nearly one size share blocks. Under the simulator's checker nothing is rounded and nothing is kept: then it
sees the first byte past an array, the use of a freed one, and reads of what nobody wrote.
"""

from __future__ import annotations

import threading
import weakref
from collections import Counter
from typing import Any, Protocol

from tinygrad_edu.errors import DeviceError, user_line

SMALLEST = 512  # bytes; the driver itself aligns to 256


class Source(Protocol):
    """Where blocks come from."""

    def allocate(self, size: int) -> Any: ...
    def memory(self) -> tuple[int, int]: ...
    def watched(self) -> bool: ...


class Block:
    """Memory that somebody holds; it goes back to its pool when nobody does."""

    __slots__ = ("__weakref__", "exact", "label", "pointer", "pool", "size")

    def __init__(self, pool: Pool, pointer: int, size: int, exact: bool, label: Any) -> None:
        self.pool, self.pointer, self.size = pool, pointer, size
        self.exact, self.label = exact, label

    def __del__(self) -> None:
        pool = self.pool
        if pool.open:
            pool.give_back(self)


class Pool:
    """Blocks of one device's memory, by size. `take` may be called by any thread."""

    def __init__(self, source: Source, name: str) -> None:
        self.source, self.name, self.open = source, name, True
        self.free: dict[int, list[Any]] = {}
        self.held: dict[int, Any] = {}  # pointer -> the driver's allocation, of blocks in use
        self.blocks: weakref.WeakSet[Block] = weakref.WeakSet()
        self.in_use = self.kept = self.peak = 0  # bytes
        self.taken = self.allocated = 0  # how often
        self._lock = threading.Lock()

    def take(self, requested: int, label: Any) -> Block:
        """A block of at least `requested` bytes. `label` says what for, in statistics and in errors.

        Raises MemoryError, saying who holds what, when the device has no more; DeviceError on a closed pool.
        """
        if not self.open:
            raise DeviceError(f"the device {self.name!r} was shut down; make new tensors to start it again")
        exact = self.source.watched()
        size = max(requested, 1) if exact else rounded(requested)
        with self._lock:
            self.taken += 1
            spare = None if exact else self.free.get(size)
            if spare:
                allocation = spare.pop()
                self.kept -= size
            else:
                allocation = self._allocate(size, requested, label)
            pointer = int(allocation)
            self.held[pointer] = allocation
            self.in_use += size
            if self.in_use > self.peak:
                self.peak = self.in_use
        block = Block(self, pointer, size, exact, label)
        self.blocks.add(block)
        return block

    def give_back(self, block: Block) -> None:
        # Without the lock: this runs inside a collection, maybe of the very thread that holds it. Each step
        # is one operation of a dict, a list or an int.
        allocation = self.held.pop(block.pointer, None)
        if allocation is not None:
            self.in_use -= block.size
            if not block.exact:
                self.kept += block.size
                self.free.setdefault(block.size, []).append(allocation)

    def release(self) -> int:
        """Give what nobody holds back to the driver; returns how many bytes that were."""
        freed, self.kept = self.kept, 0
        self.free.clear()  # the driver's allocations free themselves
        return freed

    def close(self) -> None:
        """Free everything. Arrays that still exist can no longer be used."""
        self.open = False
        self.free.clear()
        self.held.clear()
        self.in_use = self.kept = 0

    def _allocate(self, size: int, requested: int, label: Any) -> Any:
        self.allocated += 1
        try:
            return self.source.allocate(size)
        except MemoryError:
            self.release()
        try:
            return self.source.allocate(size)
        except MemoryError:
            raise MemoryError(self.complaint(requested, label)) from None

    # -- statistics ------------------------------------------------------------------------------------------

    def holders(self, most: int = 5) -> list[tuple[Any, int, int]]:
        """(label, how many, bytes) of what is held, most bytes first."""
        count: Counter[Any] = Counter()
        total: Counter[Any] = Counter()
        for block in list(self.blocks):
            count[block.label] += 1
            total[block.label] += block.size
        return [(label, count[label], size) for label, size in total.most_common(most)]

    def statistics(self) -> dict[str, int]:
        """Bytes in use, kept for reuse, and the peak; how often memory was taken and asked of the driver."""
        return {
            "in_use": self.in_use,
            "kept": self.kept,
            "peak": self.peak,
            "blocks": len(self.blocks),
            "taken": self.taken,
            "allocated": self.allocated,
        }

    def complaint(self, requested: int, label: Any) -> str:
        free, total = self.source.memory()
        lines = [
            f"{self.name} is out of memory at {user_line()}: {described(label)} needs {human(requested)}, "
            f"and {human(free)} of {human(total)} are free. Held now, {human(self.in_use)}:"
        ]
        lines += [f"  {human(size):>10}  {number} x {described(who)}" for who, number, size in self.holders()]
        lines.append(
            "Drop what is not needed (results kept in lists, graphs kept by loss tensors: take "
            "loss.item()), use smaller batches, or float32."
        )
        return "\n".join(lines)

    def summary(self) -> str:
        """The statistics for people: who holds what."""
        s = self.statistics()
        lines = [
            f"{self.name}: {human(s['in_use'])} in use by {s['blocks']} arrays, peak {human(s['peak'])}, "
            f"{human(s['kept'])} kept for reuse; {s['taken']} arrays were made with {s['allocated']} "
            "allocations"
        ]
        lines += [
            f"  {human(size):>10}  {number} x {described(who)}" for who, number, size in self.holders(10)
        ]
        return "\n".join(lines)


def rounded(size: int) -> int:
    """`size` up to the next eighth of a power of two, at least SMALLEST."""
    if size <= SMALLEST:
        return SMALLEST
    step = 1 << max((size - 1).bit_length() - 4, 9)
    return -(-size // step) * step


def described(label: Any) -> str:
    """(shape, dtype) in words; anything else as it is."""
    if isinstance(label, tuple) and len(label) == 2:
        shape, dtype = label
        return f"{dtype} array of shape {shape}"
    return str(label)


def human(size: float) -> str:
    """Bytes with a unit: 1.5 MiB."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    raise AssertionError("unreachable")
