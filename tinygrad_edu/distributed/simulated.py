"""SimulatedCluster: a thousand ranks on a laptop, in virtual time.

The ranks compute real gradients, one rank at a time, so what they learn is real, and so is the effect of
stale gradients. Only the clock is a model: a gradient takes what a model of computation says, a message takes
what a network needs. The same seed gives the same bits and the same times.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.distributed.cluster import Cluster, run_rank
from tinygrad_edu.distributed.comm import Comm
from tinygrad_edu.distributed.compute import ComputeModel, Times, constant
from tinygrad_edu.distributed.exchange import Exchange, Request
from tinygrad_edu.distributed.network import Network
from tinygrad_edu.distributed.schedules import ALL_REDUCE, Schedule
from tinygrad_edu.distributed.virtual_time import start_with_small_stacks
from tinygrad_edu.distributed.work import Array, Requests, Waiting, Work
from tinygrad_edu.errors import wrong
from tinygrad_edu.scalars import integer

_FOR_ALL = {*ALL_REDUCE, "collect"}  # schedules in which every rank waits for every other one
FEW = 16  # ranks up to which collectives are sent message by message, unless it is said
_POLLS = 10_000  # after so many in a row without a result, a rank that only polls lets time pass


class SimulatedComm(Comm):
    """A rank whose clock is virtual; made by SimulatedCluster."""

    def __init__(self, rank: int, exchange: Exchange, times: Times, update: float) -> None:
        self._exchange, self._times, self._update = exchange, times, update
        self._gradients, self._part, self._polls = 0, 0.0, 0
        super().__init__(rank, exchange.size)

    def clock(self) -> float:
        """Virtual seconds since the start of the job."""
        return self._exchange.time.now

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass; it occupies no core."""
        if not 0.0 <= seconds < math.inf:
            raise wrong(ValueError, "sleep", f"seconds={seconds!r}", "give seconds, 0 or more")
        self._exchange.sleep(self.rank, seconds)

    def computed(self, share: float = 1.0) -> None:
        """Let the time pass that the model of computation says for a share of this rank's current gradient.

        When shares have added up to 1, the next gradient begins, with a time of its own.
        """
        if not 0.0 <= share < math.inf:
            raise wrong(ValueError, "computed", f"share={share!r}", "give a part of a gradient, 0 or more")
        seconds = 0.0
        while share > 1e-9:
            now, drawn = min(share, 1.0 - self._part), self._times(self.rank, self._gradients)
            if not 0.0 <= drawn < math.inf:
                raise wrong(
                    ValueError, "SimulatedCluster",
                    f"compute says {drawn!r} seconds for gradient {self._gradients} of rank {self.rank}",
                    "return seconds, 0 or more",
                )  # fmt: skip
            seconds += now * drawn
            self._part, share = self._part + now, share - now
            if self._part > 1.0 - 1e-9:
                self._gradients, self._part = self._gradients + 1, 0.0
        self._compute("compute", seconds)

    def updated(self) -> None:
        """Let the time of an update on the server pass."""
        self._compute("update", self._update)

    def _compute(self, kind: str, seconds: float) -> None:
        since = self._since
        self._exchange.compute(self.rank, seconds)
        self.note(kind, since)

    def wait_any(self, works: Sequence[Work]) -> int:
        """Wait until one of them is done; returns the index of that which was done first."""
        while True:
            now, first, chosen = self.clock(), float("inf"), -1
            for i, work in enumerate(works):
                if work._done:
                    return i
                moment = 0.0
                for request in work._pending:
                    if request.moment is None or request.moment > now:
                        break
                    moment = max(moment, request.moment)
                else:
                    if moment < first:
                        first, chosen = moment, i
            if chosen < 0:
                pending = [request for work in works for request in work._pending]
                self._wait_for_any(pending, works[0].waiting)
            elif works[chosen].is_completed():
                return chosen

    def run_schedule(
        self, which: tuple[str, int], schedule: Schedule, flat: Array, combine: np.ufunc | None, divisor: int,
        waiting: Waiting, finish: Callable[[], None] | None,
    ) -> Work:  # fmt: skip
        """Start a collective, message by message or, where every rank waits for all, as a whole."""
        if self._exchange.collectives == "messages" or which[0] not in _FOR_ALL or not (
            self.size > 1 and len(flat)
        ):  # fmt: skip
            return super().run_schedule(which, schedule, flat, combine, divisor, waiting, finish)

        def requests() -> Requests:
            yield [self._exchange.join(self.rank, which[0], waiting, schedule, flat, combine, divisor)]

        return self._start(waiting, requests(), finish)

    def _send(self, array: Array, target: int, key: int) -> Any:
        self._handle_message()
        return self._exchange.send(array, self.rank, target, key)

    def _receive(self, array: Array, source: int, key: int) -> Any:
        return self._exchange.receive(array, source, self.rank, key)

    def _is_done(self, request: Request) -> bool:
        if request.moment is None or request.moment > self._exchange.time.now:
            self._polls += 1
            if self._polls > _POLLS:
                self._polls -= 100
                if request.moment is not None:
                    self._exchange.time.wake(self.rank, request.moment)
                self._exchange.time.pause_until_next_event(self.rank)
                self._exchange.check(self.rank)
            return False
        self._polls = 0
        if request.message is not None and request.array is not None:
            request.array[...] = request.message
            request.message = None
            self._handle_message()
        return True

    def _handle_message(self) -> None:
        """Let the time pass that a message costs the processor."""
        overhead = self._exchange.ports.network.overhead
        if overhead:
            self._exchange.compute(self.rank, overhead)

    def _wait_for_any(self, requests: Sequence[Any], waiting: Waiting) -> None:
        begin = self.clock()
        done = self._exchange.wait(self.rank, requests, waiting)
        if done.array is None and done.group is None:
            self.note("send", begin, target=done.source)
        else:
            self.note("wait", begin, source=done.source)


class SimulatedCluster(Cluster):
    """`size` ranks that run in turn, in the order of their virtual clocks; up to a thousand or more.

    network      latency and bandwidth between ranks
    compute      how long a gradient takes: a model of `compute.py`, or a function (rank, step) -> seconds
    cores        the ranks share one host with so many cores, which all that compute have in equal parts;
                 None: each rank has a host
    update       seconds that a parameter server needs for each update
    seed         selects the random times of the model of computation
    timeline     whether to keep what each rank did and when, in `spans`
    collectives  "messages" sends each message of an all-reduce, as threads and MPI do; "rounds" computes all
                 of them together, which a thousand ranks need. Results have the same bits. The times of
                 "rounds" are those of ranks that begin a round when they have all of the last one, and of
                 ports that carry nothing else. None: messages up to 16 ranks, rounds above

    A collective that was started with `async_op=True` goes on while its rank computes. Those of one rank are
    served one after the other.

    seconds      after a run, the virtual time at which its last rank ended
    """

    def __init__(
        self,
        size: int,
        *,
        network: Network | None = None,
        compute: ComputeModel | Times | None = None,
        cores: int | None = None,
        update: float = 0.0,
        seed: int = 0,
        timeline: bool = False,
        collectives: str | None = None,
    ) -> None:
        super().__init__(integer(size, "size", least=1), timeline=timeline)
        if not (compute is None or isinstance(compute, ComputeModel) or callable(compute)):
            raise wrong(
                TypeError, "SimulatedCluster", f"compute={compute!r} is no model of computation",
                "write compute=distributed.constant(1e-3), or a function (rank, step) -> seconds",
            )  # fmt: skip
        if not (network is None or isinstance(network, Network)):
            raise wrong(
                TypeError, "SimulatedCluster", f"network={network!r} is no Network",
                "write network=distributed.Network(latency=50e-6, bandwidth=1.25e9)",
            )  # fmt: skip
        if not 0.0 <= update < math.inf:
            raise wrong(ValueError, "SimulatedCluster", f"update={update!r}", "give seconds, 0 or more")
        if cores is not None:
            cores = integer(cores, "cores", least=1)
        if collectives is None:
            collectives = "messages" if self.size <= FEW else "rounds"
        if collectives not in ("rounds", "messages"):
            raise wrong(
                ValueError, "SimulatedCluster", f"collectives={collectives!r}", "there are rounds, messages"
            )
        self.network = network if network is not None else Network()
        self.compute = compute if compute is not None else constant(1e-3)
        self.cores, self.update, self.seed, self.collectives = cores, update, seed, collectives
        self.seconds = 0.0

    def run(self, program: Callable[..., Any], *args: Any, **kwargs: Any) -> list[Any]:
        """The results of `program(comm, *args, **kwargs)` on each rank, in their order.

        The first error of a rank is raised here, with a note that names the rank; the others end then.
        """
        exchange = Exchange(self.size, self.network, self.cores, self.collectives)
        times = self.compute.bind(self.seed) if isinstance(self.compute, ComputeModel) else self.compute
        comms = [SimulatedComm(rank, exchange, times, self.update) for rank in range(self.size)]
        results: list[Any] = [None] * self.size
        errors: dict[int, BaseException] = {}

        def work(comm: SimulatedComm) -> None:
            exchange.time.await_baton(comm.rank)
            try:
                exchange.check(comm.rank)
                results[comm.rank] = run_rank(self, comm, program, args, kwargs)
            except BaseException as error:
                errors[comm.rank] = error
            exchange.leave(comm.rank, comm.rank in errors)

        self.start(comms)
        threads = [threading.Thread(target=work, args=(comm,), name=f"rank {comm.rank}", daemon=True)
                   for comm in comms]  # fmt: skip
        start_with_small_stacks(threads)
        try:
            exchange.time.begin()
            for thread in threads:
                thread.join()
        except BaseException:  # Ctrl-C: the ranks end at their next message
            exchange.failed = 0
            raise
        self.finish(comms)
        self.seconds = exchange.time.now
        self.raise_first(errors, exchange.failed)
        return results
