"""Random numbers from a counter (Philox4x64-10): any device can compute the i-th number without the others.

`Generator(seed)` produces the stream of `numpy.random.Philox(key=seed)`, four 64-bit words a step, and every
call starts at a fresh step, so a call is a function of (key, counter) alone. `uniform` in float64 is NumPy's
own `Generator(Philox(key=seed)).random(n)`, bit for bit. Normals come from Box and Muller's transform (1958)
and permutations from sorting random keys, because rejection sampling cannot be done in parallel at a known
place. Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np

from tinygrad_edu.backend import forks
from tinygrad_edu.errors import wrong
from tinygrad_edu.scalars import integer
from tinygrad_edu.shapes import Shape, check_size

Array = np.ndarray[Any, Any]
_WORDS = 4  # 64-bit words that a Philox step produces
_UNIT = 2.0**-53  # spacing of the doubles made from 53 random bits
_LIMIT = 2**256  # the counter is four 64-bit words long
_advancing = forks.lock()


class Generator:
    """A stream of random numbers: `key` selects the stream, `counter` is the position in it.

    Several threads may share a generator.
    """

    def __init__(self, seed: int = 0) -> None:
        self.key, self.counter = integer(seed, "seed"), 0
        if not 0 <= self.key < 2**128:
            raise wrong(ValueError, None, f"seed {seed} must be an integer from 0 to 2**128 - 1")

    def advance(self, count: int) -> int:
        """Skip `count` words, which another device computes; returns the counter of the first of them."""
        count = integer(count, "count", least=0)
        with _advancing:
            for places in _position_records.get():
                places.setdefault(self, self.state_dict())
            start, self.counter = self.counter, (self.counter + -(-count // _WORDS)) % _LIMIT
        return start

    def words(self, count: int) -> Array:
        """The next `count` 64-bit words of the stream, shape (count,), uint64."""
        count = integer(count, "count", least=0)
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
            raise wrong(
                ValueError, "randint", f"the range [{low}, {high}) must hold between 1 and 2**53 integers"
            )
        return np.floor(self.uniform(shape, np.float64) * (high - low)).astype(np.int64) + low

    def permutation(self, n: int) -> Array:
        """The integers 0 to n - 1 in random order: the stable sort order of n random words."""
        return np.argsort(self.words(n), kind="stable")

    def spawn(self, *path: int) -> Generator:
        """An independent stream for (this key, path), such as (rank, step); this stream does not advance."""
        seeds = [self.key, *(integer(n, "path") for n in path)]
        words = np.random.SeedSequence(seeds).generate_state(2, np.uint64)
        return Generator(int(words[0]) | int(words[1]) << 64)

    def state_dict(self) -> dict[str, int]:
        """The key and the position of the stream, as integers."""
        return {"key": self.key, "counter": self.counter}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go back to the key and position of `state`.

        Raises KeyError, TypeError or ValueError, and changes nothing, if `state` is not a generator's.
        """
        key, counter = integer(state["key"], "key"), integer(state["counter"], "counter")
        if not (0 <= key < 2**128 and 0 <= counter < _LIMIT):
            raise wrong(ValueError, None, f"a generator has no key {key:#x} or no counter {counter:#x}")
        self.key, self.counter = key, counter

    def __getstate__(self) -> dict[str, int]:
        """A copied or unpickled generator continues from this position, independently of this one."""
        return self.state_dict()

    def __setstate__(self, state: dict[str, int]) -> None:
        self.load_state_dict(state)

    def __repr__(self) -> str:
        return f"Generator(key={self.key}, counter={self.counter})"


default = Generator(0)
_position_records: ContextVar[tuple[dict[Generator, dict[str, int]], ...]] = ContextVar(
    "_position_records", default=()
)
_replacement: ContextVar[Generator | None] = ContextVar("_replacement", default=None)


def current() -> Generator:
    """The generator of random functions without `generator=`: the default one, or its replacement."""
    return _replacement.get() or default


@contextlib.contextmanager
def replacing_default(generator: Generator) -> Iterator[None]:
    """Inside the block, and in this thread only, `generator` replaces the default generator."""
    before = _replacement.get()
    try:
        _replacement.set(generator)
        yield
    finally:
        _replacement.set(before)


@contextlib.contextmanager
def recording_positions(places: dict[Generator, dict[str, int]]) -> Iterator[None]:
    """Inside the block, in this thread only, record the position of each generator before its first draw."""
    before = _position_records.get()
    try:
        _position_records.set((*before, places))
        yield
    finally:
        _position_records.set(before)


@contextlib.contextmanager
def restoring(places: dict[Generator, dict[str, int]]) -> Iterator[None]:
    """Inside the block the generators are at the positions in `places`; afterwards at their old ones."""
    now = {generator: generator.state_dict() for generator in places}
    try:
        for generator, place in places.items():
            generator.load_state_dict(place)
        yield
    finally:
        for generator, place in now.items():
            generator.load_state_dict(place)


def manual_seed(seed: int) -> Generator:
    """Restart the default generator at `seed`; every random function without `generator=` draws from it.

    The orders of `te.data`, of a DataLoader, a sampler or a split, follow from their own `seed=` instead.
    In a thread that has a replacement of the default one, as a rank of a ThreadCluster, that is restarted.
    """
    fresh, generator = Generator(seed), current()
    generator.key, generator.counter = fresh.key, 0
    return generator
