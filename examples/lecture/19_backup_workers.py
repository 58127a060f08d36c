"""Synchronous SGD with backup workers (slide: Synchronous SGD).

Each worker waits for all others before it gets updated weights from the server, so one slow node slows all
of them. Backup workers make up for slow nodes: the server waits for all but a few, and drops the gradients
that come too late for their step. You will see the steps per second of four workers, one of them slow,
without and with one backup, and whose rows are not learned from; then 64 workers on a simulated cluster, with
stragglers of two kinds, and how many backups pay.

The workers are threads here. On several cores or machines:
tinygrad-edu launch -n 5 examples/lecture/19_backup_workers.py --cluster mpi

Change: SLOW to 0.2: which of the two runs does that slow down? Add slow_rank(5, 0.1), which is always slow,
to the rare pauses: how many backups does one bad machine need?
"""
from __future__ import annotations

from common import batches, cluster, draw, options

import tinygrad_edu as te
from tinygrad_edu import data, nn, optim, viz
from tinygrad_edu.distributed import (
    ParameterServer,
    SimulatedCluster,
    constant,
    exponential,
    pauses,
    slow_rank,
)

M, ETA, WORKERS, SLOW = 16, 0.8, 4, 0.050                                       # SLOW: seconds
STRAGGLERS = {"random times": constant(0.01) + exponential(0.01),               # 10 ms, and 10 ms on average
              "rare pauses": constant(0.01) + exponential(0.001) + pauses(0.02, 0.1)}       # 2 % take 0.1 s
MANY, BACKUPS = 64, (0, 2, 4, 8, 16)


def work(comm, table, steps, seed, backups, times=None):
    """A rank of the job until the server has made `steps` steps; the server's result is (report, history)."""
    te.manual_seed(seed)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = optim.SGD(model.parameters(), lr=ETA)
    server = ParameterServer(model, optimizer, comm, staleness=0, backups=backups)
    if server.is_server:
        history = {"loss": [], "seconds": [], "examples": []}

        def look(report):
            loss = 0.0 if times else te.cross_entropy(model(table.features), table.labels).item()
            now = loss, comm.clock(), M * (report.gradients.total() + report.dropped)
            for values, value in zip(history.values(), now):
                values.append(value)

        return server.serve(look), history
    loader = data.DataLoader(table, M, shuffle=True, seed=seed, drop_last=True,
                             shard=(server.worker, server.workers))
    for step, (x, y) in enumerate(batches(loader)):
        if times is not None:
            comm.sleep(times(comm.rank, step))          # a machine of its own takes so long
        model.zero_grad()
        te.cross_entropy(model(x), y).backward()
        server.step()                                   # returns when the server has made its step
        if server.version >= steps:
            return server.close()


def rate(history):
    """Steps per second, from the first step on."""
    moments = history["seconds"]
    return (len(moments) - 1) / (moments[-1] - moments[0])


def main(arguments=None):
    given = options(__doc__, arguments, clusters=True)
    table, job = data.digits(), cluster(given, 1 + WORKERS, least=3)
    workers, steps = job.size - 1, 5 if given.smoke else 30
    times = (constant(0.004) + slow_rank(2, SLOW)).bind(given.seed)
    names = {0: "server"} | {rank: f"worker {rank}" for rank in range(1, job.size)}
    print(f"{workers} workers, {steps} steps; worker 2 takes {SLOW * 1e3:.0f} ms more for each gradient")
    for backups, name in ((0, "19_all.png"), (1, "19_backup.png")):
        (report, history), *_ = job.run(work, table, steps, given.seed, backups, times)
        used = ", ".join(str(report.gradients[k]) for k in range(workers))
        print(f"  {backups} backups: {rate(history):6.1f} steps per second; gradients used of each worker "
              f"{used}; dropped {report.dropped}")
        title = f"The server waits for {'the first' if backups else 'all'} {workers - backups} workers"
        draw(viz.timeline(job.spans, labels=names, title=title), name, given)

    many, steps = (8, 5) if given.smoke or not given.first else (MANY, 12)
    backups, rates, runs = [b for b in BACKUPS if b <= many // 4], {}, {}
    print(f"\n{many} workers on a simulated cluster, {steps} steps\n"
          "stragglers       backups   steps per second   dropped   loss at the end")
    for kind, model in STRAGGLERS.items():
        rates[kind] = []
        for b in backups:
            job = SimulatedCluster(1 + many, compute=model, seed=given.seed)
            (report, history), *_ = job.run(work, table, steps, given.seed, b)
            rates[kind].append(rate(history))
            runs[f"{kind}, {b} backups"] = history
            print(f"{kind:<16} {b:>7} {rates[kind][-1]:>18.1f} {report.dropped / (many * steps):>9.1%} "
                  f"{history['loss'][-1]:>17.2f}")
    draw(viz.curves(backups, rates, xlabel=f"backups among {many} workers", title="What backup workers gain",
                    ylabel="steps per second, simulated", ylim=(0, None)), "19_rates.png", given)
    shown = {name: runs[name] for name in (f"rare pauses, {b} backups" for b in (0, backups[-1]))}
    draw(viz.progress(shown, ylabel="loss on all digits (nats)",
                      title="As many examples, in less time"), "19_loss.png", given)


if __name__ == "__main__":
    main()
