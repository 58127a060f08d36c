// Where the elements of the operands lie, for every rung of this family.
#pragma once
#include "common.cuh"

namespace elementwise {

constexpr int AXES = 8;  // more are made fewer by the host, which copies then
constexpr int OPERANDS = 3;

// An operand is an array of any dtype and strides, or (pointer null) one number.
struct Layout {
    int64 shape[AXES];
    int64 out[AXES];  // strides in elements, 0 where an operand is repeated
    int64 in[OPERANDS][AXES];
    int32 dtype[OPERANDS];
    int32 axes;
    int32 flat;  // all operands are `number`, dense and in one order, or single numbers
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

// Numbers come as 8 bytes each: a double for float kernels, an int64 for the others.
struct Numbers {
    typename wide<number>::type value[OPERANDS];
};

// Offsets of element `i`, in C order of `shape`, in the output and in each operand.
struct Offsets {
    int64 out, in[OPERANDS];
};

// i / n and i % n; 32 bits where they do, as a GPU has no instruction for 64.
__device__ __forceinline__ int64 divide(int64 i, int64 n, int64& rest) {
    if (((i | n) >> 32) == 0) {
        uint32 quotient = (uint32)i / (uint32)n;
        rest = (uint32)i - quotient * (uint32)n;
        return quotient;
    }
    int64 quotient = i / n;
    rest = i - quotient * n;
    return quotient;
}

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

// Operand k of the element: its number, or what its memory holds.
__device__ __forceinline__ number operand(int k, const void* memory, const Offsets& at, const Layout& layout,
                                          const Numbers& numbers) {
    return memory ? load<number>(memory, at.in[k], layout.dtype[k]) : (number)numbers.value[k];
}

}  // namespace elementwise
