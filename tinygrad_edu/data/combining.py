"""Datasets made of tensors and of other datasets, and streams: datasets without a length."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.data.collating import as_array, collate
from tinygrad_edu.data.dataset import ArrayDataset, Dataset, Gathers, Indices, Joined, take
from tinygrad_edu.data.seeds import check_seed, generator
from tinygrad_edu.errors import wrong
from tinygrad_edu.scalars import integer


class TensorDataset(ArrayDataset):
    """Tensors or arrays that share their first dimension, as PyTorch has it: row i is `(x[i], y[i], ...)`.

    The values are copied to the host once, without their graph: a worker process has no device.
    """

    def __init__(self, *tensors: Any) -> None:
        super().__init__(*map(as_array, tensors))


class ConcatDataset(Joined):
    """The rows of several datasets, one after another: `ConcatDataset([first, second])`, `first + second`."""

    def __init__(self, datasets: Sequence[Dataset]) -> None:
        self.datasets = _members("ConcatDataset", datasets)
        self.ends: Indices = np.cumsum([len(dataset) for dataset in self.datasets])

    def __len__(self) -> int:
        return int(self.ends[-1])

    def __getitem__(self, index: int, /) -> Any:
        number = _row("ConcatDataset", index, len(self))
        which = int(np.searchsorted(self.ends, number, side="right"))
        return self.datasets[which][number - int(self.ends[which]) + len(self.datasets[which])]

    def take(self, indices: Indices, /) -> Any:
        """The rows as arrays: one `take` for each dataset where all have it, else row by row."""
        if not all(isinstance(dataset, Gathers) for dataset in self.datasets) or not len(indices):
            return collate([self[i] for i in np.asarray(indices).tolist()])
        rows = np.array([_row("ConcatDataset", i, len(self)) for i in indices])
        which = np.searchsorted(self.ends, rows, side="right")
        used = np.unique(which)
        starts = self.ends - [len(dataset) for dataset in self.datasets]
        parts = [take(self.datasets[k], rows[which == k] - starts[k]) for k in used]
        back = np.argsort(np.concatenate([np.flatnonzero(which == k) for k in used]))
        try:
            return _rejoined(parts, back)
        except (KeyError, TypeError, ValueError):  # rows of two kinds; row by row, the error names them
            return collate([self[i] for i in rows.tolist()])

    def __repr__(self) -> str:
        return f"ConcatDataset({len(self)} rows of {len(self.datasets)} datasets)"


class StackDataset(Joined):
    """Datasets of one length side by side: row i is `(first[i], second[i])`, or a dict for named ones."""

    def __init__(self, *datasets: Dataset, **named: Dataset) -> None:
        if bool(datasets) == bool(named):
            raise wrong(
                ValueError, "StackDataset", "pass datasets either one after another or by name, at least one"
            )
        self.names = tuple(named)
        self.datasets = _members("StackDataset", datasets or tuple(named.values()))
        lengths = [len(dataset) for dataset in self.datasets]
        if len(set(lengths)) > 1:
            raise wrong(
                ValueError, "StackDataset", f"the datasets have {lengths} rows", "row i must be in each"
            )

    def __len__(self) -> int:
        return len(self.datasets[0])

    def __getitem__(self, index: int, /) -> Any:
        items = tuple(dataset[index] for dataset in self.datasets)
        return dict(zip(self.names, items, strict=True)) if self.names else items

    def __repr__(self) -> str:
        return f"StackDataset({len(self)} rows of {len(self.datasets)} datasets)"


class IterableDataset:
    """A stream: a dataset that yields its items in order and has no length. A subclass defines `__iter__`.

    `__iter__` yields raw items, and `decode` makes of one what a batch holds. Each worker of a DataLoader
    reads through the raw items and decodes those of its own batches only: so the expensive part of the work
    belongs into `decode`. Batches and their order are then the same for any number of workers.

    A stream whose `__iter__` calls `get_worker_info()` before its first item chooses the items of each worker
    by itself, as in PyTorch, and the loader leaves out none of them. Batch k is then the next one of worker k
    modulo their number; a worker that has no more items is skipped; and each worker may have a smaller last
    batch, which drop_last leaves out. So order and batches depend on the number of workers, and a resumed run
    reads the batches before once more. An item that two workers yield comes twice. To call it only after
    the first item is an error.

    If a stream has `set_epoch(epoch)`, a DataLoader calls it before it begins an epoch. The stream
    must yield the same items each time that it begins the same epoch: only so can a run be resumed.
    """

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(f"{type(self).__name__} is an IterableDataset, and defines no __iter__")

    def decode(self, item: Any) -> Any:
        """The item of a batch that a raw item stands for; the same one unless a subclass says otherwise."""
        return item


class ShuffleBuffer(IterableDataset):
    """A stream in random order, as far as a buffer of `size` items allows.

    Item by item, one of the buffer is returned, drawn at random, and the next of the stream takes its
    position. An item comes at most `size` - 1 places early, and as late as chance has it; with `size` at
    least the length of the stream the order is any. The order is a function of (seed, epoch).
    """

    def __init__(self, dataset: IterableDataset, size: int, *, seed: int = 0) -> None:
        if not isinstance(dataset, IterableDataset):
            raise wrong(
                TypeError,
                "ShuffleBuffer",
                f"a {type(dataset).__name__} is no IterableDataset",
                "for a dataset with rows pass shuffle=True to DataLoader",
            )
        self.dataset, self.size = dataset, integer(size, "ShuffleBuffer: size", 1)
        self.seed, self.epoch = check_seed(seed), 0

    def set_epoch(self, epoch: int) -> None:
        """The epoch whose order the next pass has."""
        self.epoch = integer(epoch, "ShuffleBuffer: epoch", 0)
        if callable(set_epoch := getattr(self.dataset, "set_epoch", None)):
            set_epoch(epoch)

    def __iter__(self) -> Iterator[Any]:
        random = generator(self.seed, self.epoch)
        held: list[Any] = []
        for item in self.dataset:
            if len(held) < self.size:
                held.append(item)
                continue
            place = int(random.integers(self.size))
            held[place], item = item, held[place]
            yield item
        for place in random.permutation(len(held)):
            yield held[place]

    def decode(self, item: Any) -> Any:
        """As the stream decodes it."""
        return self.dataset.decode(item)


def _members(caller: str, datasets: Any) -> tuple[Any, ...]:
    """Several datasets; an error for none, and for what is no dataset."""
    if isinstance(datasets, Dataset) and not isinstance(datasets, list | tuple):
        raise wrong(
            TypeError, caller, f"a {type(datasets).__name__} is one dataset", "pass a list of datasets"
        )
    members = tuple(datasets)
    if not members:
        raise wrong(ValueError, caller, "there are no datasets", "pass at least one")
    for member in members:
        if not isinstance(member, Dataset):
            raise wrong(
                TypeError,
                caller,
                f"a {type(member).__name__} has no __len__ or no __getitem__",
                "wrap arrays in ArrayDataset(x, y)",
            )
    return members


def _row(caller: str, index: Any, rows: int) -> int:
    """A row number from 0; negative ones count from the end. IndexError outside."""
    number = operator.index(index)
    if not -rows <= number < rows:
        raise wrong(IndexError, caller, f"no row {number}", f"rows go from 0 to {rows - 1}")
    return number % rows


def _rejoined(parts: list[Any], back: Indices) -> Any:
    """Batches of several datasets as one, its rows in the order `back`."""
    if isinstance(parts[0], dict):
        return {key: _rejoined([part[key] for part in parts], back) for key in parts[0]}
    if isinstance(parts[0], tuple):
        columns = [_rejoined(list(column), back) for column in zip(*parts, strict=True)]
        return type(parts[0])(*columns) if hasattr(parts[0], "_fields") else tuple(columns)
    if isinstance(parts[0], list):
        joined = [value for part in parts for value in part]
        return [joined[i] for i in back]
    return np.concatenate(parts)[back]
