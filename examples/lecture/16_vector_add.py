"""A million additions by CUDA (slides: CUDA Programming Model, Python CUDA).

The kernel of the lecture: each thread adds one pair of numbers, and blocks of 256 threads are launched until
there are enough. You will see how many blocks that is; that a kernel takes no NumPy arrays (Numba copies them
and warns, PyCUDA passes all their bytes as arguments, too many) and what copying costs; the time beside
NumPy's; the lecture's times as bytes a second; and what threads left over do if `i < n` is forgotten.

Without a GPU it runs on the simulator, at first under its checker: right numbers, but the time says nothing
about any GPU. TINYGRAD_EDU_DEVICE=simulator chooses it where there is a GPU, too.

Change: BLOCK_SIZE to 1000 (who is left over?), to 1025. N to 20 000 000: NumPy slows down, as a large cache
may hold a million numbers. Write y[i + 1] = x[i] + y[i]: the simulator's checker stops it, and why?
"""
from __future__ import annotations

import time

import numpy as np
from common import checker, draw, open_device, options, source_module

import tinygrad_edu as te
from tinygrad_edu import viz

N, BLOCK_SIZE = 1_000_000, 256
BYTES = 3 * 8                                           # of an addition: x and y are read, y is written
LECTURE_N, LECTURE = 1_000_000, {"GPU": 47.5e-6, "NumPy": 826e-6}       # seconds, as the slides measured them

SOURCE = """
__global__ void add(int n, const double *x, double *y) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        y[i] = x[i] + y[i];
}
"""


def number_of_blocks(n, block_size=BLOCK_SIZE):
    """As few blocks as have n threads or more: n / block_size, rounded up."""
    return (n + block_size - 1) // block_size


def compiled(source):
    """Its kernel `add`; launch(n, x, y) takes device arrays, or In and InOut of NumPy arrays."""
    kernel = source_module(source).get_function("add")
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
    """What the driver says of a launch that it refuses, or that the checker stops; "" if it ran."""
    import pycuda.driver as cuda
    try:
        launch(*arguments)
    except (cuda.Error, TypeError) as error:
        return str(error)
    return ""


def main(arguments=None):
    given = options(__doc__, arguments)
    device, name = open_device()
    from pycuda import driver as cuda
    from pycuda import gpuarray

    random = np.random.default_rng(given.seed)
    x, y = random.random(N), random.random(N)
    blocks = number_of_blocks(N)
    left = blocks * BLOCK_SIZE - N
    print(f"n = {N}: {blocks} blocks of {BLOCK_SIZE} threads, {left} without work")
    add, xc, yc, both = compiled(SOURCE), gpuarray.to_gpu(x), gpuarray.to_gpu(y), y.copy()
    with checker(device):
        if wrong := refused(add, N, xc, yc):
            raise SystemExit(f"the kernel does not run:\n{wrong}")
    print(f"with arrays on the device: right {np.array_equal(yc.get(), x + y)}")
    said = refused(add, N, x, y).partition("\n")[0]
    print(f"NumPy arrays given to the kernel: {said or 'they were taken for something else'}")
    add(N, cuda.In(x), cuda.InOut(both))
    print(f"with cuda.In(x), cuda.InOut(y): right {np.array_equal(both, x + y)}; each call copies "
          f"{(x.nbytes + 2 * y.nbytes) / 1e6:g} MB between host and device")

    repeats = 3 if given.smoke else max(100 * LECTURE_N // N, 3)
    simulated = device.startswith("simulator")
    where = "simulated on the CPU, not a GPU's time" if simulated else f"GPU: {name}"
    stays = seconds(lambda: (add(N, xc, yc), te.cuda.synchronize(device)), repeats)
    copied = seconds(lambda: add(N, cuda.In(x), cuda.InOut(both)), repeats)
    numpy = seconds(lambda: np.add(x, y, out=y), repeats)
    print(f"\nmicroseconds for {N} additions, measured here:\n{numpy * 1e6:>8.0f}   NumPy (CPU)")
    print(f"{stays * 1e6:>8.0f}   the kernel, arrays on the device ({where})")
    print(f"{copied * 1e6:>8.0f}   the kernel, arrays of the host copied each time ({where})")

    moved = BYTES * LECTURE_N
    gpu, cpu = (moved / spent / 1e9 for spent in LECTURE.values())
    print(f"\nthe lecture's times: {LECTURE['GPU'] * 1e6:g} us on its GPU, {LECTURE['NumPy'] * 1e6:g} us by "
          f"NumPy: {LECTURE['NumPy'] / LECTURE['GPU']:.1f} times as fast")
    print(f"  {moved / 1e6:g} MB moved: {gpu:.0f} GB/s and {cpu:.0f} GB/s. One addition for {BYTES} bytes: "
          "it is the memory that everybody waits for")
    cached = f"NumPy, here\n({2 * x.nbytes / 1e6:g} MB, perhaps\nin a cache)"
    bars = {"GPU,\nlecture": gpu, "NumPy,\nlecture": cpu, cached: BYTES * N / numpy / 1e9}
    bars |= {} if simulated else {"GPU,\nhere": BYTES * N / stays / 1e9}
    draw(viz.bars(bars, ylabel="numbers read and written (GB/s)",
                  title="y += x, numbers of 8 bytes"), "16_bandwidth.png", given)

    without = "a GPU may say nothing at all; see it with TINYGRAD_EDU_DEVICE=simulator"
    if simulated:
        with checker(device):
            without = refused(compiled(SOURCE.replace("if (i < n)", "")), N, xc, yc) or "no thread too many"
    print(f"\nwithout the guard:\n{without}")


if __name__ == "__main__":
    main()
