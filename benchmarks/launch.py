"""What a launch costs in Python: `python -m benchmarks.launch` on the simulator's driver, which need not run.

The driver's call is replaced by one that does nothing, so only our part is left: computing the grid, packing
the parameters, the look-ups.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import tinygrad_edu as te
from benchmarks.report import machine, rewrite, table
from tinygrad_edu.backend import registry

RESULTS = Path(__file__).parent / "results" / "launch.md"
ROUNDS, CALLS = 15, 2000


def microseconds(work: Callable[[], object]) -> float:
    """The median over rounds of the time of one call."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(CALLS):
            work()
        times.append((time.perf_counter() - start) / CALLS * 1e6)
    return statistics.median(times)


def main() -> None:
    """Measure and write."""
    device = registry.get("simulator")
    x = te.ones(1000, device="simulator")
    (x + x).numpy()
    kernel = device.kernel("fold", "fold", np.dtype(np.float32))
    kernel._function = lambda grid, block, packed, shared: None  # the launch, without the driver
    layout = bytes(304)
    scalar = device.kernel("elementwise", "map_add", np.dtype(np.float32))
    rows = [
        (
            "a kernel with 2 pointers, a number and a struct",
            f"{microseconds(lambda: kernel.launch((1000,), 4096, 8192, 1000, layout)):.2f}",
        )
    ]
    ran = scalar._function
    scalar._function = lambda grid, block, packed, shared: None
    rows.append(
        (
            "x + y on the device, all of it: the op, the plan, memory, the launch",
            f"{microseconds(lambda: x + x):.2f}",
        )
    )
    scalar._function = ran
    text = table(("Python's part of a launch", "us"), rows) + "\n\n" + machine("numpy", "pycuda")
    print(text)
    rewrite(RESULTS, "launch", text)


if __name__ == "__main__":
    main()
