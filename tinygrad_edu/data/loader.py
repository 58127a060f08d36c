"""DataLoader: a dataset as batches of tensors, in an order that can be computed again.

Two decisions carry it. The order of epoch e is a pure function of (seed, e), so the state of a loader is two
integers, not a random generator. And a batch is one fancy index per array where the dataset has `take`: at
batch size 32 a Python loop over the rows would cost more than the arithmetic of a small network.
"""
from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.data.dataset import Batch, Dataset, Indices, take
from tinygrad_edu.data.seeds import check_seed, generator
from tinygrad_edu.functional import tensor


@dataclass
class _Cursor:
    """How far one pass has come: `position` batches of epoch `epoch` handed out."""

    epoch: int = 0
    position: int = 0


class DataLoader:
    """Iterate over a dataset in batches: `for x, y in DataLoader(table, 32, shuffle=True): ...`

    dataset     anything with a length and rows; a Table, ArrayDataset or Subset of one is fast
    batch_size  rows in a batch, at least 1; the last batch of an epoch may be smaller
    shuffle     epoch e in the order `order(e)`; otherwise in the dataset's own order
    drop_last   leave out a smaller last batch
    seed        names the family of orders, see `order`
    transform   called with the arrays of a batch before they become tensors, returns arrays, as
                `lambda x, y: (x / 255, y)`; make it a function of the batch alone, or a resumed run will
                not repeat the first one, unless its state is saved as well: RandomAffine has `state_dict`
    collate     how a list of items becomes a tuple of arrays; given, rows are fetched one by one
    as_numpy    hand out NumPy arrays instead of tensors

    Each `for` is one epoch. Leaving it early (`break`) spends the epoch: the next `for` starts the next one,
    so that "100 batches an epoch" does not see the same 100 for ever. After `load_state_dict` the next `for`
    goes on in the middle of the saved epoch.
    """

    def __init__(
        self, dataset: Dataset, batch_size: int = 32, *, shuffle: bool = False, drop_last: bool = False,
        seed: int = 0, transform: Callable[..., Any] | None = None,
        collate: Callable[[Sequence[Any]], Batch] | None = None, as_numpy: bool = False,
    ) -> None:
        try:
            self.batch_size = operator.index(batch_size)
        except TypeError:
            raise TypeError(f"DataLoader: batch_size must be an integer, not {batch_size!r}") from None
        if self.batch_size < 1:
            raise ValueError(f"DataLoader: batch_size must be at least 1, not {batch_size}; 32 is usual")
        if not isinstance(dataset, Dataset):
            raise TypeError(
                f"DataLoader: {type(dataset).__name__} has no __len__ or no __getitem__; wrap arrays in "
                "ArrayDataset(x, y)"
            )
        if isinstance(dataset, np.ndarray | tuple | list):
            raise TypeError(
                f"DataLoader: a {type(dataset).__name__} is not a dataset; wrap it: "
                "DataLoader(ArrayDataset(x, y), ...)"
            )
        if len(dataset) == 0:
            raise ValueError("DataLoader: the dataset has no rows; look at how it was read or split")
        if drop_last and len(dataset) < self.batch_size:
            raise ValueError(
                f"DataLoader: {len(dataset)} rows make no batch of {self.batch_size} with drop_last=True; "
                "lower batch_size or keep the last batch"
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
        """Batches in an epoch."""
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole if self.drop_last or not rest else whole + 1

    def order(self, epoch: int) -> Indices:
        """The row order of an epoch, (rows,): `Generator(Philox(key=[seed, epoch])).permutation(rows)`."""
        if not self.shuffle:
            return np.arange(len(self.dataset))
        return generator(self.seed, epoch).permutation(len(self.dataset))

    @property
    def epoch(self) -> int:
        """The epoch that the current pass belongs to, or the next one when no pass is under way."""
        return self.state_dict()["epoch"]

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        last = self._cursor
        if self._resume or last.position == 0:
            self._cursor = _Cursor(last.epoch, last.position)
        else:
            self._cursor = _Cursor(last.epoch + 1)
        self._resume = False
        # Each pass moves its own cursor, so an older iterator still in use cannot disturb the newest one.
        return self._batches(self._cursor)

    def _batches(self, cursor: _Cursor) -> Iterator[tuple[Any, ...]]:
        order = self.order(cursor.epoch)
        while cursor.position < len(self):
            start = cursor.position * self.batch_size
            batch = self._batch(order[start : start + self.batch_size])
            cursor.position += 1  # before the yield: whoever holds a batch finds it counted in state_dict
            yield batch

    def _batch(self, indices: Indices) -> tuple[Any, ...]:
        if self.collate is not None:
            arrays = self.collate([self.dataset[i] for i in indices.tolist()])
        else:
            arrays = take(self.dataset, indices)
        if self.transform is not None:
            changed = self.transform(*arrays)
            if changed is None:
                raise ValueError("DataLoader: transform returned None; return the arrays of the batch")
            arrays = tuple(changed) if isinstance(changed, tuple | list) else (changed,)
        return arrays if self.as_numpy else tuple(tensor(array) for array in arrays)

    def state_dict(self) -> dict[str, int]:
        """Where the loader stands, and the settings without which that place means something else."""
        epoch, position = self._cursor.epoch, self._cursor.position
        if position == len(self):
            epoch, position = epoch + 1, 0
        return {"epoch": epoch, "position": position, **self._settings()}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on exactly where `state_dict` was taken: the next `for` yields the batches that were left.

        ValueError when the loader was made with other settings: its batches would be other rows.
        """
        missing = {"epoch", "position", *self._settings()} - set(state)
        if missing:
            raise ValueError(f"DataLoader: state lacks {sorted(missing)}; pass what state_dict() returned")
        for name, value in self._settings().items():
            if state[name] != value:
                raise ValueError(
                    f"DataLoader: the state was saved with {name}={state[name]}, this loader has {value}; "
                    "make it with the same settings and data, or begin a new run without the state"
                )
        epoch, position = operator.index(state["epoch"]), operator.index(state["position"])
        if epoch < 0 or not 0 <= position < len(self):
            raise ValueError(
                f"DataLoader: state has epoch {epoch}, position {position}; an epoch has {len(self)} batches"
            )
        self._cursor = _Cursor(epoch, position)
        self._resume = True

    def _settings(self) -> dict[str, int]:
        return {
            "rows": len(self.dataset), "batch_size": self.batch_size, "shuffle": int(self.shuffle),
            "drop_last": int(self.drop_last), "seed": self.seed,
        }

    def __repr__(self) -> str:
        return f"DataLoader({self.dataset!r}, {self._settings()})"
