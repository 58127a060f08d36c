"""Time kernels on the simulated GPU, beside NumPy and under the checker. `python -m benchmarks.simulator`"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np

import tinygrad_edu.simulator as sim
from benchmarks.report import machine, rewrite, table

ROOT = Path(__file__).parent.parent
SOURCE = """
__global__ void turns(int rounds) { for (int i = 0; i < rounds; i++) __syncthreads(); }

__global__ void add(int n, const float *x, const float *y, float *out)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[i] = x[i] + y[i];
}

__global__ void total(int n, const float *x, float *out)
{
    __shared__ float part[256];
    float sum = 0;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) sum += x[i];
    part[threadIdx.x] = sum;
    __syncthreads();
    for (int half = 128; half > 0; half /= 2) {
        if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
        __syncthreads();
    }
    if (threadIdx.x == 0) out[blockIdx.x] = part[0];
}

__global__ void matmul(const float *a, const float *b, float *c, int n)
{
    __shared__ float as[16][16], bs[16][16];
    int row = blockIdx.y * 16 + threadIdx.y, column = blockIdx.x * 16 + threadIdx.x;
    float sum = 0;
    for (int k = 0; k < n; k += 16) {
        as[threadIdx.y][threadIdx.x] = a[row * n + k + threadIdx.x];
        bs[threadIdx.y][threadIdx.x] = b[(k + threadIdx.y) * n + column];
        __syncthreads();
        for (int i = 0; i < 16; i++) sum += as[threadIdx.y][i] * bs[i][threadIdx.x];
        __syncthreads();
    }
    c[row * n + column] = sum;
}
"""


def fastest(run: Callable[[], object], rounds: int) -> float:
    """Seconds of the fastest of `rounds` runs; one more before them is not counted."""
    run()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def switch_nanoseconds(kernel: Callable[..., object], threads: int) -> float:
    """The time when one thread waits at a barrier and another continues, including the barrier's own work."""
    rounds = 4_000_000 // threads
    seconds = fastest(lambda: kernel(np.int32(rounds), block=(threads, 1, 1)), 5)
    return seconds / rounds / threads * 1e9


def main() -> None:
    """Run everything and rewrite the tables."""
    sim.install()
    cuda, SourceModule = _pycuda()
    module = SourceModule(SOURCE)
    rng = np.random.default_rng(0)
    n, size = 1_000_000, 512
    x, y = rng.random(n, np.float32), rng.random(n, np.float32)
    a, b = rng.random((size, size), np.float32), rng.random((size, size), np.float32)
    gx, gy, ga, gb = (cuda.to_device(array) for array in (x, y, a, b))
    out = cuda.mem_alloc(x.nbytes)
    add, total, matmul = (module.get_function(name) for name in ("add", "total", "matmul"))
    count = np.int32(n)
    grid = (-(-n // 256), 1)
    cases: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "x + y, 1 000 000 floats": (
            lambda: add(count, gx, gy, out, block=(256, 1, 1), grid=grid), lambda: x + y),
        "sum of 1 000 000 floats, tree in shared memory": (
            lambda: total(count, gx, out, block=(256, 1, 1), grid=(64, 1)), lambda: x.sum()),
        "matmul 512 x 512, 16 x 16 tiles": (
            lambda: matmul(ga, gb, out, np.int32(size), block=(16, 16, 1), grid=(size // 16, size // 16)),
            lambda: a @ b),
    }  # fmt: skip
    rows = []
    for name, (kernel, numpy) in cases.items():
        plain, peer = fastest(kernel, 7), fastest(numpy, 7)
        with sim.check():
            checked = fastest(kernel, 2)
        rows.append(
            [
                name,
                f"{plain * 1e3:.2f}",
                f"{peer * 1e3:.2f}",
                f"{checked * 1e3:.0f}",
                f"{checked / plain:.1f}",
            ]
        )
    turns = module.get_function("turns")
    switches = ", ".join(
        f"{switch_nanoseconds(turns, threads):.0f} ns with {threads} threads" for threads in (32, 256, 1024)
    )
    text = "\n\n".join(
        [
            table(["kernel", "simulated, ms", "NumPy, ms", "under the checker, ms", "checker / plain"], rows),
            f"A switch from one thread of a block to the next at a barrier: {switches}.",
            machine("numpy", "pycuda"),
        ]
    )
    print(text)
    for path in (ROOT / "benchmarks/results/simulator.md", ROOT / "tinygrad_edu/simulator/README.md"):
        rewrite(path, "simulator", text)


def _pycuda() -> tuple[ModuleType, Callable[[str], object]]:
    """PyCUDA with a context, once the simulator is installed."""
    import pycuda.autoinit
    import pycuda.driver
    from pycuda.compiler import SourceModule

    return pycuda.driver, SourceModule


if __name__ == "__main__":
    main()
