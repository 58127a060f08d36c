"""Shuffles, votes, matches and reductions of a warp, against a model after the PTX manual."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulator import lanes

# fmt: off
TYPES = {"int": 4, "unsigned": 4, "long": 8, "unsigned long": 8, "long long": 8, "unsigned long long": 8,
         "float": 4, "double": 8, "__half": 2, "__half2": 4, "__nv_bfloat16": 2, "__nv_bfloat162": 4}
# fmt: on
SOURCE = """
#include <cuda_fp16.h>
#include <cuda_bf16.h>
struct Case { int way, width; unsigned mask; int by[32]; unsigned long long values[32]; };
template <class T> __device__ void shuffle(const Case* c, T* out) {
    int lane = threadIdx.x;
    unsigned mask = c->mask;
    if (!(mask >> lane & 1)) return;
    T value = reinterpret_cast<const T*>(c->values)[lane];
    switch (c->way) {
        case 0: value = __shfl_sync(mask, value, c->by[lane], c->width); break;
        case 1: value = __shfl_up_sync(mask, value, c->by[lane], c->width); break;
        case 2: value = __shfl_down_sync(mask, value, c->by[lane], c->width); break;
        case 3: value = __shfl_xor_sync(mask, value, c->by[lane], c->width); break;
    }
    out[threadIdx.x] = value;
}
extern "C" __global__ void votes(const Case* c, int* out) {
    int lane = threadIdx.x, value = (int)c->values[lane], same;
    unsigned mask = c->mask >> lane & 1 ? c->mask : ~c->mask;
    out += 13 * lane;
    out[0] = __all_sync(mask, value);
    out[1] = __any_sync(mask, value);
    out[2] = __ballot_sync(mask, value);
    out[3] = __match_any_sync(mask, value);
    out[4] = __match_all_sync(mask, value, &same);
    out[5] = same;
    out[6] = __reduce_add_sync(mask, value);
    out[7] = __reduce_min_sync(mask, value);
    out[8] = __reduce_max_sync(mask, value);
    out[9] = __reduce_and_sync(mask, (unsigned)value);
    out[10] = __reduce_or_sync(mask, (unsigned)value);
    out[11] = __reduce_xor_sync(mask, (unsigned)value);
    __syncwarp(mask);
    out[12] = __reduce_max_sync(mask, (unsigned)value);
}
extern "C" __global__ void sum(const float* x, float* out) {
    float value = x[threadIdx.x];
    for (int step = 16; step; step /= 2) value += __shfl_down_sync(0xffffffff, value, step);
    if (threadIdx.x % 32 == 0) out[threadIdx.x / 32] = value;
}
extern "C" __global__ void not_in_own_mask(const int* x, int* out) {
    out[threadIdx.x] = __shfl_sync(0x0000ffff, x[threadIdx.x], 0);
}
extern "C" __global__ void wrong_width(const int* x, int* out) {
    out[threadIdx.x] = __shfl_sync(0xffffffff, x[threadIdx.x], 0, 12);
}
extern "C" __global__ void source_not_in_mask(const int* x, int* out) {
    if (threadIdx.x < 16) out[threadIdx.x] = __shfl_down_sync(0x0000ffff, x[threadIdx.x], 4);
}
extern "C" __global__ void source_in_own_group(const int* x, int* out) {
    if (threadIdx.x < 16) out[threadIdx.x] = __shfl_down_sync(0x0000ffff, x[threadIdx.x], 4, 16);
}
""" + "".join(
    f'extern "C" __global__ void shuffle{i}(const Case* c, {name}* out) {{ shuffle(c, out); }}\n'
    for i, name in enumerate(TYPES)
)
CASE = np.dtype(
    [("way", "i4"), ("width", "i4"), ("mask", "u4"), ("by", "i4", 32), ("pad", "u4"), ("values", "u8", 32)]
)
WAYS = ("index", "up", "down", "xor")


@pytest.fixture(scope="module", params=["threads", "driver"])
def run(request):
    return lanes.either(request, SOURCE)


def source_lane(way, lane, by, width):
    """The lane that `lane` reads: within its group of `width` lanes, else itself."""
    first = lane // width * width
    if way == "index":
        return first + by % width
    by %= 32
    there = {"up": lane - by, "down": lane + by, "xor": lane ^ by}[way]
    if way == "xor":
        return there if there < first + width else lane  # an earlier group may be read
    return there if first <= there < first + width else lane


masks = st.just(2**32 - 1) | st.integers(0, 2**31).map(lambda bits: bits * 2654435761 % 2**32 | 1)
masks |= st.integers(0, 31).map(lambda lane: 1 << lane)
seeds = st.integers(0, 2**32 - 1)


@given(kind=st.sampled_from(sorted(TYPES)), mask=masks, seed=seeds, by=st.integers(-3, 70) | st.none())
@settings(deadline=None, max_examples=25)
def test_shuffles_are_those_of_the_hardware(run, kind, mask, seed, by):
    random = np.random.default_rng(seed)
    values = random.integers(0, 256, (32, TYPES[kind]), dtype=np.uint8)
    case = np.zeros((), CASE)
    case["mask"] = mask
    case["by"] = random.integers(0, 40, 32) if by is None else by
    case["values"] = np.pad(values.ravel(), (0, 256 - values.size)).view(np.uint64)
    for way, width in itertools.product(WAYS, (1, 2, 4, 8, 16, 32)):
        case["way"], case["width"] = WAYS.index(way), width
        out = np.full((32, TYPES[kind]), 7, np.uint8)
        wanted = out.copy()
        for lane in range(32):
            if mask >> lane & 1:
                source = source_lane(way, lane, int(case["by"][lane]), width)
                wanted[lane] = values[source] if mask >> source & 1 else 0xFF
        assert run(f"shuffle{list(TYPES).index(kind)}", 32, case, out) == ""
        np.testing.assert_array_equal(out, wanted)


@given(
    mask=masks,
    values=st.sampled_from([[0] * 32, [3] * 32])
    | st.lists(st.sampled_from([0, 1, -1, 5, 2**31 - 1, -(2**31)]), min_size=32, max_size=32),
)
@settings(deadline=None)
def test_votes_matches_and_reductions(run, mask, values):
    case = np.zeros((), CASE)
    case["mask"] = mask
    case["values"] = np.array(values, np.int64).view(np.uint64)
    out = np.zeros((32, 13), np.int32)
    assert run("votes", 32, case, out) == ""
    for lane in range(32):
        mine = mask if mask >> lane & 1 else ~mask & 0xFFFFFFFF
        group = [i for i in range(32) if mine >> i & 1]
        there = np.array([values[i] for i in group], np.int32)
        natural = there.view(np.uint32)
        alike = len(set(there.tolist())) == 1
        wanted = [there.all(), there.any(), sum(1 << i for i in group if values[i]),
                  sum(1 << i for i in group if values[i] == values[lane]), mine if alike else 0, alike,
                  there.sum(dtype=np.int32), there.min(), there.max(), np.bitwise_and.reduce(natural),
                  np.bitwise_or.reduce(natural), np.bitwise_xor.reduce(natural), natural.max()]  # fmt: skip
        assert out[lane].view(np.uint32).tolist() == [int(x) & 0xFFFFFFFF for x in wanted]


def test_a_tree_of_shuffles_sums_every_warp(run):
    x, out = np.arange(96, dtype=np.float32), np.zeros(3, np.float32)
    assert run("sum", 96, x, out) == ""
    np.testing.assert_array_equal(out, x.reshape(3, 32).sum(1))


@pytest.mark.parametrize(
    "kernel, words",
    [
        ("not_in_own_mask", ["Wrong mask", "__shfl_sync", "0x0000ffff", "What to do"]),
        ("wrong_width", ["width of 12", "1, 2, 4, 8, 16 or 32"]),
    ],
)
def test_mistakes_stop_the_kernel(run, kernel, words):
    text = run(kernel, 32, np.zeros(32, np.int32), np.zeros(32, np.int32))
    assert all(word in text for word in words), text


def test_reading_a_lane_outside_the_mask_stops_in_check_mode():
    checked = lanes.on_threads(SOURCE, "-DSIM_CHECK")
    x, out = np.arange(32, dtype=np.int32), np.zeros(32, np.int32)
    text = checked("source_not_in_mask", 32, x, out)
    words = ("takes no part", "__shfl_down_sync", "0x0000ffff", "is not in the mask")
    assert all(word in text for word in words)
    assert checked("source_in_own_group", 32, x, out) == ""
    np.testing.assert_array_equal(out[:16], [*range(4, 16), 12, 13, 14, 15])


def test_the_checker_stops_it_too(pycuda, simulator):
    run = lanes.on_driver(pycuda, SOURCE)
    x, out = np.arange(32, dtype=np.int32), np.zeros(32, np.int32)
    with simulator.check():
        text = run("source_not_in_mask", 32, x, out)
        assert "takes no part" in text
        assert "__shfl_down_sync" in text
        assert run("source_in_own_group", 32, x, out) == ""


def test_functions_without_a_mask_are_refused_with_advice():
    calls = {
        name: f"{name}(1, 2)" if "shfl" in name else f"{name}(1)"
        for name in ("__shfl", "__shfl_up", "__shfl_down", "__shfl_xor", "__any", "__all", "__ballot")
    }
    with pytest.raises(AssertionError) as error:
        lanes.build(f'#include "lanes.h"\nextern "C" int f() {{ return {" + ".join(calls.values())}; }}\n')
    assert all(f"use {name}_sync" in str(error.value) for name in calls)
