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

// The total of a row: its largest element, the number of elements equal to it, and the sum of the terms of
// all others. The terms of the largest are 1; they are counted separately, so that rounding does not lose
// digits of small terms.
struct Total {
    number top, ties, rest;

    __device__ __forceinline__ number sum() const { return ties + rest; }
    __device__ __forceinline__ number less_one() const { return (ties - 1) + rest; }  // as log1p takes it
};

// Combines two totals of one row; exponentials are scaled to the larger top. An empty part has top -infinity.
template <bool SHIFTED>
__device__ __forceinline__ Total join(Total a, Total b) {
    if (!SHIFTED || a.top == b.top) return {a.top, a.ties + b.ties, a.rest + b.rest};
    if (b.top > a.top) return {b.top, b.ties, a.sum() * exp(a.top - b.top) + b.rest};
    return {a.top, a.ties, a.rest + b.sum() * exp(b.top - a.top)};
}

// If the top is infinite, each difference to it is NaN or -infinity, and the sum is NaN, as in NumPy.
__device__ __forceinline__ Total settled(Total total) {
    if (isinf(total.top)) total.rest = total.top - total.top;
    return total;
}

// A rule has the terms that are summed over a row, and the result of each element. SHIFTED rules compute
// terms relative to the top of the row, so that no exponential overflows.
struct Softmax {
    static constexpr bool SHIFTED = true;
    static __device__ __forceinline__ number term(number x, number, number top) { return exp(x - top); }
    static __device__ __forceinline__ number result(number x, number, Total t) {
        return exp(x - t.top) * (1 / t.sum());  // one division a row
    }
};
struct LogSoftmax {
    static constexpr bool SHIFTED = true;
    static __device__ __forceinline__ number term(number x, number, number top) { return exp(x - top); }
    static __device__ __forceinline__ number result(number x, number, Total t) {
        return x - t.top - log1p(t.less_one());
    }
};
// x is the incoming gradient, y the result of the function.
struct SoftmaxGrad {
    static constexpr bool SHIFTED = false;
    static __device__ __forceinline__ number term(number x, number y, number) { return x * y; }
    static __device__ __forceinline__ number result(number x, number y, Total t) { return (x - t.rest) * y; }
};
struct LogSoftmaxGrad {
    static constexpr bool SHIFTED = false;
    static __device__ __forceinline__ number term(number x, number, number) { return x; }
    static __device__ __forceinline__ number result(number x, number y, Total t) {
        return x * -expm1(y) - exp(y) * (t.rest - x);  // 1 - e^y is not rounded away
    }
};

// The total of one element.
template <typename Rule>
__device__ __forceinline__ Total alone(number x, number y) {
    if (!Rule::SHIFTED) return {number(0), number(0), Rule::term(x, y, number(0))};
    if (x != x) return {limits<number>::lowest(), number(0), x};
    return {x, number(1), number(0)};
}
template <typename Rule>
__device__ __forceinline__ Total first_total() {
    return {Rule::SHIFTED ? limits<number>::lowest() : number(0), number(0), number(0)};
}
// Adds one element, relative to a known `top`. The term of the top itself is 1, and 1 - 1 is exact.
template <typename Rule>
__device__ __forceinline__ void add(Total& total, number x, number y, number top) {
    number tie = Rule::SHIFTED && x == top;
    total.ties += tie;
    total.rest += Rule::term(x, y, top) - tie;
}

// All lanes get the total of the warp.
template <bool SHIFTED>
__device__ __forceinline__ Total join_warp(Total total) {
    for (int distance = 16; distance > 0; distance /= 2) {
        Total other = {__shfl_xor_sync(ALL, total.top, distance), __shfl_xor_sync(ALL, total.ties, distance),
                       __shfl_xor_sync(ALL, total.rest, distance)};
        // Each step combines the lower lane's total with the upper lane's in this order, so all lanes get the
        // same bits.
        total = threadIdx.x & distance ? join<SHIFTED>(other, total) : join<SHIFTED>(total, other);
    }
    return total;
}

}  // namespace softmaxing
