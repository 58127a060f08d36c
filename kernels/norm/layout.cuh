// Groups of an array that get mean 0 and variance 1: rows (layer norm), channels (batch norm), any axes.
#pragma once
#include "common.cuh"

namespace norming {

constexpr int AXES = 8;
constexpr int THREADS = 256;
constexpr int WARPS = THREADS / 32;
constexpr unsigned ALL = 0xffffffffu;

// `groups` groups of n elements. Strides are in elements; the result is dense, input and seed have any
// strides.
struct Layout {
    int64 kept[AXES], kept_out[AXES], kept_x[AXES], kept_seed[AXES];
    int64 inner[AXES], inner_out[AXES], inner_x[AXES], inner_seed[AXES];
    int32 kept_axes, inner_axes;
    int32 columns;  // groups are neighbours in memory, their elements are not
    int32 unused;
};

struct Place {
    int64 out, x, seed;
};

__device__ __forceinline__ Place walk(int64 i, int axes, const int64* shape, const int64* out, const int64* x,
                                      const int64* seed) {
    if (axes == 1) return {i * out[0], i * x[0], i * seed[0]};
    Place at = {0, 0, 0};
    for (int axis = axes - 1; axis >= 0; axis--) {
        int64 place;
        i = divide(i, shape[axis], place);
        at.out += place * out[axis];
        at.x += place * x[axis];
        at.seed += place * seed[axis];
    }
    return at;
}

struct Group {
    number* out;
    const number *x, *seed;
    const Layout* layout;

    __device__ __forceinline__ Place at(int64 i) const {
        return walk(i, layout->inner_axes, layout->inner, layout->inner_out, layout->inner_x,
                    layout->inner_seed);
    }
};
__device__ __forceinline__ Group group_at(int64 g, number* out, const number* x, const number* seed,
                                          const Layout& layout) {
    Place at = walk(g, layout.kept_axes, layout.kept, layout.kept_out, layout.kept_x, layout.kept_seed);
    return {out + at.out, x + at.x, seed ? seed + at.seed : seed, &layout};
}

// Sums over a group that are computed together.
struct Sums {
    number first, second, third;
};
__device__ __forceinline__ Sums operator+(Sums a, Sums b) {
    return {a.first + b.first, a.second + b.second, a.third + b.third};
}

// The sums of `term(i)` over the elements of one thread, in parts, so that no running sum is long.
template <typename Team, typename Term>
__device__ __forceinline__ Sums add_up(const Team& team, int64 n, Term term) {
    constexpr int PART = 512;
    Sums total = {0, 0, 0};
    for (int64 i = team.first; i < n;) {
        Sums part = {0, 0, 0};
        for (int k = 0; k < PART && i < n; k++, i += team.step) part = part + term(i);
        total = total + part;
    }
    return total;
}

// Each group is divided by a power of two, so that no square overflows or vanishes; this changes no digit. It
// is near the mean size of the elements, or near sqrt(eps) if that is larger.
struct Unit {
    number inverse, eps;  // eps divided by the square of the unit

    __device__ __forceinline__ Unit(number size, number epsilon) {
        number least = sqrt(epsilon);
        number one = size > least && !isinf(size) ? size : least > 0 ? least : number(1);
        inverse = ldexp(number(1), -ilogb(one));
        eps = epsilon * inverse * inverse;
    }
};

// The threads that share a group: a thread has element `first`, then every `step`-th one. A team adds the
// values of its threads, and all of them get the sum. The passes follow the formula: first the mean, then the
// squares of the differences to it (never the mean of squares minus the square of the mean, which loses
// digits), then the result. Elements are divided by n before they are added, so that the mean of the largest
// numbers does not overflow.
template <typename Team>
__device__ __forceinline__ void standardize_group(const Group& group, int64 n, number eps, Team& team) {
    number part = 1 / (number)n;
    Sums sums = team.sum(add_up(team, n, [&](int64 i) {
        number x = group.x[group.at(i).x] * part;
        return Sums{x, fabs(x), 0};
    }));
    Unit unit(sums.second, eps);
    number mean = sums.first * unit.inverse;
    sums = team.sum(add_up(team, n, [&](int64 i) {
        number distance = group.x[group.at(i).x] * unit.inverse - mean;
        return Sums{distance * distance, distance, 0};
    }));
    number drift = sums.second * part;  // the rounding error of the mean
    mean += drift;
    number deviation = sqrt(sums.first * part - drift * drift + unit.eps);
    for (int64 i = team.first; i < n; i += team.step) {
        Place at = group.at(i);
        group.out[at.out] = (group.x[at.x] * unit.inverse - mean) / deviation;
    }
}

// With y the standardized x: (seed - mean(seed) - y * mean(seed * y)) / deviation.
template <typename Team>
__device__ __forceinline__ void standardize_group_grad(const Group& group, int64 n, number eps, Team& team) {
    number part = 1 / (number)n;
    Sums sums = team.sum(add_up(team, n, [&](int64 i) {
        Place at = group.at(i);
        number x = group.x[at.x] * part;
        return Sums{x, fabs(x), group.seed[at.seed]};
    }));
    Unit unit(sums.second, eps);
    number mean = sums.first * unit.inverse, mean_seed = sums.third * part;
    sums = team.sum(add_up(team, n, [&](int64 i) {
        Place at = group.at(i);
        number distance = group.x[at.x] * unit.inverse - mean;
        return Sums{distance * distance, distance * group.seed[at.seed], 0};
    }));
    number variance = sums.first * part + unit.eps, deviation = sqrt(variance);
    number slope = sums.second * part / variance;
    for (int64 i = team.first; i < n; i += team.step) {
        Place at = group.at(i);
        number distance = group.x[at.x] * unit.inverse - mean;
        group.out[at.out] = (group.seed[at.seed] - mean_seed - distance * slope) / deviation * unit.inverse;
    }
}

// The two functions: the work of `each_group` for one group and its team.
struct Standardize {
    template <typename Team>
    static __device__ __forceinline__ void run(const Group& g, int64 n, number eps, Team& t) {
        standardize_group(g, n, eps, t);
    }
};
struct StandardizeGrad {
    template <typename Team>
    static __device__ __forceinline__ void run(const Group& g, int64 n, number eps, Team& t) {
        standardize_group_grad(g, n, eps, t);
    }
};

// A team of one thread.
struct Alone {
    int64 first, step;
    __device__ __forceinline__ Sums sum(Sums mine) { return mine; }
};

}  // namespace norming
