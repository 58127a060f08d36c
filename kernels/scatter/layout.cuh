// Adding at indices, in the order of the source: every run gives the same bits.
#pragma once
#include "common.cuh"

namespace scattering {

// The source is (outer, places, width), the target (outer, size, width), both dense. Line l of the index,
// (lines, places), has the targets of a column: line o * width + w, or line 0 for all columns if `shared`.
struct Shape {
    int64 outer, places, width, size;
    int32 dtype;  // of the index
    int32 shared;
};

// The sum of a target, in parts: a single running sum of ones in float32 stops growing at 2^24.
struct Sum {
    static constexpr int PART = 256;
    Wide<number>::type whole = 0;
    number part = 0;
    int terms = 0;

    __device__ __forceinline__ void add(number x) {
        part += x;
        if (++terms == PART) {
            whole += part;
            part = 0;
            terms = 0;
        }
    }
    __device__ __forceinline__ number result() const { return (number)(whole + part); }
};

__device__ __forceinline__ int64 line_of(const Shape& s, int64 o, int64 w) {
    return s.shared ? 0 : (o * s.width + w) * s.places;
}

// Reports each index that is out of range; every thread checks some of them.
__device__ __forceinline__ void check_places(const void* index, const Shape& s, int64* fault, int64 call) {
    int64 count = s.places * (s.shared ? 1 : s.outer * s.width), step = (int64)gridDim.x * blockDim.x;
    for (int64 i = (int64)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
        int64 place = load<int64>(index, i, s.dtype);
        if (place < 0 || place >= s.size) report_fault(fault, call, place, s.size);
    }
}

}  // namespace scattering
