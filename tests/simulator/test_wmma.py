"""nvcuda::wmma: every shape, type and layout against NumPy, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulator import lanes

# type of a and b, their C++ memory type, accumulator of c, of d
KINDS = {
    "half": ("__half", "__half", "float", "float"),
    "half_half": ("__half", "__half", "__half", "__half"),
    "half_mixed": ("__half", "__half", "__half", "float"),
    "bfloat16": ("__nv_bfloat16", "__nv_bfloat16", "float", "float"),
    "signed": ("signed char", "signed char", "int", "int"),
    "unsigned": ("unsigned char", "unsigned char", "int", "int"),
    "tf32": ("wmma::precision::tf32", "float", "float", "float"),
    "double": ("double",) * 4,
}
SHAPES = [(16, 16, 16), (32, 8, 16), (8, 32, 16)]
# fmt: off
ELEMENTS = {("half", 16, 16, 16): (16, 16, 8), ("half", 32, 8, 16): (16, 16, 8),
            ("half", 8, 32, 16): (16, 16, 8),
            ("bfloat16", 16, 16, 16): (8, 8, 8), ("bfloat16", 32, 8, 16): (16, 4, 8),
            ("signed", 8, 32, 16): (4, 16, 8), ("tf32", 16, 16, 8): (4, 4, 8), ("double", 8, 8, 4): (1, 1, 2)}
CASES = [("half", *SHAPES[0], "row", "row"), ("half", *SHAPES[0], "col", "row"),
         ("half", *SHAPES[1], "row", "col"),
         ("half", *SHAPES[2], "col", "col"), ("half_half", *SHAPES[0], "row", "col"),
         ("half_mixed", *SHAPES[1], "row", "row"), ("bfloat16", *SHAPES[0], "row", "col"),
         ("bfloat16", *SHAPES[1], "col", "row"), ("signed", *SHAPES[2], "row", "col"),
         ("unsigned", *SHAPES[0], "col", "row"), ("tf32", 16, 16, 8, "row", "col"),
         ("double", 8, 8, 4, "col", "col")]
# fmt: on

HEAD = """
#include <mma.h>
using namespace nvcuda;
"""
KERNEL = """
extern "C" __global__ void {label}(const char* given, {td}* out) {{
    wmma::fragment<wmma::matrix_a, {m}, {n}, {k}, {kind}, wmma::{left}_major> a;
    wmma::fragment<wmma::matrix_b, {m}, {n}, {k}, {kind}, wmma::{right}_major> b;
    wmma::fragment<wmma::accumulator, {m}, {n}, {k}, {tc}> c;
    wmma::fragment<wmma::accumulator, {m}, {n}, {k}, {td}> d;
    static_assert(a.num_elements == {na} && b.num_elements == {nb} && c.num_elements == {nc});
    wmma::load_matrix_sync(a, (const {memory}*)given, {lda});
    wmma::load_matrix_sync(b, (const {memory}*)(given + 8192), {ldb});
    wmma::load_matrix_sync(c, (const {tc}*)(given + 16384), {ldc}, wmma::mem_row_major);
    wmma::mma_sync(d, a, b, c);
    for (int i = 0; i < d.num_elements; i++) d.x[i] = d.x[i] + d.x[i];
    wmma::store_matrix_sync(out, d, {ldd}, wmma::mem_col_major);
}}
"""
MISTAKES = """
typedef wmma::fragment<wmma::accumulator, 16, 16, 16, float> Sum;
extern "C" __global__ void misaligned(const float* given, float* out) {
    Sum c;
    wmma::load_matrix_sync(c, given + 1, 16, wmma::mem_row_major);
}
extern "C" __global__ void wrong_stride(const float* given, float* out) {
    Sum c;
    wmma::load_matrix_sync(c, given, 17, wmma::mem_row_major);
}
extern "C" __global__ void disagree(const float* given, float* out) {
    Sum c;
    wmma::load_matrix_sync(c, given + threadIdx.x * 8, 16, wmma::mem_row_major);
}
extern "C" __global__ void half_a_warp(const float* given, float* out) {
    Sum c;
    wmma::fill_fragment(c, 1.0f);
    wmma::store_matrix_sync(out, c, 16, wmma::mem_row_major);
}
extern "C" __global__ void saturating(const signed char* given, int* out) {
    wmma::fragment<wmma::matrix_a, 16, 16, 16, signed char, wmma::row_major> a;
    wmma::fragment<wmma::matrix_b, 16, 16, 16, signed char, wmma::col_major> b;
    wmma::fragment<wmma::accumulator, 16, 16, 16, int> c, d;
    wmma::fill_fragment(a, given[0]);
    wmma::fill_fragment(b, given[1]);
    wmma::fill_fragment(c, 0x7fffff00);
    wmma::mma_sync(d, a, b, c, true);
    wmma::mma_sync(c, a, b, c);
    if (threadIdx.x == 0) { out[0] = d.x[0]; out[1] = c.x[0]; }
}
extern "C" __global__ void to_tf32(const float* given, float* out) {
    out[threadIdx.x] = wmma::__float_to_tf32(given[threadIdx.x]);
}
"""


def strides(m, n, k, left, right, pad):
    return (k if left == "row" else m) + pad, (n if right == "row" else k) + pad, n + pad, m + pad


def label(kind, m, n, k, left, right):
    return f"{kind}_{m}_{n}_{k}_{left}_{right}"


def kernel(kind, m, n, k, left, right):
    name, memory, tc, td = KINDS[kind]
    lda, ldb, ldc, ldd = strides(m, n, k, left, right, 16)
    na, nb, nc = ELEMENTS.get((kind.split("_")[0], m, n, k), (m * k // 32, k * n // 32, m * n // 32))
    return KERNEL.format(
        label=label(kind, m, n, k, left, right),
        kind=name,
        memory=memory,
        tc=tc,
        td=td,
        m=m,
        n=n,
        k=k,
        left=left,
        right=right,
        lda=lda,
        ldb=ldb,
        ldc=ldc,
        ldd=ldd,
        na=na,
        nb=nb,
        nc=nc,
    )


SOURCE = HEAD + "".join(kernel(*case) for case in CASES) + MISTAKES


@pytest.fixture(scope="module", params=["threads", "driver"])
def run(request):
    return lanes.either(request, SOURCE)


def stored(numbers, name):
    """Numbers as the bytes of a C++ type."""
    if name == "__nv_bfloat16":
        return (np.asarray(numbers, np.float32).view(np.uint32) >> 16).astype(np.uint16)
    types = {"__half": np.float16, "float": np.float32, "double": np.float64, "int": np.int32,
             "signed char": np.int8, "unsigned char": np.uint8}  # fmt: skip
    return np.asarray(numbers).astype(types[name])


def tile(matrix, stride, by_column):
    """The matrix in memory: its rows or columns one after another, `stride` apart."""
    rows = matrix.T if by_column else matrix
    padded = np.zeros((rows.shape[0], stride), matrix.dtype)
    padded[:, : rows.shape[1]] = rows
    return padded.tobytes()


@pytest.mark.parametrize("case", CASES, ids=lambda case: label(*case))
@given(seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=10)
def test_products(run, case, seed):
    kind, m, n, k, left, right = case
    _, memory, tc, td = KINDS[kind]
    random = np.random.default_rng(seed)
    low = 0 if kind == "unsigned" else -8
    a, b, c = (random.integers(low, 9, shape).astype(np.float64) for shape in ((m, k), (k, n), (m, n)))
    lda, ldb, ldc, ldd = strides(m, n, k, left, right, 16)
    parts = (
        tile(stored(a, memory), lda, left == "col"),
        tile(stored(b, memory), ldb, right == "col"),
        tile(stored(c, tc), ldc, False),
    )
    given_bytes = np.frombuffer(b"".join(part.ljust(8192, b"\0") for part in parts), np.uint8).copy()
    out = np.zeros((n, ldd), stored(0, td).dtype)
    assert run(label(*case), 32, given_bytes, out) == ""
    np.testing.assert_array_equal(out[:, :m].T, 2 * (a @ b + c))  # small integers: exact in every type
    assert not out[:, m:].any()


@pytest.mark.parametrize(
    "name, threads, words",
    [
        ("misaligned", 32, ["multiple of 32 bytes"]),
        ("wrong_stride", 32, ["ldm is 17", "multiple of 4 elements"]),
        ("disagree", 32, ["Lanes disagree", "threadIdx.x"]),
        ("half_a_warp", 16, ["16 of 32 lanes", "store_matrix_sync"]),
    ],
)
def test_mistakes_stop_the_kernel(run, name, threads, words):
    text = run(name, threads, np.zeros(4096, np.float32), np.zeros(4096, np.float32))
    assert all(word in text for word in [*words, "What to do"]), text


def test_integers_saturate_when_asked_to(run):
    out = np.zeros(2, np.int32)
    assert run("saturating", 32, np.array([100, 100], np.int8), out) == ""
    assert out.tolist() == [2**31 - 1, 0x7FFFFF00 + 160_000 - 2**32]


def test_tf32_has_ten_bits_of_fraction(run):
    one = np.float32(1)
    given_numbers = np.zeros(32, np.float32)
    given_numbers[:7] = [1, 1 + 2**-11, 1 + 2**-11 - 2**-20, -1 - 2**-11, 3.4e38, np.inf, np.nan]
    out = np.zeros(32, np.float32)
    assert run("to_tf32", 32, given_numbers, out) == ""
    np.testing.assert_array_equal(out[:4], [one, one + 2**-10, one, -one - 2**-10])
    assert np.isinf(out[5])
    assert np.isnan(out[6])


@pytest.mark.parametrize("fragment", ["matrix_a, 16, 16, 8, __half, nvcuda::wmma::row_major",
                                      "accumulator, 16, 16, 16, double", "matrix_a, 16, 16, 16, __half"]
)  # fmt: skip
def test_what_the_hardware_lacks_does_not_compile(fragment):
    source = f'#include "device.h"\nnvcuda::wmma::fragment<nvcuda::wmma::{fragment}> f;'
    with pytest.raises(AssertionError, match=r"no such fragment|need a layout"):
        lanes.build(source)
