// Windows over the last axes of dense arrays, and the largest element of each.
#pragma once
#include "common.cuh"

namespace pooling {

constexpr int AXES = 3;  // windows of fewer axes have sizes of 1 in front

struct Windows {
    int64 spatial[AXES], size[AXES], count[AXES], stride[AXES];

    __device__ __forceinline__ int64 elements() const { return spatial[0] * spatial[1] * spatial[2]; }
    __device__ __forceinline__ int64 places() const { return count[0] * count[1] * count[2]; }
    __device__ __forceinline__ int64 offset(const int64 (&at)[AXES]) const {
        return (at[0] * spatial[1] + at[1]) * spatial[2] + at[2];
    }
};

// Splits i into indices of three axes.
__device__ __forceinline__ void split(int64 i, const int64 (&shape)[AXES], int64 (&at)[AXES]) {
    for (int axis = AXES - 1; axis >= 0; axis--) {
        at[axis] = i % shape[axis];
        i /= shape[axis];
    }
}

// The largest element of a window, and how many elements equal it. NaN is the largest, and NaNs count as
// equal.
struct Top {
    number value;
    int64 ties;

    __device__ __forceinline__ bool is(number x) const { return x == value || (x != x && value != value); }
};

// Calls done(offset) for each element of the window that begins at `first`, in order.
template <typename Done>
__device__ __forceinline__ void each_element(const Windows& w, const int64 (&first)[AXES], Done done) {
    for (int64 a = 0; a < w.size[0]; a++)
        for (int64 b = 0; b < w.size[1]; b++)
            for (int64 c = 0; c < w.size[2]; c++)
                done(((first[0] + a) * w.spatial[1] + first[1] + b) * w.spatial[2] + first[2] + c);
}

__device__ __forceinline__ Top top_of(const number* image, const Windows& w, const int64 (&first)[AXES]) {
    Top top = {limits<number>::lowest(), 0};
    each_element(w, first, [&](int64 at) {
        number x = image[at];
        if (x > top.value || (x != x && top.value == top.value)) top = {x, 1};
        else if (top.is(x)) top.ties++;
    });
    return top;
}

}  // namespace pooling
