"""The rows that are being fetched now, so that a random draw depends on (seed, epoch, row) and on no process.

A DataLoader sets them around everything that it calls: the dataset, `collate_fn` and `transform`. A draw that
is keyed by them is the same for any number of workers, in any batch, and after a resumed run.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tinygrad_edu.backend import philox
from tinygrad_edu.data.seeds import check_seed
from tinygrad_edu.errors import wrong

Indices = npt.NDArray[np.int64]


class Rows(NamedTuple):
    """Some rows of an epoch: their indices, and how often each was drawn before in this epoch."""

    epoch: int
    indices: Indices
    repeats: Indices


class WorkerInfo(NamedTuple):
    """The facts about a worker process: its number `id` of `num_workers`, the loader's seed, its dataset.

    A dataset, too, may ask for them, as in PyTorch. A stream that asks before its first item chooses the
    items of each worker by itself, see IterableDataset.
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any


_rows: ContextVar[Rows | None] = ContextVar("_rows", default=None)
_place: ContextVar[int] = ContextVar("_place", default=0)
_worker: WorkerInfo | None = None
_asked = False


def get_worker_info() -> WorkerInfo | None:
    """The facts about the worker process that calls it; None outside of one.

    A stream that calls it in `__iter__` before its first item is taken to choose its own part of the items,
    as in PyTorch: see IterableDataset. One that calls it only later is refused there.
    """
    global _asked
    _asked = True
    return _worker


def was_asked() -> bool:
    """Whether `get_worker_info` was called since the last call of this function."""
    global _asked
    found, _asked = _asked, False
    return found


def set_worker_info(info: WorkerInfo) -> None:
    """Make this process a worker."""
    global _worker
    _worker = info


def current_rows() -> Rows | None:
    """The rows that a DataLoader fetches in this thread now; None outside of one."""
    return _rows.get()


@contextlib.contextmanager
def fetching(rows: Rows) -> Iterator[None]:
    """Inside the block `rows` are those that are being fetched."""
    token = _rows.set(rows)
    try:
        yield
    finally:
        _rows.reset(token)


@contextlib.contextmanager
def placed(place: int) -> Iterator[None]:
    """Inside the block draws belong to member `place` of a Compose: equal members draw differently."""
    token = _place.set(_place.get() * 64 + place + 1)
    try:
        yield
    finally:
        _place.reset(token)


def row_generator(seed: int, epoch: int, index: int, repeat: int = 0, use: int = 0) -> np.random.Generator:
    """The generator of one row: `Generator(Philox(key=[seed, epoch], counter=[0, use, repeat, index + 1]))`.

    `use` separates what draws for the same row. Each has 2**64 steps of its own, and none of them is a step
    of `generator(seed, epoch)`, which gives the order of the epoch.
    """
    key = np.array([seed, epoch], dtype=np.uint64)
    counter = np.array([0, use, repeat, index + 1], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def place_of_draw(name: int) -> int:
    """The number that separates the draws of one transform from those of others: its name and its place."""
    return (_place.get() & 0xFFFFFFFF) << 32 | name


def sample_generator(seed: int = 0) -> np.random.Generator:
    """A generator for the row that a DataLoader fetches now, for use in `dataset[i]` or in a `collate_fn`.

    It depends on (seed, epoch, index) alone, so an item is the same in any worker. A second call for the same
    row returns the same numbers again: pass another seed. For a whole batch it is that of its first row.
    RuntimeError outside of a DataLoader.
    """
    rows = current_rows()
    if rows is None:
        raise wrong(
            RuntimeError,
            "sample_generator",
            "no DataLoader is fetching a row",
            "call it inside dataset[i], or take numpy.random.default_rng(seed)",
        )
    return row_generator(check_seed(seed), rows.epoch, int(rows.indices[0]), int(rows.repeats[0]))


def seed_global_generators(seed: int, rows: Rows) -> None:
    """Make `random`, `numpy.random` and `te.randn` in a worker functions of (seed, epoch, index), too.

    Otherwise workers would either repeat the draws of each other or depend on their number.
    """
    words = row_generator(seed, rows.epoch, int(rows.indices[0]), int(rows.repeats[0]), use=1)
    drawn = words.integers(0, 2**32, 6, np.uint32)
    random.seed(int(drawn[0]) << 32 | int(drawn[1]))
    np.random.seed(int(drawn[2]))  # noqa: NPY002
    philox.manual_seed(int.from_bytes(drawn[3:].tobytes(), "little"))
