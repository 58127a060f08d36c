"""Programs that run in jobs under MPI: `python -m tests.distributed.mpi.programs NAME` on each rank."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

import tinygrad_edu as te
from tests.distributed.programs import all_reduced, network, rows, same_bits, served, step
from tinygrad_edu import distributed, nn, optim
from tinygrad_edu.data import ArrayDataset, DataLoader

BATCHES = [rows(12, seed=seed) for seed in range(4)]


def collectives(comm):
    """The bytes of what all collectives give, of random numbers."""
    random = np.random.default_rng(comm.rank)
    found = []
    for dtype in (np.float16, np.float32, np.float64, np.int64, np.uint8):
        for length in (0, 1, 3, 1000, 40_001):
            for algorithm, op in (("ring", "sum"), ("tree", "sum"), ("star", "max"), (None, "product")):
                x = (random.normal(size=length) * 3).astype(dtype)
                comm.all_reduce(x, op, algorithm=algorithm)
                found.append(x.tobytes())
    x = random.normal(size=(50, 7)).astype(np.float32)
    comm.all_reduce(x.T, "mean")
    found += [x.tobytes(), comm.all_gather(x).tobytes()]
    comm.broadcast(x, src=comm.size - 1)
    comm.barrier()
    y, z = x.copy(), random.normal(size=30_000)
    works = [comm.all_reduce(part, async_op=True) for part in (y, z, x)]
    comm.progress()
    for work in reversed(works):
        work.wait()
    after, before = (comm.rank + 1) % comm.size, (comm.rank - 1) % comm.size
    sending = comm.isend(z, after, tag=3)
    comm.recv(w := np.empty_like(z), before, tag=3)
    sending.wait()
    if comm.rank:
        comm.send(np.array([comm.rank]), 0)
    else:
        boxes = [np.empty(1, np.int64) for _ in range(1, comm.size)]
        works = [comm.irecv(box, r) for r, box in enumerate(boxes, 1)]
        while works:
            works.pop(comm.wait_any(works))
        assert [int(box[0]) for box in boxes] == list(range(1, comm.size))
    objects = [comm.broadcast_object({"root": comm.rank}, src=1), comm.gather_object("x" * comm.rank),
               comm.all_gather_object(comm.rank)]  # fmt: skip
    return [*found, x.tobytes(), y.tobytes(), z.tobytes(), w.tobytes(), objects]


def schemes(comm):
    """The states after training by all-reduce, and by a parameter server that is synchronous."""
    states = all_reduced(comm, BATCHES, "adam", cap=1e-4, dropout=0.2, batch_norm=True)
    final, report, _ = served(comm, BATCHES, "adam", 0)
    return states, final, report.updates if report else 0


def unbounded(comm):
    """Asynchronous training and training with a bound end, on MPI's own clock."""
    for staleness in (None, 1):
        _, report, _ = served(comm, BATCHES, "sgd", staleness)
        if report is not None:
            assert report.updates == (comm.size - 1) * len(BATCHES)


def compared(comm):
    """What MPI gives and what threads give have the same bits, on all ranks."""
    cluster = distributed.MPICluster(timeline=True)
    for other in (collectives, schemes):
        given = cluster.run(other)
        assert cluster.spans
        if comm.rank == 0:
            expected = distributed.ThreadCluster(comm.size).run(other)
            assert repr(given) == repr(expected) if other is collectives else _same(given, expected)
    cluster.run(unbounded)


def _same(given, expected):
    return all(
        len(a) == len(b) and all(same_bits(s, t) for s, t in zip([*a, c], [*b, d])) and n == m
        for (a, c, n), (b, d, m) in zip(given, expected, strict=True)
    )


def fault(comm, kind, who=1):
    """Ranks that work together, until one of them does `kind`."""
    x = np.ones(100, np.float32)
    comm.all_reduce(x)
    who = int(who)
    if comm.rank == who:
        if kind == "raises":
            raise ValueError("planted")
        if kind == "exits":
            sys.exit(0)
        if kind == "exits-7":
            sys.exit(7)
        if kind == "vanishes":
            os._exit(0)
        if kind == "returns":
            return "early"
        if kind == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "stops":
            os.kill(os.getpid(), signal.SIGSTOP)
        if kind == "broadcasts":
            comm.broadcast(x)
    if kind == "shapes":
        comm.all_reduce(np.ones(100 + comm.rank, np.float32))
    for _ in range(3):
        comm.all_reduce(x)
    return None


def slow(comm):
    """A rank that takes long is no fault, and neither is one that goes on after the others have ended."""
    x = np.ones(100, np.float32)
    for late in range(comm.size):
        if comm.rank == late:
            time.sleep(1.6)
        comm.all_reduce(x)
    if comm.rank == 0:
        time.sleep(2.5)
    return float(x[0])


def caught(comm):
    """An error that all ranks catch: they go on together."""
    try:
        distributed.run(fault, "raises", cluster="mpi")
    except (ValueError, distributed.RankFailed) as error:
        print("caught", type(error).__name__)
    x = np.ones(3)
    distributed.MPICluster().run(lambda inner: inner.all_reduce(x))
    assert x.tolist() == [comm.size] * 3
    if comm.rank == 0:
        time.sleep(1.2)  # the runs within this one have ended, and it has not
    comm.all_reduce(x)


def resumed(comm, folder, dies_at):
    """Train with a checkpoint a step; rank 1 is killed in step `dies_at`. The final state is written."""
    te.manual_seed(0)
    inner = network(dropout=0.3, batch_norm=True)
    model = distributed.DataParallel(inner, comm)
    rule = optim.Adam(model.parameters(), lr=0.05)
    loader = DataLoader(ArrayDataset(*rows(48)), 8, shuffle=True, seed=1, shard=(comm.rank, comm.size))
    path, done = Path(folder) / "last.safetensors", 0
    if path.exists():
        done = nn.load_checkpoint(path, model=inner, optimizer=rule, loader=loader, comm=comm)["done"]
        print("resumed at", done)
    while done < 10:
        for x, y in loader:
            step(model, rule, x, y)
            if done == int(dies_at) and comm.rank == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            rule.step()
            done += 1
            nn.save_checkpoint(
                path, model=inner, optimizer=rule, loader=loader, extra={"done": done}, comm=comm
            )
            if done == 10:
                break
    distributed.check_in_sync(inner, comm)
    np.savez(Path(folder) / f"rank{comm.rank}.npz", **inner.state_dict())


def output(comm):
    """Output of several kinds."""
    from tqdm import tqdm

    print("one\ntwo")
    print("err", comm.rank, file=sys.stderr)
    print("no end", end="")
    for _ in tqdm(range(3), file=sys.stderr):
        pass
    threads = {os.environ.get(name) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    print(f"; threads {threads}, given {os.environ.get('GIVEN')}, words {sys.argv[1:]}")


def shrinks(comm):
    """Rank 1 dies; the others go on without it, and train to the end."""
    model = network()
    rule = optim.SGD(model.parameters(), lr=0.1)
    for i, (x, y) in enumerate(BATCHES * 3):
        try:
            if i == 4 and comm.rank == 1 and comm.size == 4:
                os.kill(os.getpid(), signal.SIGKILL)
            step(model, rule, x, y)
            for p in model.parameters():
                comm.all_reduce(p.grad, "mean")
        except distributed.DistributedError as error:
            print("lost:", error)
            comm.shrink()
            continue
        rule.step()
    distributed.check_in_sync(model, comm)
    return comm.rank, comm.size


def dies_last(comm):
    """Nothing; rank 1 dies when its process would end."""
    if comm.rank == 1:
        atexit.register(os.kill, os.getpid(), signal.SIGKILL)


def main(name, *words):
    """Run a program on MPI, and say so."""
    results = distributed.run(globals()[name], *words, cluster="mpi")
    print("ended well:", results)


if __name__ == "__main__":
    main(*sys.argv[1:])
