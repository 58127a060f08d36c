"""DataLoader: a dataset as batches of tensors, in an order that can be computed again.

Two decisions make this possible. The order of epoch e is a pure function of (seed, e), so the state of a
loader is two integers, not a random generator. And a batch is one fancy index per array where the dataset has
`take`: at batch size 32 a Python loop over the rows would cost more than the arithmetic of a small network.

With `shard=` the ranks of a job share every batch, so they go through an epoch together, batch by batch, and
their common order and position need no message: each rank computes them by itself.

With `num_workers=` batches are computed in other processes (`workers.py` says how), each by its number: so
their values do not depend on which process computes them.
"""

from __future__ import annotations

import contextlib
import itertools
import operator
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tinygrad_edu.data.collating import tensors_of
from tinygrad_edu.data.combining import IterableDataset
from tinygrad_edu.data.dataset import Dataset, Indices
from tinygrad_edu.data.fetching import END, Job
from tinygrad_edu.data.loader_arguments import (
    BATCH_SIZE,
    check_batch_size,
    check_dataset,
    check_functions,
    check_number,
    check_rows,
    check_samplers,
    check_shard,
    check_timeout,
)
from tinygrad_edu.data.rows import Rows
from tinygrad_edu.data.sampling import batches_of, check_range, earlier_draws, order_of, settings_of
from tinygrad_edu.data.seeds import check_seed, generator
from tinygrad_edu.data.workers import Pool
from tinygrad_edu.errors import wrong
from tinygrad_edu.words import explaining


@dataclass
class _Cursor:
    """The position of one pass: `position` batches of epoch `epoch` were returned."""

    epoch: int = 0
    position: int = 0
    has_ended: bool = False


class DataLoader:
    """Iterate over a dataset in batches: `for x, y in DataLoader(table, 32, shuffle=True): ...`

    dataset     anything with a length and rows, such as a list of tuples (x, y); a Table, ArrayDataset or
                Subset of one is fast. Or a stream, an IterableDataset, whose items come in its own order
    batch_size  rows in a batch, at least 1; the last batch of an epoch may be smaller
    shuffle     epoch e in the order `order(e)`; otherwise in the dataset's own order
    sampler     the rows and their order instead: one of `sampling.py`, or anything with a length that yields
                indices. If such a one has `set_epoch`, it is called; if it draws at random without it, a
                resumed run cannot repeat its order
    batch_sampler  the indices of each batch, instead of batch_size, shuffle, sampler and drop_last
    num_workers  processes that compute the batches ahead; 0: this process does, when one is needed. Order and
                values are the same for any number. It pays where a row takes long to read or to change
    collate_fn  how a list of items becomes a batch, `collate` by default; given, rows are fetched one by one
    drop_last   leave out a smaller last batch
    timeout     seconds to wait for one batch of a worker; 0: as long as it takes
    worker_init_fn  called in each worker with its number before it begins
    prefetch_factor  batches that are computed ahead, for each worker
    persistent_workers  whether the workers stay for the next epoch, until `close` or the deletion of the
                loader. They keep the dataset as it was when they started
    seed        of the orders of all epochs, see `order`; `te.manual_seed` changes nothing here
    transform   called with the arrays of a batch before they become tensors, returns arrays, as
                `lambda x, y: (x / 255, y)`. Make it a function of the batch alone, or take random numbers
                from the transforms of this module: these depend on (seed, epoch, row). A resumed run, and
                one with workers, repeats no other randomness
    collate     an older name of collate_fn
    as_numpy    return NumPy arrays instead of tensors
    shard       (rank, size): this rank's part of every batch, in a job of `size` ranks; see below

    Items may be dicts, and hold text: a batch is then a dict, and text a list of strings (see `collate`).

    Each `for` is one epoch. A `break` ends the epoch: the next `for` starts the next one, so that "100
    batches an epoch" does not use the same 100 every time. After `load_state_dict` the next `for` continues
    in the middle of the saved epoch.

    An error in a worker is a WorkerError here, with the row and the traceback; a worker that ends is one at
    once. Workers get a pickled copy of the dataset and the functions, and import the file of the program:
    what it does must stand under `if __name__ == "__main__":`. They know no device, and compute arrays. A
    `break`, an error and Ctrl-C end them. In a worker `random`, `numpy.random` and the default generator of
    te are seeded for each row (for each batch where the dataset has `take`) by (seed, epoch, row), and so
    do not depend on the number of workers; without workers they are left alone. `sample_generator` gives
    the same numbers in both cases.

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
        dataset: Dataset | IterableDataset,
        batch_size: int = BATCH_SIZE,
        *,
        shuffle: bool = False,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable[[Sequence[Any]], Any] | None = None,
        drop_last: bool = False,
        timeout: float = 0.0,
        worker_init_fn: Callable[..., Any] | None = None,
        prefetch_factor: int = 2,
        persistent_workers: bool = False,
        seed: int = 0,
        transform: Callable[..., Any] | None = None,
        collate: Callable[[Sequence[Any]], Any] | None = None,
        as_numpy: bool = False,
        shard: tuple[int, int] = (0, 1),
    ) -> None:
        self.batch_size = check_batch_size(batch_size)
        self.dataset: Any = check_dataset(dataset)
        self.is_stream = isinstance(dataset, IterableDataset)
        self.rank, self.size = check_shard(shard)
        self.shuffle, self.drop_last = bool(shuffle), bool(drop_last)
        others = {"shuffle": self.shuffle, "drop_last": self.drop_last,
                  "batch_size": self.batch_size != BATCH_SIZE}  # fmt: skip
        check_samplers(dataset, sampler, batch_sampler, others, self.size)
        self.sampler, self.batch_sampler = sampler, batch_sampler
        if not self.is_stream and batch_sampler is None:
            check_rows(self._rows(), self.batch_size, self.size, self.drop_last)
        self.seed = check_seed(seed)
        if collate is not None and collate_fn is not None:
            raise wrong(
                ValueError, "DataLoader", "collate is an older name of collate_fn", "pass collate_fn= only"
            )
        check_functions(
            collate_fn=collate_fn, collate=collate, transform=transform, worker_init_fn=worker_init_fn
        )
        self.transform = transform
        self.collate_fn = collate if collate_fn is None else collate_fn
        self.as_numpy = as_numpy
        self.num_workers = check_number("num_workers", num_workers, 0)
        self.prefetch_factor = check_number("prefetch_factor", prefetch_factor, 1)
        self.timeout, self.worker_init_fn = check_timeout(timeout), worker_init_fn
        self.persistent_workers = bool(persistent_workers)
        self._pool: Pool | None = None
        self._cursor = _Cursor()
        self._resume = False

    def _rows(self) -> int:
        """Rows of an epoch, on all ranks together."""
        return len(self.dataset if self.sampler is None else self.sampler)

    def __len__(self) -> int:
        """Batches in an epoch, the same number on all ranks. TypeError for a stream."""
        if self.is_stream:
            raise TypeError("a DataLoader of a stream has no length: it ends when the stream ends")
        if self.batch_sampler is not None:
            return len(self.batch_sampler)
        whole, rest = divmod(self._rows(), self.batch_size * self.size)
        return whole if self.drop_last or rest < self.size else whole + 1

    def order(self, epoch: int) -> Indices:
        """The row order of an epoch, (rows,): `Generator(Philox(key=[seed, epoch])).permutation(rows)`.

        It is that of all ranks together: batch after batch, and in each batch rank after rank. A sampler has
        its own order. TypeError for a stream.
        """
        if self.is_stream:
            raise wrong(TypeError, "DataLoader.order", "a stream has no rows, and comes in its own order")
        if self.batch_sampler is not None:
            return np.concatenate(batches_of(self.batch_sampler, epoch))
        if self.sampler is not None:
            order = order_of(self.sampler, epoch)
            if len(order) != len(self.sampler):
                raise wrong(
                    ValueError,
                    "DataLoader",
                    f"the sampler has length {len(self.sampler)} and yields {len(order)} indices",
                    "make them agree",
                )
            return order
        if not self.shuffle:
            return np.arange(len(self.dataset))
        return generator(self.seed, epoch).permutation(len(self.dataset))

    @property
    def weight(self) -> float:
        """What to multiply the mean loss of the newest batch by, so that its mean over the ranks is exact.

        It is the number of rows here, times `size`, divided by the rows of all parts: 1 for equal parts.
        """
        if self.size == 1:
            return 1.0
        position = max(self._cursor.position, 1) - 1
        start, stop = self._span(position)
        first, end = self._part(position)
        return (end - first) * self.size / (stop - start)

    def _span(self, position: int) -> tuple[int, int]:
        """Where in the order a batch of all ranks begins and ends."""
        step, rows = self.batch_size * self.size, self._rows()
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
        if self._resume or (last.position == 0 and not last.has_ended):
            self._cursor = _Cursor(last.epoch, last.position)
        else:
            self._cursor = _Cursor(last.epoch + 1)
        self._resume = False
        # Each pass moves its own cursor, so an older iterator still in use cannot disturb the newest one.
        return self._batches(self._cursor)

    def _batches(self, cursor: _Cursor) -> Iterator[Any]:
        with contextlib.closing(self._arrays(cursor)) as batches:
            for arrays in batches:
                cursor.position += 1  # before the yield, so that state_dict counts this batch
                yield arrays if self.as_numpy else tensors_of(arrays)
        cursor.has_ended = True

    def _rows_of_batches(self, epoch: int) -> Callable[[int], Rows | None]:
        """The rows of batch k of an epoch, as a function of k; None after the last one."""
        none = np.empty(0, np.int64)
        if self.is_stream:
            return lambda k: Rows(epoch, none, none)
        if self.batch_sampler is not None:
            batches = batches_of(self.batch_sampler, epoch)
            order = np.concatenate([none, *batches])
            ends = [0, *np.cumsum([len(batch) for batch in batches]).tolist()]
            spans = list(itertools.pairwise(ends))
        else:
            order = self.order(epoch)
            spans = [self._part(position) for position in range(len(self))]
        is_drawn = self.sampler is not None or self.batch_sampler is not None
        if is_drawn:
            drawer = self.batch_sampler if self.sampler is None else self.sampler
            check_range(drawer, order, len(self.dataset))
        repeats = earlier_draws(order) if is_drawn else np.zeros(len(order), np.int64)

        def rows_of(k: int) -> Rows | None:
            if k >= len(spans):
                return None
            start, stop = spans[k]
            return Rows(epoch, order[start:stop], repeats[start:stop])

        return rows_of

    def _arrays(self, cursor: _Cursor) -> Generator[Any, None, None]:
        """The arrays of the batches of a pass, from its position on."""
        rows_of, first = self._rows_of_batches(cursor.epoch), cursor.position
        size = self.batch_size if self.is_stream else 0
        job = Job(self.dataset, self.collate_fn, self.transform, self.seed, size, self.drop_last)
        if not self.num_workers:
            for batch in itertools.count(first):
                rows = rows_of(batch)
                if rows is None or (arrays := job(0, batch, rows)) is END:
                    return
                yield arrays
        pool = self._free_pool(job)
        try:
            yield from pool.batches(first, rows_of)
        finally:
            if pool is not self._pool:
                pool.close()

    def _free_pool(self, job: Job) -> Pool:
        """Workers for one pass: those that stayed, unless another pass still uses them, or new ones."""
        kept = self._pool if self._pool is not None and self._pool.is_open else None
        if kept is not None and not kept.is_busy:
            return kept
        job.in_worker = True
        pool = Pool(
            job,
            self.num_workers if self.is_stream else min(self.num_workers, len(self)),
            prefetch_factor=self.prefetch_factor,
            timeout=self.timeout,
            worker_init_fn=self.worker_init_fn,
        )
        if self.persistent_workers and kept is None:
            self._pool = pool
        return pool

    def close(self) -> None:
        """End the workers that stayed after an epoch; the next epoch starts new ones."""
        if self._pool is not None:
            self._pool.close()
        self._pool = None

    def __getstate__(self) -> dict[str, Any]:
        """A copy, also a pickled one, has no workers yet."""
        return {**self.__dict__, "_pool": None}

    def state_dict(self) -> dict[str, Any]:
        """The position of the loader, and the settings that give this position its meaning.

        It is the same on all ranks after the same number of batches, and does not name the rank.
        """
        epoch, position = self._cursor.epoch, self._cursor.position
        if self._cursor.has_ended or (not self.is_stream and position == len(self)):
            epoch, position = epoch + 1, 0
        return {"epoch": epoch, "position": position, **self._settings()}

    @contextlib.contextmanager
    def whole_pass(self) -> Iterator[None]:
        """Within it a pass has all batches of the epoch, and afterwards the loader is where it was."""
        before = self._cursor, self._resume
        self._cursor, self._resume = _Cursor(self.state_dict()["epoch"]), True
        try:
            yield
        finally:
            self._cursor, self._resume = before

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken: the next `for` yields the remaining batches.

        Raises ValueError if the loader was made with other settings: its batches would have other rows.
        """
        self._plan(state)()

    def _plan(self, state: Mapping[str, Any]) -> Callable[[], None]:
        """Check a state, and return what continues there."""
        own = {"shards": 1, "sampler": None, "batch_sampler": None, **self._settings()}
        missing = (
            {"epoch", "position", *self._settings()} - {"shards", "sampler", "batch_sampler"} - set(state)
        )
        if missing:
            raise wrong(
                ValueError, "DataLoader", f"state lacks {sorted(missing)}", "pass what state_dict() returned"
            )
        for name, value in own.items():
            if (saved := state.get(name, 1 if name == "shards" else None)) != value:
                raise wrong(
                    ValueError,
                    "DataLoader",
                    f"the state was saved with {name}={saved}, this loader has {value}",
                    "make it with the same settings and data, or begin a new run without the state",
                )
        epoch, position = operator.index(state["epoch"]), operator.index(state["position"])
        end = 2**64 if self.is_stream else len(self)
        if not 0 <= epoch < 2**64 or not 0 <= position < end:
            raise wrong(
                ValueError,
                "DataLoader",
                f"state has epoch {epoch}, position {position}; an epoch has {end} batches",
            )

        def install() -> None:
            self._cursor = _Cursor(epoch, position)
            self._resume = True

        return install

    def _settings(self) -> dict[str, Any]:
        return {
            "rows": -1 if self.is_stream else len(self.dataset),
            "batch_size": self.batch_size,
            "shuffle": int(self.shuffle),
            "drop_last": int(self.drop_last),
            "seed": self.seed,
            **({"shards": self.size} if self.size > 1 else {}),
            **({} if self.sampler is None else {"sampler": settings_of(self.sampler)}),
            **({} if self.batch_sampler is None else {"batch_sampler": settings_of(self.batch_sampler)}),
        }

    def __repr__(self) -> str:
        return f"DataLoader({self.dataset!r}, {self._settings()})"
