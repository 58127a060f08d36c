"""Datasets for the tests of worker processes, in a module of their own because workers import it."""

from __future__ import annotations

import os
import random
import signal
import time

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.data import IterableDataset, get_worker_info, sample_generator


class Rows:
    """`count` rows without `take`; subclasses change what happens at one of them."""

    def __init__(self, count=12, bad=7):
        self.count, self.bad = count, bad

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if index == self.bad:
            self.happen()
        return np.array([index, index**2]), index

    def happen(self):
        pass


class Raising(Rows):
    def happen(self):
        raise KeyError("the row is bad")


class Exiting(Rows):
    def happen(self):
        os._exit(3)


class Killed(Rows):
    def happen(self):
        os.kill(os.getpid(), signal.SIGKILL)


class Slow(Rows):
    def happen(self):
        time.sleep(0.5)


class Stuck(Rows):
    def happen(self):
        time.sleep(600)


class Drawing(Rows):
    """Items with random numbers of every kind of generator that a row may use."""

    def __getitem__(self, index):
        own = sample_generator(5).normal()
        if get_worker_info() is None:
            return index, own, 0.0, 0.0, 0.0
        return index, own, random.random(), np.random.random(), te.randn(1).item()  # noqa: NPY002


class Whole(Rows):
    """A dataset with `take` that fails for one row."""

    def take(self, indices):
        if self.bad in indices:
            raise ValueError(f"cannot read {indices.tolist()}")
        return (np.asarray(indices),)


class Large(Rows):
    """Items far larger than the buffer of a pipe."""

    def __getitem__(self, index):
        return np.full(300_000, index, np.float32)


class Uneven(Rows):
    """Items whose arrays are large, empty, and of sizes that are no multiple of a line of the cache."""

    def __getitem__(self, index):
        large = np.full(70_001 + index, index, np.uint8)
        return np.zeros((0, 3)), large, np.asfortranarray(np.arange(6.0).reshape(2, 3)), "text", large[:3]


class Counting(IterableDataset):
    """The numbers below `count`; a raw item is decoded into its square."""

    def __init__(self, count=11, bad=None):
        self.count, self.bad, self.epoch = count, bad, 0

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __iter__(self):
        return iter(range(1000 * self.epoch, 1000 * self.epoch + self.count))

    def decode(self, item):
        if item == self.bad:
            raise ValueError("no square")
        return item, item**2


class Part(IterableDataset):
    """A stream that chooses the items of each worker by itself: every n-th, or a share of them in a row."""

    def __init__(self, count, contiguous=False):
        self.count, self.contiguous = count, contiguous

    def __iter__(self):
        info = get_worker_info()
        which, workers = (0, 1) if info is None else (info.id, info.num_workers)
        if self.contiguous:
            share = -(-self.count // workers)
            yield from range(which * share, min(self.count, (which + 1) * share))
        else:
            yield from range(which, self.count, workers)

    def decode(self, item):
        return item, float(sample_generator().random())


class Counted(IterableDataset):
    """A stream that a worker_init_fn could cut."""

    def __init__(self):
        self.stop = 6

    def __iter__(self):
        yield from range(self.stop)


def cut(number):
    """A worker_init_fn that gives each worker a part of the stream."""
    get_worker_info().dataset.stop = 3


class LatePart(IterableDataset):
    """Asks too late."""

    def __iter__(self):
        for i in range(20):
            yield i
            get_worker_info()


class Process(Rows):
    def __getitem__(self, index):
        info = get_worker_info()
        return os.getpid(), info.id, info.num_workers


class Unpicklable(Rows):
    def __init__(self):
        super().__init__()
        self.function = lambda: 1


def initialise(number):
    """A worker_init_fn that leaves a trace."""
    os.environ["WORKER_OF_A_TEST"] = str(number)


def refuse(number):
    raise RuntimeError(f"worker {number} does not want to")


class Traced(Rows):
    def __getitem__(self, index):
        return int(os.environ["WORKER_OF_A_TEST"]) == get_worker_info().id


def pairs(items):
    """A collate_fn."""
    return (np.array([y for _, y in items]),)


def double(x, y):
    """A transform."""
    return x * 2, y
