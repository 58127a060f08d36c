"""Asynchronous SGD with a parameter server (slide: Course Grained Parallelism (Asynchronous SGD)).

A worker fetches up-to-date parameters from the server, computes gradients with respect to them, and sends
them back; the server updates the model. You will see that this is SGD, bit for bit, as long as the server
waits for all; then four workers that wait for nobody, one of them slow, and the staleness of their gradients:
how many updates were made between the fetch and the gradient's own; then 64 workers on a simulated cluster.

The workers are threads here. On several cores or machines:
tinygrad-edu launch -n 5 examples/lecture/18_asynchronous.py --cluster mpi

Change: the last η of RUNS to 0.02, 0.05. None in RUNS to 1: a worker is then at most one step ahead of the
slowest. The 0.015 of TIMES to 0: what is left of the staleness?
"""
from __future__ import annotations

import numpy as np
from common import batches, cluster, draw, options, weights

import tinygrad_edu as te
from tinygrad_edu import data, nn, optim, viz
from tinygrad_edu.distributed import ParameterServer, SimulatedCluster, constant, exponential, slow_rank

M, ETA, WORKERS, MANY = 16, 0.1, 4, 64
TIMES = constant(0.004) + exponential(0.002) + slow_rank(2, 0.015)              # seconds of a gradient
RUNS = {"synchronous, η = 0.64": (0, 0.64), "asynchronous, η = 0.1": (None, 0.1),
        "asynchronous, η = 0.01": (None, 0.01)}                                 # staleness, η


def network(seed):
    """A network with the first weights of that seed."""
    te.manual_seed(seed)
    return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


def rows(table, count, seed, worker, workers):
    """`count` batches of a worker: its M rows of each batch of all."""
    loader = data.DataLoader(table, M, shuffle=True, seed=seed, drop_last=True, shard=(worker, workers))
    return batches(loader, count)


def work(comm, table, count, seed, staleness=None, eta=ETA, times=None):
    """A rank of the job; the server's result is (report, weights, {quantity: its values over the run})."""
    model = network(seed)
    server = ParameterServer(model, optim.SGD(model.parameters(), lr=eta), comm, staleness=staleness)
    if server.is_server:
        history = {"loss": [], "seconds": [], "examples": []}

        def look(report):
            used = report.gradients.total()
            if times is None and used % server.workers == 0:
                loss = te.cross_entropy(model(table.features), table.labels).item()
                for values, value in zip(history.values(), (loss, comm.clock(), M * used)):
                    values.append(value)

        return server.serve(look), weights(model), history
    for step, (x, y) in enumerate(rows(table, count, seed, server.worker, server.workers)):
        if times is not None:
            comm.sleep(times(comm.rank, step))          # a machine of its own takes so long
        model.zero_grad()
        te.cross_entropy(model(x), y).backward()        # gradients with respect to the parameters it has
        server.step()                                   # sends them, and fetches up-to-date parameters
    return server.close()


def by_hand(table, count, seed, workers):
    """The weights without any server: each step is the mean of the gradients of all workers' rows."""
    model = network(seed)
    optimizer = optim.SGD(model.parameters(), lr=ETA)
    for parts in zip(*(rows(table, count, seed, worker, workers) for worker in range(workers))):
        gradients = []
        for x, y in parts:
            model.zero_grad()
            te.cross_entropy(model(x), y).backward()
            gradients.append([p.grad.numpy().copy() for p in model.parameters()])
        for p, *each in zip(model.parameters(), *gradients):
            p.grad = te.tensor(sum(each) / workers)
        optimizer.step()
    return weights(model)


def main(arguments=None):
    given = options(__doc__, arguments, clusters=True)
    table, job = data.digits(), cluster(given, 1 + WORKERS)
    workers = job.size - 1
    (_, served, _), *_ = job.run(work, table, 10, given.seed, staleness=0)
    print(f"a server that waits for all {workers} workers, beside SGD by hand, after 10 steps:\n"
          f"  same bits: {np.array_equal(served, by_hand(table, 10, given.seed, workers))}")

    times = TIMES.bind(given.seed)
    (few, _, _), *_ = job.run(work, table, 10 if given.smoke else 60, given.seed, times=times)
    print(f"\n{workers} workers that wait for nobody: {few.updates} updates, and as many gradients\n"
          "  gradients by staleness: ", ", ".join(f"{age}: {n}" for age, n in sorted(few.staleness.items())))
    names = {0: "server"} | {rank: f"worker {rank}" for rank in range(1, job.size)}
    draw(viz.timeline(job.spans, labels=names, title="Asynchronous SGD: nobody waits for the slow worker"),
         "18_timeline.png", given)

    many, count = (8, 6) if given.smoke or not given.first else (MANY, 20)
    runs = {}
    print(f"\n{many} simulated workers, {count} gradients each, of 10 ms and 10 ms more on average\n"
          f"{'':<24} updates   seconds   mean staleness   loss at the end")
    for name, (staleness, eta) in RUNS.items():
        job = SimulatedCluster(1 + many, compute=constant(0.01) + exponential(0.01), seed=given.seed)
        (report, _, runs[name]), *_ = job.run(work, table, count, given.seed, staleness, eta)
        ages = list(report.staleness.elements())
        print(f"{name:<24} {report.updates:>7} {job.seconds:>9.2f} {np.mean(ages):>16.1f} "
              f"{runs[name]['loss'][-1]:>17.2f}")
    draw(viz.progress(runs, ylabel="loss on all digits (nats)", logy=True,
                      title=f"{many} workers on a simulated cluster"), "18_loss.png", given)
    draw(viz.staleness({f"{workers} workers, one of them slow": few.staleness,
                        f"{many} workers, simulated": report.staleness},
                       title="How stale is a gradient?"), "18_staleness.png", given)


if __name__ == "__main__":
    main()
