"""Ways through memory: vector loads, strides, three dimensions, templates, asynchronous copies, volatile."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.simulator.differential import SEEDS, SIZES, THREADS, Device, Family, Out, blocks_for, small

MEMORY = Family(r"""
#include <cuda_pipeline.h>
#include <cooperative_groups.h>
#include <cooperative_groups/memcpy_async.h>

// Called by its mangled name, as an instance of a template must be.
template <class T, int TIMES> __global__ void scale(T *x, int n) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
#pragma unroll
        for (int k = 0; k < TIMES; k++) x[i] = x[i] + x[i];
}
template __global__ void scale<float, 3>(float *, int);
template __global__ void scale<unsigned char, 1>(unsigned char *, int);
template __global__ void scale<double, 2>(double *, int);

struct Line { char tag; double slope; float base; short step; };

extern "C" {
// Four at a time, and what is left one at a time.
__global__ void by_fours(const float *x, float *y, float a, int n) {
    int first = blockIdx.x * blockDim.x + threadIdx.x, threads = gridDim.x * blockDim.x;
    for (int i = first; i < n / 4; i += threads) {
        float4 v = reinterpret_cast<const float4 *>(x)[i], w = reinterpret_cast<float4 *>(y)[i];
        w.x += a * v.x;
        w.y += a * v.y;
        w.z += a * v.z;
        w.w += a * v.w;
        reinterpret_cast<float4 *>(y)[i] = w;
    }
    for (int i = n / 4 * 4 + first; i < n; i += threads) y[i] += a * __ldg(x + i);
}

// Arguments of many sizes. The structure comes first, because PyCUDA aligns none.
__global__ void lines(Line line, char skip, const short *x, double *y, bool negate, long long n) {
    for (long long i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        double value = line.slope * x[i * skip] + line.base + line.step * (line.tag == 'x');
        y[i] = negate ? -value : value;
    }
}

// y[k, j, i] = x[i, j, k], each index with a dimension of the grid.
__global__ void turned(const int *x, int *y, int ni, int nj, int nk) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, j = blockIdx.y * blockDim.y + threadIdx.y;
    int k = blockIdx.z * blockDim.z + threadIdx.z;
    if (i < ni && j < nj && k < nk) y[(k * nj + j) * ni + i] = x[(i * nj + j) * nk + k];
}

// One piece of dynamic shared memory holds doubles, then ints; another row takes what a neighbour put there.
__global__ void carved(const double *x, const int *shift, double *y, int rows) {
    extern __shared__ double values[];
    int *shifts = reinterpret_cast<int *>(values + blockDim.x);
    for (int row = blockIdx.x; row < rows; row += gridDim.x) {
        values[threadIdx.x] = x[row * blockDim.x + threadIdx.x];
        shifts[threadIdx.x] = shift[row * blockDim.x + threadIdx.x];
        __syncthreads();
        int from = (threadIdx.x + shifts[blockDim.x - 1 - threadIdx.x]) % blockDim.x;
        y[row * blockDim.x + threadIdx.x] = values[from];
        __syncthreads();
    }
}

// While one buffer is turned round, the next is on its way.
__global__ void two_buffers(const float *x, float *y, int n) {
    extern __shared__ float buffers[];
    int t = threadIdx.x, width = blockDim.x, tiles = (n + width - 1) / width;
    auto fetch = [&](int tile) {
        int i = tile * width + t;
        float *to = buffers + tile / gridDim.x % 2 * width + t;
        if (tile < tiles) __pipeline_memcpy_async(to, i < n ? x + i : x, 4, i < n ? 0 : 4);
        __pipeline_commit();
    };
    fetch(blockIdx.x);
    for (int tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
        fetch(tile + gridDim.x);
        __pipeline_wait_prior(1);
        __syncthreads();
        int i = tile * width + t;
        if (i < n) y[i] = buffers[tile / gridDim.x % 2 * width + width - 1 - t];
        __syncthreads();
    }
}

// The same for a whole row at once, by the group.
__global__ void row_by_group(const float *x, float *y, int columns) {
    namespace cg = cooperative_groups;
    extern __shared__ __align__(16) float row[];
    cg::thread_block block = cg::this_thread_block();
    cg::memcpy_async(block, row, x + blockIdx.x * columns, sizeof(float) * columns);
    cg::wait(block);
    for (int i = block.thread_rank(); i < columns; i += block.size())
        y[blockIdx.x * columns + i] = row[columns - 1 - i];
}
}
""")

# Volatile alone costs time everywhere in its source.
VOLATILE = Family(r"""
// The last steps of a tree without barriers: a warp is in step where what it shares is volatile.
extern "C" __global__ void in_step(const int *x, int *out, int n) {
    __shared__ int s[1024];
    int t = threadIdx.x, mine = 0;
    for (int i = blockIdx.x * blockDim.x + t; i < n; i += gridDim.x * blockDim.x) mine += x[i];
    s[t] = mine;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 32; half /= 2) {
        if (t < half) s[t] += s[t + half];
        __syncthreads();
    }
    if (t < 32) {
        volatile int *v = s;
        for (int half = min(32, blockDim.x / 2); half > 0; half /= 2) v[t] += v[(t + half) % 1024];
    }
    if (t == 0) out[blockIdx.x] = s[0];
}

// Each block waits until those that began before it are done.
template <class Wait, class Pass>
__device__ void in_turn(const int *x, int *sums, int *place, Wait wait, Pass pass) {
    __shared__ int mine;
    if (threadIdx.x == 0) mine = atomicAdd(place, 1);
    __syncthreads();
    atomicAdd(&sums[mine], x[mine * blockDim.x + threadIdx.x]);
    __syncthreads();
    if (threadIdx.x > 0) return;
    wait(mine);
    __threadfence();
    if (mine > 0) sums[mine] += sums[mine - 1];
    __threadfence();
    pass(mine + 1 == gridDim.x ? 0 : mine + 1);
}
__device__ int turn;
__device__ volatile int volatile_turn;
extern "C" {
__global__ void in_turn_by_atomics(const int *x, int *sums, int *place) {
    in_turn(x, sums, place, [](int mine) { while (atomicAdd(&turn, 0) != mine) {} },
            [](int next) { atomicExch(&turn, next); });
}
__global__ void in_turn_by_volatile(const int *x, int *sums, int *place) {
    in_turn(x, sums, place, [](int mine) { while (volatile_turn != mine) {} },
            [](int next) { volatile_turn = next; });
}
}
""")
LINE = np.dtype([("tag", "S1"), ("slope", np.float64), ("base", np.float32), ("step", np.int16)], align=True)


@MEMORY.problem(
    {"n": 103, "threads": 7, "blocks": 2, "seed": 1},
    {"n": 3, "threads": 64, "blocks": 1, "seed": 1},
    n=SIZES,
    threads=THREADS,
    blocks=st.integers(1, 5),
    seed=SEEDS,
)
def vectors_with_a_tail(device: Device, n: int, threads: int, blocks: int, seed: int) -> None:
    x, y = small(seed, n, np.float32), small(seed + 1, n, np.float32).copy()
    expected = y + 3 * x
    device("by_fours", x, y, 3.0, n, block=threads, grid=blocks)
    np.testing.assert_array_equal(y, expected)


@MEMORY.problem(
    {"n": 60, "threads": 33, "blocks": 1, "seed": 1},
    n=SIZES,
    threads=THREADS,
    blocks=st.integers(1, 5),
    seed=SEEDS,
)
def templates(device: Device, n: int, threads: int, blocks: int, seed: int) -> None:
    for mangled, dtype, times in (
        ("_Z5scaleIfLi3EEvPT_i", np.float32, 8),
        ("_Z5scaleIhLi1EEvPT_i", np.uint8, 2),
        ("_Z5scaleIdLi2EEvPT_i", np.float64, 4),
    ):
        x = small(seed, n, dtype, 0, 20).copy()
        expected = x * dtype(times)
        device(mangled, x, n, block=threads, grid=blocks)
        np.testing.assert_array_equal(x, expected, err_msg=mangled)


@MEMORY.problem(
    {"n": 60, "threads": 33, "blocks": 1, "skip": 2, "negate": True, "seed": 1},
    n=SIZES,
    threads=THREADS,
    blocks=st.integers(1, 5),
    skip=st.integers(1, 3),
    negate=st.booleans(),
    seed=SEEDS,
)
def arguments_of_many_sizes(
    device: Device, n: int, threads: int, blocks: int, skip: int, negate: bool, seed: int
) -> None:
    x, y = small(seed, n * skip, np.int16), np.empty(n)
    tag = b"xy"[seed % 2 :][:1]
    line = np.array((tag, -2.5, 0.25, 7), LINE)[()]
    device("lines", line, np.int8(skip), x, Out(y), np.int8(negate), np.int64(n), block=threads, grid=blocks)
    expected = -2.5 * x[::skip] + 0.25 + 7 * (tag == b"x")
    np.testing.assert_array_equal(y, -expected if negate else expected)


@MEMORY.problem(
    {"shape": (3, 5, 7), "block": (2, 3, 4), "seed": 1},
    {"shape": (1, 1, 9), "block": (1, 2, 8), "seed": 1},
    shape=st.tuples(*[st.integers(1, 20)] * 3),
    block=st.tuples(*[st.integers(1, 10)] * 3),
    seed=SEEDS,
)
def three_dimensions(device: Device, shape: tuple[int, ...], block: tuple[int, ...], seed: int) -> None:
    x = small(seed, shape, np.int32)
    y = np.empty(shape[::-1], np.int32)
    device("turned", x, Out(y), *shape, block=block, grid=tuple(map(blocks_for, shape, block)))
    np.testing.assert_array_equal(y, x.transpose())


@MEMORY.problem(
    {"rows": 3, "threads": 33, "blocks": 2, "seed": 1},
    {"rows": 1, "threads": 1, "blocks": 1, "seed": 1},
    rows=st.integers(1, 9),
    threads=THREADS,
    blocks=st.integers(1, 4),
    seed=SEEDS,
)
def shared_memory_carved_in_two(device: Device, rows: int, threads: int, blocks: int, seed: int) -> None:
    x = small(seed, (rows, threads), np.float64)
    shift = small(seed + 1, (rows, threads), np.int32, 0, 2 * threads)
    y = np.empty_like(x)
    device("carved", x, shift, Out(y), rows, block=threads, grid=blocks, shared=12 * threads)
    from_place = (np.arange(threads) + shift[:, ::-1]) % threads
    np.testing.assert_array_equal(y, np.take_along_axis(x, from_place, 1))


@MEMORY.problem(
    {"n": 100, "threads": 33, "blocks": 1, "seed": 1},
    {"n": 50, "threads": 8, "blocks": 2, "seed": 1},
    {"n": 5, "threads": 8, "blocks": 2, "seed": 1},
    n=SIZES,
    threads=THREADS,
    blocks=st.integers(1, 4),
    seed=SEEDS,
)
def two_buffers(device: Device, n: int, threads: int, blocks: int, seed: int) -> None:
    x, y = small(seed, n, np.float32), np.empty(n, np.float32)
    device("two_buffers", x, Out(y), n, block=threads, grid=blocks, shared=8 * threads)
    whole = np.zeros((blocks_for(n, threads), threads), np.float32)
    whole.reshape(-1)[:n] = x
    np.testing.assert_array_equal(y, whole[:, ::-1].reshape(-1)[:n])


@MEMORY.problem(
    {"rows": 2, "columns": 37, "threads": 5, "seed": 1},
    {"rows": 2, "columns": 40, "threads": 33, "seed": 1},
    rows=st.integers(1, 5),
    columns=st.integers(1, 600),
    threads=THREADS,
    seed=SEEDS,
)
def rows_fetched_by_the_group(device: Device, rows: int, columns: int, threads: int, seed: int) -> None:
    x = small(seed, (rows, columns), np.float32)
    y = np.empty_like(x)
    device("row_by_group", x, Out(y), columns, block=threads, grid=rows, shared=4 * columns)
    np.testing.assert_array_equal(y, x[:, ::-1])


@VOLATILE.problem(
    {"n": 100, "threads": 64, "blocks": 2, "seed": 1},
    {"n": 100, "threads": 128, "blocks": 1, "seed": 1},
    n=SIZES,
    threads=st.sampled_from([64, 128, 256, 512, 1024]),
    blocks=st.integers(1, 4),
    seed=SEEDS,
)
def warps_in_step(device: Device, n: int, threads: int, blocks: int, seed: int) -> None:
    x, out = small(seed, n, np.int32), np.empty(blocks, np.int32)
    device("in_step", x, Out(out), n, block=threads, grid=blocks)
    assert out.sum() == x.sum()


@VOLATILE.problem(
    {"blocks": 3, "threads": 20, "by": "atomics", "seed": 1},
    blocks=st.integers(1, 20),
    threads=THREADS,
    by=st.sampled_from(["atomics", "volatile"]),
    seed=SEEDS,
)
def blocks_that_wait_for_each_other(device: Device, blocks: int, threads: int, by: str, seed: int) -> None:
    """By a flag that is volatile too, which the checker takes for a race: volatile is not atomic."""
    x = small(seed, (blocks, threads), np.int32)
    sums, place = np.zeros(blocks, np.int32), np.zeros(1, np.int32)
    device(f"in_turn_by_{by}", x, sums, place, block=threads, grid=blocks)
    np.testing.assert_array_equal(sums, x.sum(1).cumsum())
