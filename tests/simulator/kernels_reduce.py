"""Reductions: trees in shared memory, shuffles, groups, the last block, argmax, softmax of rows."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import strategies as st

from tests.simulator.differential import SEEDS, SIZES, THREADS, Device, Family, Out, blocks_for, real, small

REDUCE = Family(r"""
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
namespace cg = cooperative_groups;

struct Sum { template <class T> static __device__ T of(T a, T b) { return a + b; } };
struct Min { template <class T> static __device__ T of(T a, T b) { return b < a ? b : a; } };
struct Max { template <class T> static __device__ T of(T a, T b) { return a < b ? b : a; } };

template <class T, class Operation> __device__ T part_of_thread(const T *x, int n, T neutral) {
    T mine = neutral;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
        mine = Operation::of(mine, x[i]);
    return mine;
}

// The sum of s[0..blockDim.x) in s[0].
template <class T, class Operation> __device__ void fold(T *s) {
    __syncthreads();
    for (int width = blockDim.x; width > 1;) {
        int half = (width + 1) / 2;
        if (threadIdx.x + half < width) s[threadIdx.x] = Operation::of(s[threadIdx.x], s[threadIdx.x + half]);
        __syncthreads();
        width = half;
    }
}

template <class T, class Operation> __device__ void tree(const T *x, T *out, int n, T neutral) {
    extern __shared__ __align__(8) unsigned char memory[];
    T *s = reinterpret_cast<T *>(memory);
    s[threadIdx.x] = part_of_thread<T, Operation>(x, n, neutral);
    fold<T, Operation>(s);
    if (threadIdx.x == 0) out[blockIdx.x] = s[0];
}

template <class T, class Operation> __device__ T fold_warp(T value) {
    int lane = threadIdx.x % 32, lanes = min(32, blockDim.x - (threadIdx.x - lane));
    unsigned mask = lanes == 32 ? 0xffffffff : (1u << lanes) - 1;
    for (int step = 16; step > 0; step /= 2) {
        bool there = lane + step < lanes;
        T other = __shfl_sync(mask, value, there ? lane + step : lane);
        if (there) value = Operation::of(value, other);
    }
    return value;
}

template <class T, class Operation> __device__ void shuffle(const T *x, T *out, int n, T neutral) {
    __shared__ T of_warp[32];
    T value = fold_warp<T, Operation>(part_of_thread<T, Operation>(x, n, neutral));
    if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = value;
    __syncthreads();
    if (threadIdx.x >= 32) return;
    value = threadIdx.x * 32 < blockDim.x ? of_warp[threadIdx.x] : neutral;
    value = fold_warp<T, Operation>(value);
    if (threadIdx.x == 0) out[blockIdx.x] = value;
}

#define REDUCTION(how, operation, T) \
    extern "C" __global__ void how##_##operation##_##T(const T *x, T *out, int n, T neutral) { \
        how<T, operation>(x, out, n, neutral); \
    }
#define REDUCTIONS(T) \
    REDUCTION(tree, Sum, T) REDUCTION(tree, Min, T) REDUCTION(tree, Max, T) \
    REDUCTION(shuffle, Sum, T) REDUCTION(shuffle, Min, T) REDUCTION(shuffle, Max, T)
REDUCTIONS(int)
REDUCTIONS(float)
REDUCTIONS(double)

// Of equal values the first, as NumPy has it.
extern "C" __global__ void argmax(const float *x, int *out, int columns) {
    __shared__ float best[1024];
    __shared__ int place[1024];
    const float *row = x + blockIdx.x * columns;
    float value = -INFINITY;
    int at = columns;
    for (int i = threadIdx.x; i < columns; i += blockDim.x)
        if (row[i] > value) { value = row[i]; at = i; }
    best[threadIdx.x] = value;
    place[threadIdx.x] = at;
    __syncthreads();
    for (int width = blockDim.x; width > 1;) {
        int half = (width + 1) / 2, other = threadIdx.x + half;
        if (other < width && (best[other] > best[threadIdx.x] ||
                              (best[other] == best[threadIdx.x] && place[other] < place[threadIdx.x]))) {
            best[threadIdx.x] = best[other];
            place[threadIdx.x] = place[other];
        }
        __syncthreads();
        width = half;
    }
    if (threadIdx.x == 0) out[blockIdx.x] = place[0];
}

template <int N> __device__ void group_sum(const int *x, int *sum, int *most, int n) {
    cg::thread_block block = cg::this_thread_block();
    cg::thread_block_tile<N> tile = cg::tiled_partition<N>(block);
    int i = block.group_index().x * block.size() + block.thread_rank();
    int value = i < n ? x[i] : 0;
    int total = cg::reduce(tile, value, cg::plus<int>());
    int largest = cg::reduce(tile, value, cg::greater<int>());
    for (int step = N / 2; step > 0; step /= 2) value += tile.shfl_xor(value, step);
    if (tile.thread_rank() == 0) {
        atomicAdd(sum, total == value ? total : 1 << 20);
        atomicMax(most, largest);
    }
}
extern "C" {
__global__ void group_sum_1(const int *x, int *sum, int *most, int n) { group_sum<1>(x, sum, most, n); }
__global__ void group_sum_4(const int *x, int *sum, int *most, int n) { group_sum<4>(x, sum, most, n); }
__global__ void group_sum_16(const int *x, int *sum, int *most, int n) { group_sum<16>(x, sum, most, n); }
__global__ void group_sum_32(const int *x, int *sum, int *most, int n) { group_sum<32>(x, sum, most, n); }

// The block that finishes last adds up what all of them found.
__device__ unsigned finished = 0;
__global__ void last_block(const float *x, float *of_block, float *out, int n) {
    __shared__ float s[1024];
    __shared__ bool last;
    s[threadIdx.x] = part_of_thread<float, Sum>(x, n, 0);
    fold<float, Sum>(s);
    if (threadIdx.x == 0) {
        of_block[blockIdx.x] = s[0];
        __threadfence();
        last = atomicInc(&finished, gridDim.x - 1) == gridDim.x - 1;
        __threadfence();
    }
    __syncthreads();
    if (!last) return;
    float mine = 0;
    for (int i = threadIdx.x; i < gridDim.x; i += blockDim.x) mine += of_block[i];
    s[threadIdx.x] = mine;
    fold<float, Sum>(s);
    if (threadIdx.x == 0) *out = s[0];
}

// A row for each block.
__global__ void softmax_of_block(const float *x, float *y, int rows, int columns) {
    extern __shared__ float t[];
    x += blockIdx.x * columns;
    y += blockIdx.x * columns;
    float most = -INFINITY, total = 0;
    for (int i = threadIdx.x; i < columns; i += blockDim.x) most = fmaxf(most, x[i]);
    t[threadIdx.x] = most;
    fold<float, Max>(t);
    most = t[0];
    __syncthreads();
    for (int i = threadIdx.x; i < columns; i += blockDim.x) total += y[i] = expf(x[i] - most);
    t[threadIdx.x] = total;
    fold<float, Sum>(t);
    for (int i = threadIdx.x; i < columns; i += blockDim.x) y[i] /= t[0];
}

// A row for each warp, in one pass: the sum is scaled when a larger element comes.
__global__ void softmax_of_warp(const float *x, float *y, int rows, int columns) {
    int row = blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;
    float most = -INFINITY, total = 0;
    for (int i = threadIdx.x; i < columns; i += 32) {
        float larger = fmaxf(most, x[row * columns + i]);
        total = total * expf(most - larger) + expf(x[row * columns + i] - larger);
        most = larger;
    }
    for (int step = 16; step > 0; step /= 2) {
        float other = __shfl_xor_sync(0xffffffff, most, step);
        float others = __shfl_xor_sync(0xffffffff, total, step);
        float larger = fmaxf(most, other);
        if (larger == -INFINITY) continue;
        total = total * expf(most - larger) + others * expf(other - larger);
        most = larger;
    }
    for (int i = threadIdx.x; i < columns; i += 32)
        y[row * columns + i] = expf(x[row * columns + i] - most) / total;
}
}
""")

REDUCERS = {"Sum": np.sum, "Min": np.min, "Max": np.max}
DTYPES = {"int": np.int32, "float": np.float32, "double": np.float64}


@REDUCE.problem(
    {"n": 301, "threads": 33, "blocks": 3, "seed": 1},
    {"n": 70, "threads": 64, "blocks": 1, "seed": 2},
    {"n": 3, "threads": 100, "blocks": 2, "seed": 3},
    n=SIZES,
    threads=THREADS,
    blocks=st.integers(1, 9),
    seed=SEEDS,
)
def in_two_passes(device: Device, n: int, threads: int, blocks: int, seed: int) -> None:
    """One value for each block, then one for all of those."""
    for how, operation, name in itertools.product(("tree", "shuffle"), REDUCERS, DTYPES):
        dtype = DTYPES[name]
        x, parts, whole = small(seed, n, dtype), np.empty(blocks, dtype), np.empty(1, dtype)
        kernel = f"{how}_{operation}_{name}"
        neutral = {"Sum": dtype(0), "Min": dtype(10**6), "Max": dtype(-(10**6))}[operation]
        shared = threads * x.itemsize if how == "tree" else 0
        device(kernel, x, Out(parts), n, neutral, block=threads, grid=blocks, shared=shared)
        device(kernel, parts, Out(whole), blocks, neutral, block=threads, shared=shared)
        assert whole[0] == REDUCERS[operation](x), kernel


@REDUCE.problem(
    {"n": 40, "threads": 7, "rows": 3, "seed": 1},
    {"n": 5, "threads": 64, "rows": 2, "seed": 2},
    n=st.integers(1, 1500),
    threads=THREADS,
    rows=st.integers(1, 4),
    seed=SEEDS,
)
def argmax(device: Device, n: int, threads: int, rows: int, seed: int) -> None:
    x, out = small(seed, (rows, n), np.float32), np.empty(rows, np.int32)
    device("argmax", x, Out(out), n, block=threads, grid=rows)
    np.testing.assert_array_equal(out, x.argmax(1))


@REDUCE.problem(
    {"n": 100, "tile": 32, "tiles": 2, "seed": 1},
    {"n": 50, "tile": 4, "tiles": 3, "seed": 1},
    {"n": 50, "tile": 16, "tiles": 3, "seed": 2},
    {"n": 9, "tile": 1, "tiles": 3, "seed": 2},
    n=SIZES,
    tile=st.sampled_from([1, 4, 16, 32]),
    tiles=st.integers(1, 32),
    seed=SEEDS,
)
def cooperative_groups(device: Device, n: int, tile: int, tiles: int, seed: int) -> None:
    x, total, most = small(seed, n, np.int32), np.zeros(1, np.int32), np.full(1, -100, np.int32)
    threads = tile * tiles
    device(f"group_sum_{tile}", x, total, most, n, block=threads, grid=blocks_for(n, threads))
    assert total[0] == x.sum()
    beside = [0] if n % threads else []  # threads past the end of x bring a zero
    assert most[0] == max([*x, *beside])


@REDUCE.problem(
    {"n": 90, "threads": 20, "blocks": 4, "seed": 1},
    {"n": 9, "threads": 3, "blocks": 5, "seed": 1},
    {"n": 9, "threads": 64, "blocks": 1, "seed": 1},
    n=SIZES,
    threads=THREADS,
    blocks=st.integers(1, 40),
    seed=SEEDS,
)
def last_block_adds_up(device: Device, n: int, threads: int, blocks: int, seed: int) -> None:
    x, out = small(seed, n, np.float32), np.empty(1, np.float32)
    for _ in range(2):  # the counter of blocks begins anew by itself
        device("last_block", x, Out(np.empty(blocks, np.float32)), Out(out), n, block=threads, grid=blocks)
        assert out[0] == x.sum()


@REDUCE.problem(
    {"rows": 3, "columns": 45, "threads": 32, "warps": 2, "seed": 1},
    {"rows": 2, "columns": 7, "threads": 33, "warps": 1, "seed": 1},
    {"rows": 5, "columns": 70, "threads": 64, "warps": 3, "seed": 1},
    rows=st.integers(1, 12),
    columns=st.integers(1, 300),
    threads=THREADS,
    warps=st.integers(1, 32),
    seed=SEEDS,
)
def softmax_of_rows(device: Device, rows: int, columns: int, threads: int, warps: int, seed: int) -> None:
    x = real(seed, (rows, columns))
    weights = np.exp(x - x.max(1, keepdims=True), dtype=np.float64)
    expected = weights / weights.sum(1, keepdims=True)
    launches = {
        "softmax_of_block": {"block": threads, "grid": rows, "shared": 4 * threads},
        "softmax_of_warp": {"block": (32, warps), "grid": blocks_for(rows, warps)},
    }
    for kernel, launch in launches.items():
        y = np.empty_like(x)
        device(kernel, x, Out(y), rows, columns, **launch)
        np.testing.assert_allclose(y, expected, rtol=2e-6, err_msg=kernel)
