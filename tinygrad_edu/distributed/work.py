"""Work: a collective or a message that is in progress, and `Waiting`, the text of what a rank waits for.

A collective is a generator that starts the messages of a round, yields their requests, and combines what
arrived. So a rank can start it, compute, and call `advance` now and then: the messages travel meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinygrad_edu.distributed.schedules import NOTHING, WHOLE, Schedule, Step, bounds

if TYPE_CHECKING:
    from tinygrad_edu.distributed.comm import Comm

Array = np.ndarray[Any, Any]
POLLS = 64  # calls of is_completed in vain, after which it looks whether the others still take part
Requests = Generator[Sequence[Any], None, None]


class Waiting(NamedTuple):
    """What a rank waits for, for errors: `all_reduce number 3 of 400 bytes float32 (100,)`.

    operation  the function that was called
    number     the how many-th collective of this rank it is, from 1; 0 for a message between two ranks
    details    bytes, dtype, tag: what has to be equal on both sides
    """

    operation: str
    number: int
    details: str

    def __str__(self) -> str:
        number = f"number {self.number}" if self.number else ""
        return " ".join(filter(None, (self.operation, number, self.details)))


class Work:
    """A collective or message in progress. `wait()` returns when it is done; do not touch its array before.

    Several may be in progress; all ranks have to start their collectives in the same order.
    """

    def __init__(
        self, comm: Comm, waiting: Waiting, requests: Requests, finish: Callable[[], None] | None = None
    ) -> None:
        self.comm, self.waiting = comm, waiting
        self._requests, self._finish = requests, finish
        self._pending: list[Any] = []
        self._done = False
        self._polled: tuple[int, float] | None = None  # how often in vain, and since when
        self.advance()

    def is_completed(self) -> bool:
        """Whether it is done, without waiting; messages that have arrived are handled.

        Raises DistributedError, as `wait` does, if it never will be.
        """
        self.advance()
        if not self._done:
            polls, since = self._polled or (0, self.comm.clock())
            self._polled = polls + 1, since
            if polls % POLLS == POLLS - 1:
                self.comm._check_poll(self, since)
        return self._done

    def advance(self) -> None:
        """Handle what has arrived, and start the messages of the next round."""
        while not self._done:
            self._pending = [request for request in self._pending if not self.comm._is_done(request)]
            if self._pending:
                return
            try:
                self._pending = list(next(self._requests))
            except StopIteration:
                self._done = True
                self.comm._works.discard(self)
                if self._finish is not None:
                    self._finish()

    def wait(self) -> None:
        """Wait until it is done. Raises DistributedError if the other ranks do not take part in time."""
        self.advance()
        while not self._done:
            self.comm._wait_for_any(self._pending, self.waiting)
            self.advance()


def perform(
    comm: Comm,
    schedule: Schedule,
    steps: Sequence[Step],
    flat: Array,
    combine: np.ufunc | None,
    divisor: int,
    key: int,
) -> Requests:
    """One rank's part of a collective on a flat array, in place.

    combine  how what arrives is combined with this rank's own
    divisor  the complete sums are divided by it, once for each element
    key      tells its messages from those of other collectives
    """
    count = schedule.chunks
    chunks = [flat] if count == 1 else [flat[place] for place in bounds(len(flat), count)]
    space: Array | None = None
    owned = schedule.owned[comm.rank]
    for i, step in enumerate(steps):
        if i == schedule.complete:
            _divide(flat, chunks, owned, divisor)
        if step.combine and step.receives and space is None:
            space = np.empty(-(-len(flat) // count), flat.dtype)  # as many as the largest chunk has
        requests, arriving = [], []
        for source, chunk in step.receives:
            into = chunks[chunk]
            if len(into) and step.combine:
                assert space is not None
                other = space if len(into) == len(space) else space[: len(into)]
                arriving.append((into, other))
                requests.append(comm._receive(other, source, key))
            elif len(into):
                requests.append(comm._receive(into, source, key))
        for target, chunk in step.sends:
            if len(chunks[chunk]):
                requests.append(comm._send(chunks[chunk], target, key))
        if requests:
            yield requests
        for own, other in arriving:
            assert combine is not None
            combine(own, other, out=own)
    if schedule.complete == len(steps):
        _divide(flat, chunks, owned, divisor)


def _divide(flat: Array, chunks: list[Array], owned: int, divisor: int) -> None:
    """Divide what this rank owns of the complete sums."""
    if divisor != 1 and owned != NOTHING:
        whole = flat if owned == WHOLE else chunks[owned]
        np.divide(whole, divisor, out=whole)
