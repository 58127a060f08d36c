// The layout of the operands, for every rung of this family.
#pragma once
#include "common.cuh"

namespace elementwise {

constexpr int AXES = 8;  // the host copies arrays with more axes
constexpr int OPERANDS = 3;

// An operand is an array of any dtype and strides, or (pointer null) one number.
struct Layout {
    int64 shape[AXES];
    int64 out[AXES];  // strides in elements; 0 on axes where an operand repeats
    int64 in[OPERANDS][AXES];
    int32 dtype[OPERANDS];
    int32 axes;
    int32 flat;  // all operands are single numbers, or dense arrays of `number` in the same order
    int32 unused;
};

template <typename T>
struct wide {
    typedef int64 type;
};
template <>
struct wide<float32> {
    typedef float64 type;
};
template <>
struct wide<float64> {
    typedef float64 type;
};

// Single numbers have 8 bytes each: a double for float kernels, an int64 for all others.
struct Numbers {
    typename wide<number>::type value[OPERANDS];
};

// The offsets of element `i`, in C order of `shape`, in the result and in each operand.
struct Offsets {
    int64 out, in[OPERANDS];
};

template <int ARITY>
__device__ __forceinline__ Offsets offsets(int64 i, const Layout& layout) {
    Offsets at = {};
    for (int axis = layout.axes - 1; axis >= 0; axis--) {
        int64 place;
        i = divide(i, layout.shape[axis], place);
        at.out += place * layout.out[axis];
        for (int k = 0; k < ARITY; k++) at.in[k] += place * layout.in[k][axis];
    }
    return at;
}

// Operand k of an element: its single number, or the element in its memory.
__device__ __forceinline__ number operand(int k, const void* memory, const Offsets& at, const Layout& layout,
                                          const Numbers& numbers) {
    return memory ? load<number>(memory, at.in[k], layout.dtype[k]) : (number)numbers.value[k];
}

}  // namespace elementwise
