// Rows of logits with a class each, and what the loss and its gradient are made of.
#pragma once
#include "common.cuh"

namespace cross_entropy {

constexpr int THREADS = 256;
constexpr int WARPS = THREADS / 32;
constexpr unsigned ALL = 0xffffffffu;

struct Rows {
    const number* logits;     // (rows, classes), any strides
    const void* target;       // (rows,), whole numbers of any type
    int64 row, column, step;  // strides in elements: of the logits, of the targets
    int64 rows, classes;
    int64* fault;  // where a class out of range is reported
    int64 call;
    int32 dtype;  // of the targets
    int32 unused;

    __device__ __forceinline__ number at(int64 r, int64 i) const { return logits[r * row + i * column]; }
    // The class of a row, or -1, reported once a row by `teller`.
    __device__ __forceinline__ int64 class_of(int64 r, bool teller) const {
        int64 found = load<int64>(target, r * step, dtype);
        if (found >= 0 && found < classes) return found;
        if (teller) report_fault(fault, call, found, classes);
        return -1;
    }
};

// The seed of backward: a number for each row, or the same for all (stride 0), times a factor.
struct Seed {
    const number* memory;  // null: the number alone
    int64 step;
    double value;

    __device__ __forceinline__ number of(int64 r) const {
        return memory ? (number)(memory[r * step] * (number)value) : (number)value;
    }
};

__device__ __forceinline__ number larger(number x, number y) { return x >= y || x != x ? x : y; }  // NaN wins

struct Total {
    number top, sum;  // the largest logit, and the sum of exp(logit - top)
};
__device__ __forceinline__ Total join(Total a, Total b) {
    if (a.top == b.top) return {a.top, a.sum + b.sum};
    if (b.top > a.top) return {b.top, a.sum * exp(a.top - b.top) + b.sum};
    return {a.top, a.sum + b.sum * exp(b.top - a.top)};
}
__device__ __forceinline__ Total none() { return {limits<number>::lowest(), number(0)}; }
__device__ __forceinline__ Total alone(number x) {
    return x != x ? Total{limits<number>::lowest(), x} : Total{x, 1};
}
// With an infinite top every distance to it is NaN or -infinity, and so is NumPy's sum.
__device__ __forceinline__ Total settled(Total t) {
    if (isinf(t.top)) t.sum = t.sum * number(0) + (t.top - t.top);
    return t;
}

__device__ __forceinline__ number loss_of(number x, Total t, number scale) {
    return (log(t.sum) - (x - t.top)) * scale;
}
// `scale` is seed / t.sum, one division a row.
__device__ __forceinline__ number slope_of(number x, Total t, bool mine, number seed, number scale) {
    number p = exp(x - t.top) * scale;
    return mine ? p - seed : p;
}

// A thread's part of a row: elements first, first + step, ..., which it reads once more.
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
