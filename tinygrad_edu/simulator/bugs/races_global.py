"""Planted races on global memory: within a block and between blocks, each means of order left out once."""

from __future__ import annotations

from tinygrad_edu.simulator.bugs.planted import RACE_GLOBAL, Array, Planted, X

# fmt: off
GLOBAL = [
    Planted("global neighbour in several blocks",
            "Each thread reads what a neighbour writes, perhaps in another block, where no barrier reaches.",
            RACE_GLOBAL, """
__global__ void k(const float *x, float *y) {
    int i = blockIdx.x * 32 + threadIdx.x;
-   if (i < 63) y[i + 1] = x[i] + y[i];         // BUG
+   if (i < 63) y[i] = x[i] + y[i];
}
""", grid=2, block=32, tells=("__syncthreads()", "does not reach them", "another array")),
    Planted("all blocks write one element",
            "A thread of every block writes the same element: which number stays is luck.",
            (*RACE_GLOBAL, "write after write"), """
__global__ void k(const float *x, float *y) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
-   if (threadIdx.x == 0) y[0] = x[i];          // BUG
+   if (i == 0) y[0] = x[i];
}
""", grid=2, block=32, tells=("between blocks",)),
    Planted("sum without atomics",
            "All threads add to one element by reading, adding and writing: additions get lost.",
            RACE_GLOBAL, """
__global__ void k(const float *x, float *y) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
-   y[0] += x[i];                               // BUG
+   atomicAdd(&y[0], x[i]);
}
""", grid=2, block=32),
    Planted("stencil in place reads what another block wrote",
            "A stencil overwrites its own input, which other blocks have yet to read.",
            (*RACE_GLOBAL, "between blocks"), """
__global__ void k(float *x, float *y) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
-   if (i % 16 == 0) x[i] = x[(i + 32) % 64];   // BUG
+   if (i % 16 == 0) y[i] = x[(i + 32) % 64];
}
""", (Array(64), Array(64, "zeros")), grid=2, block=32),
    Planted("shift in place",
            "Each thread overwrites the element that its left neighbour has yet to read.",
            RACE_GLOBAL, """
__global__ void k(float *x, float *y) {
    int t = threadIdx.x;
    float right = t < 63 ? x[t + 1] : 0;        // OTHER
+   __syncthreads();
    x[t] = right;                               // BUG
}
"""),
    Planted("global memory within a block",
            "Global memory needs the barrier as shared memory does, between threads of one block.",
            RACE_GLOBAL, """
__global__ void k(const float *x, float *y) {
    int t = threadIdx.x;
    y[t] = x[t];                // OTHER
+   __syncthreads();
    y[64 + t] = y[63 - t];      // BUG
}
""", (X, Array(128, "empty"))),
    Planted("a barrier does not reach other blocks",
            "Each thread reads what another block wrote; __syncthreads() orders one block only.",
            (*RACE_GLOBAL, "between blocks"), """
__global__ void k(const float *x, float *y) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    y[i] = x[i];                                // OTHER
    __syncthreads();
-   y[64 + i] = y[63 - i];                      // BUG
+   y[64 + i] = y[blockIdx.x * blockDim.x + 31 - threadIdx.x];
}
""", (X, Array(128, "zeros")), grid=2, block=32),
    Planted("last block without a fence",
            "The counter says that all blocks are done; without a fence their results may not be there.",
            (*RACE_GLOBAL, "between blocks"), """
__device__ unsigned count = 0;
__global__ void k(const float *x, volatile float *y) {
    __shared__ bool last;
    if (threadIdx.x == 0) {
        ((float *)y)[blockIdx.x] = x[blockIdx.x];       // OTHER
+       __threadfence();
        last = atomicInc(&count, gridDim.x - 1) == gridDim.x - 1;
    }
    __syncthreads();
    if (last && threadIdx.x < gridDim.x)
        ((float *)y)[32 + threadIdx.x] = ((float *)y)[threadIdx.x];     // BUG
}
""", grid=8, block=32, tells=("__threadfence()",)),
    Planted("last block, where all threads wrote",
            "All threads wrote results, and none puts a fence between them and the counter.",
            RACE_GLOBAL, """
__device__ unsigned count = 0;
__global__ void k(const float *x, float *y) {
    __shared__ bool last;
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    y[i] = x[i];                                        // OTHER
+   __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) last = atomicAdd(&count, 1) % gridDim.x == gridDim.x - 1;
    __syncthreads();
    if (last) y[64 + threadIdx.x] = y[threadIdx.x] + y[32 + threadIdx.x];   // BUG
}
""", (X, Array(128, "zeros")), grid=2, block=32),
    Planted("atomics of a block are not atomic between blocks",
            "atomicAdd_block is atomic among the threads of one block, and two blocks add.",
            (*RACE_GLOBAL, "between blocks"), """
__global__ void k(const float *x, float *y) {
-   atomicAdd_block(&y[0], x[threadIdx.x]);     // BUG
+   atomicAdd(&y[0], x[threadIdx.x]);
}
""", grid=2, block=32, tells=("_block",)),
    Planted("an atomic and a plain access",
            "One thread reads plainly what the others change by atomics.",
            RACE_GLOBAL, """
__global__ void k(const float *x, float *y) {
    int t = threadIdx.x;
    atomicAdd(&y[0], x[t]);                     // OTHER
-   if (t == 5) y[1] = y[0];                    // BUG
+   if (t == 5) y[1] = atomicAdd(&y[0], 0.0f);
}
""", tells=("atomic",)),
    Planted("lock without a fence",
            "The lock is given back before what it guards can be seen by the next owner.",
            RACE_GLOBAL, """
__device__ int lock = 0;
__global__ void k(const float *x, float *y) {
    if (threadIdx.x != 0) return;
    while (atomicCAS(&lock, 0, 1) != 0) { }
    y[0] += x[blockIdx.x];                      // BUG
+   __threadfence();
    atomicExch(&lock, 0);
}
""", grid=4, block=32),
    Planted("bytes of a word between blocks",
            "Two blocks write the same bytes.",
            RACE_GLOBAL, """
__global__ void k(const float *x, unsigned char *y) {
-   y[threadIdx.x] = blockIdx.x;                // BUG
+   y[blockIdx.x * 32 + threadIdx.x] = blockIdx.x;
}
""", (X, Array(64, "zeros", "uint8")), grid=2, block=32),
    Planted("a __device__ variable",
            "All threads write one variable of the module.",
            RACE_GLOBAL, """
__device__ float best;
__global__ void k(const float *x, float *y) {
-   best = x[threadIdx.x];                      // BUG
+   if (threadIdx.x == 0) best = x[threadIdx.x];
}
""", tells=("best",)),
]
# fmt: on
