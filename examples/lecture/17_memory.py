"""The memory hierarchy in matrix products (slides: Memory Hierarchy, Custom Hardware for Matrix Multiply).

A thread has registers, a block shared memory, the whole GPU global memory: each larger and slower than the
one before. The simulator counts what a kernel asks of global memory. You will see three rungs of the ladder
in kernels/matmul multiply the same matrices: `01_naive` reads every number from global memory again and
again, `03_shared_tiles` copies tiles to shared memory and uses each number 32 times, `09_tensor_cores` is
made for the units that do nothing but multiply small matrices, which round their inputs first. The floating
point operations (FLOP) for each byte moved tell whether the cores of a GPU have to wait.

Change: SIZE; RUNGS, to any others of kernels/matmul. Which one moves least? Then read its first lines.
"""

from __future__ import annotations

import numpy as np
from common import draw, options

import tinygrad_edu as te
from tinygrad_edu import simulator, viz
from tinygrad_edu.backend.cuda.families import using

SIZE, SMOKE_SIZE = 128, 64
RUNGS = ("01_naive", "03_shared_tiles", "09_tensor_cores")
# NVIDIA's white paper and data sheet of Tesla P100: what the lecture's GP100 has of each, and how fast.
GP100 = {
    "registers": ("a thread's own", "256 KB a multiprocessor"),
    "shared memory": ("a block's", "64 KB a multiprocessor"),
    "L2 cache": ("all threads', fills itself", "4 MB"),
    "global memory": ("all threads'", "16 GB, 732 GB/s"),
}
CORES, CLOCK, BANDWIDTH = 3584, 1.48e9, 732e9  # each core does a product and a sum in a cycle


def flops(size):
    """A product and a sum for each k, for each element of the result."""
    return 2 * size**3


def label(rung):
    """Its name, in two lines for a picture."""
    return rung.replace("_", "\n", 1).replace("_", " ")


def multiply(rung, a, b):
    """(a b, counts) by that rung of the ladder, on the simulator."""
    here = te.tensor(a, device="simulator"), te.tensor(b, device="simulator")
    # Tensor cores may be used only where it is allowed that they round: "high" instead of "highest".
    with simulator.profile() as profile, using("matmul", rung), te.set_matmul_precision("high"):
        product = (here[0] @ here[1]).numpy()
    return product, profile.total


def main(arguments=None):
    given = options(__doc__, arguments)
    size = SMOKE_SIZE if given.smoke else SIZE
    random = np.random.default_rng(given.seed)
    a, b = (random.standard_normal((size, size), np.float32) for _ in range(2))
    exact = a.astype(np.float64) @ b.astype(np.float64)

    print("memory          whose                       on GP100")
    for memory, (whose, much) in GP100.items():
        print(f"{memory:<15} {whose:<27} {much}")

    least = 3 * a.nbytes  # two matrices read, one written
    print(
        f"\n{size} x {size} times {size} x {size}, float32: {flops(size):,} FLOP, "
        f"{least:,} bytes if each number moved once"
    )
    print("rung              requests     sectors         bytes   of the least   FLOP a byte   largest error")
    moved, intensity = {}, {}
    for rung in RUNGS:
        product, counts = multiply(rung, a, b)
        moved[rung], intensity[rung] = counts.bytes_moved, flops(size) / counts.bytes_moved
        print(
            f"{rung:<16} {counts.requests:>9,} {counts.sectors:>11,} {counts.bytes_moved:>13,} "
            f"{counts.bytes_moved / least:>13.1f}x {intensity[rung]:>13.2f} "
            f"{np.abs(product - exact).max():>15.1e}"
        )

    cores = [rung for rung in RUNGS if "tensor_cores" not in rung]  # GP100 has no tensor cores
    peak = 2 * CORES * CLOCK
    needed = peak / BANDWIDTH
    print(
        f"\nGP100: {CORES} cores x 2 x {CLOCK / 1e9} GHz = {peak / 1e12:.1f} TFLOP/s, {BANDWIDTH / 1e9:g} "
        f"GB/s: to keep all cores at work takes {needed:.1f} FLOP a byte.\n"
        "If no cache helped, they would be at work for this share of the time:"
    )
    for rung in cores:
        print(f"  {rung:<16} {min(intensity[rung] / needed, 1):>6.1%}")

    draw(
        viz.bars(
            {label(rung): moved[rung] / 1e3 for rung in RUNGS} | {"each once": least / 1e3},
            ylabel="global memory moved (kB)",
            title=f"A product of {size} x {size} matrices",
        ),
        "17_bytes.png",
        given,
    )
    draw(
        viz.bars(
            {label(rung): intensity[rung] for rung in cores} | {"needed\nby GP100": needed},
            ylabel="FLOP for each byte of global memory",
            title="Work done with what was fetched",
        ),
        "17_intensity.png",
        given,
    )


if __name__ == "__main__":
    main()
