"""Atomic functions: what each returns and leaves behind, and that nothing is lost between threads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulator import lanes

INTEGERS = {"int": np.int32, "unsigned": np.uint32, "long long": np.int64, "unsigned long long": np.uint64}
NAMES = {"atomicMin": INTEGERS, "atomicMax": INTEGERS, "atomicAnd": INTEGERS, "atomicOr": INTEGERS,
         "atomicXor": INTEGERS, "atomicAdd": ["int", "unsigned", "unsigned long long"],
         "atomicSub": ["int", "unsigned"], "atomicExch": ["int", "unsigned", "unsigned long long"],
         "atomicInc": ["unsigned"], "atomicDec": ["unsigned"]}  # fmt: skip
SCOPES = ("", "_block", "_system")
CASES = [(name, kind) for name, kinds in NAMES.items() for kind in kinds]
# fmt: off
FLOATS = {"float": np.float32, "double": np.float64, "__half": np.float16, "__half2": np.float16,
          "__nv_bfloat16": np.uint16, "__nv_bfloat162": np.uint16, "float2": np.float32, "float4": np.float32}
# fmt: on


def label(name: str, kind: str) -> str:
    return f"{name}_{kind.replace(' ', '_')}"


# fmt: off
SOURCE = "#include <cuda_fp16.h>\n#include <cuda_bf16.h>\n" + "".join(
    # given: old, value. out: for each scope what was returned and what is there now.
    f'extern "C" __global__ void {label(name, kind)}(const {kind}* given, {kind}* out) {{\n'
    + "".join(f"    out[{2 * i + 1}] = given[0];\n"
              f"    out[{2 * i}] = {name}{scope}(out + {2 * i + 1}, given[1]);\n"
              for i, scope in enumerate(SCOPES)) + "}\n"
    for name, kind in CASES) + "".join(
    f'extern "C" __global__ void {label("compare", kind)}(const {kind}* given, {kind}* out) {{\n'
    f"    out[1] = given[0];\n    out[0] = atomicCAS(out + 1, given[1], given[2]);\n}}\n"
    for kind in ("int", "unsigned", "unsigned long long", "unsigned short")) + "".join(
    f'extern "C" __global__ void {label("sum", kind)}(const {kind}* given, {kind}* out) {{\n'
    f"    for (int i = 0; i < 8; i++) atomicAdd(out, given[i % 2]);\n}}\n" for kind in FLOATS) + """
extern "C" __global__ void count(const int*, unsigned* out) {
    for (int i = 0; i < 200; i++) {
        atomicAdd(&out[0], 3u);
        atomicMax(&out[1], threadIdx.x);
        atomicInc(&out[2], 6u);
        atomicXor(&out[3], 1u << threadIdx.x % 32);
        atomicAdd((float*)&out[4], 1.0f);
        atomicAdd((double*)&out[6], 1.0);
    }
}
extern "C" __global__ void spin_lock(const int*, int* out) {
    if (threadIdx.x % 32) return;
    while (atomicCAS(&out[0], 0, 1)) {}
    int seen = *(volatile int*)&out[1];
    out[1] = seen + 1;
    __threadfence();
    atomicExch(&out[0], 0);
}
struct alignas(16) Pair { double a; long long b; };
extern "C" __global__ void sixteen(const Pair* given, Pair* out) {
    out[2] = given[0];
    out[0] = atomicExch(out + 2, given[1]);
    out[1] = atomicCAS(out + 2, given[1], given[0]);
}
"""
# fmt: on


@pytest.fixture(scope="module", params=["threads", "driver"])
def run(request):
    return lanes.either(request, SOURCE)


def result(name, old, value):
    """What is there after the operation, as an unbounded integer."""
    return {"atomicMin": min(old, value), "atomicMax": max(old, value), "atomicAnd": old & value,
            "atomicOr": old | value, "atomicXor": old ^ value, "atomicAdd": old + value,
            "atomicSub": old - value, "atomicExch": value, "atomicInc": 0 if old >= value else old + 1,
            "atomicDec": value if old == 0 or old > value else old - 1}[name]  # fmt: skip


@st.composite
def numbers(draw, kind, count):
    limits = np.iinfo(INTEGERS.get(kind, np.uint16))
    edge = st.sampled_from([limits.min, limits.min + 1, 0, 1, limits.max - 1, limits.max])
    number = edge | st.integers(limits.min, limits.max) | st.integers(0, 3)
    return np.array([draw(number) for _ in range(count)], INTEGERS.get(kind, np.uint16))


@pytest.mark.parametrize("name, kind", CASES)
@given(data=st.data())
@settings(deadline=None, max_examples=30)
def test_integers(run, name, kind, data):
    given_numbers = data.draw(numbers(kind, 2))
    out = np.zeros(6, given_numbers.dtype)
    assert run(label(name, kind), 1, given_numbers, out) == ""
    old, value = (int(x) for x in given_numbers)
    after = np.array(result(name, old, value) % 2**64, np.uint64).astype(given_numbers.dtype)
    np.testing.assert_array_equal(out, [old, after] * 3)


@pytest.mark.parametrize("kind", ["int", "unsigned", "unsigned long long", "unsigned short"])
@given(data=st.data())
@settings(deadline=None, max_examples=30)
def test_compare_and_swap(run, kind, data):
    given_numbers = data.draw(numbers(kind, 3))
    out = np.zeros(2, given_numbers.dtype)
    assert run(label("compare", kind), 1, given_numbers, out) == ""
    old, compare, value = given_numbers.tolist()
    assert out.tolist() == [old, value if old == compare else old]


@pytest.mark.parametrize("kind", FLOATS)
def test_floating_sums_lose_nothing(run, kind):
    width = {"__half2": 2, "__nv_bfloat162": 2, "float2": 2, "float4": 4}.get(kind, 1)
    terms = np.arange(1, 2 * width + 1) / 4  # exact in every type, as are the sums
    wanted = (terms.reshape(2, width).sum(0)) * 4 * 8
    given_numbers, out = terms.astype(np.float32), np.zeros(width, np.float32)
    if "bfloat" in kind:
        given_numbers = (given_numbers.view(np.uint32) >> 16).astype(np.uint16)
    given_numbers, out = given_numbers.astype(FLOATS[kind]), out.astype(FLOATS[kind])
    memory = np.zeros(16, FLOATS[kind])
    memory[:width] = out
    assert run(label("sum", kind), 8, given_numbers, memory) == ""
    got = (memory.astype(np.uint32) << 16).view(np.float32) if "bfloat" in kind else memory
    np.testing.assert_array_equal(got[:width].astype(float), wanted)


def test_many_threads_lose_nothing(run):
    out = np.zeros(8, np.uint32)
    assert run("count", 32, np.zeros(1, np.int32), out) == ""
    assert out[:4].tolist() == [32 * 200 * 3, 31, 32 * 200 % 7, 0]
    assert out[4:5].view(np.float32)[0] == 6400
    assert out[6:8].view(np.float64)[0] == 6400


def test_a_spin_lock_makes_progress(run):
    out = np.zeros(2, np.int32)
    assert run("spin_lock", 256, np.zeros(1, np.int32), out) == ""
    assert out.tolist() == [0, 8]


def test_sixteen_bytes(run):
    pair = np.dtype([("a", "f8"), ("b", "i8")])
    given_pairs, out = np.array([(1.5, -1), (np.nan, 7)], pair), np.zeros(3, pair)
    assert run("sixteen", 1, given_pairs, out) == ""
    assert out[0].tobytes() == given_pairs[0].tobytes()
    assert out[1].tobytes() == given_pairs[1].tobytes()
    assert out[2].tobytes() == given_pairs[0].tobytes()
