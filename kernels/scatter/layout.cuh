// Adding up at places given by integers, in the order of the source: the same bits on every run.
#pragma once
#include "common.cuh"

namespace scattering {

// The source is (outer, places, width), the target (outer, size, width), both dense. Line l of the index,
// (lines, places), says where the places of a column go: line o * width + w, or line 0 for all when `shared`.
struct Shape {
    int64 outer, places, width, size;
    int32 dtype;  // of the index
    int32 shared;
};

__device__ __forceinline__ int64 line_of(const Shape& s, int64 o, int64 w) {
    return s.shared ? 0 : (o * s.width + w) * s.places;
}

// Reports each place that is out of range; every thread looks at some.
__device__ __forceinline__ void check_places(const void* index, const Shape& s, int64* fault, int64 call) {
    int64 count = s.places * (s.shared ? 1 : s.outer * s.width), step = (int64)gridDim.x * blockDim.x;
    for (int64 i = (int64)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
        int64 place = load<int64>(index, i, s.dtype);
        if (place < 0 || place >= s.size) report_fault(fault, call, place, s.size);
    }
}

}  // namespace scattering
