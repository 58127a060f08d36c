"""One instruction, many numbers (slides: Fine Grained Parallelism: SIMD, GPUs; CUDA Programming Model).

A layer does the same to every number it has. A CPU gains from that by registers that hold several numbers
and instructions that change all of them at once (SIMD); a GPU by thousands of threads that run the same
function (kernel), each on an index of its own:

    i = blockIdx.x * blockDim.x + threadIdx.x

You will see how many numbers fit into a register, what an addition takes in Python, and in NumPy with ever
smaller numbers; then a kernel whose threads write down who they are, the limit of 1024 threads a block, and
what warps of 32 threads leave idle. Without a GPU it runs on the simulator.

Change: THREADS to 48 and see the lanes that no thread fills; NUMBERS to 4 000 000, of which the wider types
are too large for the caches, so that they wait for memory: which lose most by it?
"""
from __future__ import annotations

import timeit

import numpy as np
from common import draw, open_device, options, source_module, ticked

from tinygrad_edu import viz

WARP, MOST_THREADS = 32, 1024           # threads in a warp; threads a block may have
NUMBERS = 16384                         # added in one call: they fit into a cache
N, THREADS = 200, 64                    # of the kernel below
# Registers of x86: bits, and the numbers that additions are made for.
REGISTERS = {"MMX": (64, {"int8"}), "SSE": (128, {"float32"}), "SSE2": (128, {"float64", "float32", "int8"}),
             "AVX": (256, {"float64", "float32"}), "AVX2": (256, {"float64", "float32", "int8"}),
             "AVX-512": (512, {"float64", "float32", "int8"})}
MULTIPROCESSORS, CORES = 56, 64                     # of GP100, and the cores in each of them

WHO = """
__global__ void who(int n, int *block, int *warp, int *lane, int *works) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    block[i] = blockIdx.x;
    warp[i] = threadIdx.x / 32;         // in its block
    lane[i] = threadIdx.x % 32;         // in its warp
    works[i] = i < n;
}
"""


def width(register, dtype):
    """How many numbers of that dtype one instruction adds; 0 if it has no such addition."""
    bits, dtypes = REGISTERS[register]
    return bits // (8 * np.dtype(dtype).itemsize) if dtype in dtypes else 0


def nanoseconds(add, numbers, calls):
    """Time of add() for each of the numbers it adds: the best of five rounds."""
    return min(timeit.repeat(add, number=calls, repeat=5)) / calls / numbers * 1e9


def python_add(x, y):
    """y += x for two lists, a number at a time."""
    for i in range(len(x)):
        y[i] += x[i]


def places(threads, blocks, n=N):
    """(block, warp, lane, works) of every thread, each (blocks * threads,), as the threads wrote them."""
    from pycuda import gpuarray
    who = source_module(WHO).get_function("who")
    written = [gpuarray.zeros(blocks * threads, np.int32) for _ in range(4)]
    who(np.int32(n), *written, block=(threads, 1, 1), grid=(blocks, 1))
    return [array.get() for array in written]


def main(arguments=None):
    given = options(__doc__, arguments)
    _, where = open_device()
    import pycuda.driver as cuda
    print("numbers that one instruction adds\nregister   bits   float64   float32   int8")
    for name, (bits, _) in REGISTERS.items():
        fit = [width(name, dtype) or "-" for dtype in ("float64", "float32", "int8")]
        print(f"{name:<8} {bits:>6} {fit[0]:>9} {fit[1]:>9} {fit[2]:>6}")

    calls = max((20 if given.smoke else 2000) * 16384 // NUMBERS, 1)
    lists = [1.0] * NUMBERS, [2.0] * NUMBERS
    times = {"Python loop": nanoseconds(lambda: python_add(*lists), NUMBERS, max(calls // 100, 1))}
    for dtype in ("float64", "float32", "int16", "int8"):
        x, y = np.ones(NUMBERS, dtype), np.ones(NUMBERS, dtype)
        times[f"NumPy {dtype}"] = nanoseconds(lambda x=x, y=y: np.add(x, y, out=y), NUMBERS, calls)
    print(f"\ny += x for {NUMBERS} numbers, measured here:")
    for name, spent in times.items():
        print(f"  {name:<14} {spent:>9.4f} ns a number   {times['Python loop'] / spent:>7.0f} times as fast")
    draw(viz.bars({name: 1 / spent for name, spent in times.items() if "NumPy" in name},
                  ylabel="numbers added in a nanosecond", title="y += x by NumPy, measured here"),
         "15_simd.png", given)

    found, last = places(THREADS, blocks := -(-N // THREADS)), blocks * THREADS - 1         # rounded up
    print(f"\n{N} numbers, {blocks} blocks of {THREADS} threads, run on {where}:")
    print("    i   blockIdx.x   warp   lane   i < n")
    for i in sorted({min(i, last) for i in (0, 31, 32, 64, N - 1, N, last)}):
        block, warp, lane, works = (array[i] for array in found)
        print(f"{i:>5} {block:>12} {warp:>6} {lane:>6} {'yes' if works else 'no':>7}")
    names = ("blockIdx.x", "warp in its block", "lane in its warp", "works: i < n")
    picture = viz.panels([(name, np.arange(last + 1), {"": array}) for name, array in zip(names, found)],
                         xlabel="i", ylabel="", columns=2, title=f"Thread i of {blocks} blocks of {THREADS}")
    for axes in picture.figure.axes:
        axes.lines[0].set(linestyle="", marker="o", markersize=2.5)         # a point a thread
        axes.locator_params(axis="y", integer=True, nbins=5)                # whole numbers only
    draw(ticked(picture, x=range(0, last + 2, THREADS)), "15_threads.png", given)

    for threads in (MOST_THREADS, MOST_THREADS + 1):
        try:
            places(threads, 1)
            print(f"a block of {threads} threads: runs, {threads // WARP} warps")
        except cuda.Error as error:
            print(f"a block of {threads} threads: {str(error).splitlines()[0]}")
    for threads in sorted({48, 100, 256, THREADS}):
        print(f"a block of {threads} threads: {-(-threads // WARP)} warps, {-threads % WARP} lanes idle")
    print(f"GP100: {MULTIPROCESSORS} multiprocessors x {CORES} cores = {MULTIPROCESSORS * CORES} cores, "
          f"{MULTIPROCESSORS * CORES // WARP} warps in one step")


if __name__ == "__main__":
    main()
