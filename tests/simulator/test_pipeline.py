"""cp.async: a copy is there when it was waited for, zeros are filled in, and mistakes are named."""

from __future__ import annotations

import numpy as np
import pytest

from tests.simulator import lanes

SOURCE = """
#include <cuda_pipeline.h>
extern "C" __global__ void copies(const char* given, char* out) {
    char* mine = out + threadIdx.x * 64;
    const char* from = given + threadIdx.x * 64;
    __pipeline_memcpy_async(mine, from, 16);
    __pipeline_commit();
    __pipeline_memcpy_async(mine + 16, from + 16, 8, 3);
    __pipeline_memcpy_async(mine + 24, from + 24, 4, 4);
    __pipeline_commit();
    __pipeline_wait_prior(1);
    mine[32] = mine[0] == from[0] && mine[15] == from[15];  // the first group is there
    __pipeline_wait_prior(0);
    mine[33] = mine[16] == from[16];
}
extern "C" __global__ void wrong_size(const char* given, char* out) {
    __pipeline_memcpy_async(out, given, 12);
}
extern "C" __global__ void misaligned(const char* given, char* out) {
    __pipeline_memcpy_async(out, given + 4, 8);
}
extern "C" __global__ void zeros(const char* given, char* out) {
    __pipeline_memcpy_async(out, given, 4, 5);
}
"""


@pytest.fixture(scope="module", params=["threads", "driver"])
def run(request):
    return lanes.either(request, SOURCE)


def test_copies_and_zeros(run):
    given = np.random.default_rng(0).integers(1, 127, (4, 64), dtype=np.uint8)
    out = np.full((4, 64), 200, np.uint8)
    assert run("copies", 4, given, out) == ""
    np.testing.assert_array_equal(out[:, :21], given[:, :21])
    assert not out[:, 21:28].any()
    assert (out[:, 32:34] == 1).all()
    assert (out[:, 28:32] == 200).all()


@pytest.mark.parametrize(
    "kernel, words", [("wrong_size", "12 bytes"), ("zeros", "5 of 4 bytes"), ("misaligned", "source address")]
)
def test_mistakes_stop_the_kernel(run, kernel, words):
    text = run(kernel, 1, np.zeros(64, np.uint8), np.zeros(64, np.uint8))
    assert words in text
    assert "What to do" in text
