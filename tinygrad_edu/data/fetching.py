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
from tinygrad_edu.data.rows import Rows, fetching, seed_global_generators
from tinygrad_edu.errors import wrong


class Stream(Enum):
    """What comes in place of a batch when a stream has no more items."""

    END = "end"


END = Stream.END


@dataclass
class Job:
    """What a DataLoader does for each batch: it is sent to every worker.

    `at` is the row that is being read, for the message if that fails; None between rows. `stream_size` is the
    number of items in a batch of a stream, and 0 for a dataset with rows.
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
    _pass: Any = None
    _read: int = 0

    def __call__(self, turn: Any, batch: int, rows: Rows) -> Any:
        """The arrays of a batch, or END. `turn` differs between passes over the dataset."""
        self.at = None
        if not self.stream_size:
            with fetching(rows):
                if self.in_worker:
                    seed_global_generators(self.seed, rows)
                return self._transformed(self._rows(rows))
        items = self._items(turn, batch, rows.epoch)
        if not items or (self.drop_last and len(items) < self.stream_size):
            return END
        first = batch * self.stream_size
        rows = Rows(rows.epoch, np.arange(first, first + len(items)), np.zeros(len(items), np.int64))
        with fetching(rows):
            decoded = self._each(rows, lambda i: self.dataset.decode(items[i - first]))
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

    def _items(self, turn: Any, batch: int, epoch: int) -> list[Any]:
        """The raw items of batch number `batch`; those of the batches between are read and left out."""
        first = batch * self.stream_size
        if self._stream is None or self._pass != turn or self._read > first:
            if callable(set_epoch := getattr(self.dataset, "set_epoch", None)):
                set_epoch(epoch)
            self._stream, self._pass, self._read = iter(self.dataset), turn, 0
        ahead = first - self._read
        self.at = first
        next(itertools.islice(self._stream, ahead, ahead), None)
        items = list(itertools.islice(self._stream, self.stream_size))
        self.at = None
        self._read = first + self.stream_size
        return items

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
