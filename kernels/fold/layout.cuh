// Windows added back to the positions that they were taken from: the adjoint of taking windows.
#pragma once
#include "common.cuh"

namespace folding {

constexpr int AXES = 8;     // leading axes, which do not slide
constexpr int SPATIAL = 3;  // axes that slide

// The result is dense (lead..., spatial...); the source is (lead..., counts..., sizes...), with any strides.
struct Layout {
    int64 lead[AXES], lead_in[AXES];
    int64 shape[SPATIAL], count[SPATIAL], count_in[SPATIAL];  // of the result; windows and their strides
    int64 size[SPATIAL], size_in[SPATIAL];                    // of a window; strides
    int64 stride[SPATIAL], dilation[SPATIAL];
    int32 lead_axes, unused;
};

// The windows of one axis that cover position x: element k of window w, where w * stride + k * dilation = x.
// Returns the window for k, or -1.
__device__ __forceinline__ int64 window_at(int64 x, int64 k, int64 stride, int64 dilation, int64 count) {
    int64 start = x - k * dilation;
    if (start < 0 || start % stride) return -1;
    return start / stride < count ? start / stride : -1;
}

// The sum of all elements of windows at position (x0, x1, x2) of the leading block at `base`, in the order of
// the elements of a window.
__device__ __forceinline__ number covered(const number* in, int64 base, const int64 (&x)[SPATIAL],
                                          const Layout& l) {
    number sum = 0;
    for (int64 a = 0; a < l.size[0]; a++) {
        int64 i = window_at(x[0], a, l.stride[0], l.dilation[0], l.count[0]);
        if (i < 0) continue;
        for (int64 b = 0; b < l.size[1]; b++) {
            int64 j = window_at(x[1], b, l.stride[1], l.dilation[1], l.count[1]);
            if (j < 0) continue;
            for (int64 c = 0; c < l.size[2]; c++) {
                int64 k = window_at(x[2], c, l.stride[2], l.dilation[2], l.count[2]);
                if (k < 0) continue;
                sum = sum + in[base + i * l.count_in[0] + j * l.count_in[1] + k * l.count_in[2] +
                               a * l.size_in[0] + b * l.size_in[1] + c * l.size_in[2]];
            }
        }
    }
    return sum;
}

}  // namespace folding
