"""Kernels that go wrong: each is a Python exception with its reason, and the next kernel runs."""

from __future__ import annotations

import numpy as np
import pytest


class TestMisfortunes:
    """A kernel that goes wrong is a Python exception; afterwards everything still works."""

    GOOD = "__global__ void one(int *x) { x[threadIdx.x] = 1; }"

    def check(self, pycuda, build, source, said, error, *arguments, block=(8, 1, 1)):
        kernel = build(source, "bad")
        with pytest.raises(getattr(pycuda.driver, error), match=said) as caught:
            kernel(*arguments, block=block)
        x = np.zeros(8, np.int32)
        build(self.GOOD, "one")(pycuda.driver.InOut(x), block=(8, 1, 1))
        assert (x == 1).all()
        return str(caught.value)

    def test_the_null_pointer(self, pycuda, build):
        text = self.check(
            pycuda,
            build,
            "__global__ void bad(int *x) { x[3] = 1; }",
            "Illegal address",
            "LogicError",
            np.intp(0),
        )
        assert "kernel bad" in text

    def test_far_out_of_bounds(self, pycuda, build):
        x = pycuda.driver.mem_alloc(4096)
        self.check(
            pycuda,
            build,
            "__global__ void bad(int *x) { x[100000] = 1; }",
            "past the end of",
            "LogicError",
            x,
        )

    def test_division_by_zero(self, pycuda, build):
        x = pycuda.gpuarray.zeros(8, np.int32)
        self.check(
            pycuda,
            build,
            "__global__ void bad(int *x) { x[0] = 7 / x[threadIdx.x]; }",
            "Integer division by zero",
            "LaunchError",
            x,
        )

    def test_endless_recursion(self, pycuda, build):
        x = pycuda.gpuarray.zeros(8, np.int32)
        self.check(pycuda, build, """
        __device__ __noinline__ int deep(volatile int *x, int n) { return n + *x + deep(x, n + 1) * 3; }
        __global__ void bad(int *x) { x[0] = deep(x, 0); }
        """, "Stack overflow", "LaunchError", x)  # fmt: skip

    @pytest.mark.parametrize("frame", ["int a[90000]", "int a[400000]", "int *a = (int *)alloca(*x + 99999)"])
    def test_a_large_frame_does_not_reach_past_its_stack(self, pycuda, build, frame):
        """The guard has 64 KB: what is larger is touched step by step, and no neighbour's stack is."""
        x = pycuda.gpuarray.zeros(8, np.int32)
        self.check(pycuda, build, f"""
        __device__ __noinline__ int deep(volatile int *x, int n) {{
            {frame};
            a[n] = *x; a[n + 1] = n + deep(x, n + 1) * 3;
            return a[n] + a[n + 1] + a[*x];
        }}
        __global__ void bad(int *x) {{ __syncthreads(); x[0] = deep(x, 0); }}
        """, "Stack overflow", "LaunchError", x)  # fmt: skip

    def test_memory_of_the_host_is_not_freed(self, pycuda, build):
        x = pycuda.gpuarray.zeros(8, np.int32)
        self.check(
            pycuda, build, "__global__ void bad(int *x) { free(x); }", "did not return", "LaunchError", x
        )

    def test_an_endless_loop(self, pycuda, simulator, build):
        x = pycuda.gpuarray.zeros(8, np.int32)
        simulator.configure(time_limit=0.3)
        try:
            self.check(
                pycuda,
                build,
                "__global__ void bad(volatile int *x) { while (*x == 0) {} }",
                "Endless kernel",
                "LaunchError",
                x,
            )
        finally:
            simulator.configure(time_limit=30)

    def test_a_barrier_that_some_never_reach(self, pycuda, build):
        text = self.check(pycuda, build, """
        __global__ void bad(int *x) {
            if (threadIdx.x < 4) __syncthreads();
            else __shfl_sync(0xffffffff, x[0], 0);
        }
        """, "Deadlock", "LaunchError", pycuda.gpuarray.zeros(8, np.int32))  # fmt: skip
        assert "threads 0-3 wait at __syncthreads()" in text
        assert "threads 4-7 wait at __shfl_sync" in text
        assert "__shfl_sync(0xffffffff, x[0], 0);" in text

    def test_a_lane_outside_of_its_own_mask(self, pycuda, build):
        text = self.check(
            pycuda,
            build,
            "__global__ void bad(int *x) { __syncwarp(0x0f); x[0] = 1; }",
            "Wrong mask",
            "LaunchError",
            pycuda.gpuarray.zeros(8, np.int32),
        )
        assert "lane 4" in text

    def test_trap_and_assert(self, pycuda, build):
        x = pycuda.gpuarray.zeros(8, np.int32)
        self.check(
            pycuda,
            build,
            "__global__ void bad(int *x) { if (threadIdx.x == 2) __trap(); }",
            "trap",
            "LaunchError",
            x,
        )
        text = self.check(pycuda, build, """
        #include <assert.h>
        __global__ void bad(int *x) { assert(threadIdx.x != 5); }
        """, "threadIdx.x != 5", "Error", x)  # fmt: skip
        assert "thread (5, 0, 0)" in text
