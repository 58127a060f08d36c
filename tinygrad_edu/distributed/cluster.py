"""Cluster: where the ranks of a job run; and `run`, which runs a program on one that it finds by name."""

from __future__ import annotations

import importlib
import os
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from tinygrad_edu.backend import philox
from tinygrad_edu.distributed.comm import Comm
from tinygrad_edu.distributed.fault import DistributedError
from tinygrad_edu.distributed.timeline import Span
from tinygrad_edu.errors import wrong


class Cluster(ABC):
    """`size` ranks that can run a program.

    spans  after a run with `timeline=True`, what each rank did and when
    """

    def __init__(self, size: int, *, timeline: bool = False) -> None:
        self.size, self.timeline = size, timeline
        self.spans: list[Span] = []

    @abstractmethod
    def run(self, program: Callable[..., Any], *args: Any, **kwargs: Any) -> list[Any]:
        """The results of `program(comm, *args, **kwargs)` on each rank, in their order."""

    def start(self, comms: Sequence[Comm]) -> None:
        """Prepare the ranks of this process for a run."""
        self.spans = []
        for comm in comms:
            comm.spans = [] if self.timeline else None

    def finish(self, comms: Sequence[Comm]) -> None:
        """Collect what the ranks of this process have noted."""
        self.spans = [span for comm in comms for span in comm.spans or ()]

    def raise_first(self, errors: Mapping[int, BaseException], failed: int | None) -> None:
        """Raise the error that ended a job, if one did: that of rank `failed`, the first that failed."""
        if errors:
            first = failed if failed is not None and failed in errors else min(errors)
            self.raise_from(errors[first], first)

    def raise_from(self, error: BaseException, rank: int) -> NoReturn:
        """Raise the error of a rank here."""
        if isinstance(error, SystemExit):  # the caller's process is not the rank's to end
            raise wrong(
                DistributedError, None, f"rank {rank} of {self.size} called sys.exit({error.code!r})",
                "return from the program instead, on all ranks",
            )  # fmt: skip
        error.add_note(f"(raised on rank {rank} of {self.size})")
        raise error


def run_rank(
    cluster: Cluster, comm: Comm, program: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Run the program of one rank in this thread, with a stream of random numbers of its own.

    The stream begins where the default one is, the same on every rank: models start alike.
    """
    stream = philox.Generator()
    stream.load_state_dict(philox.current().state_dict())
    try:
        with philox.replacing_default(stream):
            return program(comm, *args, **kwargs)
    finally:
        comm.is_over = True


def run(
    program: Callable[..., Any], *args: Any, ranks: int = 4, cluster: str = "threads", **kwargs: Any
) -> list[Any]:
    """The results of `program(comm, *args, **kwargs)` on each rank, in their order.

    cluster  "threads" of this process; "mpi", the processes that `tinygrad-edu launch` or mpiexec started,
             each of which calls this; or "simulated"
    ranks    how many; under MPI, as many as there are processes
    """
    if cluster != "mpi" and "TINYGRAD_EDU_JOB" in os.environ:
        warnings.warn(f"each process that tinygrad-edu launch has started now runs all ranks, in "
                      f"cluster={cluster!r}; with cluster='mpi' it is one", stacklevel=2)  # fmt: skip
    return by_name(cluster, ranks).run(program, *args, **kwargs)


def by_name(name: str, ranks: int, **options: Any) -> Cluster:
    """The cluster of that name. Under MPI, `ranks` is ignored: the launcher has chosen it."""
    if name not in _CLUSTERS:
        raise wrong(ValueError, "run", f"cluster={name!r}", f"there are {', '.join(_CLUSTERS)}")
    module, kind = _CLUSTERS[name]
    made = getattr(importlib.import_module(f"tinygrad_edu.distributed.{module}"), kind)
    found: Cluster = made(**options) if name == "mpi" else made(ranks, **options)
    return found


_CLUSTERS = {"threads": ("threads", "ThreadCluster"), "mpi": ("mpi", "MPICluster"),
             "simulated": ("simulated", "SimulatedCluster")}  # fmt: skip
