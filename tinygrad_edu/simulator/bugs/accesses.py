"""Planted errors of single accesses: bounds, alignment, freed and foreign memory, uninitialised memory."""

from __future__ import annotations

from tinygrad_edu.simulator.bugs.planted import Address, Array, Freed, Host, Planted, X, Y

# fmt: off
BOUNDS = [
    Planted("global read one too high",
            "The last thread reads one element past the end of the array.",
            ("Out-of-bounds read of global memory",), """
__global__ void k(const float *x, float *y) {
    int t = threadIdx.x;
-   y[t] = x[t + 1] - x[t];                     // BUG
+   y[t] = t < 63 ? x[t + 1] - x[t] : 0;
}
""", tells=("just past the end", "256 bytes", "thread (63, 0, 0) of block (0, 0, 0)")),
    Planted("global read one too low",
            "The first thread reads one element before the array.",
            ("Out-of-bounds read of global memory",), """
__global__ void k(const float *x, float *y) {
    int t = threadIdx.x;
-   y[t] = x[t - 1];                            // BUG
+   y[t] = t > 0 ? x[t - 1] : 0;
}
""", tells=("4 bytes before", "thread (0, 0, 0) of block (0, 0, 0)")),
    Planted("last block is not full",
            "The grid has more threads than the array has elements, and the test `if (i < n)` is missing.",
            ("Out-of-bounds write to global memory",), """
__global__ void k(float *y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
-   y[i] = i;                                   // BUG
+   if (i < n) y[i] = i;
}
""", (Array(100, "zeros"), 100), grid=4, block=32, tells=("of block (3, 0, 0)", "if (i < n)")),
    Planted("global write one too low",
            "The first thread writes one element before the array.",
            ("Out-of-bounds write to global memory",), """
__global__ void k(const float *x, float *y) {
    int t = threadIdx.x;
-   y[t - 1] = x[t];                            // BUG
+   if (t > 0) y[t - 1] = x[t];
}
""", tells=("4 bytes before",)),
    Planted("bytes at the end of a word",
            "The array ends within a word: the byte after its last one is not its own.",
            ("Out-of-bounds read of global memory",), """
__global__ void k(const char *x, char *y) {
    int t = threadIdx.x;
-   y[t] = x[t + 1];                            // BUG
+   y[t] = x[t];
}
""", (Array(61, dtype="int8"), Array(61, "zeros", "int8")), block=61, tells=("61 bytes",)),
    Planted("vector across the end",
            "The last load of 16 bytes begins inside the array and ends outside.",
            ("Out-of-bounds read of global memory",), """
__global__ void k(const float4 *x, float4 *y) {
-   y[threadIdx.x] = x[threadIdx.x];            // BUG
+   if (threadIdx.x < 15) y[threadIdx.x] = x[threadIdx.x];
}
""", (Array(62), Array(64, "zeros")), block=16),
    Planted("atomic past the end",
            "The last thread adds to one element past the end of the array.",
            ("Out-of-bounds write to global memory",), """
__global__ void k(const float *x, float *y) {
-   atomicAdd(&y[threadIdx.x + 1], x[threadIdx.x]);     // BUG
+   atomicAdd(&y[threadIdx.x], x[threadIdx.x]);
}
"""),
    Planted("shared one too high",
            "The last thread reads one element past the end of the tile.",
            ("Out-of-bounds read of shared memory",), """
__global__ void k(const float *x, float *y) {
    __shared__ float tile[64];
    int t = threadIdx.x;
    tile[t] = x[t];
    __syncthreads();
-   y[t] = tile[t + 1];                         // BUG
+   y[t] = tile[(t + 1) % 64];
}
""", tells=("just past the end of shared variable tile (256 bytes)",)),
    Planted("shared one too low",
            "The first thread reads one element before the tile.",
            ("Out-of-bounds read of shared memory",), """
__global__ void k(const float *x, float *y) {
    __shared__ float tile[64];
    int t = threadIdx.x;
    tile[t] = x[t];
    __syncthreads();
-   y[t] = tile[t - 1];                         // BUG
+   y[t] = tile[(t + 63) % 64];
}
""", tells=("4 bytes before the beginning of shared variable tile",)),
    Planted("shared write into the next variable",
            "One thread too many writes into the tile: into what lies behind it.",
            ("Out-of-bounds write to shared memory",), """
__global__ void k(const float *x, float *y) {
    __shared__ float first[32];
    __shared__ float second[32];
    int t = threadIdx.x;
    if (t < 32) second[t] = 0;
-   if (t < 33) first[t] = x[t];                // BUG
+   if (t < 32) first[t] = x[t];
    __syncthreads();
    if (t < 32) y[t] = first[t] + second[t];
}
""", tells=("just past the end of shared variable first (128 bytes)",)),
    Planted("too little dynamic shared memory",
            "The launch gives 252 bytes of shared memory, and 64 threads use 4 bytes each.",
            ("Out-of-bounds write to shared memory",), """
__global__ void k(const float *x, float *y) {
    extern __shared__ float s[];
    s[threadIdx.x] = x[threadIdx.x];            // BUG
    __syncthreads();
    y[threadIdx.x] = s[63 - threadIdx.x];
}
""", shared=252, repaired_shared=256, tells=("252 bytes",)),
    Planted("no dynamic shared memory",
            "The kernel uses dynamic shared memory, and the launch gives none.",
            ("Out-of-bounds write to shared memory",), """
__global__ void k(const float *x, float *y) {
    extern __shared__ float s[];
    s[threadIdx.x] = x[threadIdx.x];            // BUG
    __syncthreads();
    y[threadIdx.x] = s[63 - threadIdx.x];
}
""", shared=0, repaired_shared=256, tells=("shared=BYTES",)),
]

ALIGNMENT = [
    Planted("float4 at an odd element",
            "A load of 16 bytes needs an address that is a multiple of 16.",
            ("Misaligned read",), """
__global__ void k(const float *x, float *y) {
    int t = threadIdx.x;
-   float4 v = *(const float4 *)(x + t);        // BUG
+   float4 v = *(const float4 *)(x + t / 4 * 4);
    y[t] = v.x + v.y + v.z + v.w;
}
""", (Array(68), Y), tells=("16",)),
    Planted("double in an array of floats",
            "A load of 8 bytes needs an address that is a multiple of 8.",
            ("Misaligned read",), """
__global__ void k(const float *x, float *y) {
-   y[threadIdx.x] = *(const double *)(x + 1);  // BUG
+   y[threadIdx.x] = *(const double *)(x + 2);
}
""", tells=("not a multiple of 8",)),
    Planted("int2 written at an odd element",
            "A store of 8 bytes needs an address that is a multiple of 8.",
            ("Misaligned write",), """
__global__ void k(const float *x, float *y) {
    int t = threadIdx.x;
-   if (t < 8) *(int2 *)(y + 2 * t + 1) = make_int2(t, t);      // BUG
+   if (t < 8) *(int2 *)(y + 2 * t) = make_int2(t, t);
}
""", tells=("not a multiple of 8",)),
    Planted("an argument that is not aligned",
            "The address that is given to the kernel is no multiple of 4.",
            ("Misaligned read",), """
__global__ void k(const float *x, float *y) {
    y[threadIdx.x] = x[threadIdx.x];            // BUG
}
""", (Array(66, offset=2), Y), (Array(66), Y), tells=("not a multiple of 4",)),
    Planted("misaligned atomic",
            "An atomic of 4 bytes needs an address that is a multiple of 4.",
            ("Misaligned write",), """
__global__ void k(const float *x, float *y) {
-   atomicAdd((float *)((char *)y + 2), 1.0f);  // BUG
+   atomicAdd((float *)((char *)y + 4), 1.0f);
}
"""),
]

FOREIGN = [
    Planted("freed memory",
            "The memory was freed before the launch.",
            ("Use of freed memory",), """
__global__ void k(const float *x, float *y) {
    y[threadIdx.x] = x[threadIdx.x];            // BUG
}
""", (Freed(64), Y), (X, Y), tells=("freed",)),
    Planted("a NumPy array's address",
            "The kernel is given the address of an array on the host.",
            ("Host pointer",), """
__global__ void k(const float *x, float *y) {
    y[threadIdx.x] = x[threadIdx.x];            // BUG
}
""", (Host(64), Y), (X, Y), tells=("gpuarray.to_gpu",)),
    Planted("write to a NumPy array's address",
            "The kernel writes to the address of an array on the host.",
            ("Host pointer",), """
__global__ void k(const float *x, float *y) {
    y[threadIdx.x] = x[threadIdx.x];            // BUG
}
""", (X, Host(64)), (X, Y)),
    Planted("null pointer",
            "The kernel is given 0 as an address.",
            ("Null pointer",), """
__global__ void k(const float *x, float *y) {
    y[threadIdx.x] = x[threadIdx.x];            // BUG
}
""", (Address(0), Y), (X, Y)),
    Planted("half a pointer",
            "The kernel is given only the low 4 bytes of an address.",
            ("Wild pointer",), """
__global__ void k(const float *x, float *y) {
    y[threadIdx.x] = x[threadIdx.x];            // BUG
}
""", (Address(0x7000100), Y), (X, Y), tells=("8 bytes",)),
    Planted("local variable of another thread",
            "A thread hands the address of its own local array to the others.",
            ("another thread's local memory",), """
__global__ void k(const float *x, float *y) {
    __shared__ float *where;
    float mine[4] = {x[0], x[1], x[2], x[threadIdx.x]};
-   if (threadIdx.x == 0) where = mine;
-   __syncthreads();
-   y[threadIdx.x] = where[(threadIdx.x + int(x[0])) & 3];      // BUG
+   y[threadIdx.x] = mine[(threadIdx.x + int(x[0])) & 3];
}
"""),
    Planted("write to a constant",
            "__constant__ memory is written by a kernel; only the host may do so.",
            ("Write to __constant__ memory",), """
__constant__ float c[64];
__global__ void k(const float *x, float *y) {
    int t = threadIdx.x;
-   ((float *)c)[t] = x[t];                     // BUG
+   y[t] = c[t];
}
""", tells=("c",)),
    Planted("write to a string",
            "The kernel writes to a string of the program, which is read-only.",
            ("Write to read-only data",), """
__device__ __noinline__ void put(char *text, float value) { text[0] = value; }       // BUG
__global__ void k(const float *x, float *y) {
-   put((char *)"text", x[threadIdx.x]);
+   char text[8]; put(text, x[threadIdx.x]);
}
"""),
]

UNWRITTEN = [
    Planted("shared memory with a hole",
            "The ends of the tile are read, and no thread wrote them.",
            ("Read of uninitialised shared memory",), """
__global__ void k(const float *x, float *y) {
    __shared__ float tile[66];
    int t = threadIdx.x;
    tile[t + 1] = x[t];
+   if (t == 0) tile[0] = tile[65] = 0;
    __syncthreads();
    y[t] = tile[t] + tile[t + 2];               // BUG
}
""", tells=("shared variable tile",)),
    Planted("shared sum that is not cleared",
            "Shared memory is uninitialised: no thread sets the sum to 0 before the threads add to it.",
            ("Read of uninitialised shared memory",), """
__global__ void k(const float *x, float *y) {
    __shared__ float sum;
+   if (threadIdx.x == 0) sum = 0;
+   __syncthreads();
    atomicAdd(&sum, x[threadIdx.x]);            // BUG
    __syncthreads();
    if (threadIdx.x == 0) y[0] = sum;
}
""", tells=("shared variable sum",)),
    Planted("output used as input",
            "The kernel adds to an array that the host only allocated.",
            ("Read of uninitialised global memory",), """
__global__ void k(const float *x, float *y) {
    y[threadIdx.x] += x[threadIdx.x];           // BUG
}
""", (X, Array(64, "empty")), (X, Y), tells=("gpuarray.zeros",)),
    Planted("half of the memory is filled",
            "Only the first half of the array is written before all of it is read.",
            ("Read of uninitialised global memory",), """
__global__ void k(const float *x, float *y) {
    int t = threadIdx.x;
    if (t < 32) y[t] = x[t];
+   if (t >= 32) y[t] = 0;
    __syncthreads();
    y[t] += 1;                                  // BUG
}
""", (X, Array(64, "empty"))),
    Planted("one byte of memory is filled",
            "Only every fourth byte is written before all are read.",
            ("Read of uninitialised global memory",), """
__global__ void k(const float *x, unsigned char *y) {
    int t = threadIdx.x;
    if (t % 4 == 0) y[t] = 1;
    __syncthreads();
-   y[t] += 1;                                  // BUG
+   if (t % 4 == 0) y[t] += 1;
}
""", (X, Array(64, "empty", "uint8"))),
]
# fmt: on

MEMORY = BOUNDS + ALIGNMENT + FOREIGN + UNWRITTEN
