"""Job: how the workers of a job share the batches of a Trainer, and how their gradients become steps.

A batch is that of all workers together. Each takes a part of it, and the parts differ by at most one row.
With all-reduce, and with a synchronous parameter server, a part's gradient is weighted by its rows, so a step
is the one that a single process would take, up to rounding. A server that does not wait takes a step for
every part, with the mean gradient of its rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from tinygrad_edu import catalogue, distributed
from tinygrad_edu.data import Table
from tinygrad_edu.errors import wrong
from tinygrad_edu.nn.ranks import together
from tinygrad_edu.phrases import Argument, Phrase
from tinygrad_edu.training.predictor import Predictor
from tinygrad_edu.training.settings import Array, Settings

AGREE = 8  # steps between two questions whether to stop: each is a message of all ranks


class Job:
    """The ranks of a job as a Trainer sees them.

    comm       the job; None if this process is alone
    scheme     "all-reduce", or "parameter-server", where rank 0 is the server and no worker
    staleness  of a parameter server: how many steps a worker may be ahead of the slowest; None: any number
    backups    of a parameter server with staleness=0: how many workers each step does not wait for
    worker     the number of this worker; None on a server
    workers    how many there are
    """

    def __init__(self, comm: Any, scheme: str, staleness: int | None, backups: int) -> None:
        self.scheme, self.staleness, self.backups = scheme, staleness, backups
        check(scheme, staleness, backups, 1 if comm is None else comm.size)
        self.has_server = scheme == "parameter-server"
        self.comm: Any = comm if comm is not None and (comm.size > 1 or self.has_server) else None
        rank, size = (0, 1) if self.comm is None else (comm.rank, comm.size)
        self.rank, self.size, self.is_first = rank, size, rank == 0
        self.workers = size - self.has_server
        self.worker = None if self.has_server and self.is_first else rank - self.has_server
        self.waits = not self.has_server or staleness == 0  # for all workers, before a step
        self.rows = 0  # of the newest batch of all workers

    def check_rows(self, rows: int) -> None:
        """Raise ValueError unless every worker has a row of a batch of so many rows."""
        if self.workers > rows:
            problem = f" {self.workers}: a batch of {rows} rows has not a row for each"
            raise wrong(ValueError, "Trainer", Phrase(Argument("workers"), problem),
                        f"use {rows} workers at most, or a larger batch of more rows")  # fmt: skip

    def check_same(self, settings: Settings, train: Table) -> None:
        """Raise ValueError on all ranks if one of them has other settings or rows than rank 0."""
        if self.comm is None:
            return
        digest = hashlib.sha256(np.ascontiguousarray(train.features).tobytes())
        digest.update(np.ascontiguousarray(train.labels).tobytes())
        rows = f"{train.features.shape} {digest.hexdigest()}"
        every = self.comm.all_gather_object((asdict(settings), rows))
        for rank, (other, other_rows) in enumerate(every):
            for name, value in every[0][0].items():
                if other[name] != value:
                    problem = f" is {value} on rank 0 and {other[name]} on rank {rank}"
                    raise _wrong(name, problem, "give all ranks the same settings")
            if other_rows != every[0][1]:
                raise wrong(ValueError, "Trainer", f"the rows on rank {rank} are not those on rank 0",
                            "give all ranks the same table: each takes its part of every batch")  # fmt: skip

    def part(self, *arrays: Array) -> tuple[Array, ...]:
        """This worker's rows of a batch."""
        self.rows = len(arrays[0])
        if self.worker is None or self.workers == 1:
            return arrays
        start, stop = (self.rows * w // self.workers for w in (self.worker, self.worker + 1))
        return tuple(array[start:stop] for array in arrays)

    def connect(self, predictor: Predictor) -> Any:
        """The model whose `backward()` leaves in `grad` what the optimizer needs."""
        if self.comm is None or self.has_server:
            return predictor.model
        return distributed.DataParallel(predictor.model, self.comm)

    def backward(self, model: Any, loss_of: Callable[..., Any], x: Any, y: Any) -> float:
        """Write the gradients of this worker's rows, and return their mean loss; 0 if it has none."""
        if not len(x):
            (model(x).sum() * 0.0).backward()  # all ranks take part in every step
            return 0.0
        loss = loss_of(model(x), y)
        share = len(x) * self.workers / self.rows
        (loss if share == 1 or not self.waits else loss * share).backward()
        return float(loss.item())

    def total(self, value: float) -> float:
        """The sum of a number over the ranks, with the same bits on each."""
        if self.comm is None:
            return value
        found = np.array([value])
        self.comm.all_reduce(found)
        return float(found[0])

    def should_stop(self, stop: Callable[[], bool], step: int, steps: int) -> bool:
        """Whether to stop after `step` of the `steps` of an epoch; if a rank has a reason, all stop."""
        if self.comm is None:
            return stop()
        if step % AGREE and step < steps:
            return False
        return self.total(float(stop())) > 0

    def first(self, compute: Callable[[], Any]) -> Any:
        """The result of `compute()` on rank 0, on every rank."""
        return together(self.comm, lambda: None, lambda _: compute())

    def gather(self, thing: Any) -> list[Any]:
        """The things of all ranks, on every rank."""
        return [thing] if self.comm is None else list(self.comm.all_gather_object(thing))

    def serve(self, model: Any, optimizer: Any) -> Any:
        """The parameter server of an epoch; all ranks call this."""
        return distributed.ParameterServer(
            model, optimizer, self.comm, staleness=self.staleness, backups=self.backups
        )

    def to_json(self) -> dict[str, Any]:
        """What a run that goes on must have in common with this one; {} for a process alone."""
        if self.comm is None:
            return {}
        return {"scheme": self.scheme, "staleness": self.staleness, "backups": self.backups}


def check(scheme: Any, staleness: Any, backups: Any, ranks: int) -> None:
    """Raise ValueError for a scheme and options of it that do not go together."""
    if scheme not in catalogue.SCHEMES:
        raise _wrong("scheme", f" cannot be {scheme!r}", f"there are {', '.join(catalogue.SCHEMES)}")
    is_server = scheme == "parameter-server"
    for name, value in (("staleness", staleness), ("backups", backups)):
        if not (value is None and name == "staleness") and not (type(value) is int and value >= 0):
            problem = f" must be an integer of at least 0, not {value!r}"
            raise _wrong(name, problem, 'or "none" for any number' * (name == "staleness"))
        if value != 0 and not is_server:
            problem = f" {_shown(value)} is of a parameter server, and all-reduce has none"
            remedy = Phrase("leave it out, or ", Argument("scheme", "parameter-server", asked=True))
            raise _wrong(name, problem, remedy)
    if backups and staleness != 0:
        raise _wrong("backups", f" {backups} with a staleness of {_shown(staleness)}: a server that does "
                     "not wait has no worker to leave out", "choose one of the two")  # fmt: skip
    if is_server and ranks < 2:
        raise _wrong("scheme", " parameter-server needs two ranks, a server and a worker",
                     "start more ranks")  # fmt: skip
    if backups and backups >= ranks - 1:
        raise _wrong("backups", f" {backups} of {ranks - 1} workers: at least one must be waited for",
                     "use more workers, or fewer backups")  # fmt: skip


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)


def _wrong(name: str, problem: str, remedy: Any) -> ValueError:
    return wrong(ValueError, "Trainer", Phrase(Argument(name), problem), remedy)
