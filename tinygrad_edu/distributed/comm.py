"""Comm: the ranks of a job as one of them sees the others; messages, collectives, a clock.

A training program is written once against `Comm` and runs in the threads of one process, in processes under
MPI, and on a simulated cluster. A cluster implements messages between two ranks and a clock; collectives are
the schedules of `schedules.py`, so their results have the same bits on every cluster.

Names are those of torch.distributed. Arrays are NumPy arrays or tensors of any device; a device's tensors
are copied to the host, sent, and copied back, since an MPI that cannot read device memory would crash.
"""

from __future__ import annotations

import functools
import math
import pickle
import time
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Literal, overload

import numpy as np

from tinygrad_edu.distributed.buffers import Array, host_buffer
from tinygrad_edu.distributed.schedules import Schedule, Step, all_reduce, collect, part, spread
from tinygrad_edu.distributed.timeline import Span
from tinygrad_edu.distributed.work import Requests, Waiting, Work, perform
from tinygrad_edu.errors import wrong
from tinygrad_edu.scalars import integer

OPERATIONS: dict[str, np.ufunc] = {"sum": np.add, "mean": np.add, "max": np.maximum, "min": np.minimum,
                                   "product": np.multiply}  # fmt: skip


class Comm(ABC):
    """What a rank of a job can ask of the others.

    rank     the number of this one, from 0
    size     how many there are
    timeout  seconds after which a wait for another rank is an error
    spans    what this rank did and when, if the job keeps a timeline; else None
    is_over  whether the program has ended: a model that outlives it is one of a single process again
    """

    rank: int
    size: int
    timeout: float = 300.0
    spans: list[Span] | None = None
    is_over: bool = False

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size
        self._works: set[Work] = set()
        self._count = 0  # of the collectives that this rank has called
        self._turn = 0  # where wait_any begins to look
        self._parts: dict[tuple[str, int], tuple[Step, ...]] = {}  # of the schedules that have run
        self._since = self.clock()

    # -- what a cluster implements ---------------------------------------------------------------------------

    @abstractmethod
    def _send(self, array: Array, target: int, key: int) -> Any:
        """Start to send a contiguous array; returns a request. It stays unchanged until that is done."""

    @abstractmethod
    def _receive(self, array: Array, source: int, key: int) -> Any:
        """Start to receive into a contiguous array what `source` sent with the same key, in that order."""

    @abstractmethod
    def _is_done(self, request: Any) -> bool:
        """Whether a request is done, without waiting."""

    @abstractmethod
    def _wait_for_any(self, requests: Sequence[Any], waiting: Waiting) -> None:
        """Wait until one of the requests, none of which is done, is done. Raises DistributedError."""

    def _check_poll(self, work: Work, since: float) -> None:  # noqa: B027 - a cluster may see it elsewhere
        """Raise DistributedError if a Work that is asked for again and again, since then, is in vain."""

    def clock(self) -> float:
        """Seconds since some moment, on this rank's clock."""
        return time.perf_counter()

    def sleep(self, seconds: float) -> None:
        """Do nothing for that time: a slow machine, for experiments."""
        time.sleep(seconds)

    def computed(self, share: float = 1.0) -> None:
        """Say that a share of the computation of one gradient has been done since the last message.

        A simulated cluster lets the time pass that its model of computation says; the others only note it.
        """
        self.note("compute", self._since)

    def updated(self) -> None:
        """Say that an update of the parameters of a server has been computed since the last message."""
        self.note("update", self._since)

    def run_schedule(
        self, which: tuple[str, int], schedule: Schedule, flat: Array, combine: np.ufunc | None, divisor: int,
        waiting: Waiting, finish: Callable[[], None] | None,
    ) -> Work:  # fmt: skip
        """Start a collective on a flat array, in place. `which` is the name of the schedule, and its root."""
        if which not in self._parts:
            self._parts[which] = part(schedule, self.rank)
        requests = perform(self, schedule, self._parts[which], flat, combine, divisor, key_of(waiting))
        return self._start(waiting, requests, finish)

    # -- collectives -----------------------------------------------------------------------------------------

    @overload
    def all_reduce(self, x: Any, op: str = ..., *, algorithm: str | None = ...) -> None: ...
    @overload
    def all_reduce(
        self, x: Any, op: str = ..., *, algorithm: str | None = ..., async_op: Literal[True]
    ) -> Work: ...
    def all_reduce(
        self, x: Any, op: str = "sum", *, algorithm: str | None = None, async_op: bool = False
    ) -> Work | None:
        """Replace x on every rank by the sum (mean, max, min, product) over the ranks; same bits on all.

        x          an array or tensor, of one shape and dtype on all ranks
        algorithm  "ring", "tree" or "star", see `schedules`; None chooses by the number of bytes
        async_op   return a Work at once; x has the result after its `wait()`
        """
        if op not in OPERATIONS:
            raise wrong(ValueError, "all_reduce", f"op={op!r}", f"there are {', '.join(OPERATIONS)}")
        flat, finish = host_buffer(x, "all_reduce", write=True)
        if op == "mean" and flat.dtype.kind != "f":
            raise wrong(TypeError, "all_reduce", f"the mean of {flat.dtype}", "cast to float32 first")
        name, schedule = all_reduce(algorithm, self.size, flat.nbytes)
        divisor = self.size if op == "mean" else 1
        work = self._collective("all_reduce", (name, 0), schedule, flat, OPERATIONS[op], divisor, finish,
                                _reduction(x.shape, flat.dtype, op, name))  # fmt: skip
        if async_op:
            return work
        work.wait()
        return None

    def broadcast(self, x: Any, src: int = 0) -> None:
        """Replace x on every rank by that of rank `src`; x has one shape and dtype on all ranks."""
        self._check_rank("broadcast", "src", src)
        flat, finish = host_buffer(x, "broadcast", write=True)
        self._collective("broadcast", ("spread", src), spread(self.size, src), flat, None, 1, finish,
                         f"{_description(x.shape, flat.dtype)} from rank {src}").wait()  # fmt: skip

    def all_gather(self, x: Any) -> Array:
        """The arrays of all ranks, (size, *x.shape), on every rank; x has one shape and dtype on all."""
        return self._gathered(x, "all_gather")

    def _gathered(self, x: Any, operation: str) -> Array:
        flat, _ = host_buffer(x, operation)
        every = np.empty((self.size, len(flat)), flat.dtype)
        every[self.rank] = flat
        self._collective(operation, ("collect", 0), collect(self.size), every.reshape(-1), None, 1, None,
                         _description(x.shape, flat.dtype)).wait()  # fmt: skip
        return every.reshape(self.size, *x.shape)

    def barrier(self) -> None:
        """Wait until every rank has come to its barrier."""
        self._collective("barrier", ("tree", 0), all_reduce("tree", self.size, 1)[1], np.zeros(1, np.uint8),
                         np.add, 1, None, "").wait()  # fmt: skip

    def broadcast_object(self, thing: Any, src: int = 0) -> Any:
        """The object of rank `src`, on every rank; whatever pickle can send."""
        data = np.frombuffer(bytearray(pickle.dumps(thing) if self.rank == src else b""), np.uint8)
        length = np.array([len(data)])
        self.broadcast(length, src)
        if self.rank != src:
            data = np.empty(int(length[0]), np.uint8)
        self.broadcast(data, src)
        return thing if self.rank == src else pickle.loads(data.tobytes())

    def all_gather_object(self, thing: Any) -> list[Any]:
        """The objects of all ranks, in their order, on every rank."""
        return self._gathered_objects(thing, "all_gather")

    def _gathered_objects(self, thing: Any, operation: str) -> list[Any]:
        data = pickle.dumps(thing)
        lengths = self._gathered(np.array([len(data)]), operation)[:, 0]
        padded = np.zeros(int(lengths.max()), np.uint8)
        padded[: len(data)] = np.frombuffer(data, np.uint8)
        every = self._gathered(padded, operation)
        return [pickle.loads(every[r, : int(n)].tobytes()) for r, n in enumerate(lengths)]

    def gather_object(self, thing: Any, dst: int = 0) -> list[Any] | None:
        """The objects of all ranks, in their order, on rank `dst`; None on the others."""
        self._check_rank("gather_object", "dst", dst)
        data = np.frombuffer(bytearray(pickle.dumps(thing)), np.uint8)
        lengths = self.all_gather(np.array([len(data)]))[:, 0]
        if self.rank != dst:
            self.send(data, dst, tag=-1)
            return None
        found = []
        for source, length in enumerate(lengths.tolist()):
            other = data if source == dst else np.empty(length, np.uint8)
            if source != dst:
                self.recv(other, source, tag=-1)
            found.append(pickle.loads(other.tobytes()))
        return found

    # -- messages between two ranks --------------------------------------------------------------------------

    def isend(self, x: Any, dst: int, tag: int = 0) -> Work:
        """Start to send an array or tensor; do not change it before the Work is done."""
        self._check_rank("isend", "dst", dst)
        flat, _ = host_buffer(x, "isend")
        waiting = Waiting("send", 0, f"to rank {dst}, {_message(flat, tag)}")
        key = zlib.crc32(_message(flat, tag).encode())
        return self._start(waiting, _one(lambda: self._send(flat, dst, key)), None)

    def irecv(self, x: Any, src: int, tag: int = 0) -> Work:
        """Start to receive into an array or tensor what `src` sent with this tag, shape size and dtype."""
        self._check_rank("irecv", "src", src)
        flat, finish = host_buffer(x, "irecv", write=True)
        waiting = Waiting("recv", 0, f"from rank {src}, {_message(flat, tag)}")
        key = zlib.crc32(_message(flat, tag).encode())
        return self._start(waiting, _one(lambda: self._receive(flat, src, key)), finish)

    def send(self, x: Any, dst: int, tag: int = 0) -> None:
        """Send an array or tensor; returns when it may be changed."""
        self.isend(x, dst, tag).wait()

    def recv(self, x: Any, src: int, tag: int = 0) -> None:
        """Receive into an array or tensor what `src` sent with this tag, in the order it was sent."""
        self.irecv(x, src, tag).wait()

    def wait_any(self, works: Sequence[Work]) -> int:
        """Wait until one of them is done; returns its index.

        Of several that are done it takes the next one after that of the last call, so that a rank that sends
        much does not keep the others waiting.
        """
        count = len(works)
        if not count:
            raise wrong(ValueError, "wait_any", "there is nothing to wait for", "give it works")
        while True:
            for j in range(count):
                i = (self._turn + j) % count
                if works[i].is_completed():
                    self._turn = i + 1
                    return i
            pending = [request for work in works for request in work._pending]
            self._wait_for_any(pending, works[0].waiting)

    def progress(self) -> None:
        """Handle the messages that have arrived for collectives in progress."""
        for work in tuple(self._works):
            work.advance()

    # -- inside ----------------------------------------------------------------------------------------------

    def note(self, kind: str, begin: float, **details: Any) -> None:
        """Add a span from `begin` until now to the timeline, if one is kept."""
        now = self.clock()
        if self.spans is not None and now > begin:
            self.spans.append(Span(self.rank, kind, begin, now, details))
        self._since = now

    def _collective(
        self, operation: str, which: tuple[str, int], schedule: Schedule, flat: Array,
        combine: np.ufunc | None, divisor: int, finish: Callable[[], None] | None, details: str,
    ) -> Work:  # fmt: skip
        self._count += 1
        waiting = Waiting(operation, self._count, details)
        return self.run_schedule(which, schedule, flat, combine, divisor, waiting, finish)

    def _start(self, waiting: Waiting, requests: Requests, finish: Callable[[], None] | None) -> Work:
        work = Work(self, waiting, requests, finish)
        if not work._done:
            self._works.add(work)
        return work

    def _check_rank(self, function: str, name: str, rank: int) -> None:
        integer(rank, f"{function}: {name}")
        if not 0 <= rank < self.size:
            raise wrong(ValueError, function, f"{name}={rank}", f"ranks go from 0 to {self.size - 1}")

    def __deepcopy__(self, memo: Any) -> Comm:
        return self  # as a file that is open: an object with a comm can be copied, the ranks cannot

    def __repr__(self) -> str:
        return f"{type(self).__name__}(rank={self.rank}, size={self.size})"


def key_of(waiting: Waiting) -> int:
    """A number below 2**32 that is equal on all ranks if they call the same, and hardly ever otherwise."""
    return (_number_of(waiting.operation, waiting.details) + waiting.number * 0x9E3779B1) % 2**32


@functools.lru_cache(maxsize=4096)
def _number_of(operation: str, details: str) -> int:
    return zlib.crc32(f"{operation} {details}".encode())


@functools.lru_cache(maxsize=4096)  # a text for each step would take longer than a small message
def _reduction(shape: tuple[int, ...], dtype: np.dtype[Any], op: str, algorithm: str) -> str:
    return f"{_description(shape, dtype)}, {op} by {algorithm}"


def _description(shape: tuple[int, ...], dtype: np.dtype[Any]) -> str:
    return f"of {dtype.itemsize * math.prod(shape)} bytes {_name(dtype)} {shape}"


@functools.cache
def _name(dtype: np.dtype[Any]) -> str:
    """`float32`; kept, since NumPy takes longer to compose it than a small message takes to arrive."""
    return str(dtype)


def _message(flat: Array, tag: int) -> str:
    return f"{flat.nbytes} bytes {_name(flat.dtype)}, tag {tag}"


def _one(start: Callable[[], Any]) -> Requests:
    """A message as work of one round."""
    yield [start()]
