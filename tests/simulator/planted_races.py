"""Planted races: on shared and on global memory, in every direction, each means of order left out once."""
from __future__ import annotations

from tests.simulator.planted import RACE_GLOBAL, RACE_SHARED, Array, Planted, X

SHARED = [
    Planted("shared read after write", (*RACE_SHARED, "read after write"), """
__global__ void k(const float *x, float *y) {
    __shared__ float tile[64];
    int t = threadIdx.x;
    tile[t] = x[t];             // OTHER
+   __syncthreads();
    y[t] = tile[63 - t];        // BUG
}
""", tells=("shared variable tile", "__syncthreads()")),
    Planted("shared write after read", RACE_SHARED, """
__global__ void k(const float *x, float *y) {
    __shared__ float tile[64];
    int t = threadIdx.x;
    tile[t] = x[t];
    __syncthreads();
    y[t] = tile[63 - t];        // OTHER
+   __syncthreads();
    tile[t] = 2 * x[t];         // BUG
}
""", tells=("shared variable tile",)),
    Planted("shared write after write", (*RACE_SHARED, "write after write"), """
__global__ void k(const float *x, float *y) {
    __shared__ float sum;
    int t = threadIdx.x;
-   sum = x[t];                 // BUG
+   if (t == 0) sum = x[t];
    __syncthreads();
    if (t == 0) y[0] = sum;
}
""", tells=("shared variable sum",)),
    Planted("second barrier of a loop over tiles", RACE_SHARED, """
__global__ void k(const float *x, float *y) {
    __shared__ float tile[16];
    int t = threadIdx.x;
    float sum = 0;
    for (int k = 0; k < 4; k++) {
        if (t < 16) tile[t] = x[16 * k + t];                // OTHER
        __syncthreads();
        for (int j = 0; j < 16; j++) sum += tile[j];        // BUG
+       __syncthreads();
    }
    y[t] = sum;
}
"""),
    Planted("first barrier of a loop over tiles", RACE_SHARED, """
__global__ void k(const float *x, float *y) {
    __shared__ float tile[16];
    int t = threadIdx.x;
    float sum = 0;
    for (int k = 0; k < 4; k++) {
        if (t < 16) tile[t] = x[16 * k + t];                // OTHER
+       __syncthreads();
        for (int j = 0; j < 16; j++) sum += tile[j];        // BUG
        __syncthreads();
    }
    y[t] = sum;
}
"""),
    Planted("tree reduction", RACE_SHARED, """
__global__ void k(const float *x, float *y) {
    __shared__ float part[64];
    int t = threadIdx.x;
    part[t] = x[t];
    __syncthreads();
    for (int step = 32; step > 0; step /= 2) {
        if (t < step) part[t] += part[t + step];            // BUG
+       __syncthreads();
    }
    if (t == 0) y[0] = part[0];
}
""", tells=("shared variable part",)),
    Planted("scan without double buffer", RACE_SHARED, """
__global__ void k(const float *x, float *y) {
    __shared__ float s[64];
    int t = threadIdx.x;
    s[t] = x[t];
    __syncthreads();
    for (int step = 1; step < 64; step *= 2) {
        float left = t >= step ? s[t - step] : 0;           // OTHER
+       __syncthreads();
        s[t] += left;                                       // BUG
        __syncthreads();
    }
    y[t] = s[t];
}
"""),
    Planted("lanes of a warp do not run in step", RACE_SHARED, """
__global__ void k(const float *x, float *y) {
    __shared__ float s[32];
    int t = threadIdx.x;
    s[t] = x[t];                // OTHER
+   __syncwarp();
    y[t] = s[t ^ 1];            // BUG
}
""", block=32, tells=("__syncwarp()",)),
    Planted("a shuffle does not order memory", RACE_SHARED, """
__global__ void k(const float *x, float *y) {
    __shared__ float s[32];
    int t = threadIdx.x;
    s[t] = x[t];                // OTHER
    float other = __shfl_xor_sync(0xffffffff, x[t], 1);
+   __syncwarp();
    y[t] = s[t ^ 1] - other;    // BUG
}
""", block=32),
    Planted("a warp's barrier does not reach other warps", RACE_SHARED, """
__global__ void k(const float *x, float *y) {
    __shared__ float s[64];
    int t = threadIdx.x;
    s[t] = x[t];                // OTHER
-   __syncwarp();
+   __syncthreads();
    y[t] = s[63 - t];           // BUG
}
"""),
    Planted("half a warp's barrier does not reach the other half", RACE_SHARED, """
__global__ void k(const float *x, float *y) {
    __shared__ float s[32];
    int t = threadIdx.x;
    s[t] = x[t];                // OTHER
-   __syncwarp(t < 16 ? 0x0000ffff : 0xffff0000);
+   __syncwarp();
    y[t] = s[31 - t];           // BUG
}
""", block=32),
    Planted("bytes of one word", RACE_SHARED, """
__global__ void k(const unsigned char *x, unsigned char *y) {
    __shared__ unsigned char s[64];
    int t = threadIdx.x;
    s[t] = x[t];                        // OTHER
+   __syncthreads();
    y[t] = s[(t + 1) % 64];             // BUG
}
""", (Array(64, dtype="uint8"), Array(64, "zeros", "uint8"))),
    Planted("doubles", RACE_SHARED, """
__global__ void k(const double *x, double *y) {
    __shared__ double s[64];
    int t = threadIdx.x;
    s[t] = x[t];                // OTHER
+   __syncthreads();
    y[t] = s[63 - t];           // BUG
}
""", (Array(64, dtype="float64"), Array(64, "zeros", "float64"))),
    Planted("vectors of four", RACE_SHARED, """
__global__ void k(const float4 *x, float4 *y) {
    __shared__ float4 s[16];
    int t = threadIdx.x;
    s[t] = x[t];                // OTHER
+   __syncthreads();
    y[t] = s[15 - t];           // BUG
}
""", block=16),
    Planted("dynamic shared memory", RACE_SHARED, """
__global__ void k(const float *x, float *y) {
    extern __shared__ float s[];
    int t = threadIdx.x;
    s[t] = x[t];                // OTHER
+   __syncthreads();
    y[t] = s[63 - t];           // BUG
}
""", shared=256, tells=("dynamic shared memory",)),
    Planted("histogram that is not cleared in time", RACE_SHARED, """
__global__ void k(const float *x, float *y) {
    __shared__ int bins[8];
    int t = threadIdx.x;
    if (t < 8) bins[7 - t] = 0;                 // OTHER
+   __syncthreads();
    atomicAdd(&bins[int(x[t]) % 8], 1);         // BUG
    __syncthreads();
    if (t < 8) y[t] = bins[t];
}
""", tells=("atomic",)),
    Planted("histogram that is read too early", RACE_SHARED, """
__global__ void k(const float *x, float *y) {
    __shared__ int bins[8];
    int t = threadIdx.x;
    if (t < 8) bins[t] = 0;
    __syncthreads();
    atomicAdd(&bins[int(x[t]) % 8], 1);         // OTHER
+   __syncthreads();
    if (t < 8) y[t] = bins[7 - t];              // BUG
}
""", tells=("atomic",)),
    Planted("one leader tells all", RACE_SHARED, """
__global__ void k(const float *x, float *y) {
    __shared__ float mean;
    int t = threadIdx.x;
    if (t == 0) mean = x[31];   // OTHER
+   __syncthreads();
    y[t] = x[t] - mean;         // BUG
}
"""),
]

GLOBAL = [
    Planted("global neighbour in several blocks", RACE_GLOBAL, """
__global__ void k(const float *x, float *y) {
    int i = blockIdx.x * 32 + threadIdx.x;
-   if (i < 63) y[i + 1] = x[i] + y[i];         // BUG
+   if (i < 63) y[i] = x[i] + y[i];
}
""", grid=2, block=32, tells=("__syncthreads()", "does not reach them", "another array")),
    Planted("all blocks write one element", (*RACE_GLOBAL, "write after write"), """
__global__ void k(const float *x, float *y) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
-   if (threadIdx.x == 0) y[0] = x[i];          // BUG
+   if (i == 0) y[0] = x[i];
}
""", grid=2, block=32, tells=("between blocks",)),
    Planted("sum without atomics", RACE_GLOBAL, """
__global__ void k(const float *x, float *y) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
-   y[0] += x[i];                               // BUG
+   atomicAdd(&y[0], x[i]);
}
""", grid=2, block=32),
    Planted("stencil in place reads what another block wrote", (*RACE_GLOBAL, "between blocks"), """
__global__ void k(float *x, float *y) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
-   if (i % 16 == 0) x[i] = x[(i + 32) % 64];   // BUG
+   if (i % 16 == 0) y[i] = x[(i + 32) % 64];
}
""", (Array(64), Array(64, "zeros")), grid=2, block=32),
    Planted("shift in place", RACE_GLOBAL, """
__global__ void k(float *x, float *y) {
    int t = threadIdx.x;
    float right = t < 63 ? x[t + 1] : 0;        // OTHER
+   __syncthreads();
    x[t] = right;                               // BUG
}
"""),
    Planted("global memory within a block", RACE_GLOBAL, """
__global__ void k(const float *x, float *y) {
    int t = threadIdx.x;
    y[t] = x[t];                // OTHER
+   __syncthreads();
    y[64 + t] = y[63 - t];      // BUG
}
""", (X, Array(128, "empty"))),
    Planted("a barrier does not reach other blocks", (*RACE_GLOBAL, "between blocks"), """
__global__ void k(const float *x, float *y) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    y[i] = x[i];                                // OTHER
    __syncthreads();
-   y[64 + i] = y[63 - i];                      // BUG
+   y[64 + i] = y[blockIdx.x * blockDim.x + 31 - threadIdx.x];
}
""", (X, Array(128, "zeros")), grid=2, block=32),
    Planted("last block without a fence", (*RACE_GLOBAL, "between blocks"), """
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
    Planted("last block, where all threads wrote", RACE_GLOBAL, """
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
    Planted("atomics of a block are not atomic between blocks", (*RACE_GLOBAL, "between blocks"), """
__global__ void k(const float *x, float *y) {
-   atomicAdd_block(&y[0], x[threadIdx.x]);     // BUG
+   atomicAdd(&y[0], x[threadIdx.x]);
}
""", grid=2, block=32, tells=("_block",)),
    Planted("an atomic and a plain access", RACE_GLOBAL, """
__global__ void k(const float *x, float *y) {
    int t = threadIdx.x;
    atomicAdd(&y[0], x[t]);                     // OTHER
-   if (t == 5) y[1] = y[0];                    // BUG
+   if (t == 5) y[1] = atomicAdd(&y[0], 0.0f);
}
""", tells=("atomic",)),
    Planted("lock without a fence", RACE_GLOBAL, """
__device__ int lock = 0;
__global__ void k(const float *x, float *y) {
    if (threadIdx.x != 0) return;
    while (atomicCAS(&lock, 0, 1) != 0) { }
    y[0] += x[blockIdx.x];                      // BUG
+   __threadfence();
    atomicExch(&lock, 0);
}
""", grid=4, block=32),
    Planted("bytes of a word between blocks", RACE_GLOBAL, """
__global__ void k(const float *x, unsigned char *y) {
-   y[threadIdx.x] = blockIdx.x;                // BUG
+   y[blockIdx.x * 32 + threadIdx.x] = blockIdx.x;
}
""", (X, Array(64, "zeros", "uint8")), grid=2, block=32),
    Planted("a __device__ variable", RACE_GLOBAL, """
__device__ float best;
__global__ void k(const float *x, float *y) {
-   best = x[threadIdx.x];                      // BUG
+   if (threadIdx.x == 0) best = x[threadIdx.x];
}
""", tells=("best",)),
]

COPIES = [
    Planted("asynchronous copy used before the wait", ("asynchronous copy",), """
#include <cuda_pipeline.h>
extern "C" __global__ void k(const float *x, float *y) {
    __shared__ float s[64];
    int t = threadIdx.x;
    s[t] = 0;
    __pipeline_memcpy_async(&s[t], &x[t], 4);
    __pipeline_commit();
+   __pipeline_wait_prior(0);
    y[t] = s[t];                                // BUG
    __pipeline_wait_prior(0);
}
""", tells=("has not waited",)),
    Planted("asynchronous copy waited for by its own thread only", RACE_SHARED, """
#include <cuda_pipeline.h>
extern "C" __global__ void k(const float *x, float *y) {
    __shared__ float s[64];
    int t = threadIdx.x;
    __pipeline_memcpy_async(&s[t], &x[t], 4);   // OTHER
    __pipeline_commit();
    __pipeline_wait_prior(0);
+   __syncthreads();
    y[t] = s[63 - t];                           // BUG
}
"""),
]

RACES = SHARED + GLOBAL + COPIES
