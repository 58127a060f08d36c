// Groups of an array to be brought to mean 0 and variance 1: rows (layer norm), channels (batch norm), any
// axes.
#pragma once
#include "common.cuh"

namespace norming {

constexpr int AXES = 8;
constexpr int THREADS = 256;
constexpr int WARPS = THREADS / 32;
constexpr unsigned ALL = 0xffffffffu;

// `groups` groups of n elements. Strides in elements; the result is dense, the input and the seed have any.
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
        int64 size = shape[axis], place;
        if (((i | size) >> 32) == 0) {
            place = (uint32)i % (uint32)size;
            i = (uint32)i / (uint32)size;
        } else {
            place = i % size;
            i /= size;
        }
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

struct Pair {
    number first, second;
};
__device__ __forceinline__ Pair operator+(Pair a, Pair b) { return {a.first + b.first, a.second + b.second}; }

// The threads that share a group: element `first`, then every `step`-th. A team adds up what they have, and
// all get the sum. Passes follow the mathematics: the mean, then the squares of the distances to it (never
// the mean of squares minus the square of the mean, which cancels), then what is wanted of them.
template <typename Team>
__device__ __forceinline__ void standardize_group(const Group& group, int64 n, number eps, Team& team) {
    number total = 0, squares = 0, drift = 0;
    for (int64 i = team.first; i < n; i += team.step) total += group.x[group.at(i).x];
    number mean = team.sum(Pair{total, 0}).first / (number)n;
    for (int64 i = team.first; i < n; i += team.step) {
        number distance = group.x[group.at(i).x] - mean;
        squares += distance * distance;
        drift += distance;
    }
    Pair sums = team.sum(Pair{squares, drift});
    drift = sums.second / (number)n;  // what rounding left between this mean and the true one
    mean += drift;
    number deviation = sqrt(sums.first / (number)n - drift * drift + eps);
    for (int64 i = team.first; i < n; i += team.step) {
        Place at = group.at(i);
        group.out[at.out] = (group.x[at.x] - mean) / deviation;
    }
}

// With y the standardized x: (seed - mean(seed) - y * mean(seed * y)) / deviation.
template <typename Team>
__device__ __forceinline__ void standardize_group_grad(const Group& group, int64 n, number eps, Team& team) {
    number total = 0, seeds = 0, squares = 0, products = 0;
    for (int64 i = team.first; i < n; i += team.step) {
        Place at = group.at(i);
        total += group.x[at.x];
        seeds += group.seed[at.seed];
    }
    Pair sums = team.sum(Pair{total, seeds});
    number mean = sums.first / (number)n, mean_seed = sums.second / (number)n;
    for (int64 i = team.first; i < n; i += team.step) {
        Place at = group.at(i);
        number distance = group.x[at.x] - mean;
        squares += distance * distance;
        products += distance * group.seed[at.seed];
    }
    sums = team.sum(Pair{squares, products});
    number variance = sums.first / (number)n + eps, deviation = sqrt(variance);
    number slope = sums.second / (number)n / variance;
    for (int64 i = team.first; i < n; i += team.step) {
        Place at = group.at(i);
        group.out[at.out] = (group.seed[at.seed] - mean_seed - (group.x[at.x] - mean) * slope) / deviation;
    }
}

// The two functions, as what `each_group` does with a group and its team.
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

// One thread is a team of its own.
struct Alone {
    int64 first, step;
    __device__ __forceinline__ Pair sum(Pair mine) { return mine; }
};

}  // namespace norming
