// Reading at indices. The kernel only moves bits, so the element type is any type of the same size.
#pragma once
#include "common.cuh"

namespace gathering {

constexpr int AXES = 8;

// Element i of the result, in C order of `shape`, is in[index * axis_step + the offset of i by `in`], where
// index is index[the offset of i by `index`].
struct Layout {
    int64 shape[AXES], in[AXES],
        index[AXES];        // strides in elements; `in` is 0 along the axis that is indexed
    int64 axis_step, size;  // of the indexed axis of the input
    int64 row;              // elements at the end of `shape` that share an index and are contiguous
    int32 axes, dtype;      // dtype of the index
};

struct Offsets {
    int64 in, index;
};
__device__ __forceinline__ Offsets offsets(int64 i, int axes, const Layout& layout) {
    Offsets at = {0, 0};
    for (int axis = axes - 1; axis >= 0; axis--) {
        int64 place;
        i = divide(i, layout.shape[axis], place);
        at.in += place * layout.in[axis];
        at.index += place * layout.index[axis];
    }
    return at;
}

// The position of an index; -1 if it is out of range, which is reported once.
__device__ __forceinline__ int64 place_of(const void* index, int64 offset, const Layout& layout, int64* fault,
                                          int64 call, bool teller) {
    int64 place = load<int64>(index, offset, layout.dtype);
    if (place >= 0 && place < layout.size) return place;
    if (teller) report_fault(fault, call, place, layout.size);
    return -1;
}

}  // namespace gathering

// Rows of zeros, with a 1 at the index: out (count, classes).
#define ONE_HOT                                                                                      \
    extern "C" __global__ void __launch_bounds__(256, 2)                                             \
        one_hot(number* __restrict__ out, const void* __restrict__ index, int64* fault, int64 count, \
                int64 classes, int64 call, int32 dtype) {                                            \
        int64 step = (int64)gridDim.x * blockDim.x, n = count * classes;                             \
        for (int64 i = (int64)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {             \
            int64 place = load<int64>(index, i / classes, dtype);                                    \
            if (place < 0 || place >= classes) report_fault(fault, call, place, classes);            \
            out[i] = place == i % classes ? number(1) : number(0);                                   \
        }                                                                                            \
    }
