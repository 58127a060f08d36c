"""Vector types of kernels: sizes, alignments and conversions as CUDA has them."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulator import harness

ELEMENTS = {"char": 1, "uchar": 1, "short": 2, "ushort": 2, "int": 4, "uint": 4, "long": 8, "ulong": 8,
            "longlong": 8, "ulonglong": 8, "float": 4, "double": 8}  # fmt: skip
FIELDS = "xyzw"


def alignment(element: int, count: int) -> int:
    """CUDA's rule: powers of two together, at most 16 bytes; three elements like one."""
    return element if count == 3 else min(element * count, 16)


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    parts = ['#define SEEN extern "C" __attribute__((visibility("default")))']
    for base in ELEMENTS:
        for count in (1, 2, 3, 4):
            name = f"{base}{count}"
            parts.append(f"SEEN unsigned size_{name}() {{ return sizeof({name}) << 8 | alignof({name}); }}")
            values = ", ".join(str(10 + i) for i in range(count))
            same = " && ".join(f"v.{FIELDS[i]} == {10 + i}" for i in range(count))
            parts.append(
                f"SEEN int make_{name}_works() {{ const {name} v = make_{name}({values}); "
                f"const {name} w = {{{values}}}; "
                f"return {same} && w.x == v.x && std::is_trivial_v<{name}>; }}"
            )
    parts.append("""
SEEN void extents(unsigned a, unsigned b, unsigned* out) {
    const dim3 one(a), two(a, b), none;
    const uint3 as_vector = two;
    const dim3 back = as_vector;
    const dim3 listed = {a, b, 7};
    const unsigned values[] = {one.x, one.y, one.z, none.x, two.y, two.z, as_vector.x, back.y, listed.z};
    for (unsigned i = 0; i < 9; ++i) out[i] = values[i];
}
SEEN void built_in(unsigned* out) {
    sim_set_thread(3, 4, 5);
    const uint3 thread = threadIdx, block = blockIdx;
    const dim3 size = blockDim, grid = gridDim;
    const dim3 as_extent = threadIdx;
    const unsigned values[] = {thread.x, thread.y, thread.z, block.x, size.x, grid.z, as_extent.y,
                               threadIdx.z, static_cast<unsigned>(warpSize)};
    for (unsigned i = 0; i < 9; ++i) out[i] = values[i];
}
static_assert(std::is_same_v<std::decay_t<decltype(threadIdx)>, uint3>);
static_assert(std::is_same_v<std::decay_t<decltype(blockIdx)>, uint3>);
static_assert(std::is_same_v<std::decay_t<decltype(blockDim)>, dim3>);
static_assert(sizeof(dim3) == 12 && alignof(dim3) == 4);
""")
    return harness.build("\n".join(parts))


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("base", ELEMENTS)
def test_size_and_alignment(library: ctypes.CDLL, base: str, count: int) -> None:
    packed = getattr(library, f"size_{base}{count}")()
    assert (packed >> 8, packed & 255) == (ELEMENTS[base] * count, alignment(ELEMENTS[base], count))
    assert getattr(library, f"make_{base}{count}_works")() == 1


@given(a=st.integers(0, 2**32 - 1), b=st.integers(0, 2**32 - 1))
def test_extents_that_are_not_given_are_one(library: ctypes.CDLL, a: int, b: int) -> None:
    out = np.zeros(9, np.uint32)
    library.extents(ctypes.c_uint32(a), ctypes.c_uint32(b), ctypes.c_void_p(out.ctypes.data))
    assert out.tolist() == [a, 1, 1, 1, b, 1, a, b, 7]


def test_built_in_variables(library: ctypes.CDLL) -> None:
    out = np.zeros(9, np.uint32)
    library.built_in(ctypes.c_void_p(out.ctypes.data))
    assert out.tolist() == [3, 4, 5, 0, 1, 1, 4, 5, 32]
