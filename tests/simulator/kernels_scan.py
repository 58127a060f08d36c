"""Scans and what is built on them: Hillis and Steele, Blelloch, shuffles, compaction, radix sort."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.simulator.differential import SEEDS, SIZES, THREADS, Device, Family, Out, blocks_for, fixed, small

SCAN = Family(r"""
// Inclusive, a thread for each element, from one row of shared memory to the other and back.
template <class T> __device__ void hillis_steele(const T *x, T *y, int n) {
    extern __shared__ __align__(8) unsigned char memory[];
    T *from = reinterpret_cast<T *>(memory), *to = from + n;
    int t = threadIdx.x;
    if (t < n) from[t] = x[t];
    __syncthreads();
    for (int step = 1; step < n; step *= 2) {
        if (t < n) to[t] = t >= step ? from[t - step] + from[t] : from[t];
        __syncthreads();
        T *swap = from;
        from = to;
        to = swap;
    }
    if (t < n) y[t] = from[t];
}

// Exclusive, up a tree and down again, in place; `size` is a power of two.
template <class T> __device__ void blelloch(const T *x, T *y, int n, int size) {
    extern __shared__ __align__(8) unsigned char memory[];
    T *s = reinterpret_cast<T *>(memory);
    for (int i = threadIdx.x; i < size; i += blockDim.x) s[i] = i < n ? x[i] : T(0);
    int step = 1;
    for (int nodes = size / 2; nodes > 0; nodes /= 2, step *= 2) {
        __syncthreads();
        for (int i = threadIdx.x; i < nodes; i += blockDim.x)
            s[step * (2 * i + 2) - 1] += s[step * (2 * i + 1) - 1];
    }
    if (threadIdx.x == 0) s[size - 1] = 0;      // thread 0 also wrote it last
    for (int nodes = 1; nodes < size; nodes *= 2) {
        step /= 2;
        __syncthreads();
        for (int i = threadIdx.x; i < nodes; i += blockDim.x) {
            int left = step * (2 * i + 1) - 1, right = step * (2 * i + 2) - 1;
            T before = s[right];
            s[right] += s[left];
            s[left] = before;
        }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < n; i += blockDim.x) y[i] = s[i];
}

// Lanes past the last thread of a block do not exist, so they are not in the mask.
__device__ unsigned lanes_of_warp() {
    int lanes = blockDim.x - threadIdx.x / 32 * 32;
    return lanes >= 32 ? 0xffffffff : (1u << lanes) - 1;
}

// Inclusive over the threads of a block.
template <class T> __device__ T scan_block(T value) {
    __shared__ T of_warp[32];
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    for (int step = 1; step < 32; step *= 2) {
        T before = __shfl_up_sync(lanes_of_warp(), value, step);
        if (lane >= step) value += before;
    }
    if (lane == 31) of_warp[warp] = value;
    __syncthreads();
    if (warp == 0) {
        T total = threadIdx.x < blockDim.x / 32 ? of_warp[lane] : T(0);
        for (int step = 1; step < 32; step *= 2) {
            T before = __shfl_up_sync(lanes_of_warp(), total, step);
            if (lane >= step) total += before;
        }
        of_warp[lane] = total;
    }
    __syncthreads();
    return warp > 0 ? value + of_warp[warp - 1] : value;
}
template <class T> __device__ void scan_blocks(const T *x, T *y, T *of_block, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    T value = scan_block<T>(i < n ? x[i] : T(0));
    if (i < n) y[i] = value;
    if (threadIdx.x == blockDim.x - 1) of_block[blockIdx.x] = value;
}
template <class T> __device__ void add_before(T *y, const T *of_block, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (blockIdx.x > 0 && i < n) y[i] += of_block[blockIdx.x - 1];
}

#define SCANS(name, T) \
    __global__ void hillis_steele_##name(const T *x, T *y, int n) { hillis_steele<T>(x, y, n); } \
    __global__ void blelloch_##name(const T *x, T *y, int n, int size) { blelloch<T>(x, y, n, size); } \
    __global__ void blocks_##name(const T *x, T *y, T *sums, int n) { scan_blocks<T>(x, y, sums, n); } \
    __global__ void add_##name(T *y, const T *sums, int n) { add_before<T>(y, sums, n); }
extern "C" {
SCANS(int32, int)
SCANS(int64, long long)
SCANS(float32, float)

// How many of each block's elements are kept; then they are put where those of the blocks before end.
__global__ void count_kept(const int *x, int *kept, int n, int least) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    int many = __syncthreads_count(i < n && x[i] >= least);
    if (threadIdx.x == 0) kept[blockIdx.x] = many;
}
__global__ void compact(const int *x, const int *first, int *y, int n, int least) {
    __shared__ int before_warp[32];
    int i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    int value = i < n ? x[i] : 0;
    bool keep = i < n && value >= least;
    unsigned kept = __ballot_sync(lanes_of_warp(), keep);
    if (lane == 0) before_warp[warp] = __popc(kept);
    __syncthreads();
    if (threadIdx.x == 0) {
        int total = first[blockIdx.x];
        for (int w = 0; w * 32 < blockDim.x; w++) {
            int here = before_warp[w];
            before_warp[w] = total;
            total += here;
        }
    }
    __syncthreads();
    if (keep) y[before_warp[warp] + __popc(kept & ((1u << lane) - 1))] = value;
}

// In no order: the first of the lanes that keep something takes room for all of them.
__global__ void compact_unordered(const int *x, int *y, int *many, int n, int least) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += blockDim.x * gridDim.x) {
        if (x[i] < least) continue;
        unsigned here = __activemask();
        int lane = threadIdx.x % 32, leader = __ffs(here) - 1, start;
        if (lane == leader) start = atomicAdd(many, __popc(here));
        start = __shfl_sync(here, start, leader);
        y[start + __popc(here & ((1u << lane) - 1))] = x[i];
    }
}

// A block sorts up to blockDim.x keys by one bit after another; equal keys keep their order.
__global__ void radix_sort(unsigned *keys, int *values, int n, int bits) {
    __shared__ unsigned key_of[1024];
    __shared__ int value_of[1024];
    __shared__ int total;
    int t = threadIdx.x;
    unsigned key = t < n ? keys[t] : 0xffffffff;
    int value = t < n ? values[t] : -1;
    for (int bit = 0; bit < bits; bit++) {
        int one = key >> bit & 1, ones = scan_block<int>(one);
        if (t == blockDim.x - 1) total = ones;
        __syncthreads();
        int place = one ? blockDim.x - total + ones - 1 : t - ones;
        key_of[place] = key;
        value_of[place] = value;
        __syncthreads();
        key = key_of[t];
        value = value_of[t];
    }
    if (t < n) {
        keys[t] = key;
        values[t] = value;
    }
}
}
""")

DTYPES = ("int32", "int64", "float32")


@SCAN.problem(
    {"n": 61, "threads": 64, "seed": 1},
    {"n": 40, "threads": 40, "seed": 2},
    {"n": 1, "threads": 3, "seed": 3},
    n=st.integers(1, 1024),
    threads=THREADS,
    seed=SEEDS,
)
def inclusive_in_one_block(device: Device, n: int, threads: int, seed: int) -> None:
    threads = max(n, threads)
    for dtype in DTYPES:
        x = small(seed, n, dtype)
        y = np.empty_like(x)
        device(f"hillis_steele_{dtype}", x, Out(y), n, block=threads, shared=2 * x.nbytes)
        np.testing.assert_array_equal(y, np.cumsum(x), err_msg=dtype)


@SCAN.problem(
    {"n": 61, "threads": 7, "seed": 1},
    {"n": 64, "threads": 32, "seed": 2},
    {"n": 1, "threads": 3, "seed": 3},
    n=SIZES,
    threads=THREADS,
    seed=SEEDS,
)
def exclusive_in_one_block(device: Device, n: int, threads: int, seed: int) -> None:
    size = 1 << (n - 1).bit_length()
    for dtype in DTYPES:
        x = small(seed, n, dtype)
        y = np.empty_like(x)
        device(f"blelloch_{dtype}", x, Out(y), n, size, block=threads, shared=size * x.itemsize)
        np.testing.assert_array_equal(y, np.cumsum(x) - x, err_msg=dtype)


@SCAN.problem(
    {"n": 300, "threads": 33, "seed": 1},
    {"n": 130, "threads": 7, "seed": 2},
    {"n": 64, "threads": 64, "seed": 3},
    n=SIZES,
    threads=THREADS.filter(lambda threads: threads > 1),
    seed=SEEDS,
)
def of_many_blocks(device: Device, n: int, threads: int, seed: int) -> None:
    """Blocks by themselves, then their sums in the same way, then what came before is added."""

    def scan(x: np.ndarray) -> np.ndarray:
        blocks = blocks_for(len(x), threads)
        y, sums = np.empty_like(x), np.empty(blocks, x.dtype)
        device(f"blocks_{x.dtype}", x, Out(y), Out(sums), len(x), block=threads, grid=blocks)
        if blocks > 1:
            device(f"add_{x.dtype}", y, fixed(scan(sums)), len(x), block=threads, grid=blocks)
        return y

    for dtype in DTYPES:
        x = small(seed, n, dtype)
        np.testing.assert_array_equal(scan(x), np.cumsum(x), err_msg=dtype)


@SCAN.problem(
    {"n": 150, "threads": 50, "least": 0, "seed": 1},
    {"n": 50, "threads": 64, "least": 9, "seed": 2},
    {"n": 70, "threads": 32, "least": -8, "seed": 2},
    n=SIZES,
    threads=THREADS,
    least=st.integers(-8, 9),
    seed=SEEDS,
)
def compaction(device: Device, n: int, threads: int, least: int, seed: int) -> None:
    x, blocks = small(seed, n, np.int32), blocks_for(n, threads)
    expected = x[x >= least]
    kept = np.empty(blocks, np.int32)
    device("count_kept", x, Out(kept), n, least, block=threads, grid=blocks)
    y, z, many = np.full(n, 99, np.int32), np.full(n, 99, np.int32), np.zeros(1, np.int32)
    first = fixed(np.cumsum(kept, dtype=np.int32) - kept)
    device("compact", x, first, y, n, least, block=threads, grid=blocks)
    np.testing.assert_array_equal(y[: len(expected)], expected)
    assert (y[len(expected) :] == 99).all()
    device("compact_unordered", x, z, many, n, least, block=threads, grid=blocks_for(blocks, 2))
    assert many[0] == len(expected)
    np.testing.assert_array_equal(np.sort(z[: len(expected)]), np.sort(expected))
    assert (z[len(expected) :] == 99).all()


@SCAN.problem(
    {"n": 50, "extra": 3, "bits": 5, "seed": 1},
    {"n": 64, "extra": 0, "bits": 2, "seed": 2},
    n=st.integers(1, 1000),
    extra=st.integers(0, 24),
    bits=st.integers(1, 16),
    seed=SEEDS,
)
def radix_sort(device: Device, n: int, extra: int, bits: int, seed: int) -> None:
    keys = small(seed, n, np.uint32, 0, 2**bits - 1).copy()
    order = np.argsort(keys, kind="stable")
    expected, values = keys[order], np.arange(n, dtype=np.int32)
    device("radix_sort", keys, values, n, bits, block=n + extra)
    np.testing.assert_array_equal(keys, expected)
    np.testing.assert_array_equal(values, order)
