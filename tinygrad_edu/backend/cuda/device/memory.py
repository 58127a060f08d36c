"""A pool of device memory: it keeps freed blocks for later arrays of about the same size, and counts bytes.

All work runs in one stream, so a freed block can be reused at once: its old users come earlier in the stream.
Sizes are rounded up to eighths of a power of two, so that at most an eighth is wasted, and arrays of nearly
the same size can reuse each other's blocks. Under the simulator's checker, sizes are not rounded and freed
blocks are not kept. So the checker can report an access past the end of an array, to a freed array, or to
memory that was never written.
"""

from __future__ import annotations

import threading
import weakref
from collections import Counter
from typing import Any, Protocol

from tinygrad_edu.backend.forks import add_locks
from tinygrad_edu.errors import DeviceError, wrong

SMALLEST = 512  # bytes; the driver itself aligns to 256


class Source(Protocol):
    """The object that the pool allocates from."""

    def allocate(self, size: int) -> Any: ...
    def memory(self) -> tuple[int, int]: ...
    def is_checking(self) -> bool: ...


class Block:
    """A piece of memory in use; it returns to its pool when no object refers to it any more."""

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

    _lock: threading.Lock

    def __init__(self, source: Source, name: str) -> None:
        self.source, self.name, self.open = source, name, True
        self.free: dict[int, list[Any]] = {}
        self.held: dict[int, Any] = {}  # pointer of a block in use -> allocation of the driver
        self.blocks: weakref.WeakSet[Block] = weakref.WeakSet()
        self.in_use = self.kept = self.peak = 0  # bytes
        self.taken = self.allocated = 0  # numbers of calls
        add_locks(self, "_lock")

    def take(self, requested: int, label: Any) -> Block:
        """A block of at least `requested` bytes. `label` describes its purpose in statistics and errors.

        Raises MemoryError, with a list of the blocks in use, if too little memory is free, and DeviceError if
        the pool is closed.
        """
        if not self.open:
            raise wrong(
                DeviceError,
                None,
                f"the device {self.name!r} was shut down",
                "make new tensors to start it again",
            )
        exact = self.source.is_checking()
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
        # This must not take the lock: it may run in a garbage collection of the thread that holds the lock.
        # So each step is one operation of a dict, a list or an int.
        allocation = self.held.pop(block.pointer, None)
        if allocation is not None:
            self.in_use -= block.size
            if not block.exact:
                self.kept += block.size
                self.free.setdefault(block.size, []).append(allocation)

    def release(self) -> int:
        """Return the unused blocks to the driver; the result is their size in bytes."""
        freed, self.kept = self.kept, 0
        self.free.clear()  # an allocation is freed when its object is
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
            raise self.refusal(requested, label) from None

    # -- statistics ------------------------------------------------------------------------------------------

    def holders(self, most: int = 5) -> list[tuple[Any, int, int]]:
        """(label, number of blocks, bytes) of the blocks in use, most bytes first."""
        count: Counter[Any] = Counter()
        total: Counter[Any] = Counter()
        for block in list(self.blocks):
            count[block.label] += 1
            total[block.label] += block.size
        return [(label, count[label], size) for label, size in total.most_common(most)]

    def statistics(self) -> dict[str, int]:
        """Bytes in use, bytes kept for reuse, the peak, and how often `take` and the driver allocated."""
        return {
            "in_use": self.in_use,
            "kept": self.kept,
            "peak": self.peak,
            "blocks": len(self.blocks),
            "taken": self.taken,
            "allocated": self.allocated,
        }

    def refusal(self, requested: int, label: Any) -> MemoryError:
        free, total = self.source.memory()
        lines = [
            "drop what is not needed (results kept in lists, graphs kept by loss tensors: take loss.item()), "
            f"use smaller batches, or float32. Held now, {size_text(self.in_use)}:"
        ]
        lines += [
            f"  {size_text(size):>10}  {number} x {label_text(who)}" for who, number, size in self.holders()
        ]
        return wrong(
            MemoryError,
            None,
            f"{self.name} is out of memory: {label_text(label)} needs {size_text(requested)}, "
            f"and {size_text(free)} of {size_text(total)} are free",
            "\n".join(lines),
        )

    def summary(self) -> str:
        """The statistics as text, with the largest groups of blocks in use."""
        s = self.statistics()
        lines = [
            f"{self.name}: {size_text(s['in_use'])} in use by {s['blocks']} arrays, "
            f"peak {size_text(s['peak'])}, {size_text(s['kept'])} kept for reuse; "
            f"{s['taken']} arrays were made with {s['allocated']} allocations"
        ]
        lines += [
            f"  {size_text(size):>10}  {number} x {label_text(who)}" for who, number, size in self.holders(10)
        ]
        return "\n".join(lines)


def rounded(size: int) -> int:
    """`size` rounded up to the next eighth of a power of two, and at least SMALLEST."""
    if size <= SMALLEST:
        return SMALLEST
    step = 1 << max((size - 1).bit_length() - 4, 9)
    return -(-size // step) * step


def label_text(label: Any) -> str:
    """The text of a label, which is (shape, dtype) or any other object."""
    if isinstance(label, tuple) and len(label) == 2:
        shape, dtype = label
        return f"{dtype} array of shape {shape}"
    return str(label)


def size_text(size: float) -> str:
    """A number of bytes as text with a unit, such as 1.5 MiB."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    raise AssertionError("unreachable")
