"""ThreadCluster: the ranks of a job as threads of this process, for tests, notebooks and first lessons.

A message is copied when it is sent, and copied again by the rank that receives it. If every rank waits for a
message that nobody has sent, the job ends at once, with what each of them waits for.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_edu.distributed.cluster import Cluster, run_rank
from tinygrad_edu.distributed.comm import Comm
from tinygrad_edu.distributed.fault import RankFailed, deadlock, ended, late
from tinygrad_edu.distributed.work import Array, Waiting, Work
from tinygrad_edu.errors import wrong
from tinygrad_edu.scalars import integer, number


class _Receive:
    """A request to receive: the place for the message, and the message when it has been sent."""

    __slots__ = ("array", "done", "message", "source")

    def __init__(self, array: Array, source: int) -> None:
        self.array, self.source, self.done = array, source, False
        self.message: Array | None = None


class _Box:
    """Messages with one source, target and key that no request has, and requests that have no message."""

    __slots__ = ("messages", "requests")

    def __init__(self) -> None:
        self.messages: deque[Array] = deque()
        self.requests: deque[_Receive] = deque()


class _Exchange:
    """What the ranks share: mailboxes, and what each of them waits for."""

    def __init__(self, size: int, timeout: float) -> None:
        self.size, self.timeout = size, timeout
        self.lock = threading.Lock()
        self.wake = [threading.Condition(self.lock) for _ in range(size)]
        self.boxes: dict[tuple[int, int, int], _Box] = {}  # those with something in them
        self.waiting: dict[int, tuple[Waiting, Sequence[_Receive]]] = {}  # of the ranks that are blocked
        self.over: set[int] = set()  # the ranks whose program has returned
        self.failed: int | None = None  # the first rank whose program raised an error
        self.stuck: dict[int, str] | None = None  # after a deadlock: what each rank waited for

    def send(self, message: Array, source: int, target: int, key: int) -> None:
        """Give a message to the oldest request for it, or keep it."""
        with self.lock:
            box = self.boxes.setdefault((source, target, key), _Box())
            if box.requests:
                box.requests.popleft().message = message
                if not box.requests:
                    del self.boxes[source, target, key]
            else:
                box.messages.append(message)
            self.wake[target].notify()

    def receive(self, request: _Receive, target: int, key: int) -> None:
        """Give a request the oldest message for it, or keep it."""
        with self.lock:
            box = self.boxes.setdefault((request.source, target, key), _Box())
            if box.messages:
                request.message = box.messages.popleft()
                if not box.messages:
                    del self.boxes[request.source, target, key]
            else:
                box.requests.append(request)

    def leave(self, rank: int, failed: bool) -> None:
        """A rank's program has returned or raised an error."""
        with self.lock:
            self.over.add(rank)
            if failed and self.failed is None:
                self.failed = rank
            for condition in self.wake:
                condition.notify_all()

    def is_stuck(self) -> bool:
        """Whether every rank that still runs is blocked, and none of the messages they need has been sent."""
        if len(self.waiting) + len(self.over) < self.size:
            return False
        return all(r.message is None for _, requests in self.waiting.values() for r in requests)


class ThreadComm(Comm):
    """A rank that is a thread; made by ThreadCluster."""

    def __init__(self, rank: int, exchange: _Exchange) -> None:
        super().__init__(rank, exchange.size)
        self._exchange, self.timeout = exchange, exchange.timeout

    def _send(self, array: Array, target: int, key: int) -> Any:
        self._exchange.send(array.copy(), self.rank, target, key)
        return None

    def _receive(self, array: Array, source: int, key: int) -> Any:
        request = _Receive(array, source)
        self._exchange.receive(request, self.rank, key)
        return request

    def _is_done(self, request: Any) -> bool:
        if request is None or request.done:
            return True
        if request.message is None:
            return False
        request.array[...] = request.message
        request.message, request.done = None, True
        return True

    def _wait_for_any(self, requests: Sequence[Any], waiting: Waiting) -> None:
        exchange, begin = self._exchange, self.clock()
        with exchange.lock:
            exchange.waiting[self.rank] = waiting, requests
            try:
                while all(request.message is None for request in requests):
                    self._check(requests, waiting, begin)
                    left = begin + self.timeout - self.clock()
                    exchange.wake[self.rank].wait(timeout=min(max(0.0, left), threading.TIMEOUT_MAX))
                source = next(request.source for request in requests if request.message is not None)
            finally:
                del exchange.waiting[self.rank]
        self.note("wait", begin, source=source)

    def _check_poll(self, work: Work, since: float) -> None:
        with self._exchange.lock:
            pending = [request for request in work._pending if request is not None and not request.done]
            if pending and all(request.message is None for request in pending):
                self._check(pending, work.waiting, since)

    def _check(self, requests: Sequence[Any], waiting: Waiting, begin: float) -> None:
        """Raise an error if the wait is in vain. The lock is held."""
        exchange = self._exchange
        if exchange.failed is not None:
            raise RankFailed(exchange.failed)
        sources = sorted({request.source for request in requests})
        if exchange.stuck is None and exchange.is_stuck():
            exchange.stuck = {rank: str(what) for rank, (what, _) in exchange.waiting.items()}
            exchange.stuck |= dict.fromkeys(exchange.over, "")
            for condition in exchange.wake:
                condition.notify_all()
        if exchange.stuck is not None:
            raise deadlock(exchange.stuck)
        if all(source in exchange.over for source in sources):
            raise ended(self.rank, waiting, sources)
        if self.clock() - begin >= self.timeout:
            states = {rank: str(what) for rank, (what, _) in exchange.waiting.items()}
            raise late(self.rank, waiting, sources, self.timeout, states)


class ThreadCluster(Cluster):
    """`size` ranks, each a thread of this process. They share its memory, and Python's lock.

    timeout  seconds that a rank waits for another one before that is an error
    timeline whether to keep what each rank did and when, in `spans`
    """

    def __init__(self, size: int, *, timeout: float = 300.0, timeline: bool = False) -> None:
        super().__init__(integer(size, "ThreadCluster: size", least=1), timeline=timeline)
        self.timeout = number(timeout, "ThreadCluster: timeout")
        if not self.timeout > 0:
            raise wrong(ValueError, "ThreadCluster", f"timeout={timeout} must be above 0 seconds")

    def run(self, program: Callable[..., Any], *args: Any, **kwargs: Any) -> list[Any]:
        """The results of `program(comm, *args, **kwargs)` on each rank, in their order.

        The first error of a rank is raised here, with a note that names the rank; the others end then.
        """
        exchange = _Exchange(self.size, self.timeout)
        comms = [ThreadComm(rank, exchange) for rank in range(self.size)]
        results: list[Any] = [None] * self.size
        errors: dict[int, BaseException] = {}

        def work(comm: ThreadComm) -> None:
            try:
                results[comm.rank] = run_rank(self, comm, program, args, kwargs)
            except BaseException as error:
                errors[comm.rank] = error
            exchange.leave(comm.rank, comm.rank in errors)

        self.start(comms)
        threads = [threading.Thread(target=work, args=(comm,), name=f"rank {comm.rank}", daemon=True)
                   for comm in comms]  # fmt: skip
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except BaseException:  # Ctrl-C: the ranks end at their next wait
            exchange.leave(0, failed=True)
            raise
        self.finish(comms)
        self.raise_first(errors, exchange.failed)
        return results
