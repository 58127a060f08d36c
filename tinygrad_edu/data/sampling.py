"""Samplers: the rows of an epoch and their order, each a pure function of (seed, epoch).

They have PyTorch's names. A DataLoader asks for `order(epoch)`, so that a saved loader needs to save no
random generator, only the epoch. By hand, `for i in sampler` goes through the epoch of `set_epoch`.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Iterator, Sequence, Sized
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from tinygrad_edu.data.seeds import check_seed, generator
from tinygrad_edu.errors import wrong
from tinygrad_edu.scalars import integer
from tinygrad_edu.words import explaining

Indices = npt.NDArray[np.int64]


class Sampler:
    """The rows of epoch e in their order: `order(e)`, (len(self),) integers. A subclass defines it and `len`.

    Instead of `order` a subclass may define `__iter__`, as in PyTorch. Then it says by itself what depends on
    the epoch: a loader calls its `set_epoch`, and `self.epoch` is the number. If it draws at random from
    anything else, a resumed run cannot repeat its order.

    `settings` are the numbers that the order depends on; they are saved with a DataLoader, whose
    state is refused by a loader with others.
    """

    epoch = 0

    def order(self, epoch: int) -> Indices:
        """The indices of an epoch; a subclass defines it."""
        raise TypeError(
            f"{type(self).__name__} is a Sampler, and defines no order(epoch), and no __iter__ instead"
        )

    def settings(self) -> dict[str, Any]:
        """The numbers that `order` depends on besides the epoch."""
        return {}

    def set_epoch(self, epoch: int) -> None:
        """The epoch that the next `for i in sampler` goes through; a DataLoader needs no such call."""
        self.epoch = integer(epoch, "set_epoch: epoch", 0)

    def state_dict(self) -> dict[str, Any]:
        """The epoch and the settings."""
        return {"name": type(self).__name__, "epoch": self.epoch, **self.settings()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Return to a saved epoch. ValueError if the sampler of the state had other settings."""
        expected = {**self.state_dict(), "epoch": state.get("epoch")}
        if dict(state) != expected:
            name = type(self).__name__
            raise wrong(
                ValueError,
                name,
                f"the state is {dict(state)}, this sampler has {expected}",
                "make it with the same settings, or begin without the state",
            )
        self.set_epoch(state["epoch"])

    def __len__(self) -> int:
        raise TypeError(f"{type(self).__name__} is a Sampler, and defines no __len__")

    def __iter__(self) -> Iterator[Any]:
        return iter(self.order(self.epoch).tolist())

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value}" for name, value in self.settings().items())
        return f"{type(self).__name__}({settings})"


class SequentialSampler(Sampler):
    """All rows of a dataset, in its own order, in every epoch."""

    def __init__(self, dataset: Sized) -> None:
        self.rows = _length("SequentialSampler", dataset)

    def order(self, epoch: int) -> Indices:
        """0, 1, ..., rows - 1."""
        return np.arange(self.rows)

    def settings(self) -> dict[str, Any]:
        """The number of rows."""
        return {"rows": self.rows}

    def __len__(self) -> int:
        return self.rows


class RandomSampler(Sampler):
    """Rows in random order: each once, or drawn with replacement.

    replacement  every draw is from all rows
    num_samples  how many rows an epoch has, by default all. More than there are, without replacement: one
                 permutation follows another
    """

    @partial(explaining, title="RandomSampler")
    def __init__(
        self, dataset: Sized, replacement: bool = False, num_samples: int | None = None, *, seed: int = 0
    ) -> None:
        self.rows = _length("RandomSampler", dataset)
        if self.rows == 0:
            raise wrong(ValueError, "RandomSampler", "the dataset has no rows", "look at how it was read")
        self.replacement = bool(replacement)
        self.num_samples = (
            self.rows if num_samples is None else integer(num_samples, "RandomSampler: num_samples", 1)
        )
        self.seed = check_seed(seed)

    def order(self, epoch: int) -> Indices:
        """(num_samples,) random rows. Each once: `generator(seed, epoch).permutation(rows)`."""
        random = generator(self.seed, epoch)
        if self.replacement:
            return random.integers(0, self.rows, self.num_samples)
        parts = [random.permutation(self.rows) for _ in range(math.ceil(self.num_samples / self.rows))]
        return np.concatenate(parts)[: self.num_samples]

    def settings(self) -> dict[str, Any]:
        """The number of rows and the arguments."""
        return {"rows": self.rows, "replacement": self.replacement, "num_samples": self.num_samples,
                "seed": self.seed}  # fmt: skip

    def __len__(self) -> int:
        return self.num_samples


class WeightedRandomSampler(Sampler):
    """`num_samples` rows, row i with a probability proportional to weights[i]: for classes of unequal sizes.

    weights      one number >= 0 for each row, not all 0
    replacement  False: no row twice, and num_samples is at most the number of weights that are not 0
    """

    @partial(explaining, title="WeightedRandomSampler")
    def __init__(
        self, weights: npt.ArrayLike, num_samples: int, replacement: bool = True, *, seed: int = 0
    ) -> None:
        name = "WeightedRandomSampler"
        try:
            self.weights = np.asarray(weights, np.float64)
        except (TypeError, ValueError):
            raise wrong(TypeError, name, f"weights={weights!r:.60} must be numbers") from None
        if self.weights.ndim != 1 or not (np.isfinite(self.weights).all() and (self.weights >= 0).all()):
            raise wrong(
                ValueError,
                name,
                f"weights {self.weights.shape} must be one row of finite numbers >= 0",
                "pass one for each row, as (1 / numpy.bincount(labels))[labels]",
            )
        if not self.weights.any():
            raise wrong(ValueError, name, "all weights are 0", "give some row a weight")
        self.num_samples = integer(num_samples, f"{name}: num_samples", 1)
        self.replacement, self.seed = bool(replacement), check_seed(seed)
        possible = np.count_nonzero(self.weights)
        if not self.replacement and self.num_samples > possible:
            raise wrong(
                ValueError,
                name,
                f"num_samples={self.num_samples} of {possible} rows with a weight, none of them twice",
                "lower num_samples, or pass replacement=True",
            )

    def order(self, epoch: int) -> Indices:
        """(num_samples,) random rows."""
        p = self.weights / self.weights.max()
        found = generator(self.seed, epoch).choice(
            len(p), self.num_samples, replace=self.replacement, p=p / p.sum()
        )
        return np.asarray(found, np.int64)

    def settings(self) -> dict[str, Any]:
        """The arguments; the weights by their checksum."""
        return {"weights": zlib.crc32(self.weights.tobytes()), "num_samples": self.num_samples,
                "replacement": self.replacement, "seed": self.seed}  # fmt: skip

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """The given rows, each once, in random order."""

    @partial(explaining, title="SubsetRandomSampler")
    def __init__(self, indices: npt.ArrayLike, *, seed: int = 0) -> None:
        self.indices = as_indices("SubsetRandomSampler", indices)
        self.seed = check_seed(seed)

    def order(self, epoch: int) -> Indices:
        """The indices, permuted."""
        return self.indices[generator(self.seed, epoch).permutation(len(self.indices))]

    def settings(self) -> dict[str, Any]:
        """The seed, and the indices by their checksum."""
        return {"indices": zlib.crc32(self.indices.tobytes()), "seed": self.seed}

    def __len__(self) -> int:
        return len(self.indices)


class DistributedSampler(Sampler):
    """The rows of one rank of a job, as PyTorch deals them: rank r has every `num_replicas`-th row from r.

    All ranks have the same number of rows: the first rows of the order are used twice to fill up, or, with
    drop_last, the last are left out. `DataLoader(shard=(rank, size))` needs no such rows, and its batches are
    those of one machine; use this one for the numbers of a program in PyTorch.
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int,
        rank: int,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        name = "DistributedSampler"
        self.rows = _length(name, dataset)
        self.num_replicas = integer(num_replicas, f"{name}: num_replicas", 1)
        self.rank = integer(rank, f"{name}: rank")
        if not 0 <= self.rank < self.num_replicas:
            raise wrong(
                ValueError,
                name,
                f"rank {self.rank} is no rank of a job of {self.num_replicas}",
                "ranks go from 0 to num_replicas - 1: pass comm.size and comm.rank",
            )
        self.shuffle, self.seed, self.drop_last = bool(shuffle), check_seed(seed), bool(drop_last)
        whole, rest = divmod(self.rows, self.num_replicas)
        self.num_samples = whole if self.drop_last or not rest else whole + 1
        if self.num_samples == 0:
            raise wrong(
                ValueError, name, f"{self.rows} rows for {self.num_replicas} ranks", "start fewer ranks"
            )

    def order(self, epoch: int) -> Indices:
        """(num_samples,): the rows of this rank."""
        every = generator(self.seed, epoch).permutation(self.rows) if self.shuffle else np.arange(self.rows)
        filled = np.resize(every, self.num_samples * self.num_replicas)  # repeats, or cuts off
        return filled[self.rank :: self.num_replicas]

    def settings(self) -> dict[str, Any]:
        """The arguments but the rank, so that the state of any rank is that of all."""
        return {"rows": self.rows, "num_replicas": self.num_replicas, "shuffle": self.shuffle,
                "seed": self.seed, "drop_last": self.drop_last}  # fmt: skip

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """The rows of another sampler in batches: each item is a list of `batch_size` indices.

    sampler    one of this module, or anything with a length that yields indices
    drop_last  leave out a smaller last batch
    """

    def __init__(self, sampler: Any, batch_size: int, drop_last: bool = False) -> None:
        self.sampler = check_sampler("BatchSampler", "sampler", sampler)
        self.batch_size = integer(batch_size, "BatchSampler: batch_size", 1)
        self.drop_last = bool(drop_last)

    def batches(self, epoch: int) -> list[Indices]:
        """The indices of each batch of an epoch."""
        order, size = order_of(self.sampler, epoch), self.batch_size
        stop = len(order) - len(order) % size if self.drop_last else len(order)
        return [order[start : start + size] for start in range(0, stop, size)]

    def order(self, epoch: int) -> Indices:
        """The indices of all batches, one after another."""
        return np.concatenate([np.empty(0, np.int64), *self.batches(epoch)])

    def settings(self) -> dict[str, Any]:
        """Those of the sampler, the size of a batch, and drop_last."""
        return {"sampler": settings_of(self.sampler), "batch_size": self.batch_size,
                "drop_last": self.drop_last}  # fmt: skip

    def __len__(self) -> int:
        whole, rest = divmod(len(self.sampler), self.batch_size)
        return whole if self.drop_last or not rest else whole + 1

    def __iter__(self) -> Iterator[list[int]]:
        return iter([batch.tolist() for batch in self.batches(self.epoch)])


def check_sampler(caller: str, name: str, sampler: Any) -> Any:
    """The sampler; TypeError if it has no length or cannot be iterated over."""
    if isinstance(sampler, str) or not (isinstance(sampler, Sized) and isinstance(sampler, Iterable)):
        raise wrong(
            TypeError,
            caller,
            f"{name} is a {type(sampler).__name__}, which has no length or yields no indices",
            "pass a Sampler, or a list of indices",
        )
    return sampler


def order_of(sampler: Any, epoch: int) -> Indices:
    """The rows of an epoch by any sampler; a foreign one that has `set_epoch` is told the epoch."""
    if (
        isinstance(sampler, Sampler)
        and not isinstance(sampler, BatchSampler)
        and not _iterates(sampler, "order")
    ):
        return as_indices(type(sampler).__name__, sampler.order(epoch))
    if callable(set_epoch := getattr(sampler, "set_epoch", None)):
        set_epoch(epoch)
    return as_indices(type(sampler).__name__, list(sampler))


def check_range(sampler: Any, order: Indices, rows: int) -> None:
    """Raise IndexError for a row that the dataset does not have; none is counted from its end."""
    wrong_ones = order[(order < 0) | (order >= rows)]
    if len(wrong_ones):
        problem = f"{type(sampler).__name__} gives row {wrong_ones[0]} of a dataset of {rows}"
        raise wrong(IndexError, "DataLoader", problem, f"rows go from 0 to {rows - 1}")


def batches_of(sampler: Any, epoch: int) -> list[Indices]:
    """The rows of each batch of an epoch by any sampler of batches."""
    if isinstance(sampler, BatchSampler) and not _iterates(sampler, "batches"):
        return sampler.batches(epoch)
    if callable(set_epoch := getattr(sampler, "set_epoch", None)):
        set_epoch(epoch)
    return [as_indices(type(sampler).__name__, batch) for batch in sampler]


def _iterates(sampler: Sampler, method: str) -> bool:
    """Whether the newest of its classes that says its order says it by `__iter__`, and not by `method`."""
    for kind in type(sampler).__mro__:
        if method in vars(kind):
            return False
        if "__iter__" in vars(kind):
            return True
    return False


def settings_of(sampler: Any) -> dict[str, Any]:
    """The name of a sampler, and the numbers that its order depends on where it says so."""
    own = sampler.settings() if isinstance(sampler, Sampler) else {"rows": len(sampler)}
    return {"name": type(sampler).__name__, **own}


def as_indices(caller: str, values: Sequence[int] | npt.ArrayLike) -> Indices:
    """Values as one row of int64; an error if they are none."""
    found = np.asarray(values)
    if found.size == 0:
        found = found.astype(np.int64)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise wrong(
            TypeError,
            caller,
            f"indices must be one row of integers, not {found.dtype}{found.shape}",
            "turn a mask into indices with numpy.flatnonzero(mask)",
        )
    return found.astype(np.int64)


def earlier_draws(order: Indices) -> Indices:
    """How often the row at each position of an order occurs before it, (len(order),)."""
    by_row = np.argsort(order, kind="stable")
    is_first = np.concatenate([[True], order[by_row][1:] != order[by_row][:-1]])[: len(order)]
    start = np.maximum.accumulate(np.where(is_first, np.arange(len(order)), 0))
    repeats = np.empty(len(order), np.int64)
    repeats[by_row] = np.arange(len(order)) - start
    return repeats


def _length(caller: str, dataset: Any) -> int:
    if not isinstance(dataset, Sized):
        raise wrong(
            TypeError, caller, f"a {type(dataset).__name__} has no length", "pass the dataset of the loader"
        )
    return len(dataset)
