"""ParameterServer: rank 0 keeps the parameters; workers fetch them, and send back gradients.

A worker pushes a gradient and gets the newest parameters as the answer; the server sends nothing that nobody
has asked for. So no message stays without a receiver, and the server can never wait for a worker that waits
for it. When the server answers is the whole difference between the schemes:

    staleness=0     when the gradients of all workers have come: synchronous SGD, one step of their mean. With
                    `backups=b` it waits for all but b of them. A gradient that comes later is for parameters
                    that have been replaced: it is dropped, and its worker goes on with the new ones.
                    Source: Chen et al., "Revisiting Distributed Synchronous SGD", arXiv 1604.00981.
    staleness=None  at once: asynchronous SGD, a step for each gradient, which may be of older parameters.
                    Source: Dean et al., "Large Scale Distributed Deep Networks", NIPS 2012.
    staleness=k     at once, unless the worker is more than k steps ahead of the slowest: stale-synchronous.
                    Source: Ho et al., "More Effective Distributed ML via a Stale Synchronous Parallel
                    Parameter Server", NIPS 2013.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tinygrad_edu import nn
from tinygrad_edu.distributed.comm import Comm
from tinygrad_edu.distributed.packet import PUSH, Message, Packet
from tinygrad_edu.distributed.sync import share_model, split_streams
from tinygrad_edu.errors import wrong
from tinygrad_edu.optim.optimizer import Optimizer


@dataclass
class Report:
    """What a server has done.

    updates    steps of the optimizer
    dropped    gradients that came too late for their step
    staleness  of the gradients that were used: how many updates were made between the moment that the worker
               got its parameters and the one that its gradient was used, with the number of such gradients
    gradients  how many of each worker were used
    """

    updates: int = 0
    dropped: int = 0
    staleness: Counter[int] = field(default_factory=Counter)
    gradients: Counter[int] = field(default_factory=Counter)


class ParameterServer:
    """One model, kept by rank 0, that all other ranks compute gradients for.

    >>> server = ParameterServer(model, optimizer, comm, staleness=None)
    >>> if server.is_server:
    ...     report = server.serve()
    ... else:
    ...     for x, y in DataLoader(table, 32, shuffle=True, shard=(server.worker, server.workers)):
    ...         optimizer.zero_grad()
    ...         te.cross_entropy(model(x), y).backward()
    ...         server.step()
    ...     server.close()

    With backups a worker goes on until `server.version` is the number of steps that were wanted: those that
    are not waited for take fewer of their own, and would otherwise go on alone when the others have closed.

    All ranks make it, with the same model. Rank 0's parameters go to all, and the streams of random numbers
    are split, so that dropout differs between workers. Only the server's optimizer takes steps. After
    `close()` every rank has the final parameters. Buffers of floats, such as the statistics of a batch norm,
    become the mean of the workers', or move by the change that a worker made if its gradient is stale; other
    buffers are the last worker's.

    optimizer  on the server, over parameters of the model; workers may pass None
    staleness  0, a number of steps, or None for no bound, see above
    backups    with staleness=0, how many workers are not waited for
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer | None,
        comm: Comm,
        *,
        staleness: int | None = 0,
        backups: int = 0,
    ) -> None:
        if not isinstance(comm, Comm):
            raise wrong(
                TypeError, "ParameterServer", f"comm is a {type(comm).__name__}",
                "write ParameterServer(model, optimizer, comm), with the comm that the program got",
            )  # fmt: skip
        self.workers = comm.size - 1
        _check(optimizer, comm, staleness, backups, self.workers)
        if comm.rank == 0 and optimizer is not None:
            own = set(map(id, model.parameters()))
            if not all(id(p) in own for group in optimizer.param_groups for p in group["params"]):
                raise wrong(ValueError, "ParameterServer", "the optimizer has parameters that are not the "
                            "model's", "make it over model.parameters()")  # fmt: skip
        self.model, self.optimizer, self.comm = model, optimizer, comm
        self.staleness, self.backups = staleness, backups
        self.is_server = comm.rank == 0
        self.worker = None if self.is_server else comm.rank - 1
        self.version = 0  # how many updates this rank's parameters have had
        self.dropped = 0  # of this worker's gradients
        self._closed = False
        share_model(model, comm)
        split_streams(comm, model)
        self._packet = Packet(model, comm)

    # -- a worker --------------------------------------------------------------------------------------------

    def step(self) -> None:
        """Push the gradients of this worker, and get the newest parameters."""
        self._require(server=False, function="step")
        if not any(p.grad is not None for p in self._packet.parameters):
            raise wrong(RuntimeError, "ParameterServer.step", "no parameter has a gradient",
                        "call loss.backward() first")  # fmt: skip
        self.comm.computed()
        spans = self.comm.spans
        gradient = spans[-1] if spans else None
        self._packet.push(0, self.version)
        self.version, staleness, dropped = self._packet.pull(0)
        self.dropped += dropped
        if gradient is not None:
            gradient.details.update(staleness=staleness, dropped=bool(dropped))

    def close(self) -> None:
        """Say that this worker is done; returns when all are, with the final parameters."""
        self._require(server=False, function="close")
        self._packet.say_done(0)
        self.version, _, _ = self._packet.pull(0)
        self._closed = True

    # -- the server ------------------------------------------------------------------------------------------

    def serve(self, on_update: Callable[[Report], None] = lambda report: None) -> Report:
        """Take gradients and give parameters until every worker has closed.

        on_update  is called after each step of the optimizer: for a schedule, a checkpoint, a test
        """
        self._require(server=True, function="serve")
        report = Report()
        serving = _Synchronous if self.staleness == 0 else _Stale
        serving(self, report, on_update).run()
        self._closed = True
        return report

    def _require(self, *, server: bool, function: str) -> None:
        title = f"ParameterServer.{function}"
        if self.is_server != server:
            who = "the server, rank 0" if server else "workers"
            raise wrong(RuntimeError, title, f"rank {self.comm.rank} called what is for {who}",
                        "ask server.is_server")  # fmt: skip
        if self._closed:
            raise wrong(
                RuntimeError, title, "the server is closed", "make a new ParameterServer on all ranks"
            )


class _Serving(ABC):
    """The loop of a server; `take` says what happens to a gradient."""

    def __init__(self, server: ParameterServer, report: Report, on_update: Callable[[Report], None]) -> None:
        self.server, self.report, self.on_update = server, report, on_update
        self.packet, self.comm = server._packet, server.comm
        self.open = set(range(1, server.workers + 1))  # the ranks that have not closed
        self.version = 0

    def run(self) -> None:
        ranks = sorted(self.open)
        arriving = [self.packet.expect(rank) for rank in ranks]
        while self.open:
            i = self.comm.wait_any(arriving)
            rank = ranks[i]
            kind, version = self.packet.facts_from(rank)
            if kind == PUSH:
                self.take(rank, version, self.packet.take(rank, stale=version < self.version))
                arriving[i] = self.packet.expect(rank)
            else:
                self.open.discard(rank)
                del arriving[i], ranks[i]
                self.closed()
        for rank in range(1, self.server.workers + 1):
            self.answer(rank)

    @abstractmethod
    def take(self, rank: int, version: int, gradient: Message) -> None:
        """A gradient has come, of parameters of that version."""

    @abstractmethod
    def closed(self) -> None:
        """A worker has closed."""

    def update(self, gradients: dict[int, Message]) -> None:
        """One step of the optimizer with the mean of these gradients, by rank."""
        self.packet.set_gradients([gradients[rank] for rank in sorted(gradients)])
        assert self.server.optimizer is not None
        self.server.optimizer.step()
        self.comm.updated()
        self.version = self.server.version = self.version + 1
        self.report.updates += 1
        self.report.gradients.update(rank - 1 for rank in gradients)
        self.on_update(self.report)

    def answer(self, rank: int, staleness: int = 0, dropped: bool = False) -> None:
        self.packet.reply(rank, self.version, staleness, dropped)


class _Synchronous(_Serving):
    """A step for the first gradients of each version; late ones are dropped."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.arrived: dict[int, Message] = {}

    def take(self, rank: int, version: int, gradient: Message) -> None:
        if version < self.version:
            self.report.dropped += 1
            self.answer(rank, self.version - version, dropped=True)
            return
        self.arrived[rank] = gradient
        self.closed()

    def closed(self) -> None:
        needed = min(self.server.workers - self.server.backups, len(self.open))
        if self.arrived and len(self.arrived) >= needed:
            arrived, self.arrived = self.arrived, {}
            self.report.staleness[0] += len(arrived)
            self.update(arrived)
            for rank in arrived:
                self.answer(rank)


class _Stale(_Serving):
    """A step for each gradient; an answer waits while its worker is too far ahead."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.steps = dict.fromkeys(self.open, 0)  # of each worker
        self.held: dict[int, int] = {}  # rank -> staleness, of the answers that wait

    def take(self, rank: int, version: int, gradient: Message) -> None:
        staleness = self.version - version
        self.report.staleness[staleness] += 1
        self.update({rank: gradient})
        self.steps[rank] += 1
        self.held[rank] = staleness
        self.closed()

    def closed(self) -> None:
        bound = self.server.staleness
        slowest = min((self.steps[rank] for rank in self.open), default=0)
        for rank in sorted(self.held):
            if bound is None or self.steps[rank] - slowest <= bound:
                self.answer(rank, self.held.pop(rank))


def _check(optimizer: Any, comm: Any, staleness: Any, backups: Any, workers: int) -> None:
    """Raise an error for arguments that do not go together."""
    title = "ParameterServer"
    if workers < 1:
        raise wrong(ValueError, title, "one rank is not enough: rank 0 serves, and nobody works",
                    "start at least 2")  # fmt: skip
    if comm.rank == 0 and not isinstance(optimizer, Optimizer):
        raise wrong(TypeError, title, f"optimizer is a {type(optimizer).__name__}",
                    "give the server an optimizer over model.parameters()")  # fmt: skip
    for name, value in (("staleness", staleness), ("backups", backups)):
        if not (value is None and name == "staleness") and not (type(value) is int and value >= 0):
            raise wrong(ValueError, title, f"{name}={value!r} must be an integer >= 0"
                        + ", or None for no bound" * (name == "staleness"))  # fmt: skip
    if backups and staleness != 0:
        raise wrong(ValueError, title, f"backups={backups} with staleness={staleness}",
                    "only a synchronous server, staleness=0, can leave some out")  # fmt: skip
    if backups >= workers:
        raise wrong(ValueError, title, f"backups={backups} of {workers} workers",
                    "at least one gradient must count: start more workers")  # fmt: skip
