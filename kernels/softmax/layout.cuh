// Rows, their layouts, and the four functions of them that this family computes.
#pragma once
#include "common.cuh"

namespace softmaxing {

constexpr int AXES = 8;
constexpr int THREADS = 256;
constexpr int WARPS = THREADS / 32;
constexpr unsigned ALL = 0xffffffffu;

// `rows` rows of n elements each. Strides in elements, of the result and of the two inputs.
struct Layout {
    int64 shape[AXES], out[AXES], x[AXES], y[AXES];  // the axes that number the rows
    int64 step_out, step_x, step_y;                  // from one element of a row to the next
    int32 axes;
    int32 columns;  // rows are neighbours in memory, their elements are not
};

struct Row {
    number* out;
    const number *x, *y;
    int64 step_out, step_x, step_y;

    __device__ __forceinline__ number at_x(int64 i) const { return x[i * step_x]; }
    __device__ __forceinline__ number at_y(int64 i) const { return y ? y[i * step_y] : number(0); }
    __device__ __forceinline__ void set(int64 i, number value) const { out[i * step_out] = value; }
};

__device__ __forceinline__ Row row_at(int64 i, number* out, const number* x, const number* y,
                                      const Layout& layout) {
    for (int axis = layout.axes - 1; axis >= 0; axis--) {
        int64 place = i % layout.shape[axis];
        i /= layout.shape[axis];
        out += place * layout.out[axis];
        x += place * layout.x[axis];
        if (y) y += place * layout.y[axis];
    }
    return {out, x, y, layout.step_out, layout.step_x, layout.step_y};
}

__device__ __forceinline__ number larger(number x, number y) { return x >= y || x != x ? x : y; }  // NaN wins

// What a row comes to: its largest element, and the sum of the rule's terms.
struct Total {
    number top, sum;
};

// Two totals of one row as one; exponentials are brought to the larger top. An empty part has top -infinity.
template <bool SHIFTED>
__device__ __forceinline__ Total join(Total a, Total b) {
    if (!SHIFTED || a.top == b.top) return {a.top, a.sum + b.sum};
    if (b.top > a.top) return {b.top, a.sum * exp(a.top - b.top) + b.sum};
    return {a.top, a.sum + b.sum * exp(b.top - a.top)};
}

// With an infinite top every difference to it is NaN or -infinity, and NumPy's sum is NaN.
__device__ __forceinline__ Total settled(Total total) {
    if (isinf(total.top)) total.sum = total.sum * number(0) + (total.top - total.top);
    return total;
}

// A rule has the terms that are summed over a row, and what each element becomes. SHIFTED rules take terms
// relative to the row's top, so that no exponential overflows.
struct Softmax {
    static constexpr bool SHIFTED = true;
    static __device__ __forceinline__ number term(number x, number, number top) { return exp(x - top); }
    static __device__ __forceinline__ number result(number x, number, Total t) {
        return exp(x - t.top) * (1 / t.sum);  // one division a row
    }
};
struct LogSoftmax {
    static constexpr bool SHIFTED = true;
    static __device__ __forceinline__ number term(number x, number, number top) { return exp(x - top); }
    static __device__ __forceinline__ number result(number x, number, Total t) {
        return x - t.top - log(t.sum);
    }
};
// x is the incoming gradient, y the function's result.
struct SoftmaxGrad {
    static constexpr bool SHIFTED = false;
    static __device__ __forceinline__ number term(number x, number y, number) { return x * y; }
    static __device__ __forceinline__ number result(number x, number y, Total t) { return (x - t.sum) * y; }
};
struct LogSoftmaxGrad {
    static constexpr bool SHIFTED = false;
    static __device__ __forceinline__ number term(number x, number, number) { return x; }
    static __device__ __forceinline__ number result(number x, number y, Total t) {
        return x - exp(y) * t.sum;
    }
};

// One element alone, as a total.
template <typename Rule>
__device__ __forceinline__ Total alone(number x, number y) {
    if (!Rule::SHIFTED) return {number(0), Rule::term(x, y, number(0))};
    if (x != x) return {limits<number>::lowest(), x};
    return {x, number(1)};
}
template <typename Rule>
__device__ __forceinline__ Total first_total() {
    return {Rule::SHIFTED ? limits<number>::lowest() : number(0), number(0)};
}

// All lanes get the total of the warp.
template <bool SHIFTED>
__device__ __forceinline__ Total join_warp(Total total) {
    for (int distance = 16; distance > 0; distance /= 2) {
        Total other = {__shfl_xor_sync(ALL, total.top, distance), __shfl_xor_sync(ALL, total.sum, distance)};
        // The lower lane's total comes first on both sides: all lanes get the same bits.
        total = threadIdx.x & distance ? join<SHIFTED>(other, total) : join<SHIFTED>(total, other);
    }
    return total;
}

}  // namespace softmaxing
