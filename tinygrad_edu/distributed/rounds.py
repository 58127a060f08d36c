"""Whole collectives at once, round by round, for the simulated cluster: their results and their times.

`perform` in `work.py` sends each message of a schedule; a ring of 1024 ranks has two million. Here the arrays
of all ranks are at hand. So only the additions are done that lead to the result, in the same order, and the
result is copied to all ranks: every rank has the same bits anyway. The times of a round follow from those of
the round before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.distributed.network import Network, Seconds
from tinygrad_edu.distributed.schedules import Indices, Round, Schedule, bounds

Array = np.ndarray[Any, Any]

MESSAGES = 8192  # above it, additions are done for all messages of a round at once


class Plan(NamedTuple):
    """What is computed of a schedule once.

    additions  the rounds that combine, without the messages whose sums no result needs
    result     chunk c of the result is that of rank `result[c]` after these rounds
    groups     the rounds for their times: consecutive ones are one group if no message of it has to wait for
               another one to arrive; and whether each rank sends once and receives once at most
    """

    additions: tuple[Round, ...]
    result: Indices
    groups: tuple[tuple[Round, bool], ...]


_PLANS: dict[int, tuple[Schedule, Plan]] = {}  # by identity; schedules are created once for each size


def plan(schedule: Schedule) -> Plan:
    """The plan of a schedule of which every rank gets the whole result."""
    found = _PLANS.get(id(schedule))
    if found is None:
        found = _PLANS[id(schedule)] = schedule, _plan(schedule)
    return found[1]


def _plan(schedule: Schedule) -> Plan:
    size, every = len(schedule.owned), np.arange(schedule.chunks)
    needed = np.zeros((size, schedule.chunks), bool)
    needed[0] = True  # rank 0's result stands for all
    additions: list[Round] = []
    for i in reversed(range(len(schedule.rounds))):
        source, target, chunk, combine = schedule.rounds[i]
        kept = needed[target, chunk]
        source, target, chunk = source[kept], target[kept], chunk[kept]
        if not combine:
            needed[target, chunk] = False
        needed[source, chunk] = True
        if i == schedule.complete:
            result = needed.argmax(0)
        if i < schedule.complete:
            additions.insert(0, Round(source, target, chunk, True))
    if schedule.complete == len(schedule.rounds):
        result = np.zeros(schedule.chunks, np.int64)
    assert schedule.complete or (result == every).all()
    return Plan(tuple(additions), result, tuple(_groups(schedule)))


def _groups(schedule: Schedule) -> list[tuple[Round, bool]]:
    groups: list[list[Round]] = []
    targets: set[int] = set()
    for one in schedule.rounds:
        if groups and targets.isdisjoint(one.source.tolist()):
            groups[-1].append(one)
        else:
            groups.append([one])
            targets = set()
        targets.update(one.target.tolist())
    found = []
    for group in groups:
        source, target, chunk = (np.concatenate([one[i] for one in group]) for i in range(3))
        single = len(set(source.tolist())) == len(source) and len(set(target.tolist())) == len(target)
        found.append((Round(source, target, chunk, True), single))
    return found


def compute(schedule: Schedule, flats: Sequence[Array], combine: np.ufunc | None, divisor: int) -> None:
    """The results of a collective in the flat arrays of all ranks, with the bits that `perform` computes."""
    additions, owner, _ = plan(schedule)
    if sum(len(one.source) for one in additions) <= MESSAGES:
        result = _one_by_one(schedule, additions, owner, flats, combine)
    else:
        assert combine is not None
        result = _together(schedule, additions, owner, flats, combine)
    if divisor != 1:
        np.divide(result, divisor, out=result)
    for flat in flats:
        flat[...] = result


def _one_by_one(
    schedule: Schedule, additions: Sequence[Round], owner: Indices, flats: Sequence[Array],
    combine: np.ufunc | None,
) -> Array:  # fmt: skip
    """Add in the arrays of the ranks, which get the result afterwards."""
    places = bounds(len(flats[0]), schedule.chunks)
    for one in additions:
        for source, target, chunk in zip(one.source.tolist(), one.target.tolist(), one.chunk.tolist()):
            own = flats[target][places[chunk]]
            assert combine is not None
            combine(own, flats[source][places[chunk]], out=own)
    return np.concatenate([flats[rank][place] for rank, place in zip(owner.tolist(), places)])


def _together(
    schedule: Schedule, additions: Sequence[Round], owner: Indices, flats: Sequence[Array], combine: np.ufunc
) -> Array:
    """Add for all messages of a round at once, with chunks that are padded to one width."""
    ends = np.array([place.stop for place in bounds(len(flats[0]), schedule.chunks)])
    begins = np.concatenate([[0], ends[:-1]])
    width = int((ends - begins).max())
    padded = np.minimum(begins[:, None] + np.arange(width), len(flats[0]) - 1)
    numbers = np.stack(flats).take(padded.reshape(-1), axis=1).reshape(-1, width)
    for source, target, chunk, _ in additions:
        own, other = target * schedule.chunks + chunk, source * schedule.chunks + chunk
        numbers[own] = combine(numbers.take(own, axis=0), numbers.take(other, axis=0))
    found = numbers[owner * schedule.chunks + np.arange(schedule.chunks)]
    return found[np.arange(width) < (ends - begins)[:, None]]


def finish_times(schedule: Schedule, nbytes: Sequence[int], network: Network, start: Seconds) -> Seconds:
    """When each rank has the result, if rank r takes part from `start[r]` on.

    nbytes  of each chunk; those without bytes are not sent

    In a round a rank sends when it has what the round before brought, and goes on when its port has sent and
    its own chunk has arrived. A port carries one message at a time.
    """
    now, incoming = start.copy(), np.zeros(len(start))
    transmission = np.array(nbytes) / network.bandwidth
    is_empty = np.array(nbytes) == 0
    any_empty = bool(is_empty.any())
    for (source, target, chunk, _), single in plan(schedule).groups:
        if any_empty:
            kept = ~is_empty[chunk]
            source, target, chunk = source[kept], target[kept], chunk[kept]
        if not single:
            _queue(source.tolist(), target.tolist(), transmission[chunk].tolist(), network, now, incoming)
            continue
        begin, seconds = now.take(source) + network.overhead, transmission.take(chunk)
        arrival = np.maximum(begin + network.latency, incoming.take(target)) + seconds
        incoming[target] = arrival
        now[source] = begin + seconds
        now[target] = np.maximum(now.take(target), arrival) + network.overhead
    return now


def _queue(
    sources: list[int], targets: list[int], seconds: list[float], network: Network, now: Seconds,
    incoming: Seconds,
) -> None:  # fmt: skip
    """The same for messages that share ports: first come, first served."""
    begins: list[float] = []
    outgoing = {source: float(now[source]) for source in sources}
    for source, duration in zip(sources, seconds):
        begins.append(outgoing[source] + network.overhead)
        outgoing[source] = begins[-1] + duration
    for i in sorted(range(len(begins)), key=begins.__getitem__):
        target = targets[i]
        incoming[target] = max(begins[i] + network.latency, incoming[target]) + seconds[i]
        now[target] = max(now[target], incoming[target]) + network.overhead
    for source, end in outgoing.items():
        now[source] = max(now[source], end)
