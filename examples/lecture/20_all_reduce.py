"""All-reduce: the workers compute the mean gradient among themselves (slide: PyTorch Distributed SGD).

There is no server. The workers share their gradients until each has the mean, and each takes the same step.
You will see the ring, an algorithm for that, by hand in a dozen lines; that four workers with 32 rows each
learn what one machine learns from 128, to rounding, with the same bits on every worker; where the time goes
when one of them is slow; and, on a simulated cluster, how long ring, tree and star take for a thousand.

The workers are threads here: they show what happens, not how fast it can be. On several cores or machines:
tinygrad-edu launch -n 4 examples/lecture/20_all_reduce.py --cluster mpi

Change: SLOW to 0. ALGORITHM to "tree" or "star": which numbers change, and which do not? The NETWORK to one
that is ten times as fast, Network(5e-6, 1.25e10): where do ring and tree cross now?
"""
from __future__ import annotations

import numpy as np
from common import batches, cluster, draw, options, weights

import tinygrad_edu as te
from tinygrad_edu import data, distributed, nn, optim, viz
from tinygrad_edu.distributed import DataParallel, Network, SimulatedCluster
from tinygrad_edu.distributed.schedules import ALL_REDUCE

WORKERS, M, ETA, ALGORITHM = 4, 32, 0.1, "ring"
COMPUTE, SLOW = 0.010, 0.030        # seconds of each gradient, and how many more on the slow worker
NETWORK = Network(latency=50e-6, bandwidth=1.25e9)                              # seconds, bytes a second
SIZES = {"4 KB": (1024, 1024), "2 MB": (524288, 64)}        # of gradients: numbers, the most simulated ranks


def ring(comm, x):
    """Replace x (n,) by its sum over the ranks: n - 1 rounds that add a chunk, then n - 1 that copy one."""
    chunks = np.array_split(x, comm.size)                                       # views of x
    left, right = (comm.rank - 1) % comm.size, (comm.rank + 1) % comm.size
    for first, is_sum in ((comm.rank, True), (right, False)):
        for i in range(comm.size - 1):
            sent = comm.isend(chunks[(first - i) % comm.size], right)
            mine = chunks[(first - i - 1) % comm.size]
            arrived = np.empty_like(mine)
            comm.recv(arrived, left)
            mine[:] = mine + arrived if is_sum else arrived
            sent.wait()


def sums(comm, n, seed):
    """The sum of random numbers (n,) of each rank, by hand and by each algorithm of the library."""
    mine = np.random.default_rng([seed, comm.rank]).normal(size=n).astype(np.float32)
    found = {"ring, by hand": mine.copy()} | {name: mine.copy() for name in ALL_REDUCE}
    ring(comm, found["ring, by hand"])
    for name in ALL_REDUCE:
        comm.all_reduce(found[name], algorithm=name)
    return found


def train(comm, table, steps, seed, rows=M, slow=None):
    """All weights of a network after so many steps, in one array, and the loss of each step on this rank."""
    te.manual_seed(seed)
    network = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    model = DataParallel(network, comm, algorithm=ALGORITHM)
    optimizer, losses = optim.SGD(model.parameters(), lr=ETA), []
    loader = data.DataLoader(table, rows, shuffle=True, seed=seed, drop_last=True,
                             shard=(comm.rank, comm.size))                      # its rows of every batch
    for x, y in batches(loader, steps):
        if slow is not None:
            comm.sleep(COMPUTE + SLOW * (comm.rank == slow))                    # a machine that takes so long
        optimizer.zero_grad()
        loss = te.cross_entropy(model(x), y)
        loss.backward()                                                         # averages the gradients, too
        optimizer.step()
        losses.append(loss.item())
    return weights(model), losses


def waited(spans, rank):
    """Seconds that a rank has waited."""
    return sum(span.end - span.begin for span in spans if span.rank == rank and span.kind == "wait")


def seconds(ranks, n, name):
    """Simulated seconds of an all-reduce of n numbers by the algorithm of that name."""
    job = SimulatedCluster(ranks, network=NETWORK)
    job.run(lambda comm: comm.all_reduce(np.ones(n, np.float32), algorithm=name))
    return job.seconds


def main(arguments=None):
    given = options(__doc__, arguments, clusters=True)
    job, n, table, steps = cluster(given, WORKERS), 12000, data.digits(), 20 if given.smoke else 200
    everywhere = job.run(sums, n, given.seed)
    print(f"sum of {n} random numbers of each of {job.size} workers")
    exact = sum(np.random.default_rng([given.seed, rank]).normal(size=n) for rank in range(job.size))
    for name, here in everywhere[0].items():
        same = all(np.array_equal(here, other[name]) for other in everywhere)
        as_ring = np.array_equal(here, everywhere[0]["ring"])
        print(f"  {name:<14} same bits on all: {same}   same bits as the ring: {as_ring!s:<5}"
              f"   largest error {np.abs(here - exact).max():.1e}")

    [(one, _)] = distributed.run(train, table, steps, given.seed, M * job.size, ranks=1)
    (found, losses), *others = job.run(train, table, steps, given.seed)
    print(f"\n{job.size} workers of {M} rows, one machine of {M * job.size}: after {steps} steps of SGD\n"
          f"  largest weight {np.abs(one).max():.2f}, largest difference {np.abs(found - one).max():.1e}\n"
          f"  same bits on all workers: {all(np.array_equal(found, other) for other, _ in others)}\n"
          f"  loss {losses[0]:.2f} -> {losses[-1]:.2f}")
    job.run(train, table, 6, given.seed, slow=job.size - 1)
    print(f"\nrank {job.size - 1} takes {SLOW * 1e3:.0f} ms more than the others for each of 6 gradients\n"
          "  ms spent waiting, by rank:", *(f"{waited(job.spans, k) * 1e3:.0f}" for k in range(job.size)))
    draw(viz.timeline(job.spans, title="All-reduce: all wait for the slowest"), "20_timeline.png", given)

    ranks, series = [2, 4, 8, 16] if given.smoke or not given.first else [2**k for k in range(1, 11)], {}
    print("\nmilliseconds of an all-reduce, simulated\n   ranks    ", *(f"{k:>7}" for k in ranks))
    for size, (n, most) in SIZES.items():
        for name in ALL_REDUCE:
            series[f"{name}, {size}"] = times = [seconds(k, n, name) if k <= most else np.nan for k in ranks]
            print(f"   {name}, {size}", *(f"{t * 1e3:>7.2f}" for k, t in zip(ranks, times) if k <= most))
    draw(viz.scaling(ranks, series, ylabel="time of an all-reduce (s), simulated", ideal=False,
                     title="Few bytes: the tree. Many bytes: the ring"), "20_algorithms.png", given)


if __name__ == "__main__":
    main()
