"""DataLoader: a dataset as batches of tensors, in an order that can be computed again.

Two decisions make this possible. The order of epoch e is a pure function of (seed, e), so the state of a
loader is two integers, not a random generator. And a batch is one fancy index per array where the dataset has
`take`: at batch size 32 a Python loop over the rows would cost more than the arithmetic of a small network.

With `shard=` the ranks of a job share every batch, so they go through an epoch together, batch by batch, and
their common order and position need no message: each rank computes them by itself.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tinygrad_edu.data.dataset import Batch, Dataset, Indices, take
from tinygrad_edu.data.seeds import check_seed, generator
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional import tensor
from tinygrad_edu.words import explaining


@dataclass
class _Cursor:
    """The position of one pass: `position` batches of epoch `epoch` were returned."""

    epoch: int = 0
    position: int = 0


class DataLoader:
    """Iterate over a dataset in batches: `for x, y in DataLoader(table, 32, shuffle=True): ...`

    dataset     anything with a length and rows; a Table, ArrayDataset or Subset of one is fast
    batch_size  rows in a batch, at least 1; the last batch of an epoch may be smaller
    shuffle     epoch e in the order `order(e)`; otherwise in the dataset's own order
    drop_last   leave out a smaller last batch
    seed        of the orders of all epochs, see `order`
    transform   called with the arrays of a batch before they become tensors, returns arrays, as
                `lambda x, y: (x / 255, y)`; make it a function of the batch alone, or a resumed run will
                not repeat the first one, unless its state is saved as well: RandomAffine has `state_dict`
    collate     how a list of items becomes a tuple of arrays; given, rows are fetched one by one
    as_numpy    return NumPy arrays instead of tensors
    shard       (rank, size): this rank's part of every batch, in a job of `size` ranks; see below

    Items may be dicts, and hold text: a batch is then a dict, and text a list of strings (see `collate`).

    Each `for` is one epoch. A `break` ends the epoch: the next `for` starts the next one, so that "100
    batches an epoch" does not use the same 100 every time. After `load_state_dict` the next `for` continues
    in the middle of the saved epoch.

    With `shard=(rank, size)`, batch k of all ranks together has the rows that batch k of one loader with
    `batch_size * size` has. It is cut into `size` parts that differ by at most one row, and this loader
    returns part `rank`. All ranks get the same number of batches, no row goes to two of them in an epoch, and
    no part is empty: if fewer rows than ranks remain at the end of an epoch, they join the batch before. So
    only in the last batch of an epoch can parts be unequal. A mean over the ranks then weights the rows of a
    smaller part more; `weight` corrects this, and with drop_last=True it does not occur.
    """

    @partial(explaining, title="DataLoader")
    def __init__(
        self,
        dataset: Dataset,
        batch_size: int = 32,
        *,
        shuffle: bool = False,
        drop_last: bool = False,
        seed: int = 0,
        transform: Callable[..., Any] | None = None,
        collate: Callable[[Sequence[Any]], Batch] | None = None,
        as_numpy: bool = False,
        shard: tuple[int, int] = (0, 1),
    ) -> None:
        try:
            self.batch_size = operator.index(batch_size)
        except TypeError:
            raise wrong(
                TypeError, "DataLoader", f"batch_size must be an integer, not {batch_size!r}"
            ) from None
        if self.batch_size < 1:
            raise wrong(
                ValueError, "DataLoader", f"batch_size must be at least 1, not {batch_size}", "32 is usual"
            )
        if not isinstance(dataset, Dataset):
            raise wrong(
                TypeError,
                "DataLoader",
                f"{type(dataset).__name__} has no __len__ or no __getitem__",
                "wrap arrays in ArrayDataset(x, y)",
            )
        if isinstance(dataset, np.ndarray | tuple | list):
            raise wrong(
                TypeError,
                "DataLoader",
                f"a {type(dataset).__name__} is not a dataset",
                "wrap it: DataLoader(ArrayDataset(x, y), ...)",
            )
        if len(dataset) == 0:
            raise wrong(
                ValueError, "DataLoader", "the dataset has no rows", "look at how it was read or split"
            )
        self.rank, self.size = _checked_shard(shard)
        if drop_last and len(dataset) < self.batch_size * self.size:
            batch = f"{self.batch_size}{f' on each of {self.size} ranks' if self.size > 1 else ''}"
            raise wrong(
                ValueError,
                "DataLoader",
                f"{len(dataset)} rows make no batch of {batch} with drop_last=True",
                "lower batch_size or keep the last batch",
            )
        if len(dataset) < self.size:
            raise wrong(
                ValueError,
                "DataLoader",
                f"{len(dataset)} rows cannot be shared by {self.size} ranks",
                "start at most as many ranks as there are rows",
            )
        self.dataset = dataset
        self.shuffle = bool(shuffle)
        self.drop_last = bool(drop_last)
        self.seed = check_seed(seed)
        self.transform = transform
        self.collate = collate
        self.as_numpy = as_numpy
        self._cursor = _Cursor()
        self._resume = False

    def __len__(self) -> int:
        """Batches in an epoch, the same number on all ranks."""
        whole, rest = divmod(len(self.dataset), self.batch_size * self.size)
        return whole if self.drop_last or rest < self.size else whole + 1

    def order(self, epoch: int) -> Indices:
        """The row order of an epoch, (rows,): `Generator(Philox(key=[seed, epoch])).permutation(rows)`.

        It is that of all ranks together: batch after batch, and in each batch rank after rank.
        """
        if not self.shuffle:
            return np.arange(len(self.dataset))
        return generator(self.seed, epoch).permutation(len(self.dataset))

    @property
    def weight(self) -> float:
        """What to multiply the mean loss of the newest batch by, so that its mean over the ranks is exact.

        It is the number of rows here, times `size`, divided by the rows of all parts: 1 for equal parts.
        """
        position = max(self._cursor.position, 1) - 1
        start, stop = self._span(position)
        first, end = self._part(position)
        return (end - first) * self.size / (stop - start)

    def _span(self, position: int) -> tuple[int, int]:
        """Where in the order a batch of all ranks begins and ends."""
        step, rows = self.batch_size * self.size, len(self.dataset)
        is_last = position == len(self) - 1 and not self.drop_last
        return position * step, rows if is_last else (position + 1) * step

    def _part(self, position: int) -> tuple[int, int]:
        """Where in the order this rank's part of a batch begins and ends."""
        start, stop = self._span(position)
        rows = stop - start
        return start + rows * self.rank // self.size, start + rows * (self.rank + 1) // self.size

    @property
    def epoch(self) -> int:
        """The epoch that the current pass belongs to, or the next one if no pass has begun."""
        return self.state_dict()["epoch"]

    def __iter__(self) -> Iterator[Any]:
        last = self._cursor
        if self._resume or last.position == 0:
            self._cursor = _Cursor(last.epoch, last.position)
        else:
            self._cursor = _Cursor(last.epoch + 1)
        self._resume = False
        # Each pass moves its own cursor, so an older iterator still in use cannot disturb the newest one.
        return self._batches(self._cursor)

    def _batches(self, cursor: _Cursor) -> Iterator[Any]:
        order = self.order(cursor.epoch)
        while cursor.position < len(self):
            start, stop = self._part(cursor.position)
            batch = self._batch(order[start:stop])
            cursor.position += 1  # before the yield, so that state_dict counts this batch
            yield batch

    def _batch(self, indices: Indices) -> Any:
        arrays: Any
        if self.collate is not None:
            arrays = self.collate([self.dataset[i] for i in indices.tolist()])
        else:
            arrays = take(self.dataset, indices)
        if self.transform is not None:
            changed = self.transform(arrays) if isinstance(arrays, dict) else self.transform(*arrays)
            if changed is None:
                raise wrong(
                    ValueError, "DataLoader", "transform returned None", "return the arrays of the batch"
                )
            arrays = (
                changed
                if isinstance(changed, dict)
                else tuple(changed)
                if isinstance(changed, tuple | list)
                else (changed,)
            )
        return arrays if self.as_numpy else _tensors(arrays)

    def state_dict(self) -> dict[str, int]:
        """The position of the loader, and the settings that give this position its meaning.

        It is the same on all ranks after the same number of batches, and does not name the rank.
        """
        epoch, position = self._cursor.epoch, self._cursor.position
        if position == len(self):
            epoch, position = epoch + 1, 0
        return {"epoch": epoch, "position": position, **self._settings()}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Continue exactly where `state_dict` was taken: the next `for` yields the remaining batches.

        Raises ValueError if the loader was made with other settings: its batches would have other rows.
        """
        self._plan(state)()

    def _plan(self, state: Mapping[str, int]) -> Callable[[], None]:
        """Check a state, and return what continues there."""
        missing = {"epoch", "position", *self._settings()} - {"shards"} - set(state)
        if missing:
            raise wrong(
                ValueError, "DataLoader", f"state lacks {sorted(missing)}", "pass what state_dict() returned"
            )
        for name, value in {"shards": 1, **self._settings()}.items():
            if (saved := state.get(name, 1)) != value:
                raise wrong(
                    ValueError,
                    "DataLoader",
                    f"the state was saved with {name}={saved}, this loader has {value}",
                    "make it with the same settings and data, or begin a new run without the state",
                )
        epoch, position = operator.index(state["epoch"]), operator.index(state["position"])
        if not 0 <= epoch < 2**64 or not 0 <= position < len(self):
            raise wrong(
                ValueError,
                "DataLoader",
                f"state has epoch {epoch}, position {position}; an epoch has {len(self)} batches",
            )

        def install() -> None:
            self._cursor = _Cursor(epoch, position)
            self._resume = True

        return install

    def _settings(self) -> dict[str, int]:
        return {
            "rows": len(self.dataset),
            "batch_size": self.batch_size,
            "shuffle": int(self.shuffle),
            "drop_last": int(self.drop_last),
            "seed": self.seed,
            **({"shards": self.size} if self.size > 1 else {}),
        }

    def __repr__(self) -> str:
        return f"DataLoader({self.dataset!r}, {self._settings()})"


def _checked_shard(shard: Any) -> tuple[int, int]:
    """The rank and the number of ranks in `shard`, or an error."""
    try:
        rank, size = (operator.index(number) for number in shard)
    except (TypeError, ValueError):
        raise wrong(
            TypeError,
            "DataLoader",
            f"shard must be two integers, not {shard!r:.60}",
            "pass shard=(comm.rank, comm.size)",
        ) from None
    if not 0 <= rank < size:
        raise wrong(
            ValueError,
            "DataLoader",
            f"shard={(rank, size)} is no rank of a job of {size}",
            "ranks go from 0 to size - 1: pass shard=(comm.rank, comm.size)",
        )
    return rank, size


def _tensors(batch: Any) -> Any:
    """The arrays of a batch as tensors, also within dicts and tuples; text as a list of strings."""
    if isinstance(batch, dict):
        return {key: _tensors(value) for key, value in batch.items()}
    if isinstance(batch, tuple):
        return tuple(map(_tensors, batch))
    if isinstance(batch, np.ndarray) and batch.dtype.kind in "US":
        return batch.tolist()
    if isinstance(batch, list) and all(isinstance(value, str | bytes) for value in batch):
        return batch
    return tensor(batch)
