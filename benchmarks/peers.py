"""A step of an MLP by PyTorch in one process, or by DDP on gloo: `python -m benchmarks.peers 2 CASE`."""

from __future__ import annotations

import multiprocessing
import os
import socket
import statistics
import sys
import time
from itertools import pairwise
from typing import Any

from benchmarks.frameworks import LR, problem
from benchmarks.mlp import CASES
from benchmarks.ranks import SECONDS


def measure(rank: int, size: int, case: str, port: int, results: Any) -> None:
    """Put the seconds of the median step into `results`; runs in each process."""
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    import torch
    import torch.distributed as dist

    torch.set_num_threads(1)
    x, target, weights = problem(*CASES[case])
    modules: list[Any] = []
    for (n, m), (w, _) in zip(pairwise(CASES[case][0]), weights):
        layer = torch.nn.Linear(n, m)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(w))
            layer.bias.zero_()
        modules += [layer, torch.nn.ReLU()]
    model: Any = torch.nn.Sequential(*modules[:-1])
    if size > 1:
        dist.init_process_group("gloo", rank=rank, world_size=size)
        model = torch.nn.parallel.DistributedDataParallel(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    data, classes = torch.from_numpy(x), torch.from_numpy(target)

    def step() -> None:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(data), classes).backward()
        optimizer.step()

    for _ in range(3):
        step()
    begin = time.perf_counter()
    for _ in range(5):
        step()
    count = torch.tensor([max(20, int(SECONDS * 5 / (time.perf_counter() - begin)))])
    if size > 1:
        dist.broadcast(count, 0)
    times = []
    for _ in range(int(count)):
        begin = time.perf_counter()
        step()
        times.append(time.perf_counter() - begin)
    results.put(statistics.median(times))
    if size > 1:
        dist.destroy_process_group()


def main() -> None:
    """Print the seconds of the slower process."""
    size, case = int(sys.argv[1]), sys.argv[2]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    processes = [
        context.Process(target=measure, args=(rank, size, case, port, results)) for rank in range(size)
    ]
    for process in processes:
        process.start()
    times = [results.get(timeout=120) for _ in processes]
    for process in processes:
        process.join()
    print(max(times))


if __name__ == "__main__":
    main()
