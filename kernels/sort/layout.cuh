// Sorting lines: the indices of their elements in ascending order; equal elements keep their order, and NaN
// is last.
#pragma once
#include "common.cuh"

namespace sorting {

// Whether x comes before y.
__device__ __forceinline__ bool before(number x, number y) {
    if (x != x || y != y) return x == x && y != y;  // NaN last
    return x < y;
}

// An element and its index. With the index as a second key no two are equal, so any sorting method is stable.
struct Item {
    number key;
    int64 place;
};
__device__ __forceinline__ bool before(const Item& a, const Item& b) {
    if (before(a.key, b.key)) return true;
    return !before(b.key, a.key) && a.place < b.place;
}

}  // namespace sorting
