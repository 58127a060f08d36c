"""Random numbers from a counter: the same bits as NumPy's. The generator object stays on the host."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np

from tinygrad_edu.backend.cuda.device.array import CODES, DeviceArray
from tinygrad_edu.backend.cuda.device.device import Device
from tinygrad_edu.backend.cuda.device.kernels import Case, Ladder, Rung, blocks
from tinygrad_edu.backend.cuda.families.hosts import fused
from tinygrad_edu.backend.cuda.families.sort import sorted_places
from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.errors import wrong
from tinygrad_edu.shapes import Shape, check_size

_STREAM = struct.Struct("6Q")
_BLOCK = (256, 1, 1)
_WORD = 2**64 - 1
UNIFORM, NORMAL, INTEGER, BERNOULLI, WORDS = range(5)  # Kind of kernels/random/philox.cuh
_UINT8 = np.dtype(np.uint8)  # one compiled module is used for all dtypes

LADDER = Ladder(
    family="random",
    unit="random",
    production="03_vector_stores",
    symbols={"random_numbers": f"P{_STREAM.size}sqqdii"},
    rungs=(
        Rung("01_word_per_thread", block=_BLOCK, grid=lambda n: (blocks(n, 256, 1 << 16), 1, 1)),
        Rung("02_step_per_thread", block=_BLOCK, grid=lambda n: (blocks(n, 1024, 1 << 16), 1, 1)),
        Rung("03_vector_stores", block=_BLOCK, grid=lambda n: (blocks(n, 1024, 1 << 16), 1, 1)),
    ),
)


def _fill(
    device: Device,
    shape: Shape,
    dtype: Any,
    generator: Generator,
    kind: int,
    *,
    words: int | None = None,
    low: int = 0,
    p: float = 0.0,
) -> DeviceArray:
    """An array of `shape` from the generator's next `words`; None: one word per element."""
    shape = check_size(shape)
    out = device.empty(shape, np.dtype(dtype))
    start = generator.advance(out.size if words is None else words)
    if out.size:
        stream = _STREAM.pack(
            *((start >> shift) & _WORD for shift in (0, 64, 128, 192)),
            generator.key & _WORD,
            generator.key >> 64,
        )
        device.kernel("random", "random_numbers", _UINT8).launch(
            (out.size,), out.pointer, stream, out.size, low, p, kind, CODES[out.dtype]
        )
    return out


@fused("uniform")
def uniform(device: Device, *, shape: Shape, generator: Generator, dtype: Any = np.float32) -> DeviceArray:
    """Uniform on [0, 1): the bits of Generator.uniform."""
    return _fill(device, shape, dtype, generator, UNIFORM)


@fused("normal")
def normal(device: Device, *, shape: Shape, generator: Generator, dtype: Any = np.float32) -> DeviceArray:
    """Standard normal, by Box and Muller's transform in float64."""
    count = math.prod(check_size(shape))
    return _fill(device, shape, dtype, generator, NORMAL, words=2 * -(-count // 2))


@fused("integers")
def integers(device: Device, *, low: int, high: int, shape: Shape, generator: Generator) -> DeviceArray:
    """Integers of [low, high), int64."""
    if not 0 < high - low <= 2**53:
        raise wrong(
            ValueError, "randint", f"the range [{low}, {high}) must hold between 1 and 2**53 integers"
        )
    return _fill(device, shape, np.int64, generator, INTEGER, low=low, p=float(high - low))


@fused("bernoulli")
def bernoulli(
    device: Device, *, p: float, shape: Shape, generator: Generator, dtype: Any = np.float32
) -> DeviceArray:
    """1 with probability p, else 0."""
    return _fill(device, shape, dtype, generator, BERNOULLI, p=float(np.float32(p)))


@fused("permutation")
def permutation(device: Device, *, n: int, generator: Generator) -> DeviceArray:
    """0 to n - 1 in random order: the indices that sort n random words."""
    words = _fill(device, (1, n), np.uint64, generator, WORDS)
    return device.reshaped(sorted_places(device, words), (n,))


def _case(n: int) -> Case:
    def run(device: Device, seed: DeviceArray) -> DeviceArray:
        return uniform(device, shape=(n,), generator=Generator(7))

    return Case(
        title=f"{n:,} uniform float32",
        arrays=lambda: (np.zeros(1, np.float32),),
        run=run,
        expect=lambda seed: Generator(7).uniform((n,)),
        bytes=4 * n,
        flops=0,
        tolerance=0.0,
    )


CASES = {"count": _case(1 << 14), "time": _case(1 << 26)}
