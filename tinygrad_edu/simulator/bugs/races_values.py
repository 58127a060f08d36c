"""Planted races of whole values: structs in calls, blocks of bytes, new objects, statics of a kernel."""

from __future__ import annotations

from tinygrad_edu.simulator.bugs.planted import RACE_GLOBAL, RACE_SHARED, Array, Planted

# fmt: off
VALUES = [
    Planted("n-body tile handed on by value",
            "The tile is handed to a function by value before all of it has been loaded.",
            (*RACE_SHARED, "read after write"), """
__device__ __noinline__ float3 pull(float4 me, float4 other, float3 sum) {
    float x = other.x - me.x, y = other.y - me.y, z = other.z - me.z;
    float r = rsqrtf(x * x + y * y + z * z + 0.01f), by = other.w * r * r * r;
    return make_float3(sum.x + by * x, sum.y + by * y, sum.z + by * z);
}
__global__ void k(const float4 *x, float4 *y) {
    __shared__ float4 tile[16];
    int t = threadIdx.x;
    float3 sum = make_float3(0, 0, 0);
    tile[t] = x[t];                                             // OTHER
+   __syncthreads();
    for (int i = 0; i < 16; i++) sum = pull(x[t], tile[i], sum);    // BUG
    y[t] = make_float4(sum.x, sum.y, sum.z, 0);
}
""", block=16, tells=("shared variable tile",)),
    Planted("a struct of three words handed on by value",
            "A struct that another thread writes is copied into an argument, without a barrier.",
            RACE_SHARED, """
struct Body { float mass, at[2]; };
__device__ __noinline__ float weigh(Body body) { return body.mass * body.at[1]; }
__global__ void k(const float *x, float *y) {
    __shared__ Body bodies[64];
    int t = threadIdx.x;
    bodies[t] = Body{1, {2, x[t]}};                             // OTHER
+   __syncthreads();
    y[t] = weigh(bodies[63 - t]);                               // BUG
}
"""),
    Planted("a struct that a function returns",
            "A function's result is stored as a whole struct, of which others read a part.",
            RACE_SHARED, """
struct Body { float mass, at[5]; };
__device__ __noinline__ Body make(float f) { return Body{f, {f, f, f, f, f}}; }
__global__ void k(const float *x, float *y) {
    __shared__ Body bodies[64];
    int t = threadIdx.x;
    bodies[t] = make(x[t]);                                     // OTHER
+   __syncthreads();
    y[t] = bodies[63 - t].at[4];                                // BUG
}
"""),
    Planted("seven bytes by the compiler's own memcpy",
            "A block of bytes is copied out that other threads wrote, without a barrier.",
            RACE_SHARED, """
__global__ void k(const char *x, char *y) {
    __shared__ char words[64 * 7];
    int t = threadIdx.x;
    for (int b = 0; b < 7; b++) words[7 * t + b] = x[t];        // OTHER
+   __syncthreads();
    char mine[8];
    __builtin_memcpy(mine, words + 7 * (63 - t), 7);            // BUG
    y[t] = mine[6];
}
""", (Array(64, dtype="int8"), Array(64, "zeros", "int8"))),
    Planted("the compiler's own memset",
            "A block of bytes is filled, and others read it without a barrier.",
            RACE_SHARED, """
__global__ void k(const char *x, char *y) {
    __shared__ char words[64 * 5];
    int t = threadIdx.x;
    __builtin_memset(words + 5 * t, t, 5);                      // OTHER
+   __syncthreads();
    y[t] = words[5 * (63 - t) + 4];                             // BUG
}
""", (Array(64, dtype="int8"), Array(64, "zeros", "int8"))),
    Planted("an object that is made where it is shared",
            "An object is made in shared memory, and another thread uses it at once.",
            RACE_SHARED, """
#include <new>
__device__ __noinline__ float4 make(float f) { return make_float4(f, f, f, f); }
extern "C" __global__ void k(const float *x, float *y) {
    __shared__ float4 s[64];
    int t = threadIdx.x;
    new (&s[t]) float4(make(x[t]));                             // OTHER
+   __syncthreads();
    y[t] = s[63 - t].w;                                         // BUG
}
"""),
    Planted("an object with virtual functions",
            "The hidden pointer of an object with virtual functions must be there before it is used.",
            ("Data race on|Read of uninitialised",), """
#include <new>
struct Shape { float f; virtual __device__ float area() const { return f; } };
struct Round : Shape { __device__ float area() const override { return 3 * f; } };
extern "C" __global__ void k(const float *x, float *y) {
    __shared__ __align__(8) char s[64 * sizeof(Round)];
    int t = threadIdx.x;
    (new (s + t * sizeof(Round)) Round)->f = x[t];
+   __syncthreads();
    y[t] = ((Shape *)s)[63 - t].area();                         // BUG
}
"""),
    Planted("a static variable",
            "A static variable of a kernel is one for all threads, and all of them count in it.",
            (*RACE_GLOBAL, "write"), """
__global__ void k(const float *x, float *y) {
    static int count = 5;
-   y[threadIdx.x] = count++;                                   // BUG
+   y[threadIdx.x] = atomicAdd(&count, 1);
}
""", tells=("count, static on line 2",)),
]
# fmt: on
