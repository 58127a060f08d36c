"""CUDA C that a rewriter could get wrong: what nvcc accepts must mean the same here."""

from __future__ import annotations

import numpy as np
import pytest

T = np.arange(32)
# fmt: off
CASES = {
    "a lambda that copies does not copy a shared variable": ("""
        __shared__ int s[32];
        auto at = [=](int i) { return s[i]; };
        s[t] = t; __syncthreads();
        y[t] = at(31 - t);""", 31 - T),
    "a lambda that captures nothing uses a shared variable": ("""
        __shared__ int s[32];
        auto put = [](int i, int value) { s[i] = value; };
        put(t, 2 * t); __syncthreads();
        y[t] = s[31 - t];""", 2 * (31 - T)),
    "a lambda inside a lambda": ("""
        __shared__ int s;
        auto outer = [=]() mutable { auto inner = [=]() { if (t == 0) s = 7; }; inner(); };
        outer(); __syncthreads();
        y[t] = s;""", np.full(32, 7)),
    "a lambda that lists its captures": ("""
        __shared__ int s[32];
        int twice = 2 * t;
        auto put = [twice, &s](int i) { s[i] = twice; };
        put(t); __syncthreads();
        y[t] = s[t] + 1;""", 2 * T + 1),
    "a lambda over shared memory declared outside, and dynamic": ("""
        auto put = [=](int i) { outside[i] = i; dynamic[i] = 3 * i; };
        put(t); __syncthreads();
        y[t] = outside[31 - t] + dynamic[t];""", 31 - T + 3 * T),
    "decltype of a shared variable is no reference": ("""
        __shared__ int v;
        if (t == 0) v = 5;
        __syncthreads();
        decltype(v) mine = v;
        mine += t;
        y[t] = mine;""", 5 + T),
    "decltype of device memory is no reference": ("""
        decltype(count) mine = count;
        mine += t;
        y[t] = mine;""", 10 + T),
    "decltype of an array": ("""
        __shared__ int s[2][16];
        static_assert(std::is_same<decltype(s), int[2][16]>::value, "an array");
        decltype(s) *all = &s;
        (*all)[t / 16][t % 16] = t; __syncthreads();
        y[t] = s[0][t % 16];""", T % 16),
    "a constant of the compiler may be a size": ("""
        __shared__ int s[WIDTH];
        s[t] = t + table[t % 2]; __syncthreads();
        y[t] = s[t];""", T + np.where(T % 2, 6, 5)),
    "an index is no lambda": ("""
        __shared__ int s[32];
        s[t] = t; __syncthreads();
        int rows[2] = {s[t], s[(t + 1) % 32]};
        y[t] = (rows)[0] + rows[1];""", T + (T + 1) % 32),
}
# fmt: on
SOURCE = """
__shared__ int outside[32];
extern __shared__ int dynamic[];
__device__ int count = 10;
__constant__ const int WIDTH = 32;
__constant__ constexpr int table[2] = {5, 6};
__global__ void k(int *y) { int t = threadIdx.x; %s }
"""


@pytest.mark.parametrize("name", CASES)
def test_a_kernel_means_what_it_says(pycuda, simulator, name):
    body, expected = CASES[name]
    kernel = pycuda.compiler.SourceModule(SOURCE % body).get_function("k")
    y = pycuda.gpuarray.zeros(32, np.int32)
    kernel(y, block=(32, 1, 1), shared=128)
    np.testing.assert_array_equal(y.get(), expected)
    with simulator.check():
        kernel(y, block=(32, 1, 1), shared=128)


@pytest.mark.parametrize(
    "source, said",
    [
        ('__global__ void k() { printf("a\n"); }', 'SourceModule(r"""'),
        ("__global__ void k(float *x) { __shared__ float s[n]; x[0] = s[0]; }", "'n' was not declared"),
        ("__global__ void k() { std::cout << 1; }", "printf()"),
        ("__global__ void k() {} int main() { k<<<1, 1>>>(); }", "main() does not belong into the module"),
    ],
)
def test_errors_of_the_compiler_are_few_and_helpful(pycuda, source, said):
    with pytest.raises(pycuda.driver.CompileError) as caught:
        pycuda.compiler.SourceModule(source)
    assert said in caught.value.stderr
    assert "its type" not in caught.value.stderr


def test_wrong_arguments_are_told_with_the_declaration(pycuda, build):
    kernel = build("__global__ void k(const float * __restrict__ x, unsigned (*f)[4], int n = 3) {}", "k")
    with pytest.raises(pycuda.driver.LogicError) as caught:
        kernel(np.zeros(7, np.float32), block=(1, 1, 1))
    assert "k(const float *__restrict__ x, unsigned (*f)[4], int n)" in str(caught.value)
    assert "never a NumPy array itself" in str(caught.value)
