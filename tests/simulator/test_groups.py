"""Cooperative groups: ranks, shuffles, reductions and scans of tiles and of the lanes that are here."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulator import lanes

SIZES = (1, 2, 4, 8, 16, 32)
SOURCE = """
#include <cooperative_groups.h>
#include <cooperative_groups/memcpy_async.h>
#include <cooperative_groups/reduce.h>
#include <cooperative_groups/scan.h>
namespace cg = cooperative_groups;
struct Case { int values[64]; int yes[64]; int from; unsigned delta; };
struct Wide { int a[5]; };
template <class Group> __device__ int* tell(const Group& g, const Case* c, int* out) {
    int value = c->values[threadIdx.x], same;
    Wide wide = {{value, 0, 0, 0, -value}};
    *out++ = g.thread_rank();
    *out++ = g.size();
    *out++ = g.meta_group_rank();
    *out++ = g.meta_group_size();
    *out++ = g.shfl(value, c->from);
    *out++ = g.shfl_up(value, c->delta);
    *out++ = g.shfl_down(wide, c->delta).a[4];
    *out++ = g.any(c->yes[threadIdx.x]);
    *out++ = g.all(c->yes[threadIdx.x]);
    *out++ = g.ballot(c->yes[threadIdx.x]);
    *out++ = g.match_any(value);
    *out++ = g.match_all(value, same);
    *out++ = same;
    *out++ = cg::reduce(g, value, cg::plus<int>());
    *out++ = cg::reduce(g, value, cg::less<int>());
    *out++ = cg::reduce(g, value, cg::bit_xor<int>());
    *out++ = cg::inclusive_scan(g, value);
    *out++ = cg::exclusive_scan(g, value, cg::greater<int>());
    g.sync();
    return out;
}
template <int N> __device__ void tile(const Case* c, int* out) {
    cg::thread_block block = cg::this_thread_block();
    cg::thread_block_tile<N> g = cg::tiled_partition<N>(block);
    out = tell(g, c, out + block.thread_rank() * 20);
    *out++ = g.shfl_xor(c->values[threadIdx.x], c->delta);
}
extern "C" __global__ void tile1(const Case* c, int* out) { tile<1>(c, out); }
extern "C" __global__ void tile2(const Case* c, int* out) { tile<2>(c, out); }
extern "C" __global__ void tile4(const Case* c, int* out) { tile<4>(c, out); }
extern "C" __global__ void tile8(const Case* c, int* out) { tile<8>(c, out); }
extern "C" __global__ void tile16(const Case* c, int* out) { tile<16>(c, out); }
extern "C" __global__ void tile32(const Case* c, int* out) { tile<32>(c, out); }
extern "C" __global__ void halves(const Case* c, int* out) {
    auto warp = cg::tiled_partition<32>(cg::this_thread_block());
    tell(cg::binary_partition(warp, c->yes[threadIdx.x]), c, out + threadIdx.x * 20);
}
extern "C" __global__ void labels(const Case* c, int* out) {
    auto warp = cg::tiled_partition<32>(cg::this_thread_block());
    tell(cg::labeled_partition(warp, c->yes[threadIdx.x]), c, out + threadIdx.x * 20);
}
extern "C" __global__ void here(const Case* c, int* out) {
    if (c->yes[threadIdx.x]) tell(cg::coalesced_threads(), c, out + threadIdx.x * 20);
}
__device__ void first_of(cg::thread_group g, int* memory, int value, int* out) {
    memory[threadIdx.x] = value;
    g.sync();
    out[0] = memory[threadIdx.x - g.thread_rank()];
    out[1] = g.size();
    g.sync();
}
extern "C" __global__ void any_group(const Case* c, int* out) {
    int* memory = out + 64 * 4;
    cg::thread_block block = cg::this_thread_block();
    first_of(block, memory, c->values[threadIdx.x], out + threadIdx.x * 4);
    first_of(cg::tiled_partition(block, 4), memory, c->values[threadIdx.x], out + threadIdx.x * 4 + 2);
}
extern "C" __global__ void nested(const Case*, int* out) {
    auto outer = cg::tiled_partition<16>(cg::this_thread_block());
    auto inner = cg::tiled_partition<4>(outer);
    out += threadIdx.x * 3;
    out[0] = inner.thread_rank();
    out[1] = inner.meta_group_rank();
    out[2] = inner.meta_group_size();
}
extern "C" __global__ void copy(const Case* c, int* out) {
    cg::thread_block block = cg::this_thread_block();
    cg::memcpy_async(block, out, c->values, 64 * sizeof(int));
    cg::wait(block);
    out[64 + threadIdx.x] = out[63 - threadIdx.x];
}
extern "C" __global__ void whole_grid(const Case*, int* out) {
    cg::grid_group grid = cg::this_grid();
    out[grid.thread_rank()] = grid.size();
    grid.sync();
}
"""
CASE = np.dtype([("values", "i4", 64), ("yes", "i4", 64), ("source", "i4"), ("delta", "u4")])


@pytest.fixture(scope="module", params=["threads", "driver"])
def run(request):
    return lanes.either(request, SOURCE)


@st.composite
def cases(draw):
    case = np.zeros((), CASE)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    case["values"] = random.integers(-3, 4, 64)
    case["yes"] = random.integers(0, draw(st.integers(1, 4)), 64)
    case["source"], case["delta"] = draw(st.integers(0, 40)), draw(st.integers(0, 33))
    return case


def told(case, group, rank, meta_rank, meta_size):
    """What the thread of this rank says about its group, a list of thread numbers."""
    values, yes = case["values"][group].astype(int), case["yes"][group]
    size, delta = len(group), int(case["delta"])
    same = [int(v == values[rank]) for v in values]
    down = rank + delta if rank + delta < size else rank
    return [
        rank,
        size,
        meta_rank,
        meta_size,
        values[int(case["source"]) % size],
        values[rank - delta if delta <= rank else rank],
        -values[down],
        yes.any(),
        yes.all(),
        sum(1 << i for i in range(size) if yes[i]),
        sum(s << i for i, s in enumerate(same)),
        2**size - 1 if all(same) else 0,
        all(same),
        values.sum(),
        values.min(),
        np.bitwise_xor.reduce(values),
        values[: rank + 1].sum(),
        values[:rank].max() if rank else 0,
    ]


def check(case, out, groups):
    """groups: (threads, meta rank, meta size) of every group that ought to be."""
    for group, meta_rank, meta_size in groups:
        for rank, thread in enumerate(group):
            wanted = told(case, group, rank, meta_rank, meta_size)
            assert out[thread, :18].view(np.uint32).tolist() == [int(x) & 0xFFFFFFFF for x in wanted]


@pytest.mark.parametrize("size", SIZES)
@given(case=cases())
@settings(deadline=None, max_examples=20)
def test_tiles(run, size, case):
    out = np.zeros((64, 20), np.int32)
    assert run(f"tile{size}", 64, case, out) == ""
    check(case, out, [(list(range(i * size, (i + 1) * size)), i, 64 // size) for i in range(64 // size)])
    for thread in range(64):
        there = thread % size ^ int(case["delta"])
        other = thread // size * size + there if there < size else thread
        assert out[thread, 18] == case["values"][other]


@given(case=cases())
@settings(deadline=None, max_examples=30)
def test_partitions_by_a_value(run, case):
    out = np.zeros((64, 20), np.int32)
    for first in (0, 32):
        warp = range(first, first + 32)
        case["yes"][first : first + 32] %= 2
        groups = [([t for t in warp if case["yes"][t] == side], side, 2) for side in (0, 1)]
        assert run("halves", 64, case, out) == ""
        check(case, out, groups)


@given(case=cases())
@settings(deadline=None, max_examples=30)
def test_partitions_by_label(run, case):
    out = np.zeros((64, 20), np.int32)
    assert run("labels", 64, case, out) == ""
    for first in (0, 32):
        labels = case["yes"][first : first + 32].tolist()
        order = sorted(set(labels), key=labels.index)
        members = {label: [first + t for t in range(32) if labels[t] == label] for label in order}
        check(case, out, [(members[label], i, len(order)) for i, label in enumerate(order)])


@given(case=cases())
@settings(deadline=None, max_examples=30)
def test_the_threads_that_are_here(pycuda, case):
    out = np.zeros((64, 20), np.int32)
    assert lanes.on_driver(pycuda, SOURCE)("here", 64, case, out) == ""
    check(case, out, [([t for t in range(first, first + 32) if case["yes"][t]], 0, 1) for first in (0, 32)])


def test_a_function_that_takes_any_group(run):
    case = np.zeros((), CASE)
    case["values"] = np.arange(64) + 10
    out = np.zeros(64 * 5, np.int32)
    assert run("any_group", 64, case, out) == ""
    thread = np.arange(64)
    wanted = np.stack([np.full(64, 10), np.full(64, 64), thread // 4 * 4 + 10, np.full(64, 4)], 1)
    np.testing.assert_array_equal(out[:256].reshape(64, 4), wanted)


def test_tiles_of_tiles(run):
    out = np.zeros((64, 3), np.int32)
    assert run("nested", 64, np.zeros((), CASE), out) == ""
    thread = np.arange(64)
    np.testing.assert_array_equal(out, np.stack([thread % 4, thread % 16 // 4, np.full(64, 4)], 1))


def test_a_block_copies_together(run):
    case = np.zeros((), CASE)
    case["values"] = np.arange(64)
    out = np.zeros(128, np.int32)
    assert run("copy", 64, case, out) == ""
    np.testing.assert_array_equal(out, np.concatenate([np.arange(64), np.arange(64)[::-1]]))


def test_a_grid_wide_barrier_says_why_not(run):
    out = np.zeros(32, np.int32)
    text = run("whole_grid", 32, np.zeros((), CASE), out)
    assert "cooperative launch" in text
    assert "launch a second one" in text
