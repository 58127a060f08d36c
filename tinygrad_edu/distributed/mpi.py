"""MPICluster: the ranks of a job as processes under MPI, on one machine or many; the only user of mpi4py.

`tinygrad-edu launch -n 4 train.py` starts the processes; so do mpiexec and srun. Messages are MPI's, between
two ranks, and collectives are the schedules of this library: a sum has the same bits as in threads.

MPI itself waits for ever for a rank that has died in Python, has ended, or calls something else. Waits here
end in an error: an exception that nobody catches ends the job, and `inquiry.py` finds the rest.
"""

from __future__ import annotations

import atexit
import functools
import math
import os
import pickle
import sys
import time
import warnings
import weakref
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from tinygrad_edu.distributed.cluster import Cluster, run_rank
from tinygrad_edu.distributed.comm import Comm
from tinygrad_edu.distributed.fault import DistributedError, RankFailed, deadlock, ended, late
from tinygrad_edu.distributed.inquiry import EXIT, Doubt, Inquiry, State
from tinygrad_edu.distributed.work import Array, Waiting, Work
from tinygrad_edu.errors import wrong

SPINS = 40  # tests of a request before a waiting rank offers its core to others, some 20 microseconds
YIELD = 2e-3  # seconds after which it begins to sleep
SLEEP = 1e-3  # seconds that it sleeps at most
LOOK = 0.2  # seconds of a wait after which it listens to questions
GRACE = 0.5  # seconds in which a last message of a rank that has ended may still arrive

_yield = getattr(os, "sched_yield", lambda: time.sleep(0))


@functools.cache
def library() -> Any:
    """`mpi4py.MPI`, initialised. Raises ImportError with what to install."""
    try:
        import mpi4py

        if "mpi4py.MPI" not in sys.modules:
            mpi4py.rc.thread_level = "serialized"  # one thread at a time: MPI needs no locks
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        absent = isinstance(error, ModuleNotFoundError)
        missing = "mpi4py is not installed" if absent else "mpi4py finds no MPI library"
        raise wrong(ImportError, "MPICluster", missing, 'pip install "tinygrad_edu[mpi]", or on a cluster '
                    "load its MPI: module load openmpi") from error  # fmt: skip
    return MPI


class _Message:
    """A message that MPI sends or receives; a request, and what the error would name."""

    __slots__ = ("is_sent", "key", "peer", "request")

    def __init__(self, request: Any, peer: int, key: int, is_sent: bool) -> None:
        self.request, self.peer, self.key, self.is_sent = request, peer, key, is_sent


class _Process:
    """What this process has of MPI: two communicators, one for messages and one for questions."""

    def __init__(self) -> None:
        mpi = library()
        self.world = mpi.COMM_WORLD
        self.messages, self.runs = self.world, 0
        if self.world.Get_size() > 1:
            self.messages = self._duplicate()
        self.inquiry = Inquiry(self._duplicate() if self.world.Get_size() > 1 else self.world)
        self.tags = int(mpi.COMM_WORLD.Get_attr(mpi.TAG_UB)) + 1
        self.byte, self.error = mpi.BYTE, mpi.Exception
        self.process = os.getpid()

    def _duplicate(self) -> Any:
        """Duplicate COMM_WORLD; all processes have to do so, and one that does not come is an error."""
        made, request = self.world.Idup()
        begin, limit = time.perf_counter(), default_timeout()
        while not request.Test():
            waited = time.perf_counter() - begin
            if waited > limit:
                waiting = Waiting("MPICluster", 0, "for the others to begin")
                raise late(self.world.Get_rank(), waiting, (), limit, {})
            time.sleep(min(SLEEP, waited / 10))
        return made

    def leave(self) -> None:
        """At the end of the process: say so, and answer until all others end; then MPI can be finalised.

        MPI waits in its finalisation for all processes, and could not answer there.
        """
        if os.getpid() != self.process or library().Is_finalized():  # a fork has no part in this
            return
        begin = time.perf_counter()
        try:
            self.inquiry.announce("ended", EXIT)
            self.inquiry.handle(None)
            while not self.inquiry.is_last():
                time.sleep(min(0.02, (time.perf_counter() - begin) / 10))
                self.inquiry.handle(None)
                for rank in self._dead():
                    self.inquiry.over[rank].add(EXIT)
        except self.error:  # a process has died: the launcher ends the job
            return

    def _dead(self) -> list[int]:
        """The ranks that have died, where MPI goes on without them."""
        if not is_shrinkable():
            return []
        dead, every = self.inquiry.channel.Get_failed(), self.inquiry.channel.Get_group()
        return list(dead.Translate_ranks(list(range(dead.Get_size())), every))


@functools.cache
def connect() -> _Process:
    """This process as a part of the job; all processes have to call it. Errors from here on end the job."""
    process = _Process()
    if process.world.Get_size() > 1:
        atexit.register(process.leave)
        sys.excepthook = functools.partial(_end_job, sys.excepthook)
    return process


def default_timeout() -> float:
    """Seconds that a rank waits for another one: what `launch --timeout` gave, or 300."""
    return float(os.environ.get("TINYGRAD_EDU_TIMEOUT", "300"))


def abort(code: int) -> None:
    """End all processes of the job, if it is one."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    if library().COMM_WORLD.Get_size() > 1:
        library().COMM_WORLD.Abort(code)


def _end_job(
    before: Callable[..., Any], kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, RankFailed):
        time.sleep(1.5)  # the rank that failed writes its error, which is the one to read, and ends the job
    before(kind, error, trace)
    time.sleep(0.2)  # mpiexec passes on the traceback before it ends all
    abort(130 if issubclass(kind, KeyboardInterrupt) else 1)


class MPIComm(Comm):
    """A rank that is a process under MPI; made by MPICluster."""

    def __init__(self, process: _Process, timeout: float) -> None:
        super().__init__(process.messages.Get_rank(), process.messages.Get_size())
        process.runs += 1
        self._process, self.timeout, self._run = process, timeout, process.runs
        self._handled = 0  # messages that have been sent or received
        self._is_over = False  # whether the program has ended, and this rank waits for the others' results
        self._doubts: weakref.WeakKeyDictionary[Work, list[Any]] = weakref.WeakKeyDictionary()
        self._use_communicators()

    def _use_communicators(self) -> None:
        messages, byte, tags = self._process.messages, self._process.byte, self._process.tags
        self._isend, self._irecv, self._byte, self._tags = messages.Isend, messages.Irecv, byte, tags
        self._salt = self._run * 0x9E3779B1  # the messages of one run are not those of the next

    def _send(self, array: Array, target: int, key: int) -> Any:
        tag = (key + self._salt) % self._tags
        try:
            request = self._isend((array, array.nbytes, self._byte), target, tag)
        except self._process.error as error:
            raise self._lost(error) from error
        return _Message(request, target, tag, True)

    def _receive(self, array: Array, source: int, key: int) -> Any:
        tag = (key + self._salt) % self._tags
        try:
            request = self._irecv((array, array.nbytes, self._byte), source, tag)
        except self._process.error as error:
            raise self._lost(error) from error
        return _Message(request, source, tag, False)

    def _is_done(self, request: Any) -> bool:
        if request.request is None:
            return True
        try:
            if not request.request.Test():
                return False
        except self._process.error as error:
            raise self._lost(error) from error
        request.request = None
        self._handled += 1
        return True

    def _check_poll(self, work: Work, since: float) -> None:
        now = self.clock()
        if now - since < LOOK:
            return
        if work not in self._doubts:
            self._doubts[work] = [Doubt(self._process.inquiry, since), None]
        doubt, gone = self._doubts[work]
        self._doubts[work][1] = self._look(doubt, work._pending, work.waiting, since, gone)

    def _wait_for_any(self, requests: Sequence[Any], waiting: Waiting) -> None:
        begin, tests = self.clock(), 0
        doubt: Doubt | None = None
        gone: float | None = None  # since when all that this rank waits for have ended
        while True:
            for request in requests:
                if self._is_done(request):
                    if tests:
                        self.note("wait", begin, source=request.peer)
                    return
            tests += 1
            if tests < SPINS:
                continue
            if len(self._works) > 1:
                self.progress()
            waited = self.clock() - begin
            if waited < YIELD:
                _yield()
                continue
            time.sleep(min(SLEEP, waited / 20))
            if waited > LOOK:
                doubt = doubt or Doubt(self._process.inquiry, begin)
                gone = self._look(doubt, requests, waiting, begin, gone)

    def exchange_results(self, mine: Any) -> list[Any]:
        """What each rank has brought, after its program has ended; others may take as long as they like."""
        self._process.inquiry.announce("ended", self._run)
        self._is_over, self.timeout = True, math.inf
        self._count = 0  # ranks that have called more collectives than others have no part in these
        return self._gathered_objects(mine, "end of the program")

    # -- waits in vain ---------------------------------------------------------------------------------------

    def _state(self, waiting: Waiting) -> State:
        """The answer to a question of another rank."""
        pending = [m for work in self._works for m in work._pending if m.request is not None]
        receives = tuple((m.peer, m.key) for m in pending if not m.is_sent)
        sends = tuple((m.peer, m.key) for m in pending if m.is_sent)
        return State("" if self._is_over else str(waiting), self._handled, receives, sends)

    def _look(
        self, doubt: Doubt, requests: Sequence[Any], waiting: Waiting, begin: float, gone: float | None
    ) -> float | None:
        """Answer questions, and raise the error if this wait is in vain. Returns the next `gone`."""
        inquiry, now = self._process.inquiry, self.clock()
        own = self._state(waiting)
        try:
            inquiry.handle(own)
        except self._process.error as error:
            raise self._lost(error) from error
        if self._run in inquiry.failed:
            raise RankFailed(inquiry.failed[self._run])
        over = inquiry.ended(EXIT if self._is_over else self._run)
        sources = sorted({request.peer for request in requests if request.request is not None})
        if sources and over.issuperset(sources):
            gone = now if gone is None else gone
            if now - gone > GRACE:
                raise ended(self.rank, waiting, sources)
        stuck = doubt.hopeless(own, over, now)
        if stuck is not None:
            raise deadlock(stuck | dict.fromkeys(over, ""))
        if now - begin >= self.timeout:
            states = {rank: state.text for rank, state in inquiry.states.items()}
            states |= dict.fromkeys(over, "")
            silent = [rank for rank in inquiry.others if rank not in states]
            raise late(self.rank, waiting, silent or sources, self.timeout, states)
        return gone

    def _lost(self, error: Exception) -> DistributedError:
        """The error for a process that died, where MPI goes on without it, and for other errors of MPI."""
        what = str(error).splitlines()[0]
        if not is_shrinkable():
            return wrong(DistributedError, None, f"MPI reports an error on rank {self.rank}: {what}")
        dead = self._process.messages.Get_failed().Get_size()
        problem = f"{dead} of {self.size} ranks have died" if dead else "another rank calls shrink()"
        return wrong(DistributedError, None, problem, "call comm.shrink() to go on without the dead ones")

    def shrink(self) -> None:
        """Go on without the ranks that have died: all that are left call it, and get new numbers from 0.

        Only Open MPI can, and only after `tinygrad-edu launch --shrink`. What was in progress is lost.
        """
        if not is_shrinkable():
            raise wrong(RuntimeError, "shrink", "this MPI ends the whole job when a rank dies",
                        "use Open MPI and start by tinygrad-edu launch --shrink; else go on from a "
                        "checkpoint")  # fmt: skip
        process = self._process
        for communicator in (process.messages, process.inquiry.channel):
            communicator.Revoke()  # ends the waits of ranks that have not seen the death
        process.messages = process.messages.Shrink()
        process.inquiry = Inquiry(process.inquiry.channel.Shrink())
        self.rank, self.size = process.messages.Get_rank(), process.messages.Get_size()
        self._works.clear()
        self._parts.clear()
        self._count = 0
        self._use_communicators()


def is_shrinkable() -> bool:
    """Whether the job can go on without a rank that died: Open MPI, started with --shrink."""
    return "TINYGRAD_EDU_SHRINK" in os.environ and "Open MPI" in library().Get_library_version()


class MPICluster(Cluster):
    """The processes that `tinygrad-edu launch`, mpiexec or srun started; each of them makes one of these.

    timeout  seconds that a rank waits for another one before that is an error; None: as `launch --timeout`
    timeline whether to keep what each rank did and when, in `spans`
    In a plain `python` it is a cluster of one.
    """

    def __init__(self, *, timeout: float | None = None, timeline: bool = False) -> None:
        self._process = connect()
        super().__init__(self._process.messages.Get_size(), timeline=timeline)
        self.timeout = default_timeout() if timeout is None else timeout

    def run(self, program: Callable[..., Any], *args: Any, **kwargs: Any) -> list[Any]:
        """The results of `program(comm, *args, **kwargs)` on each rank, in their order, on every rank.

        A result that cannot be pickled is None on the other ranks, with a warning.
        """
        comm = MPIComm(self._process, self.timeout)
        self.start([comm])
        try:
            result = run_rank(self, comm, program, args, kwargs)
            results = comm.exchange_results((_pickled(result), comm.spans or []))
        except RankFailed:
            raise
        except Exception as error:
            self._process.inquiry.announce("failed", comm._run)
            self.raise_from(error, comm.rank)
        self.size = comm.size
        self.spans = [span for _, spans in results for span in spans]
        found = [None if data is None else pickle.loads(data) for data, _ in results]
        found[comm.rank] = result
        return found


def _pickled(result: Any) -> bytes | None:
    try:
        return pickle.dumps(result)
    except Exception as error:
        warnings.warn(f"the other ranks get None for the result of this one: {error}", stacklevel=4)
        return None
