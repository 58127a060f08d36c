"""Planted races around atomicCAS. The loop of CUDA's own guide, whose first read is a plain one, is none."""

from __future__ import annotations

from tinygrad_edu.simulator.bugs.planted import RACE_GLOBAL, RACE_SHARED, Array, Planted, X

# fmt: off
COMPARE = [
    Planted("sum by atomicCAS that is read too early",
            "The sum is read while other threads still add to it.",
            RACE_SHARED, """
__device__ void add(double *address, double value) {
    unsigned long long *bits = (unsigned long long *)address;
    unsigned long long old = *bits, assumed;
    do {
        assumed = old;
        old = atomicCAS(bits, assumed,          // OTHER
                        __double_as_longlong(value + __longlong_as_double(assumed)));
    } while (assumed != old);
}
__global__ void k(const float *x, float *y) {
    __shared__ double sum;
    if (threadIdx.x == 0) sum = 0;
    __syncthreads();
    add(&sum, x[threadIdx.x]);
+   __syncthreads();
    if (threadIdx.x == 31) y[0] = sum;          // BUG
}
""", tells=("shared variable sum", "atomic")),
    Planted("shared maximum by atomicCAS, looked at before",
            "A plain look at the maximum, to save the atomic, races with the atomics of others.",
            RACE_SHARED, """
__device__ void raise(int *bits, float value) {
-   if (__int_as_float(*bits) >= value) return;         // BUG
    int old = *bits, assumed;
    do {
        assumed = old;
        old = atomicCAS(bits, assumed, __float_as_int(fmaxf(value, __int_as_float(assumed))));  // OTHER
    } while (assumed != old);
}
__global__ void k(const float *x, float *y) {
    __shared__ int most;
    if (threadIdx.x == 0) most = 0;
    __syncthreads();
    raise(&most, x[threadIdx.x % 8] + 1);
    __syncthreads();
    if (threadIdx.x == 0) y[0] = __int_as_float(most);
}
""", tells=("shared variable most", "atomic")),
    Planted("sum by atomicCAS that is read before the end of the launch",
            "A block reads the sum of all blocks, which are not done: only the end of the launch says so.",
            RACE_GLOBAL, """
__device__ void add(double *address, double value) {
    unsigned long long *bits = (unsigned long long *)address;
    unsigned long long old = *bits, assumed;
    do {
        assumed = old;
        old = atomicCAS(bits, assumed,          // OTHER
                        __double_as_longlong(value + __longlong_as_double(assumed)));
    } while (assumed != old);
}
__global__ void k(const float *x, double *y) {
    add(&y[0], x[threadIdx.x]);
    __syncthreads();
-   if (threadIdx.x == 0) y[1 + blockIdx.x] = y[0];     // BUG
}
""", (X, Array(64, "zeros", "float64")), grid=4, tells=("between blocks", "atomic")),
    Planted("maximum by atomicCAS that reads plainly in each turn",
            "The loop reads plainly what it compares, instead of taking what atomicCAS returned.",
            RACE_GLOBAL, """
__global__ void k(const float *x, float *y) {
    float value = x[threadIdx.x];
    int *bits = (int *)y;
-   while (__int_as_float(*bits) < value)               // BUG
-       atomicCAS(bits, *bits, __float_as_int(value));  // OTHER
+   int old = *bits, assumed;
+   do {
+       assumed = old;
+       old = atomicCAS(bits, assumed, __float_as_int(fmaxf(value, __int_as_float(assumed))));
+   } while (assumed != old);
}
""", grid=2, block=32, tells=("atomic",)),
]
# fmt: on
