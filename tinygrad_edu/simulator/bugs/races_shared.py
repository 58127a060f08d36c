"""Planted races on shared memory, in every direction, each means of order left out once."""

from __future__ import annotations

from tinygrad_edu.simulator.bugs.planted import RACE_SHARED, Array, Planted

# fmt: off
SHARED = [
    Planted("shared read after write",
            "Each thread reads what another thread writes, and no barrier says that it has been written.",
            (*RACE_SHARED, "read after write"), """
__global__ void k(const float *x, float *y) {
    __shared__ float tile[64];
    int t = threadIdx.x;
    tile[t] = x[t];             // OTHER
+   __syncthreads();
    y[t] = tile[63 - t];        // BUG
}
""", tells=("shared variable tile", "__syncthreads()")),
    Planted("shared write after read",
            "The tile is used again before all threads have read what was in it.",
            RACE_SHARED, """
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
    Planted("shared write after write",
            "All threads write one variable, each another number: any of them may be the last.",
            (*RACE_SHARED, "write after write"), """
__global__ void k(const float *x, float *y) {
    __shared__ float sum;
    int t = threadIdx.x;
-   sum = x[t];                 // BUG
+   if (t == 0) sum = x[t];
    __syncthreads();
    if (t == 0) y[0] = sum;
}
""", tells=("shared variable sum",)),
    Planted("second barrier of a loop over tiles",
            "The next tile is loaded while slower threads still read the last one.",
            RACE_SHARED, """
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
    Planted("first barrier of a loop over tiles",
            "The tile is read before all of it has been loaded.",
            RACE_SHARED, """
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
    Planted("tree reduction",
            "Each step reads what other threads wrote in the step before, and no barrier lies between.",
            RACE_SHARED, """
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
    Planted("scan without double buffer",
            "A thread adds to its element before its neighbour has read it.",
            RACE_SHARED, """
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
    Planted("lanes of a warp do not run in step",
            "A lane reads what its neighbour writes, as if a warp ran in step; since Volta it need not.",
            RACE_SHARED, """
__global__ void k(const float *x, float *y) {
    __shared__ float s[32];
    int t = threadIdx.x;
    s[t] = x[t];                // OTHER
+   __syncwarp();
    y[t] = s[t ^ 1];            // BUG
}
""", block=32, tells=("__syncwarp()",)),
    Planted("a shuffle does not order memory",
            "A shuffle makes lanes meet, but says nothing of what they wrote to memory.",
            RACE_SHARED, """
__global__ void k(const float *x, float *y) {
    __shared__ float s[32];
    int t = threadIdx.x;
    s[t] = x[t];                // OTHER
    float other = __shfl_xor_sync(0xffffffff, x[t], 1);
+   __syncwarp();
    y[t] = s[t ^ 1] - other;    // BUG
}
""", block=32),
    Planted("a warp's barrier does not reach other warps",
            "The barrier of a warp stands where the two warps of the block exchange numbers.",
            RACE_SHARED, """
__global__ void k(const float *x, float *y) {
    __shared__ float s[64];
    int t = threadIdx.x;
    s[t] = x[t];                // OTHER
-   __syncwarp();
+   __syncthreads();
    y[t] = s[63 - t];           // BUG
}
"""),
    Planted("half a warp's barrier does not reach the other half",
            "Each half of the warp waits for itself, and then reads what the other half wrote.",
            RACE_SHARED, """
__global__ void k(const float *x, float *y) {
    __shared__ float s[32];
    int t = threadIdx.x;
    s[t] = x[t];                // OTHER
-   __syncwarp(t < 16 ? 0x0000ffff : 0xffff0000);
+   __syncwarp();
    y[t] = s[31 - t];           // BUG
}
""", block=32),
    Planted("bytes of one word",
            "Neighbouring bytes are written and read without a barrier; sharing a word orders nothing.",
            RACE_SHARED, """
__global__ void k(const unsigned char *x, unsigned char *y) {
    __shared__ unsigned char s[64];
    int t = threadIdx.x;
    s[t] = x[t];                        // OTHER
+   __syncthreads();
    y[t] = s[(t + 1) % 64];             // BUG
}
""", (Array(64, dtype="uint8"), Array(64, "zeros", "uint8"))),
    Planted("doubles",
            "The missing barrier again, of elements of 8 bytes.",
            RACE_SHARED, """
__global__ void k(const double *x, double *y) {
    __shared__ double s[64];
    int t = threadIdx.x;
    s[t] = x[t];                // OTHER
+   __syncthreads();
    y[t] = s[63 - t];           // BUG
}
""", (Array(64, dtype="float64"), Array(64, "zeros", "float64"))),
    Planted("vectors of four",
            "The missing barrier again, of elements of 16 bytes.",
            RACE_SHARED, """
__global__ void k(const float4 *x, float4 *y) {
    __shared__ float4 s[16];
    int t = threadIdx.x;
    s[t] = x[t];                // OTHER
+   __syncthreads();
    y[t] = s[15 - t];           // BUG
}
""", block=16),
    Planted("dynamic shared memory",
            "The missing barrier again, in memory whose size the launch gives.",
            RACE_SHARED, """
__global__ void k(const float *x, float *y) {
    extern __shared__ float s[];
    int t = threadIdx.x;
    s[t] = x[t];                // OTHER
+   __syncthreads();
    y[t] = s[63 - t];           // BUG
}
""", shared=256, tells=("dynamic shared memory",)),
    Planted("histogram that is not cleared in time",
            "Threads count in bins that another thread may clear afterwards.",
            RACE_SHARED, """
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
    Planted("histogram that is read too early",
            "The bins are read while other threads still count.",
            RACE_SHARED, """
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
    Planted("one leader tells all",
            "One thread writes a number for all, and the others do not wait for it.",
            RACE_SHARED, """
__global__ void k(const float *x, float *y) {
    __shared__ float mean;
    int t = threadIdx.x;
    if (t == 0) mean = x[31];   // OTHER
+   __syncthreads();
    y[t] = x[t] - mean;         // BUG
}
"""),
]

COPIES = [
    Planted("asynchronous copy used before the wait",
            "The element is read before its asynchronous copy is complete.",
            ("asynchronous copy",), """
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
    Planted("asynchronous copy waited for by its own thread only",
            "A thread waits for its own copy, and then reads what another thread copied.",
            RACE_SHARED, """
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
# fmt: on
