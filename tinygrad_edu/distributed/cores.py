"""Cores: the processors of one host, which the ranks of a simulated cluster share as its processes do."""

from __future__ import annotations

import heapq

from tinygrad_edu.distributed.virtual_time import VirtualTime


class Cores:
    """`count` cores. All ranks that compute get equal parts of them, and no rank more than one core.

    That is what an operating system comes near to that gives the cores to its processes in turn.
    Source: Kleinrock, "Time-shared systems: a theoretical treatment", Journal of the ACM 1967 (processor
    sharing).
    """

    def __init__(self, count: int, time: VirtualTime) -> None:
        self.count, self.time = count, time
        self._served, self._since = (
            0.0,
            0.0,
        )  # seconds of a core that whoever computes has got, until a moment
        self._ends: list[tuple[float, int]] = []  # how much will be served when a rank is done: a heap
        self._next: int | None = None  # the event of the first end

    def occupy(self, rank: int, seconds: float) -> None:
        """Let the time pass until a rank, which runs, has had a core for that long."""
        self._serve()
        heapq.heappush(self._ends, (self._served + seconds, rank))
        self._plan()
        self.time.pause(rank)

    def _rate(self) -> float:
        return min(1.0, self.count / len(self._ends)) if self._ends else 0.0

    def _serve(self) -> None:
        """Account for the time since the last change."""
        self._served += (self.time.now - self._since) * self._rate()
        self._since = self.time.now

    def _plan(self) -> None:
        """Set the event of the first end anew: it is sooner or later when a rank begins or ends."""
        if self._next is not None:
            self.time.cancel(self._next)
            self._next = None
        if self._ends:
            seconds = max(self._ends[0][0] - self._served, 0.0) / self._rate()
            self._next = self.time.at(self.time.now + seconds, self._finish)

    def _finish(self) -> None:
        self._serve()
        end, rank = heapq.heappop(self._ends)
        self._served, self._next = end, None  # without the rounding of the sums
        self.time.wake(rank, self.time.now)
        self._plan()
