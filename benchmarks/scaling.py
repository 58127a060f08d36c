"""A thousand simulated workers: the time to a loss for each scheme, and what collectives cost.

The gradients are real, the clock is virtual. A worker's batch has `BATCH` rows whatever the number of
workers; a scheme that takes a step for each gradient takes steps that are smaller by the number of workers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from tqdm import tqdm

import tinygrad_edu as te
from benchmarks.ranks import SCHEMES
from benchmarks.report import table
from tinygrad_edu import nn, optim
from tinygrad_edu.distributed import (
    Comm,
    ComputeModel,
    DataParallel,
    Network,
    ParameterServer,
    SimulatedCluster,
    constant,
    exponential,
    pauses,
    rounds,
    slow_rank,
)
from tinygrad_edu.distributed.schedules import ALL_REDUCE, bounds

STRAGGLERS: dict[str, ComputeModel] = {
    "exponential times": constant(1e-3) + exponential(1e-3),
    "one slow rank": constant(1e-3) + slow_rank(1, 0.05),
    "pauses": constant(1e-3) + pauses(0.01, 0.05),
}
WORKERS, ALGORITHM_SIZES = (16, 128, 1024), (4, 16, 64, 256, 1024)
BACKUPS = 16  # one worker of so many is a backup, instead of a single one
# Gradients of so few bytes travel by the tree, unless it is said.
BY_RING = "all-reduce by the ring"
TRAINED = {"all-reduce": {}, BY_RING: {}, **SCHEMES}
COLUMNS, BATCH, LR, GOAL, LIMIT = 10, 4, 1.0, 0.3, 200  # LIMIT: gradients of a worker at most
GRADIENTS = {"0.4 MB": 400_000, "20 MB": 20_000_000}


def rows(seed: list[int], count: int) -> tuple[Any, Any]:
    """Features (count, COLUMNS) and the classes of a fixed line through them."""
    random = np.random.default_rng(seed)
    x = random.standard_normal((count, COLUMNS)).astype(np.float32)
    return x, (x @ np.linspace(-1, 1, COLUMNS) > 0).astype(np.int64)


def train(comm: Comm, scheme: str, options: dict[str, Any], goal: dict[str, float]) -> None:
    """Train to the goal; its time is in `goal`, which all ranks of a simulated cluster share.

    Looking at the loss takes no virtual time.
    """
    te.manual_seed(0)
    model = nn.Linear(COLUMNS, 2)
    is_server = bool(options) and comm.rank == 0
    one_each = options.get("staleness", 0) != 0
    optimizer = optim.SGD(model.parameters(), lr=LR / (comm.size - 1) if one_each else LR)
    held_out, classes = rows([0], 512)
    updates = 0

    def look(step: int) -> None:
        with te.no_grad():
            loss = te.cross_entropy(model(te.tensor(held_out)), te.tensor(classes)).item()
        if loss <= GOAL and "time" not in goal:
            goal.update(time=comm.clock() - begin, step=step)

    def gradient(network: Any, step: int) -> None:
        x, y = rows([1, comm.rank, step], BATCH)
        optimizer.zero_grad()
        te.cross_entropy(network(te.tensor(x)), te.tensor(y)).backward()

    if not options:
        network = DataParallel(model, comm, algorithm="ring" if scheme == BY_RING else None)
        begin = comm.clock()
        for step in range(LIMIT):
            if step > goal.get("step", LIMIT) + 1:  # all ranks know of it then
                return
            gradient(network, step)
            optimizer.step()
            if comm.rank == 0:
                look(step)
        return
    server = ParameterServer(model, optimizer, comm, **options)
    begin = comm.clock()
    if is_server:

        def on_update(_: Any) -> None:
            nonlocal updates
            updates += 1
            if not one_each or updates % max(1, comm.size // 4) == 0:
                look(updates)

        server.serve(on_update)
        return
    for step in range(LIMIT):
        if "time" in goal:
            break
        gradient(model, step)
        server.step()
    server.close()


def time_to_loss(scheme: str, workers: int, compute: ComputeModel) -> float | None:
    """Virtual seconds until the goal; None if it was not reached."""
    options = dict(TRAINED[scheme])
    if "backups" in options:
        options["backups"] = max(1, workers // BACKUPS)
    goal: dict[str, float] = {}
    cluster = SimulatedCluster(workers + bool(options), compute=compute, update=2e-5)
    cluster.run(train, scheme, options, goal)
    return goal.get("time")


def report() -> str:
    """Both tables."""
    found: dict[tuple[str, int], list[str]] = {}
    jobs = [(scheme, n, kind) for n in WORKERS for scheme in TRAINED for kind in STRAGGLERS]
    for scheme, workers, kind in tqdm(jobs, desc="scaling"):
        needed = time_to_loss(scheme, workers, STRAGGLERS[kind])
        text = "not reached" if needed is None else f"{needed * 1000:.0f}"
        found.setdefault((scheme, workers), []).append(text)
    lines = [[name(scheme, workers), str(workers), *cells] for (scheme, workers), cells in found.items()]
    head = ["scheme", "workers", *(f"{kind}, ms" for kind in STRAGGLERS)]
    network = Network()
    costs = [
        [f"{label}, {size} ranks"]
        + [f"{1000 * seconds(how, size, nbytes, network):.2f}" for how in ALL_REDUCE]
        for label, nbytes in GRADIENTS.items()
        for size in ALGORITHM_SIZES
    ]  # fmt: skip
    return (
        f"{table(head, lines)}\n\nSimulated, virtual time to a loss of {GOAL}, with {BATCH} rows a "
        "gradient. A gradient takes 1 ms, and more: 1 ms on average (exponential times), 50 ms on one rank, "
        "or 50 ms for one gradient of a hundred (pauses). A message takes "
        f"{network.latency * 1e6:.0f} us and its bytes at {network.bandwidth / 1e9:.2f} GB/s.\n\n"
        f"{table(['all-reduce of', *(f'{how}, ms' for how in ALL_REDUCE)], costs)}\n\n"
        "A star is what a synchronous parameter server does."
    )


def name(scheme: str, workers: int) -> str:
    """The scheme with its number of backups."""
    backups = max(1, workers // BACKUPS)
    return scheme.replace("1 backup", f"{backups} backup{'s' if backups > 1 else ''}")


def seconds(algorithm: str, size: int, nbytes: int, network: Network) -> float:
    """Virtual seconds of an all-reduce."""
    schedule = ALL_REDUCE[algorithm](size)
    chunks = [4 * (place.stop - place.start) for place in bounds(nbytes // 4, schedule.chunks)]
    return float(rounds.finish_times(schedule, chunks, network, np.zeros(size)).max())
