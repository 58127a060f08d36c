"""A million additions by CUDA (slides: CUDA Programming Model, Python CUDA).

The kernel of the lecture: each thread adds one pair of numbers, and blocks of 256 threads are launched until
there are enough. You will see how many blocks that is; that a kernel wants no NumPy arrays (Numba copies them
and warns, PyCUDA refuses) and what copying costs; the time beside NumPy's; the lecture's own times as bytes a
second; and what the threads that are left over do if the guard `i < n` is forgotten.

Without a GPU the kernel runs on the simulator: right numbers, but the time is that of a simulation and says
nothing about any GPU. With one, TINYGRAD_EDU_DEVICE=simulator still chooses the simulator, for its checker.

Change: BLOCK_SIZE to 1000, to 1025. N to 20 000 000: NumPy slows down, as a large cache of the CPU may hold a
million numbers. Write y[i + 1] instead of y[i] and read what the checker says.
"""
from __future__ import annotations

import time

import numpy as np
from common import draw, open_device, options

import tinygrad_edu as te
from tinygrad_edu import simulator, viz

N, BLOCK_SIZE = 1_000_000, 256
LECTURE = {"GPU": 47.5e-6, "NumPy": 826e-6}             # seconds, as the slides measured them

SOURCE = """
__global__ void add(int n, const double *x, double *y) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        y[i] = x[i] + y[i];
}
__global__ void add_without_guard(int n, const double *x, double *y) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    y[i] = x[i] + y[i];
}
"""


def number_of_blocks(n, block_size=BLOCK_SIZE):
    """As few blocks as have n threads or more: n / block_size, rounded up."""
    return (n + block_size - 1) // block_size


def compiled(name):
    """The kernel of that name; launch(n, x, y) takes device arrays, or In and InOut of NumPy arrays."""
    from pycuda.compiler import SourceModule
    kernel = SourceModule(SOURCE).get_function(name)
    return lambda n, x, y: kernel(np.int32(n), x, y, block=(BLOCK_SIZE, 1, 1), grid=(number_of_blocks(n), 1))


def seconds(work, repeats):
    """The median time of work(), which returns when all of it is done."""
    spent = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return float(np.median(spent))


def refused(launch, *arguments):
    """What PyCUDA says of a launch that it refuses, or that the checker stops; "" if it ran."""
    import pycuda.driver as cuda
    try:
        launch(*arguments)
    except (cuda.Error, TypeError) as error:
        return str(error)
    return ""


def main(arguments=None):
    given = options(__doc__, arguments)
    device, name = open_device()
    import pycuda.driver as cuda
    from pycuda import gpuarray

    random = np.random.default_rng(given.seed)
    x, y = random.random(N), random.random(N)
    blocks = number_of_blocks(N)
    print(f"n = {N}: {blocks} blocks of {BLOCK_SIZE} threads, {blocks * BLOCK_SIZE - N} without work")
    add = compiled("add")
    print(f"NumPy arrays given to the kernel: {refused(add, N, x, y).splitlines()[0]}")
    both = y.copy()
    add(N, cuda.In(x), cuda.InOut(both))
    print(f"with cuda.In(x), cuda.InOut(y): right {np.array_equal(both, x + y)}; each call copies "
          f"{(x.nbytes + 2 * y.nbytes) / 1e6:g} MB between host and device")
    xc, yc = gpuarray.to_gpu(x), gpuarray.to_gpu(y)     # copied once, then they stay
    add(N, xc, yc)
    print(f"with arrays on the device: right {np.array_equal(yc.get(), x + y)}")

    repeats = 3 if given.smoke else 100
    where = f"GPU: {name}" if device == "cuda" else "simulated on the CPU, not a GPU's time"
    stays = seconds(lambda: (add(N, xc, yc), te.cuda.synchronize(device)), repeats)
    copied = seconds(lambda: add(N, cuda.In(x), cuda.InOut(both)), repeats)
    numpy = seconds(lambda: np.add(x, y, out=y), repeats)
    print(f"\nmicroseconds for {N} additions, measured here:\n{numpy * 1e6:>8.0f}   NumPy (CPU)")
    print(f"{stays * 1e6:>8.0f}   the kernel, arrays on the device ({where})")
    print(f"{copied * 1e6:>8.0f}   the kernel, arrays of the host copied each time ({where})")

    moved = 3 * x.nbytes                                # x and y are read, y is written
    gpu, cpu = (moved / spent / 1e9 for spent in LECTURE.values())
    print(f"\nthe lecture's times: {LECTURE['GPU'] * 1e6:g} us on its GPU, {LECTURE['NumPy'] * 1e6:g} us by "
          f"NumPy: {LECTURE['NumPy'] / LECTURE['GPU']:.1f} times as fast")
    print(f"  {moved / 1e6:g} MB moved: {gpu:.0f} GB/s and {cpu:.0f} GB/s. One addition for 24 bytes: "
          "it is the memory that everybody waits for")
    bars = {"GPU,\nlecture": gpu, "NumPy,\nlecture": cpu, "NumPy,\nhere": moved / numpy / 1e9}
    bars |= {"GPU,\nhere": moved / stays / 1e9} if device == "cuda" else {}
    draw(viz.bars(bars, ylabel="memory read and written (GB/s)",
                  title=f"y += x for {N:,} numbers of 8 bytes"), "16_bandwidth.png", given)

    if device == "cuda":
        print("\nwithout the guard a GPU may say nothing at all; see it with TINYGRAD_EDU_DEVICE=simulator")
    else:
        with simulator.check():
            print(f"\nwithout the guard:\n{refused(compiled('add_without_guard'), N, xc, yc)}")


if __name__ == "__main__":
    main()
