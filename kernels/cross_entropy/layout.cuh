// Rows of logits with one class each, and the parts of the loss and its gradient.
#pragma once
#include "common.cuh"

namespace cross_entropy {

constexpr int THREADS = 256;
constexpr int WARPS = THREADS / 32;
constexpr unsigned ALL = 0xffffffffu;

struct Rows {
    const number* logits;     // (rows, classes), any strides
    const void* target;       // (rows,), integers of any type
    int64 row, column, step;  // strides in elements: of the logits, of the targets
    int64 rows, classes;
    int64* fault;  // the cell for the report of a class out of range
    int64 call;
    int32 dtype;  // of the targets
    int32 unused;

    __device__ __forceinline__ number at(int64 r, int64 i) const { return logits[r * row + i * column]; }
    // The class of a row, or -1; the thread with `teller` reports it, once for each row.
    __device__ __forceinline__ int64 class_of(int64 r, bool teller) const {
        int64 found = load<int64>(target, r * step, dtype);
        if (found >= 0 && found < classes) return found;
        if (teller) report_fault(fault, call, found, classes);
        return -1;
    }
};

// The seed of backward: one number for each row, or the same number for all rows (stride 0), times a factor.
struct Seed {
    const number* memory;  // null: the factor alone
    int64 step;
    double value;

    __device__ __forceinline__ number of(int64 r) const {
        return memory ? (number)(memory[r * step] * (number)value) : (number)value;
    }
};

__device__ __forceinline__ number larger(number x, number y) { return x >= y || x != x ? x : y; }  // NaN wins

// The largest logit, the number of logits equal to it, and the sum of exp(logit - top) of all others. The
// terms of the largest are 1; they are counted separately, so that rounding does not lose digits of small
// terms.
struct Total {
    number top, ties, rest;

    __device__ __forceinline__ number sum() const { return ties + rest; }
    __device__ __forceinline__ number less_one() const { return (ties - 1) + rest; }  // as log1p takes it
};
__device__ __forceinline__ Total join(Total a, Total b) {
    if (a.top == b.top) return {a.top, a.ties + b.ties, a.rest + b.rest};
    if (b.top > a.top) return {b.top, b.ties, a.sum() * exp(a.top - b.top) + b.rest};
    return {a.top, a.ties, a.rest + b.sum() * exp(b.top - a.top)};
}
__device__ __forceinline__ Total none() { return {limits<number>::lowest(), number(0), number(0)}; }
__device__ __forceinline__ Total alone(number x) {
    return x != x ? Total{limits<number>::lowest(), 0, x} : Total{x, 1, 0};
}
// Adds one logit, relative to a known `top`. The term of the top itself is 1, and 1 - 1 is exact.
__device__ __forceinline__ void add(Total& total, number x, number top) {
    number tie = x == top;
    total.ties += tie;
    total.rest += exp(x - top) - tie;
}
// If the top is infinite, each difference to it is NaN or -infinity, as in NumPy.
__device__ __forceinline__ Total settled(Total t) {
    if (isinf(t.top)) t.rest = t.top - t.top;
    return t;
}

__device__ __forceinline__ number loss_of(number x, Total t, number scale) {
    return (log1p(t.less_one()) - (x - t.top)) * scale;
}
// `scale` is seed / t.sum(), one division for each row. At the class, p - 1 would be rounded to 0 if p is
// nearly 1; so 1 is subtracted from the parts of p.
__device__ __forceinline__ number slope_of(number x, Total t, bool mine, number scale) {
    number e = exp(x - t.top);
    return (mine ? (e - 1) - t.less_one() : e) * scale;
}

// A thread's part of a row: elements first, first + step, ..., which the thread reads once more.
struct Walked {
    const Rows& rows;
    int64 r, first, step;
    bool leads;

    template <typename Change>
    __device__ __forceinline__ void turn(number* out, Change change) const {
        for (int64 i = first; i < rows.classes; i += step) out[i] = change(i, rows.at(r, i));
    }
};

}  // namespace cross_entropy
