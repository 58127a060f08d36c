// Lines of an array: `lines` of them, n elements each, in any layout; the result is dense in the same shape.
#pragma once
#include "common.cuh"

namespace scanning {

constexpr int AXES = 8;
constexpr int THREADS = 256;
constexpr int WARPS = THREADS / 32;
constexpr unsigned ALL = 0xffffffffu;

struct Layout {
    int64 shape[AXES], in[AXES], out[AXES];  // of the axes that number the lines; strides in elements
    int64 step_in, step_out;                 // from one element of a line to the next
    int32 axes, dtype;
};

struct Line {
    int64 in, out;  // offset of its first element
};

__device__ __forceinline__ Line line_at(int64 i, const Layout& layout) {
    Line line = {0, 0};
    for (int axis = layout.axes - 1; axis >= 0; axis--) {
        int64 place = i % layout.shape[axis];
        i /= layout.shape[axis];
        line.in += place * layout.in[axis];
        line.out += place * layout.out[axis];
    }
    return line;
}

// The running total has type Total, which is wider than `number` if a long sum would be inaccurate.
struct Add {
    typedef Wide<number>::type Total;
    static __device__ __forceinline__ number start() { return number(0); }
    static __device__ __forceinline__ number join(number a, number b) { return a + b; }
    static __device__ __forceinline__ Total carry(Total a, number b) { return a + b; }
};
struct Multiply {
    typedef number Total;
    static __device__ __forceinline__ number start() { return number(1); }
    static __device__ __forceinline__ number join(number a, number b) { return a * b; }
    static __device__ __forceinline__ Total carry(Total a, number b) { return a * b; }
};

}  // namespace scanning
