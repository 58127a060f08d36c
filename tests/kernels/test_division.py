"""The division that takes places apart, on both sides of 32 bits."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu.backend.cuda.device import compile as compiler
from tinygrad_edu.backend.cuda.device import driver

TEXT = """
#include "common.cuh"
extern "C" __global__ void divided(int64* whole, int64* rest, const int64* i, const int64* n, int64 count) {
    for (int64 k = threadIdx.x; k < count; k += blockDim.x) whole[k] = divide(i[k], n[k], rest[k]);
}
"""
EDGES = (1, 2, 3, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**62, 2**63 - 1)
SIZES = st.sampled_from(EDGES) | st.integers(1, 2**63 - 1) | st.integers(1, 2**33)


@pytest.fixture(scope="module")
def divided(device):
    cubin = driver.compile_cubin(TEXT, device.context.arch, compiler.OPTIONS, compiler.kernels_folder())
    kernel = driver.Function(device.context, device.context.load(cubin), "divided")

    def run(i, n):
        given = [device.asarray(np.array(values, np.int64)) for values in (i, n)]
        found = [device.empty((len(i),), np.dtype(np.int64)) for _ in range(2)]
        pointers = [array.pointer for array in (*found, *given)]
        kernel.launch((1, 1, 1), (64, 1, 1), struct.pack("PPPPq", *pointers, len(i)), 0)
        return tuple(device.numpy(array).tolist() for array in found)

    return run


@given(st.lists(st.tuples(SIZES | st.just(0), SIZES), min_size=1, max_size=100))
def test_quotient_and_rest_are_those_of_whole_numbers(divided, pairs):
    i, n = zip(*pairs, strict=True)
    assert divided(i, n) == ([a // b for a, b in pairs], [a % b for a, b in pairs])
