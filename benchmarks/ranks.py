"""What each rank of a job does in `benchmarks.distributed`: the same programs under MPI and simulated.

    tinygrad-edu launch -n 2 -m benchmarks.ranks RESULTS.json push_and_pull "[400000]"

runs a program of `PROGRAMS` under MPI, and rank 0 writes the list of what the ranks return.
"""

from __future__ import annotations

import json
import statistics
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_edu as te
from benchmarks.frameworks import LR, problem
from benchmarks.mlp import CASES
from tinygrad_edu import nn, optim
from tinygrad_edu.distributed import Comm, DataParallel, ParameterServer

SECONDS = 1.5  # of each measurement, after a fifth that is not counted
SCHEMES: dict[str, dict[str, Any]] = {
    "all-reduce": {},
    "parameter server, staleness 0": {"staleness": 0},
    "parameter server, staleness 0, 1 backup": {"staleness": 0, "backups": 1},
    "parameter server, staleness 4": {"staleness": 4},
    "parameter server, asynchronous": {"staleness": None},
}


def mlp(sizes: tuple[int, ...], batch: int, seed: int = 0) -> tuple[nn.Module, Any, Any]:
    """The model of `benchmarks.mlp`, a batch and its classes."""
    x, target, weights = problem(sizes, batch)
    modules: list[Any] = []
    for (n, m), (w, b) in zip(pairwise(sizes), weights):
        layer = nn.Linear(n, m)
        with te.no_grad():
            layer.weight.copy_(w)
            layer.bias.copy_(b)
        modules += [layer, nn.ReLU()]
    return nn.Sequential(*modules[:-1]), te.tensor(x), te.tensor(target)


def speed(comm: Comm, case: str) -> float:
    """Seconds of the median step of one of the MLPs, with all-reduce if there are several ranks."""
    model, x, target = mlp(*CASES[case])
    network = DataParallel(model, comm) if comm.size > 1 else model
    optimizer = optim.SGD(model.parameters(), lr=LR)

    def step() -> None:
        optimizer.zero_grad()
        te.cross_entropy(network(x), target).backward()
        optimizer.step()

    return timed(comm, step)


def timed(comm: Comm, step: Any) -> float:
    """Seconds of the median step; all ranks take the same number."""
    for _ in range(3):
        step()
    begin = comm.clock()
    for _ in range(5):
        step()
    count = np.array([max(20, int(SECONDS * 5 / (comm.clock() - begin)))])
    comm.broadcast(count)
    times = []
    for _ in range(int(count[0])):
        begin = comm.clock()
        step()
        times.append(comm.clock() - begin)
    return statistics.median(times)


def push_and_pull(comm: Comm, nbytes: int) -> float:
    """Seconds for an array to rank 0 and one back, between two ranks."""
    x = np.zeros(nbytes // 4, np.float32)

    def step() -> None:
        if comm.rank:
            comm.send(x, 0)
            comm.recv(x, 0)
        else:
            comm.recv(x, 1)
            comm.send(x, 1)

    return timed(comm, step)


def all_reduce(comm: Comm, nbytes: int) -> float:
    """Seconds for the sum of an array over the ranks."""
    x = np.zeros(nbytes // 4, np.float32)
    return timed(comm, lambda: comm.all_reduce(x))


SMALL = (8, 2), 8  # a model whose step is short beside the delay of a straggler


def costs(comm: Comm) -> float:
    """Seconds of an update, on rank 0, and of a gradient, on rank 1, of a server and its only worker."""
    comm.spans = []
    straggler(comm, "parameter server, asynchronous", 0.0, SECONDS)
    kind = "compute" if comm.rank else "update"
    return statistics.median(span.end - span.begin for span in comm.spans if span.kind == kind)


def straggler(comm: Comm, scheme: str, delay: float, seconds: float) -> float:
    """Updates per second of the small model; the last rank sleeps for `delay` before each gradient."""
    options = SCHEMES[scheme]
    model, x, target = mlp(*SMALL)
    optimizer = optim.SGD(model.parameters(), lr=LR)
    network = model if options else DataParallel(model, comm)
    updates: list[float] = []
    steps = int(seconds / delay) if delay else 100

    def gradient() -> None:
        if delay and comm.rank == comm.size - 1:
            comm.sleep(delay)
        optimizer.zero_grad()
        te.cross_entropy(network(x), target).backward()

    if not options:
        for _ in range(steps):
            gradient()
            optimizer.step()
            updates.append(comm.clock())
    else:
        server = ParameterServer(model, optimizer, comm, **options)
        comm.barrier()
        begin = comm.clock()
        if server.is_server:
            server.serve(lambda report: updates.append(comm.clock()))
        else:
            while comm.clock() - begin < seconds:
                gradient()
                server.step()
            server.close()
        updates = [moment for moment in updates if moment <= begin + seconds]
    counted = updates[len(updates) // 5 :]
    return (len(counted) - 1) / (counted[-1] - counted[0]) if len(counted) > 1 else 0.0


PROGRAMS = {"speed": speed, "push_and_pull": push_and_pull, "all_reduce": all_reduce, "costs": costs,
            "straggler": straggler}  # fmt: skip


def main() -> None:
    """Run a program on the ranks that the launcher has started."""
    from tinygrad_edu.distributed.mpi import MPICluster

    path, name, arguments = sys.argv[1:]
    ranks: list[int] = []

    def program(comm: Comm) -> Any:
        ranks.append(comm.rank)
        return PROGRAMS[name](comm, *json.loads(arguments))

    results = MPICluster().run(program)
    if ranks == [0]:
        Path(path).write_text(json.dumps(results))


if __name__ == "__main__":
    main()
