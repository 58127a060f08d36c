"""Pointers to functions and objects with virtual functions: made in one mode, called in another."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu.simulator as sim

SOURCE = """
#include <new>
typedef float (*Op)(float *, int);
__device__ float left(float *s, int t) { return s[(t + 31) % 32]; }
__device__ __noinline__ float right(float *s, int t) { return s[(t + 1) % 32] + threadIdx.x; }
__device__ Op table[2] = {left, right};
__constant__ Op constants[2] = {left, right};
struct Shape { virtual __device__ float area(float *s, int t) const { return left(s, t); } };
struct Round : Shape { __device__ float area(float *s, int t) const override { return right(s, t); } };
typedef float (Shape::*Member)(float *, int) const;
extern "C" {
__global__ void make(char *objects) { new (objects) Shape; new (objects + 8) Round; }
__global__ void give(Op *to) { to[0] = left; to[1] = right; }
__global__ void same(Op *op, int *y) {
    y[0] = op[0] == left && op[1] == right && table[0] == op[0] && constants[1] == op[1] && op[0] != right;
}
#define KERNEL(name, parameter, call) \\
    __global__ void name(float *y, int ordered, int i, parameter) { \\
        __shared__ float s[32]; \\
        int t = threadIdx.x; \\
        s[t] = t; \\
        if (ordered) __syncthreads(); \\
        y[t] = call; \\
    }
KERNEL(of_device, Op *op, table[i](s, t))
KERNEL(of_constant, Op *op, constants[i](s, t))
KERNEL(of_array, Op *op, op[i](s, t))
KERNEL(of_argument, Op op, op(s, t))
KERNEL(of_object, char *objects, ((Shape *)objects)[i].area(s, t))
KERNEL(of_member, char *objects, (((Shape *)objects)[i].*(Member)&Shape::area)(s, t))
KERNEL(of_lambda, Op *op, (i ? (Op)[](float *s, int t) { return right(s, t); } : left)(s, t))
}
"""
MODES = {"plain": lambda: sim.schedule("forward"), "check": sim.check, "profile": sim.profile}
RANKS = np.arange(32)
ANSWERS = (RANKS + 31) % 32, (RANKS + 1) % 32 + RANKS
KERNELS = ("of_device", "of_constant", "of_array", "of_argument", "of_object", "of_member", "of_lambda")


@pytest.fixture(params=MODES)
def made(request, pycuda):
    """A module, and pointers that it wrote, all of one mode; the module is new to the driver each time."""
    with MODES[request.param]():
        module = pycuda.compiler.SourceModule(SOURCE, no_extern_c=True)
        objects, pointers = (pycuda.gpuarray.zeros(2, np.uint64) for _ in range(2))
        module.get_function("make")(objects, block=(1, 1, 1))
        module.get_function("give")(pointers, block=(1, 1, 1))
        pycuda.driver.Context.synchronize()
    return module, objects, pointers


def _call(pycuda, made, name: str, which: int, *, ordered: bool) -> np.ndarray:
    module, objects, pointers = made
    y = pycuda.gpuarray.zeros(32, np.float32)
    last = {"of_argument": pointers.get()[which], "of_object": objects, "of_member": objects}
    numbers = np.int32(ordered), np.int32(which)
    module.get_function(name)(y, *numbers, last.get(name, pointers), block=(32, 1, 1))
    return y.get()


@pytest.mark.parametrize("mode", MODES)
def test_a_pointer_leads_to_the_function_of_the_variant_that_runs(pycuda, made, mode):
    with MODES[mode]():
        for name in KERNELS:
            for which in 0, 1:
                np.testing.assert_array_equal(_call(pycuda, made, name, which, ordered=True), ANSWERS[which])


@pytest.mark.parametrize("mode", MODES)
def test_a_function_has_one_address(pycuda, made, mode):
    y = pycuda.gpuarray.zeros(1, np.int32)
    with MODES[mode]():
        made[0].get_function("same")(made[2], y, block=(1, 1, 1))
    assert y.get()[0] == 1


def test_what_it_does_is_seen(pycuda, made):
    for name in KERNELS:
        for which, line in enumerate(("return s[(t + 31) % 32];", "return s[(t + 1) % 32] + threadIdx.x;")):
            with pytest.raises(pycuda.driver.Error, match="Data race on shared") as caught, sim.check():
                _call(pycuda, made, name, which, ordered=False)
            assert line in str(caught.value), name


def test_a_module_without_pointers_is_left_alone(pycuda):
    """What our own headers hand to the driver has no doors: the plain variant would be made for nothing."""
    shuffles = """
        __global__ void k(int *y) { y[threadIdx.x] = __shfl_sync(0xffffffff, y[0], 3); __syncwarp(); }
    """
    with sim.check():
        for source, has_doors in (SOURCE, True), (shuffles, False):
            # PyCUDA's cache gives what it has, whatever the mode was
            object_code = pycuda.compiler.compile(source, no_extern_c=True, cache_dir=False)
            assert (b"sim_doors" in object_code) == has_doors
