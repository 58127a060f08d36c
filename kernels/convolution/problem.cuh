// The three products of a convolution, each as a product of two matrices that are never stored: the functions
// `a` and `b` compute the addresses of their elements.
#pragma once
#include "common.cuh"

namespace convolving {

constexpr int AXES = 3;  // a convolution with fewer axes has sizes of 1 in front

// y (n, o, count...) is x (n, c, spatial...) convolved with weight (o, c / groups, size...). All dense.
struct Problem {
    number* out;
    const number *left, *right;
    int64 n, c, o, groups;
    int64 spatial[AXES], size[AXES], count[AXES], stride[AXES], padding[AXES], dilation[AXES];

    __device__ __forceinline__ int64 window() const { return size[0] * size[1] * size[2]; }
    __device__ __forceinline__ int64 places() const { return count[0] * count[1] * count[2]; }
    __device__ __forceinline__ int64 elements() const { return spatial[0] * spatial[1] * spatial[2]; }
};

// The offset in an image of element w of the window at `place`; -1 if it is outside.
__device__ __forceinline__ int64 seen(const Problem& p, int64 place, int64 w) {
    int64 at = 0, step = 1;
    for (int axis = AXES - 1; axis >= 0; axis--) {
        int64 x =
            place % p.count[axis] * p.stride[axis] + w % p.size[axis] * p.dilation[axis] - p.padding[axis];
        if (x < 0 || x >= p.spatial[axis]) return -1;
        at += x * step;
        step *= p.spatial[axis];
        place /= p.count[axis];
        w /= p.size[axis];
    }
    return at;
}

// The index of the window whose element w is element s of the image; -1 if there is none.
__device__ __forceinline__ int64 covering(const Problem& p, int64 s, int64 w) {
    int64 at = 0, step = 1;
    for (int axis = AXES - 1; axis >= 0; axis--) {
        int64 x = s % p.spatial[axis] + p.padding[axis] - w % p.size[axis] * p.dilation[axis];
        if (x < 0 || x % p.stride[axis] || x / p.stride[axis] >= p.count[axis]) return -1;
        at += x / p.stride[axis] * step;
        step *= p.count[axis];
        s /= p.spatial[axis];
        w /= p.size[axis];
    }
    return at;
}

// A product has `rows` x `columns` results of `depth` terms in each group g.
struct Forward {  // left x, right weight, out y
    static __device__ __forceinline__ int64 rows(const Problem& p) { return p.o / p.groups; }
    static __device__ __forceinline__ int64 columns(const Problem& p) { return p.n * p.places(); }
    static __device__ __forceinline__ int64 depth(const Problem& p) { return p.c / p.groups * p.window(); }
    static __device__ __forceinline__ number a(const Problem& p, int64 g, int64 i, int64 k) {
        return p.right[(g * rows(p) + i) * depth(p) + k];
    }
    static __device__ __forceinline__ number b(const Problem& p, int64 g, int64 k, int64 j) {
        int64 channel = g * (p.c / p.groups) + k / p.window();
        int64 at = seen(p, j % p.places(), k % p.window());
        return at < 0 ? number(0) : p.left[(j / p.places() * p.c + channel) * p.elements() + at];
    }
    static __device__ __forceinline__ void put(const Problem& p, int64 g, int64 i, int64 j, number v) {
        p.out[(j / p.places() * p.o + g * rows(p) + i) * p.places() + j % p.places()] = v;
    }
};

struct Input {  // left the incoming gradient, right weight, out x's gradient
    static __device__ __forceinline__ int64 rows(const Problem& p) { return p.c / p.groups; }
    static __device__ __forceinline__ int64 columns(const Problem& p) { return p.n * p.elements(); }
    static __device__ __forceinline__ int64 depth(const Problem& p) { return p.o / p.groups * p.window(); }
    static __device__ __forceinline__ number a(const Problem& p, int64 g, int64 i, int64 k) {
        int64 output = g * (p.o / p.groups) + k / p.window();
        return p.right[(output * rows(p) + i) * p.window() + k % p.window()];
    }
    static __device__ __forceinline__ number b(const Problem& p, int64 g, int64 k, int64 j) {
        int64 output = g * (p.o / p.groups) + k / p.window();
        int64 at = covering(p, j % p.elements(), k % p.window());
        return at < 0 ? number(0) : p.left[(j / p.elements() * p.o + output) * p.places() + at];
    }
    static __device__ __forceinline__ void put(const Problem& p, int64 g, int64 i, int64 j, number v) {
        p.out[(j / p.elements() * p.c + g * rows(p) + i) * p.elements() + j % p.elements()] = v;
    }
};

struct Weight {  // left the incoming gradient, right x, out weight's gradient
    static __device__ __forceinline__ int64 rows(const Problem& p) { return p.o / p.groups; }
    static __device__ __forceinline__ int64 columns(const Problem& p) { return p.c / p.groups * p.window(); }
    static __device__ __forceinline__ int64 depth(const Problem& p) { return p.n * p.places(); }
    static __device__ __forceinline__ number a(const Problem& p, int64 g, int64 i, int64 k) {
        return p.left[(k / p.places() * p.o + g * rows(p) + i) * p.places() + k % p.places()];
    }
    static __device__ __forceinline__ number b(const Problem& p, int64 g, int64 k, int64 j) {
        int64 channel = g * (p.c / p.groups) + j / p.window();
        int64 at = seen(p, k % p.places(), j % p.window());
        return at < 0 ? number(0) : p.right[(k / p.places() * p.c + channel) * p.elements() + at];
    }
    static __device__ __forceinline__ void put(const Problem& p, int64 g, int64 i, int64 j, number v) {
        p.out[(g * rows(p) + i) * columns(p) + j] = v;
    }
};

}  // namespace convolving
