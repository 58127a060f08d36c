"""Random numbers from a counter: Philox4x64-10, so that any device can make the i-th number without the
others.

`Generator(seed)` walks the stream of `numpy.random.Philox(key=seed)`, four 64-bit words a step, and every
call starts at a fresh step, so a call is a function of (key, counter) alone. `uniform` in float64 is NumPy's
own `Generator(Philox(key=seed)).random(n)`, bit for bit. Normals come from Box and Muller's transform (1958)
and permutations from sorting random keys, because rejection sampling cannot be done in parallel at a known
place. Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""
from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np

from tinygrad_edu.shapes import Shape, check_size

Array = np.ndarray[Any, Any]
_WORDS = 4                  # 64-bit words a Philox step yields
_UNIT = 2.0**-53            # spacing of the doubles made from 53 random bits
_LIMIT = 2**256             # the counter is four 64-bit words long


class Generator:
    """A stream of random numbers: `key` says which stream, `counter` how far along it is. Safe to share by
    threads."""

    def __init__(self, seed: int = 0) -> None:
        if not 0 <= int(seed) < 2**128:
            raise ValueError(f"seed {seed} must be an integer from 0 to 2**128 - 1")
        self.key, self.counter = int(seed), 0
        self._lock = threading.Lock()

    def advance(self, count: int) -> int:
        """Pass over the next `count` words, to be made elsewhere; returns the counter they begin at."""
        with self._lock:
            start, self.counter = self.counter, (self.counter + -(-count // _WORDS)) % _LIMIT
        return start

    def words(self, count: int) -> Array:
        """The next `count` 64-bit words of the stream, shape (count,), uint64."""
        start = self.advance(count)
        bits = np.random.Philox(key=self.key, counter=start)
        return np.asarray(bits.random_raw(count), np.uint64) if count else np.empty(0, np.uint64)

    def uniform(self, shape: Shape, dtype: Any = np.float32) -> Array:
        """Uniform on [0, 1): 53 random bits for float64, the top 24 of each word for float32."""
        shape, dtype = check_size(shape), np.dtype(dtype)
        words = self.words(math.prod(shape))
        if dtype == np.float32:
            return ((words >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)).reshape(shape)
        return ((words >> np.uint64(11)).astype(np.float64) * _UNIT).astype(dtype, copy=False).reshape(shape)

    def normal(self, shape: Shape, dtype: Any = np.float32) -> Array:
        """Standard normal: Box and Muller's transform of pairs of uniforms, computed in float64."""
        shape = check_size(shape)
        count = math.prod(shape)
        u = ((self.words(2 * -(-count // 2)) >> np.uint64(11)).astype(np.float64) * _UNIT).reshape(-1, 2)
        radius, angle = np.sqrt(-2.0 * np.log1p(-u[:, 0])), 2.0 * math.pi * u[:, 1]
        pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
        return pairs.reshape(-1)[:count].astype(dtype).reshape(shape)

    def integers(self, low: int, high: int, shape: Shape) -> Array:
        """Integers of [low, high), int64, from 53 random bits each. Raises ValueError on an empty range."""
        if not 0 < high - low <= 2**53:
            raise ValueError(f"randint: the range [{low}, {high}) must hold between 1 and 2**53 integers")
        return np.floor(self.uniform(shape, np.float64) * (high - low)).astype(np.int64) + low

    def permutation(self, n: int) -> Array:
        """The integers 0 to n - 1 in random order: the stable sort order of n random words."""
        return np.argsort(self.words(n), kind="stable")

    def spawn(self, *path: int) -> Generator:
        """An independent stream for (this key, path), such as (rank, step); it does not move this one."""
        words = np.random.SeedSequence([self.key, *path]).generate_state(2, np.uint64)
        return Generator(int(words[0]) | int(words[1]) << 64)

    def state_dict(self) -> dict[str, int]:
        """Where the stream is: plain integers."""
        return {"key": self.key, "counter": self.counter}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go to where `state` was taken. Raises KeyError, changing nothing, when it is not a generator's."""
        key, counter = int(state["key"]), int(state["counter"])
        self.key, self.counter = key, counter

    def __getstate__(self) -> dict[str, int]:
        """A copy, or what comes out of a pickle, goes on from here by itself; the lock stays behind."""
        return self.state_dict()

    def __setstate__(self, state: dict[str, int]) -> None:
        self._lock = threading.Lock()
        self.load_state_dict(state)

    def __repr__(self) -> str:
        return f"Generator(key={self.key}, counter={self.counter})"


default = Generator(0)
_stand_in: ContextVar[Generator | None] = ContextVar("_stand_in", default=None)


def current() -> Generator:
    """What random functions without `generator=` draw from: the default generator, or what stands in for it.
    """
    return _stand_in.get() or default


@contextlib.contextmanager
def drawing_from(generator: Generator) -> Iterator[None]:
    """For a while, and in this thread only, `generator` stands in for the default one."""
    token = _stand_in.set(generator)
    try:
        yield
    finally:
        _stand_in.reset(token)


def manual_seed(seed: int) -> Generator:
    """Restart the default generator at `seed`; every random function without `generator=` draws from it."""
    fresh = Generator(seed)
    default.key, default.counter = fresh.key, 0
    return default
