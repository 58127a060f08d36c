"""Atomics: histograms, extremes, loops around atomicCAS, spin locks, sums whose order is left open."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.simulator.differential import SEEDS, SIZES, THREADS, Device, Family, blocks_for, real, small

ATOMIC = Family(r"""
extern "C" {
__global__ void histogram(const int *x, int *bins, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) atomicAdd(&bins[x[i]], 1);
}
// Each block has bins of its own, and adds them to those of all at its end.
__global__ void histogram_shared(const int *x, unsigned *bins, int n, int many) {
    extern __shared__ unsigned mine[];
    for (int bin = threadIdx.x; bin < many; bin += blockDim.x) mine[bin] = 0;
    __syncthreads();
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += blockDim.x * gridDim.x)
        atomicAdd_block(&mine[x[i]], 1u);
    __syncthreads();
    for (int bin = threadIdx.x; bin < many; bin += blockDim.x)
        if (mine[bin] > 0) atomicAdd(&bins[bin], mine[bin]);
}

// atomicAdd of double for GPUs that have none, as CUDA's own guide has it: the first read is a plain one.
__device__ double add_by_cas(double *address, double value) {
    unsigned long long *bits = (unsigned long long *)address;
    unsigned long long old = *bits, assumed;
    do {
        assumed = old;
        old = atomicCAS(bits, assumed, __double_as_longlong(value + __longlong_as_double(assumed)));
    } while (assumed != old);
    return __longlong_as_double(old);
}
__device__ float max_by_cas(float *address, float value) {
    int *bits = (int *)address, old = atomicAdd(bits, 0);
    while (__int_as_float(old) < value) {
        int assumed = old;
        old = atomicCAS(bits, assumed, __float_as_int(value));
        if (assumed == old) break;
    }
    return __int_as_float(old);
}
__global__ void sums(const float *x, float *single, double *twice, double *by_cas, float *largest, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    atomicAdd(single, x[i]);
    atomicAdd(twice, (double)x[i]);
    add_by_cas(by_cas, x[i]);
    max_by_cas(largest, x[i]);
}

struct Found { int least, most, all, any, odd; unsigned turns, down; int last; };
__global__ void found(const int *x, Found *f, int n, unsigned wrap) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    atomicMin(&f->least, x[i]);
    atomicMax(&f->most, x[i]);
    atomicAnd(&f->all, x[i]);
    atomicOr(&f->any, x[i]);
    atomicXor(&f->odd, x[i]);
    atomicInc(&f->turns, wrap);
    atomicDec(&f->down, wrap);
    atomicExch(&f->last, x[i]);
}

// One at a time, in whatever order, a thread changes two words that belong together.
__global__ void locked(int *lock, int *total, int *many, const int *x, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    for (bool done = false; !done;) {
        if (atomicCAS(lock, 0, 1) == 0) {
            __threadfence();
            *total += x[i];
            *many += 1;
            __threadfence();
            atomicExch(lock, 0);
            done = true;
        }
    }
}
// A lock for each bin.
__global__ void locked_bins(int *locks, float *bins, const int *x, const float *weight, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    while (atomicCAS(&locks[x[i]], 0, 1) != 0) {}
    __threadfence();
    bins[x[i]] += weight[i];
    __threadfence();
    atomicExch(&locks[x[i]], 0);
}
// Only one thread of each block takes it.
__global__ void locked_by_block(int *lock, int *least, const int *x, int n) {
    __shared__ int mine;
    if (threadIdx.x == 0) mine = 1 << 30;
    __syncthreads();
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) atomicMin(&mine, x[i]);
    __syncthreads();
    if (threadIdx.x > 0) return;
    while (atomicCAS(lock, 0, 1) != 0) {}
    __threadfence();
    if (mine < *least) *least = mine;
    __threadfence();
    atomicExch(lock, 0);
}
}
""")
FIELDS = ("least", "most", "all", "any", "odd", "turns", "down", "last")
FOUND = np.dtype([(name, np.int32) for name in FIELDS])


@ATOMIC.problem(
    {"n": 200, "bins": 7, "threads": 50, "seed": 1},
    {"n": 60, "bins": 100, "threads": 32, "seed": 2},
    n=SIZES,
    bins=st.integers(1, 300),
    threads=THREADS,
    seed=SEEDS,
)
def histogram(device: Device, n: int, bins: int, threads: int, seed: int) -> None:
    x, blocks = small(seed, n, np.int32, 0, bins - 1), blocks_for(n, threads)
    counts, shared = np.zeros(bins, np.int32), np.zeros(bins, np.uint32)
    device("histogram", x, counts, n, block=threads, grid=blocks)
    device("histogram_shared", x, shared, n, bins, block=threads, grid=blocks_for(blocks, 3), shared=4 * bins)
    expected = np.bincount(x, minlength=bins)
    np.testing.assert_array_equal(counts, expected)
    np.testing.assert_array_equal(shared, expected)


@ATOMIC.problem({"n": 90, "threads": 40, "seed": 1}, n=SIZES, threads=THREADS, seed=SEEDS)
def sums_in_any_order(device: Device, n: int, threads: int, seed: int) -> None:
    """Floats that add exactly, and others that add up to nearly the same in every order."""
    for x, tolerance in ((small(seed, n, np.float32), 0), (real(seed, n), 3e-7 * n)):
        single, twice, by_cas = np.zeros(1, np.float32), np.zeros(1), np.zeros(1)
        largest = np.full(1, -np.inf, np.float32)
        device("sums", x, single, twice, by_cas, largest, n, block=threads, grid=blocks_for(n, threads))
        scale = np.abs(x).sum(dtype=np.float64)
        assert abs(single[0] - x.sum(dtype=np.float64)) <= tolerance * scale
        assert abs(twice[0] - x.sum(dtype=np.float64)) <= tolerance * 1e-8 * scale
        assert abs(by_cas[0] - x.sum(dtype=np.float64)) <= tolerance * 1e-8 * scale
        assert largest[0] == x.max()


@ATOMIC.problem(
    {"n": 90, "threads": 40, "wrap": 6, "seed": 1},
    n=SIZES,
    threads=THREADS,
    wrap=st.integers(0, 4000),
    seed=SEEDS,
)
def extremes_and_bits(device: Device, n: int, threads: int, wrap: int, seed: int) -> None:
    x = small(seed, n, np.int32, -(2**31), 2**31 - 1)
    out = np.zeros(1, FOUND)
    out["least"], out["most"], out["all"] = 2**31 - 1, -(2**31), -1
    device("found", x, out, n, np.uint32(wrap), block=threads, grid=blocks_for(n, threads))
    found = {name: int(out[name][0]) for name in FIELDS}
    assert found.pop("last") in x
    assert found == {"least": x.min(), "most": x.max(), "all": np.bitwise_and.reduce(x),
                     "any": np.bitwise_or.reduce(x), "odd": np.bitwise_xor.reduce(x),
                     "turns": n % (wrap + 1), "down": -n % (wrap + 1)}  # fmt: skip


@ATOMIC.problem(
    {"n": 90, "threads": 40, "bins": 3, "seed": 1},
    n=st.integers(1, 600),
    threads=THREADS,
    bins=st.integers(1, 20),
    seed=SEEDS,
)
def spin_locks(device: Device, n: int, threads: int, bins: int, seed: int) -> None:
    x, weight = small(seed, n, np.int32, 0, bins - 1), small(seed + 1, n, np.float32)
    blocks = blocks_for(n, threads)
    lock, total, many = (np.zeros(1, np.int32) for _ in range(3))
    device("locked", lock, total, many, x, n, block=threads, grid=blocks)
    assert (lock[0], total[0], many[0]) == (0, x.sum(), n)
    locks, sums = np.zeros(bins, np.int32), np.zeros(bins, np.float32)
    device("locked_bins", locks, sums, x, weight, n, block=threads, grid=blocks)
    np.testing.assert_array_equal(sums, np.bincount(x, weight, bins))
    least = np.full(1, 1000, np.int32)
    device("locked_by_block", lock, least, x, n, block=threads, grid=blocks)
    assert least[0] == x.min()
