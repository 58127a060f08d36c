"""How fast can it be? GP100 and this machine, from their parts (slides: SIMD; GPUs).

"GP100 = 56 streaming multiprocessors, 3584 CUDA cores", says the slide. A product and a sum for each core and
cycle, and so many wires to memory: that is enough to compute what it can do at most, and how many operations
it must do for each byte it reads, lest the cores wait. You will see these numbers and the "roofline" they
make, with programs under it: the vector addition of the next script, and matrix products. Then the SIMD of
the machine that runs this: what its processor and NumPy say that it has, and how many times as fast float32
is as float64. Twice as many fit into a register. Whether that is what one gains is measured, here and now,
beside whatever else this machine is doing.

Sources: NVIDIA, Tesla P100 white paper (WP-08019-001, 2016), and the data sheet of the model with NVLink.

Change: GP100 into another GPU, by its white paper. NUMBERS to 4 000 000: what becomes of the gain, and why?
"""
from __future__ import annotations

import timeit

import numpy as np
from common import draw, marks, options

from tinygrad_edu import viz

# Cores of a multiprocessor for float32 and float64; cycles a second with boost; memory: bits at a time, times
# a second (two for each cycle of 715 MHz).
GP100 = {"multiprocessors": 56, "float32": 64, "float64": 32, "clock": 1480e6,
         "bits": 4096, "times": 2 * 715e6}
NUMBERS = 4096                      # in an array of the measurement: 16 or 32 kB, three of which fit a cache
BITS = (("AVX512F", 512), ("X86_V4", 512), ("AVX2", 256), ("X86_V3", 256), ("AVX", 256), ("ASIMD", 128),
        ("NEON", 128), ("X86_V2", 128), ("SSE2", 128))                      # of a register, by what has it
OPERATIONS = {"x + y": np.add, "x * y": np.multiply, "x / y": np.divide, "max(x, y)": np.maximum}


def peak(dtype, gpu=GP100):
    """FLOP a second at most: a product and a sum for each core in each cycle."""
    return gpu["multiprocessors"] * gpu[dtype] * 2 * gpu["clock"]


def bandwidth(gpu=GP100):
    """Bytes a second between the GPU and its memory at most."""
    return gpu["bits"] / 8 * gpu["times"]


def ridge(dtype, gpu=GP100):
    """FLOP for each byte from which on the cores, and no longer the memory, are the limit."""
    return peak(dtype, gpu) / bandwidth(gpu)


def attainable(intensity, dtype, gpu=GP100):
    """FLOP a second at most for a program with that many FLOP a byte: the roof over it."""
    return np.minimum(peak(dtype, gpu), intensity * bandwidth(gpu))


def reported():
    """(what /proc/cpuinfo names of SIMD, what NumPy was built for or found here), two lists of names."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            said = next((line for line in file if line.startswith(("flags", "Features"))), "")
    except OSError:                                                         # not Linux
        said = ""
    flags = [flag for flag in said.partition(":")[2].split()
             if flag.startswith(("mmx", "sse", "avx", "asimd", "sve"))]
    found = np.show_config(mode="dicts").get("SIMD Extensions", {})
    return flags, [*found.get("baseline", []), *found.get("found", [])]


def register_bits(features):
    """Bits of the widest registers among these features; 0 if none is known."""
    known = {feature.upper() for feature in features}
    return max((bits for name, bits in BITS if name in known), default=0)


def seconds(operation, dtype, calls):
    """The time of one call on NUMBERS numbers: the best of seven rounds."""
    x, y = np.full(NUMBERS, 1.5, dtype), np.full(NUMBERS, 1.25, dtype)
    out = np.empty_like(x)
    return min(timeit.repeat(lambda: operation(x, y, out=out), number=calls, repeat=7)) / calls


def main(arguments=None):
    given = options(__doc__, arguments)
    print(f"GP100: {GP100['multiprocessors']} x {GP100['float32']} = "
          f"{GP100['multiprocessors'] * GP100['float32']} cores; memory {bandwidth() / 1e9:.0f} GB/s")
    for dtype in ("float32", "float64"):
        print(f"  {dtype}: {GP100['multiprocessors']} x {GP100[dtype]} x 2 x {GP100['clock'] / 1e6:g} MHz = "
              f"{peak(dtype) / 1e12:.1f} TFLOP/s; {ridge(dtype):.1f} FLOP a byte keep the cores at work")
    programs = {"y += x": 1 / 12} | {f"{n} x {n} matrices": 2 * n**3 / (3 * n * n * 4) for n in (32, 1024)}
    for name, intensity in programs.items():
        share = attainable(intensity, "float32") / peak("float32")
        print(f"  {name:<20} {intensity:>7.2f} FLOP a byte at best: {share:>6.1%} of its float32 peak")
    at = np.logspace(-2, 3, 200)
    roofs = {dtype: attainable(at, dtype) / 1e12 for dtype in ("float32", "float64")}
    picture = viz.curves(at, roofs, logx=True, logy=True, xlabel="FLOP for each byte of memory",
                         ylabel="TFLOP/s at most", title="The roofline of GP100")
    draw(marks(picture, {name: ([intensity], [attainable(intensity, "float32") / 1e12])
                         for name, intensity in programs.items()}), "15b_roofline.png", given)

    flags, features = reported()
    bits = register_bits(features)
    print(f"\nthis machine, by /proc/cpuinfo: {' '.join(flags) or 'nothing said'}\n"
          f"NumPy {np.__version__} uses: {' '.join(features) or 'nothing said'}; a register of {bits or '?'} "
          f"bits holds {bits // 64 or '?'} float64 or {bits // 32 or '?'} float32")
    calls, gains = 20 if given.smoke else 4000, {}
    print(f"measured here, {NUMBERS} numbers a call: ns a number, float64 and float32, and how much faster")
    for name, operation in OPERATIONS.items():
        wide, narrow = (seconds(operation, dtype, calls) / NUMBERS * 1e9 for dtype in ("float64", "float32"))
        gains[name] = wide / narrow
        print(f"  {name:<10} {wide:.4f} {narrow:.4f} {gains[name]:>6.2f} times")
    draw(viz.bars(gains, ylabel="float32, times as fast as float64",
                  title="Measured here; twice as many fit"), "15b_simd.png", given)


if __name__ == "__main__":
    main()
