// Sorting lines: the places of their elements in rising order, equal ones in the order they had, NaN last.
#pragma once
#include "common.cuh"

namespace sorting {

// Whether x belongs before y.
__device__ __forceinline__ bool before(number x, number y) {
    if (x != x || y != y) return x == x && y != y;  // NaN last
    return x < y;
}

// An element and where it was. With the place as a second key no two are equal, so any way of sorting is
// stable.
struct Item {
    number key;
    int64 place;
};
__device__ __forceinline__ bool before(const Item& a, const Item& b) {
    if (before(a.key, b.key)) return true;
    return !before(b.key, a.key) && a.place < b.place;
}

}  // namespace sorting
