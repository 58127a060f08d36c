"""How kernels run: barriers, warps, early returns, locks, limits, and what must neither hang nor kill."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

SIZES = st.integers(1, 1024)


def run(pycuda, kernel, *arguments, block, grid=(1, 1), **options):
    """Launch with arrays as InOut; scalars as they are."""
    kernel(
        *[pycuda.driver.InOut(a) if isinstance(a, np.ndarray) else a for a in arguments],
        block=block,
        grid=grid,
        **options,
    )


def scheduled(simulator, order, seed):
    """A schedule; only the random one has a seed."""
    return simulator.schedule(order, **({"seed": seed} if order == "random" else {}))


@pytest.mark.parametrize("mode", ["plain", "check"])
@pytest.mark.parametrize("kilobytes", [1, 60, 70, 250, 400, 512])
def test_local_arrays_of_every_size_that_cuda_allows(pycuda, simulator, build, kilobytes, mode):
    n = kilobytes * 256
    kernel = build(f"""
    __global__ void fill(int *x) {{
        int a[{n}];
        for (int i = 0; i < {n}; i += 61) a[i] = threadIdx.x + i;
        __syncthreads();
        int sum = 0;
        for (int i = 0; i < {n}; i += 61) sum += a[i] - i;
        x[threadIdx.x] = sum;
    }}""", "fill")  # fmt: skip
    x = pycuda.gpuarray.zeros(8, np.int32)
    with simulator.check() if mode == "check" else nullcontext():
        kernel(x, block=(8, 1, 1))
    assert x.get().tolist() == [t * len(range(0, n, 61)) for t in range(8)]


class TestIndices:
    SOURCE = """
    __global__ void where(int *out) {
        int thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
        int block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
        out[block * blockDim.x * blockDim.y * blockDim.z + thread] += 1 + block * 2000 + thread;
    }
    """

    @settings(max_examples=25, deadline=None)
    @given(st.tuples(*[st.integers(1, 7)] * 3), st.tuples(*[st.integers(1, 5)] * 3))
    @pytest.mark.parametrize("order", ["forward", "reverse", "random"])
    def test_every_thread_of_every_block_runs_once(self, pycuda, simulator, build, order, block, grid):
        kernel = build(self.SOURCE, "where")
        threads, blocks = int(np.prod(block)), int(np.prod(grid))
        out = np.zeros((blocks, threads), np.int32)
        with scheduled(simulator, order, threads):
            run(pycuda, kernel, out, block=block, grid=grid)
        np.testing.assert_array_equal(out, 1 + np.arange(blocks)[:, None] * 2000 + np.arange(threads))

    def test_a_large_grid(self, pycuda, build):
        kernel = build("__global__ void count(int *out) { atomicAdd(out, 1); }", "count")
        out = np.zeros(1, np.int32)
        run(pycuda, kernel, out, block=(32, 1, 1), grid=(7, 11, 13))
        assert out[0] == 32 * 7 * 11 * 13


class TestBarriers:
    REVERSE = """
    __global__ void turn(int *x, int rounds) {
        extern __shared__ int row[];
        for (int i = 0; i < rounds; i++) {
            row[threadIdx.x] = x[threadIdx.x];
            __syncthreads();
            x[threadIdx.x] = row[blockDim.x - 1 - threadIdx.x];
            __syncthreads();
        }
    }
    """

    @settings(max_examples=20, deadline=None)
    @given(SIZES, st.integers(0, 3), st.sampled_from(["forward", "reverse", "random"]), st.integers(0, 99))
    def test_writes_before_it_are_seen_after_it(self, pycuda, simulator, build, n, rounds, order, seed):
        kernel = build(self.REVERSE, "turn")
        x = np.arange(n, dtype=np.int32)
        with scheduled(simulator, order, seed):
            run(pycuda, kernel, x, np.int32(rounds), block=(n, 1, 1), shared=4 * n)
        np.testing.assert_array_equal(x, np.arange(n)[:: -1 if rounds % 2 else 1])

    @settings(max_examples=20, deadline=None)
    @given(st.lists(st.booleans(), min_size=1, max_size=200))
    def test_barriers_that_count(self, pycuda, build, flags):
        kernel = build("""
        __global__ void vote(const int *flag, int *out) {
            out[3 * threadIdx.x] = __syncthreads_count(flag[threadIdx.x]);
            out[3 * threadIdx.x + 1] = __syncthreads_and(flag[threadIdx.x]) != 0;
            out[3 * threadIdx.x + 2] = __syncthreads_or(flag[threadIdx.x]) != 0;
        }
        """, "vote")  # fmt: skip
        flag = np.array(flags, np.int32)
        out = np.zeros((len(flags), 3), np.int32)
        run(pycuda, kernel, flag, out, block=(len(flags), 1, 1))
        assert (out == [sum(flags), all(flags), any(flags)]).all()

    @pytest.mark.parametrize("order", ["forward", "reverse", "random"])
    def test_threads_that_returned_are_not_waited_for(self, pycuda, simulator, build, order):
        kernel = build("""
        __global__ void leave(int *out, int stay) {
            __shared__ int total;
            if (threadIdx.x == 0) total = 0;
            __syncthreads();
            if (threadIdx.x >= stay) return;
            atomicAdd(&total, 1);
            __syncthreads();
            out[threadIdx.x] = total;
        }
        """, "leave")  # fmt: skip
        out = np.zeros(96, np.int32)
        with scheduled(simulator, order, 3):
            run(pycuda, kernel, out, np.int32(50), block=(96, 1, 1))
        np.testing.assert_array_equal(out, [50] * 50 + [0] * 46)


class TestWarps:
    def test_warp_synchronous_code_through_volatile_runs_in_lockstep(self, pycuda, build):
        kernel = build("""
        __global__ void total(const float *x, float *out) {
            __shared__ float s[64];
            int t = threadIdx.x;
            s[t] = x[t];
            __syncthreads();
            if (t < 32) {
                volatile float *v = s;
                v[t] += v[t + 32]; v[t] += v[t + 16]; v[t] += v[t + 8];
                v[t] += v[t + 4]; v[t] += v[t + 2]; v[t] += v[t + 1];
            }
            if (t == 0) *out = s[0];
        }
        """, "total")  # fmt: skip
        x = np.arange(64, dtype=np.float32)
        out = np.zeros(1, np.float32)
        run(pycuda, kernel, x, out, block=(64, 1, 1))
        assert out[0] == x.sum()

    @pytest.mark.parametrize("order", ["forward", "reverse", "random"])
    def test_the_active_mask_names_the_lanes_that_are_there_together(self, pycuda, simulator, build, order):
        kernel = build("""
        __global__ void who(unsigned *out) {
            if (threadIdx.x % 3 == 0) out[threadIdx.x] = __activemask();
            else out[threadIdx.x] = __activemask();
        }
        """, "who")  # fmt: skip
        out = np.zeros(40, np.uint32)
        with scheduled(simulator, order, 1):
            run(pycuda, kernel, out, block=(40, 1, 1))
        for first, lanes in ((0, 32), (32, 8)):
            third = sum(1 << lane for lane in range(lanes) if (first + lane) % 3 == 0)
            for lane in range(lanes):
                here = third if (first + lane) % 3 == 0 else ((1 << lanes) - 1) & ~third
                assert out[first + lane] == here

    def test_a_shuffle_in_a_partial_warp_and_after_lanes_returned(self, pycuda, build):
        kernel = build("""
        __global__ void down(int *x) {
            if (threadIdx.x >= 20) return;
            x[threadIdx.x] = __shfl_down_sync(0xffffffff, x[threadIdx.x], 1, 4);
        }
        """, "down")  # fmt: skip
        x = np.arange(27, dtype=np.int32)
        run(pycuda, kernel, x, block=(27, 1, 1))
        np.testing.assert_array_equal(x, [i if i >= 20 or i % 4 == 3 else i + 1 for i in range(27)])

    def test_a_spin_lock_between_lanes_of_one_warp(self, pycuda, build):
        """Independent thread scheduling: the lane that holds the lock goes on while the others spin."""
        kernel = build("""
        __device__ int lock;
        __global__ void add(int *total) {
            while (atomicCAS(&lock, 0, 1) != 0) {}
            *(volatile int *)total += 1;
            __threadfence();
            atomicExch(&lock, 0);
        }
        """, "add")  # fmt: skip
        total = np.zeros(1, np.int32)
        run(pycuda, kernel, total, block=(64, 1, 1), grid=(3, 1))
        assert total[0] == 192


class TestLimits:
    """What hardware refuses is refused, with the number and the limit in the text."""

    SOURCE = "__global__ void nothing(int *x) { extern __shared__ int s[]; if (x) x[0] = 1; }"

    @pytest.mark.parametrize("block, grid, shared, said", [
        ((1025, 1, 1), (1, 1), 0, "1024"), ((32, 33, 1), (1, 1), 0, "1056 threads"),
        ((1, 1, 65), (1, 1), 0, "64"),
        ((1, 1, 1), (1, 65536), 0, "65535"), ((1, 1, 1), (1, 1, 65536), 0, "65535"),
        ((0, 1, 1), (1, 1), 0, "no size of a block"), ((1, 1, 1), (0, 1), 0, "no size may be 0"),
        ((1, 1, 1), (1, 1), 48 * 1024 + 1, "49153 bytes of dynamic shared memory")])  # fmt: skip
    def test_sizes(self, pycuda, build, block, grid, shared, said):
        kernel = build(self.SOURCE, "nothing")
        with pytest.raises(pycuda.driver.LogicError, match=said):
            kernel(np.intp(0), block=block, grid=grid, shared=shared)

    def test_the_largest_sizes_run(self, pycuda, build):
        kernel = build(self.SOURCE, "nothing")
        for block in ((1024, 1, 1), (1, 1024, 1), (16, 1, 64)):
            kernel(np.intp(0), block=block, grid=(1, 1), shared=48 * 1024)
        kernel(np.intp(0), block=(1, 1, 1), grid=(1, 65535))

    def test_dynamic_shared_memory_past_48_kb_must_be_asked_for(self, pycuda, build):
        kernel = build(self.SOURCE, "nothing")
        attribute = pycuda.driver.function_attribute.MAX_DYNAMIC_SHARED_SIZE_BYTES
        kernel.set_attribute(attribute, 200 * 1024)
        kernel(np.intp(0), block=(1, 1, 1), shared=200 * 1024)
        with pytest.raises(pycuda.driver.LogicError, match="227 KB"):
            kernel.set_attribute(attribute, 228 * 1024)

    def test_static_shared_memory_past_48_kb(self, pycuda, build):
        kernel = build("__global__ void big() { __shared__ double s[6145]; s[threadIdx.x] = 1; }", "big")
        with pytest.raises(pycuda.driver.LogicError, match="49160 bytes"):
            kernel(block=(1, 1, 1))

    def test_launch_bounds(self, pycuda, build):
        kernel = build("__global__ void __launch_bounds__(64) few() {}", "few")
        kernel(block=(64, 1, 1))
        with pytest.raises(pycuda.driver.LogicError, match="__launch_bounds__"):
            kernel(block=(65, 1, 1))

    @pytest.mark.parametrize(
        "arguments", [(), (np.int32(1),), (np.int32(1), np.float64(2)), (np.int32(1),) * 3]
    )
    def test_arguments_that_do_not_fit_the_parameters(self, pycuda, build, arguments):
        kernel = build("__global__ void two(int a, float b) {}", "two")
        with pytest.raises(pycuda.driver.LogicError, match="2 parameters take 8 bytes"):
            kernel(*arguments, block=(1, 1, 1))


def test_shared_memory_begins_as_garbage_that_shows(pycuda, build):
    kernel = build("""
    __global__ void look(float *x) { __shared__ float s[8]; x[threadIdx.x] = s[threadIdx.x]; }
    """, "look")  # fmt: skip
    x = np.zeros(8, np.float32)
    run(pycuda, kernel, x, block=(8, 1, 1))
    assert np.isnan(x).all()


def test_fresh_device_memory_is_garbage_that_shows(pycuda):
    assert np.isnan(pycuda.gpuarray.empty(1000, np.float32).get()).all()


def test_modules_have_variables_of_their_own(pycuda):
    source = """
    __device__ int count = 5;
    __constant__ float factor[2] = {2.0f, 3.0f};
    __global__ void step(float *x) { count += 1; x[0] = count * factor[1]; }
    """
    first, second = (pycuda.compiler.SourceModule(source) for _ in range(2))
    x = np.zeros(1, np.float32)
    for expected in (18, 21):
        run(pycuda, first.get_function("step"), x, block=(1, 1, 1))
        assert x[0] == expected
    run(pycuda, second.get_function("step"), x, block=(1, 1, 1))
    assert x[0] == 18
    address, size = first.get_global("factor")
    assert size == 8
    pycuda.driver.memcpy_htod(address, np.array([0, 10], np.float32))
    run(pycuda, first.get_function("step"), x, block=(1, 1, 1))
    assert x[0] == 80


def test_constant_memory_is_64_kb(pycuda):
    source = "__constant__ char table[{}]; __global__ void k(char *x) {{ x[0] = table[0]; }}"
    pycuda.compiler.SourceModule(source.format(64 * 1024))
    with pytest.raises(pycuda.driver.Error, match="65537 bytes; there are 65536"):
        pycuda.compiler.SourceModule(source.format(64 * 1024 + 1))


def test_parameters_of_a_kernel_are_32764_bytes(pycuda):
    source = "struct Large {{ char bytes[{}]; }}; __global__ void k(Large x) {{}}"
    pycuda.compiler.SourceModule(source.format(32764))
    with pytest.raises(pycuda.driver.CompileError) as caught:
        pycuda.compiler.SourceModule(source.format(32765))
    assert "pass large data by pointer" in caught.value.stderr
