"""Schedules: the algorithms of collectives as data, rounds of messages between ranks.

A schedule says who sends which chunk to whom in each round, and whether the receiver adds it to its own or
replaces its own. Every cluster runs the same schedules: threads and MPI send the messages, the simulated
cluster computes with whole rounds. So the order of additions, and with it every bit of a sum, is the same on
all clusters. Every rank also gets the same bits, because each chunk is summed up once and then copied, or, in
`tree`, because a + b is b + a.

Costs for n ranks and S bytes, with `alpha` seconds a message and `beta` seconds a byte (Hockney 1994):

    ring   2 (n - 1) rounds, each rank sends 2 S (n - 1) / n bytes: best for many bytes
           Source: Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms", JPDC 2009.
    tree   about log2 n rounds of S bytes: best for few bytes; this is recursive doubling
           Source: Thakur, Rabenseifner, Gropp, "Optimization of collective communication operations in
           MPICH", IJHPCA 2005.
    star   all ranks send S bytes to rank 0, which adds them in the order of ranks and sends the sum back, as
           a parameter server does: rank 0 handles 2 S (n - 1) bytes
"""

from __future__ import annotations

import functools
import itertools
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.errors import wrong

Indices = np.ndarray[Any, np.dtype[np.int64]]

SMALL = 1 << 14  # bytes up to which a tree takes less time than a ring, on shared memory
WHOLE, NOTHING = -1, -2  # what a rank owns after the sums are complete, where it is not one chunk


class Round(NamedTuple):
    """Messages that may travel at once: message i carries `chunk[i]` from `source[i]` to `target[i]`.

    combine  whether the target combines it with its own chunk; else it replaces its own
    Each chunk of a target is in one message at most.
    """

    source: Indices
    target: Indices
    chunk: Indices
    combine: bool


class Schedule(NamedTuple):
    """The rounds of a collective on arrays that are cut into `chunks` parts.

    Before round `complete`, each chunk is complete at the ranks that own it: `owned[rank]` is the index of a
    chunk, WHOLE or NOTHING. The rounds after it only copy. There a mean divides by the number of ranks.
    """

    chunks: int
    rounds: tuple[Round, ...]
    complete: int
    owned: tuple[int, ...]


class Step(NamedTuple):
    """One rank's part of a round. Each message is (the other rank, index of the chunk)."""

    sends: tuple[tuple[int, int], ...]
    receives: tuple[tuple[int, int], ...]
    combine: bool


def _round(source: Any, target: Any, chunk: Any, combine: bool) -> Round:
    s, t, c = np.broadcast_arrays(*(np.asarray(part, np.int64) for part in (source, target, chunk)))
    return Round(s.ravel(), t.ravel(), c.ravel(), combine)


@functools.cache
def ring(size: int) -> Schedule:
    """All-reduce: n - 1 rounds around the ring that add, then n - 1 that copy, a chunk a rank each."""
    ranks = np.arange(size)
    after = (ranks + 1) % size
    adding = [_round(ranks, after, (ranks - i) % size, True) for i in range(size - 1)]
    copying = [_round(ranks, after, (ranks + 1 - i) % size, False) for i in range(size - 1)]
    return Schedule(size, (*adding, *copying), size - 1, tuple(after.tolist()))


@functools.cache
def tree(size: int) -> Schedule:
    """All-reduce by recursive doubling: in round k, ranks that differ in bit k exchange all and add it.

    Ranks above the largest power of two give theirs to a partner before, and get the sum after.
    """
    power = 1 << (size.bit_length() - 1)
    extra = np.arange(power, size)
    core = np.arange(power)
    rounds = [_round(extra, extra - power, 0, True)] if len(extra) else []
    rounds += [_round(core, core ^ (1 << k), 0, True) for k in range(power.bit_length() - 1)]
    complete = len(rounds)
    if len(extra):
        rounds.append(_round(extra - power, extra, 0, False))
    return Schedule(1, tuple(rounds), complete, tuple([WHOLE] * power + [NOTHING] * len(extra)))


@functools.cache
def star(size: int) -> Schedule:
    """All-reduce through rank 0, which adds in the order of ranks."""
    adding = [_round([r], [0], 0, True) for r in range(1, size)]
    copying = [_round([0], [r], 0, False) for r in range(1, size)]
    return Schedule(1, (*adding, *copying), len(adding), tuple([WHOLE] + [NOTHING] * (size - 1)))


@functools.cache
def spread(size: int, root: int) -> Schedule:
    """Broadcast from `root` by a binomial tree: in each round every rank that has the data sends it on."""
    rounds, have = [], 1
    while have < size:
        source = np.arange(min(have, size - have))
        rounds.append(_round((source + root) % size, (source + have + root) % size, 0, False))
        have *= 2
    return Schedule(1, tuple(rounds), 0, tuple([NOTHING] * size))


@functools.cache
def collect(size: int) -> Schedule:
    """All-gather around the ring: chunk r begins at rank r, and every rank ends with all of them."""
    ranks = np.arange(size)
    rounds = [_round(ranks, (ranks + 1) % size, (ranks - i) % size, False) for i in range(size - 1)]
    return Schedule(size, tuple(rounds), 0, tuple([NOTHING] * size))


ALL_REDUCE = {"ring": ring, "tree": tree, "star": star}


def all_reduce(algorithm: str | None, size: int, nbytes: int) -> tuple[str, Schedule]:
    """The algorithm's name and its schedule; None chooses by the number of bytes, the same on every rank."""
    name = algorithm or ("tree" if nbytes <= SMALL else "ring")
    if name not in ALL_REDUCE:
        raise wrong(
            ValueError, "all_reduce", f"algorithm={name!r}", f"there are {', '.join(ALL_REDUCE)}, and None"
        )
    return name, ALL_REDUCE[name](size)


def part(schedule: Schedule, rank: int) -> tuple[Step, ...]:
    """What one rank sends and receives in each round of a schedule."""
    found = []
    for source, target, chunk, combine in schedule.rounds:
        sends, receives = source == rank, target == rank
        found.append(
            Step(
                tuple(zip(target[sends].tolist(), chunk[sends].tolist())),
                tuple(zip(source[receives].tolist(), chunk[receives].tolist())),
                combine,
            )
        )
    return tuple(found)


@functools.lru_cache(maxsize=256)
def bounds(length: int, chunks: int) -> tuple[slice, ...]:
    """Where each chunk lies in an array of `length` elements; some are empty if there are fewer elements."""
    ends = [length * i // chunks for i in range(chunks + 1)]
    return tuple(slice(a, b) for a, b in itertools.pairwise(ends))
