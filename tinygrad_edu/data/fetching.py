"""Fetching one batch: rows or items of a stream, collated and transformed, in this process or a worker."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from tinygrad_edu.data.collating import collate
from tinygrad_edu.data.dataset import Gathers, Indices
from tinygrad_edu.data.rows import Rows, fetching, get_worker_info, seed_global_generators, was_asked
from tinygrad_edu.errors import wrong


class Stream(Enum):
    """What comes in place of a batch when a stream has no more items."""

    END = "end"
    END_OF_PART = "end of part"  # of this worker's own part: others may have more
    COUNTED = "counted"  # the batches before can be counted only by reading all of them


END = Stream.END


@dataclass
class Job:
    """What a DataLoader does for each batch: it is sent to every worker.

    `at` is the row that is being read, for the message if that fails; None between rows. `stream_size` is the
    number of items in a batch of a stream, and 0 for a dataset with rows. `part` is (id, workers) while a
    stream yields only the items of this worker, and (0, 1) otherwise.
    """

    dataset: Any
    collate_fn: Callable[[Sequence[Any]], Any] | None
    transform: Callable[..., Any] | None
    seed: int
    stream_size: int = 0
    drop_last: bool = False
    in_worker: bool = False
    at: int | None = None
    _stream: Iterator[Any] | None = None
    part: tuple[int, int] = (0, 1)
    _pass: Any = None
    _next: int = 0
    _read: int = 0

    def __call__(self, turn: Any, batch: int, rows: Rows, start: int = 0) -> Any:
        """The arrays of a batch, or what a Stream says instead.

        `turn` differs between passes over the dataset, and `start` is the first batch of the pass.
        """
        self.at = None
        if not self.stream_size:
            with fetching(rows):
                if self.in_worker:
                    seed_global_generators(self.seed, rows)
                return self._transformed(self._rows(rows))
        first, items = self._items(turn, batch, rows.epoch)
        mine, workers = self.part
        if workers > 1 and start:
            return Stream.COUNTED
        if not items or (self.drop_last and len(items) < self.stream_size):
            return END if workers == 1 else Stream.END_OF_PART
        numbers = np.arange(first, first + len(items)) * workers + mine  # item j of a part, in all parts
        by_number = dict(zip(numbers.tolist(), items, strict=True))
        rows = Rows(rows.epoch, numbers, np.zeros(len(items), np.int64))
        with fetching(rows):
            decoded = self._each(rows, lambda i: self.dataset.decode(by_number[i]))
            return self._transformed((self.collate_fn or collate)(decoded))

    def _rows(self, rows: Rows) -> Any:
        if self.collate_fn is None and isinstance(self.dataset, Gathers):
            return self.dataset.take(rows.indices)
        return (self.collate_fn or collate)(self._each(rows, self.dataset.__getitem__))

    def _each(self, rows: Rows, read: Callable[[int], Any]) -> list[Any]:
        """The items of some rows, one by one, each with its own random draws."""
        items = []
        for k, index in enumerate(rows.indices.tolist()):
            self.at = index
            row = Rows(rows.epoch, rows.indices[k : k + 1], rows.repeats[k : k + 1])
            with fetching(row):
                if self.in_worker:
                    seed_global_generators(self.seed, row)
                items.append(read(index))
        self.at = None
        if self.in_worker:
            seed_global_generators(self.seed, rows)
        return items

    def _items(self, turn: Any, batch: int, epoch: int) -> tuple[int, list[Any]]:
        """The number of its first item, and the raw items of a batch; those between are read and left out.

        A stream that chooses the items of this worker has its batches only, each `workers`-th one.
        """
        self.at = batch * self.stream_size
        if self._stream is None or self._pass != turn or self._next > batch:
            self._open(turn, epoch)
        first = self.at = batch // self.part[1] * self.stream_size
        ahead = first - self._read
        was_asked()
        next(itertools.islice(self._stream, ahead, ahead), None)  # type: ignore[arg-type]
        items = list(itertools.islice(self._stream, self.stream_size))  # type: ignore[arg-type]
        if was_asked() and self.in_worker and self.part == (0, 1):
            info = get_worker_info()
            if info is not None and info.num_workers > 1:
                raise wrong(RuntimeError, type(self.dataset).__name__, "__iter__ called get_worker_info() "
                            "after its first item, when the loader already shared out the items",
                            "call it before the first item, to choose the items of each worker; or do not "
                            "call it: the loader gives each item to one worker")  # fmt: skip
        self.at = None
        self._next, self._read = batch + 1, first + self.stream_size
        return first, items

    def _open(self, turn: Any, epoch: int) -> None:
        """Begin a stream. One that asks about its worker before its first item has a part of its own."""
        if callable(set_epoch := getattr(self.dataset, "set_epoch", None)):
            set_epoch(epoch)
        was_asked()
        stream = iter(self.dataset)
        head = list(itertools.islice(stream, 1))
        asked = was_asked()
        info = get_worker_info() if asked and self.in_worker else None
        self.part = (0, 1) if info is None else (info.id, info.num_workers)
        self._stream, self._pass, self._next, self._read = itertools.chain(head, stream), turn, 0, 0

    def _transformed(self, arrays: Any) -> Any:
        if self.transform is None:
            return arrays
        parts = isinstance(arrays, tuple | list)
        changed = self.transform(*arrays) if parts else self.transform(arrays)
        if changed is None:
            raise wrong(ValueError, "DataLoader", "transform returned None", "return the arrays of the batch")
        if isinstance(changed, dict | tuple):
            return changed
        return tuple(changed) if isinstance(changed, list) else (changed,)

    def failing_row(self, indices: Indices) -> int | None:
        """The row that made a batch fail: the one that was being read, or the first that fails alone."""
        if self.at is not None or self.stream_size or not isinstance(self.dataset, Gathers):
            return self.at
        for index in indices:
            try:
                self.dataset.take(np.array([index]))
            except Exception:
                return int(index)
        return None
