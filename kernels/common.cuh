// Shared by all families: the element types, their limits, the division that splits an index into one index
// per axis, and the report of a bad index.
//
// A file of kernels is compiled once for each element type, with -DSCALAR=float32 or another name; in the
// code the type is `number`. The names are those of NumPy, so that a message, a table and a kernel use the
// same word.
#pragma once

typedef float float32;
typedef double float64;
typedef int int32;
typedef long long int64;
typedef unsigned int uint32;
typedef unsigned long long uint64;
typedef unsigned char uint8;

#ifndef SCALAR
#define SCALAR float32
#endif
typedef SCALAR number;

// The largest and smallest values of a type; a maximum starts from `lowest`.
template <typename T>
struct limits;
template <>
struct limits<float32> {
    static __host__ __device__ float32 infinity() { return 1.0f / 0.0f * 1.0f; }
    static __host__ __device__ float32 highest() { return infinity(); }
    static __host__ __device__ float32 lowest() { return -infinity(); }
};
template <>
struct limits<float64> {
    static __host__ __device__ float64 infinity() { return 1.0 / 0.0; }
    static __host__ __device__ float64 highest() { return infinity(); }
    static __host__ __device__ float64 lowest() { return -infinity(); }
};
template <>
struct limits<int64> {
    static __host__ __device__ int64 highest() { return 0x7fffffffffffffffLL; }
    static __host__ __device__ int64 lowest() { return -highest() - 1; }
};
template <>
struct limits<int32> {
    static __host__ __device__ int32 highest() { return 0x7fffffff; }
    static __host__ __device__ int32 lowest() { return -highest() - 1; }
};
template <>
struct limits<uint8> {
    static __host__ __device__ uint8 highest() { return 255; }
    static __host__ __device__ uint8 lowest() { return 0; }
};
template <>
struct limits<bool> {
    static __host__ __device__ bool highest() { return true; }
    static __host__ __device__ bool lowest() { return false; }
};

// The type in which long sums of T are computed: a running sum of ones in float32 stops growing at 2^24.
template <typename T>
struct Wide {
    typedef T type;
};
template <>
struct Wide<float32> {
    typedef float64 type;
};

// The dtypes of the library as numbers, for operands whose type is known only at launch.
enum Dtype : int32 { FLOAT32 = 0, FLOAT64 = 1, INT64 = 2, INT32 = 3, UINT8 = 4, BOOL = 5, UINT64 = 6 };

// Element `offset` (in elements) of memory that holds `dtype`, as a T.
// The branch is the same for the whole grid.
template <typename T>
__device__ __forceinline__ T load(const void* memory, int64 offset, int32 dtype) {
    switch (dtype) {
        case FLOAT32: return (T)((const float32*)memory)[offset];
        case FLOAT64: return (T)((const float64*)memory)[offset];
        case INT64: return (T)((const int64*)memory)[offset];
        case INT32: return (T)((const int32*)memory)[offset];
        case UINT8: return (T)((const uint8*)memory)[offset];
        case UINT64: return (T)((const uint64*)memory)[offset];
        default: return (T)(((const uint8*)memory)[offset] != 0);
    }
}

// i / n, and i % n as `rest`, for i >= 0 and n > 0. If both fit into 32 bits, the division has 32 bits, since
// a GPU has no instruction for a division of 64 bits.
__device__ __forceinline__ int64 divide(int64 i, int64 n, int64& rest) {
    if (((i | n) >> 32) == 0) {
        rest = (uint32)i % (uint32)n;
        return (uint32)i / (uint32)n;
    }
    rest = i % n;
    return i / n;
}

// Whether a 16-byte load or store is allowed at this address.
__device__ __forceinline__ bool aligned16(const void* address) { return ((uint64)address & 15) == 0; }

// Stores the first bad index of the stream for the host, which raises IndexError when it next synchronises:
// fault[0] is the number of the call, fault[1] the index, fault[2] the size of the axis.
__device__ __forceinline__ void report_fault(int64* fault, int64 call, int64 value, int64 size) {
    if (atomicCAS((uint64*)fault, 0ull, (uint64)call) == 0ull) {
        fault[1] = value;
        fault[2] = size;
    }
}
