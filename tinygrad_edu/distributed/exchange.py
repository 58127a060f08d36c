"""What the ranks of a simulated cluster share: messages, ports, cores, collectives, the clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from tinygrad_edu.distributed import rounds
from tinygrad_edu.distributed.cores import Cores
from tinygrad_edu.distributed.fault import RankFailed, deadlock, ended
from tinygrad_edu.distributed.network import Network, Ports
from tinygrad_edu.distributed.schedules import Schedule, bounds
from tinygrad_edu.distributed.virtual_time import VirtualTime
from tinygrad_edu.distributed.work import Array, Waiting


class Request:
    """What a rank can wait for: a message that it sends or receives, or a whole collective.

    moment  when it is done, once that is known
    source  the rank that it depends on, as far as that is known
    array   where the message goes that it receives
    group   the collective
    """

    __slots__ = ("array", "group", "message", "moment", "owner", "source")

    def __init__(self, owner: int, source: int, *, moment: float | None = None, array: Array | None = None,
                 group: Group | None = None) -> None:  # fmt: skip
        self.owner, self.source, self.moment = owner, source, moment
        self.array, self.group = array, group
        self.message: Array | None = None


def _moment(request: Request) -> float:
    assert request.moment is not None
    return request.moment


class _Message:
    """A copy of what was sent; `arrival` is known when its first byte is at the receiver."""

    __slots__ = ("arrival", "array", "request")

    def __init__(self, array: Array) -> None:
        self.array = array
        self.arrival: float | None = None
        self.request: Request | None = None


class _Box:
    """Messages with one source, target and key that no request has, and requests that have no message."""

    __slots__ = ("messages", "requests")

    def __init__(self) -> None:
        self.messages: deque[_Message] = deque()
        self.requests: deque[Request] = deque()


class Group:
    """A collective that some ranks have called: each one's flat array, request, and time of the call."""

    __slots__ = ("begin", "combine", "divisor", "flats", "requests", "schedule")

    def __init__(self, schedule: Schedule, combine: np.ufunc | None, divisor: int) -> None:
        self.schedule, self.combine, self.divisor = schedule, combine, divisor
        self.flats: dict[int, Array] = {}
        self.requests: dict[int, Request] = {}
        self.begin: dict[int, float] = {}


class Exchange:
    """The state of a run. All of its methods are called by the rank that runs, or by an event.

    failed  the first rank whose program raised an error
    stuck   after a deadlock: what each rank waited for
    over    the ranks whose program has returned
    """

    def __init__(self, size: int, network: Network, cores: int | None, collectives: str) -> None:
        self.size, self.collectives = size, collectives
        self.ports = Ports(network, size)
        self.time = VirtualTime(size, self._idle)
        self.cores = Cores(cores, self.time) if cores is not None else None
        self.boxes: dict[tuple[int, int, int], _Box] = {}
        self.groups: dict[tuple[str, str], Group] = {}
        self.busy = np.zeros(size)  # until when each rank's collectives so far are in progress
        self.waiting: dict[int, tuple[Waiting, Sequence[Request]]] = {}  # of the ranks that are blocked
        self.unaware: set[int] = set()  # blocked ranks that do not know yet when they go on
        self.hopeless: set[int] = set()  # blocked ranks whose messages will not come, since ranks ended
        self.over: set[int] = set()
        self.failed: int | None = None
        self.stuck: dict[int, str] | None = None

    # -- messages --------------------------------------------------------------------------------------------

    def send(self, array: Array, source: int, target: int, key: int) -> Request:
        """Let a copy of the array go through the ports."""
        message, nbytes = _Message(array.copy()), array.nbytes
        box = self._box(source, target, key)
        if box.requests:
            self._pair(box.requests.popleft(), message)
            if not box.requests:
                del self.boxes[source, target, key]
        else:
            box.messages.append(message)
        sent, first_byte = self.ports.leave(source, nbytes, self.time.now)

        def arrive() -> None:
            message.arrival = self.ports.enter(target, nbytes, self.time.now)
            if message.request is not None:
                self._know(message.request, message.arrival)

        self.time.at(first_byte, arrive)
        return Request(source, target, moment=sent)

    def receive(self, array: Array, source: int, target: int, key: int) -> Request:
        """Ask for the next message of that source and key."""
        request, box = Request(target, source, array=array), self._box(source, target, key)
        if box.messages:
            self._pair(request, box.messages.popleft())
            if not box.messages:
                del self.boxes[source, target, key]
        else:
            box.requests.append(request)
        return request

    def _box(self, source: int, target: int, key: int) -> _Box:
        found = self.boxes.get((source, target, key))
        if found is None:
            found = self.boxes[source, target, key] = _Box()
        return found

    def _pair(self, request: Request, message: _Message) -> None:
        request.message, message.request, request.moment = message.array, request, message.arrival

    def _know(self, request: Request, moment: float) -> None:
        """The moment of a request is known. Later messages arrive later: no earlier one can still come."""
        request.moment = moment
        if request.owner in self.waiting:
            self.unaware.discard(request.owner)
            self.time.wake(request.owner, moment)

    # -- collectives -----------------------------------------------------------------------------------------

    def join(
        self, rank: int, name: str, waiting: Waiting, schedule: Schedule, flat: Array,
        combine: np.ufunc | None, divisor: int,
    ) -> Request:  # fmt: skip
        """Take part in a collective; the last rank that does computes it for all."""
        key = name, str(waiting)
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = Group(schedule, combine, divisor)
        request = Request(rank, rank, group=group)
        group.flats[rank], group.requests[rank], group.begin[rank] = flat, request, self.time.now
        if len(group.flats) == self.size:
            del self.groups[key]
            self._complete(group, rank)
        return request

    def _complete(self, group: Group, last: int) -> None:
        ranks = range(self.size)
        flats = [group.flats[rank] for rank in ranks]
        rounds.compute(group.schedule, flats, group.combine, group.divisor)
        nbytes = [(place.stop - place.start) * flats[0].itemsize
                  for place in bounds(len(flats[0]), group.schedule.chunks)]  # fmt: skip
        begin = np.maximum(np.array([group.begin[rank] for rank in ranks]), self.busy)
        self.busy = rounds.finish_times(group.schedule, nbytes, self.ports.network, begin)
        for rank, moment in enumerate(self.busy.tolist()):
            group.requests[rank].source = last
            self._know(group.requests[rank], moment)

    # -- waiting ---------------------------------------------------------------------------------------------

    def wait(self, rank: int, requests: Sequence[Request], waiting: Waiting) -> Request:
        """The first of a rank's requests that is done, when it is. Raises DistributedError if none will be.

        A server waits for a thousand requests at a time, so they are looked through as rarely as possible.
        """
        self.check(rank)
        if self._is_hopeless(requests) and not self.time.is_idle():
            raise ended(rank, waiting, self._ended(requests))
        self.waiting[rank] = waiting, requests
        try:
            while True:
                known = [request for request in requests if request.moment is not None]
                if known:
                    first = min(known, key=_moment)
                    if _moment(first) <= self.time.now:
                        return first
                    self.time.wake(rank, _moment(first))
                else:
                    self.unaware.add(rank)
                self.time.pause(rank)
                self.check(rank)
                if rank in self.hopeless:
                    self.hopeless.discard(rank)
                    raise ended(rank, waiting, self._ended(requests))
        finally:
            del self.waiting[rank]
            self.unaware.discard(rank)

    def sleep(self, rank: int, seconds: float) -> None:
        """Let that time pass on a rank."""
        self.check(rank)
        self.time.pause_until(rank, self.time.now + seconds)
        self.check(rank)

    def compute(self, rank: int, seconds: float) -> None:
        """Let the time pass in which a rank has a core for that long."""
        if self.cores is None:
            self.sleep(rank, seconds)
            return
        self.check(rank)
        self.cores.occupy(rank, seconds)
        self.check(rank)

    def check(self, rank: int) -> None:
        """Raise an error if the job has failed."""
        if self.failed is not None:
            raise RankFailed(self.failed)
        if self.stuck is not None:
            raise deadlock(self.stuck)

    def leave(self, rank: int, failed: bool) -> None:
        """A rank's program has returned or raised an error. The others learn of it now."""
        self.over.add(rank)
        if failed and self.failed is None:
            self.failed = rank
        if self.failed is not None:
            self._wake_all()
        elif not self.time.is_idle():
            for other in sorted(self.unaware):
                if self._is_hopeless(self.waiting[other][1]):
                    self.hopeless.add(other)
                    self.time.wake(other, self.time.now)
        self.time.leave(rank)

    def _wake_all(self) -> None:
        for rank in range(self.size):
            if rank not in self.over:
                self.time.wake(rank, self.time.now)

    def _idle(self) -> None:
        """No event is left: the ranks that still run wait for each other."""
        self.stuck = {rank: str(what) for rank, (what, _) in self.waiting.items()}
        self.stuck |= dict.fromkeys(self.time.asking, "a loop of is_completed()")
        self.stuck |= dict.fromkeys(self.over, "")
        self._wake_all()

    def _is_hopeless(self, requests: Sequence[Request]) -> bool:
        return bool(self.over) and all(self._sources_ended(request) for request in requests)

    def _sources_ended(self, request: Request) -> set[int] | None:
        """The ranks that ended without what a request needs of them; None if it needs none of these."""
        if request.moment is not None or request.message is not None:
            return None
        if request.group is not None:
            return (self.over - request.group.flats.keys()) or None
        return {request.source} & self.over or None

    def _ended(self, requests: Sequence[Request]) -> list[int]:
        return sorted(set().union(*(self._sources_ended(request) or () for request in requests)))
