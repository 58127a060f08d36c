// Idea:     A thread splits the number of an element into an index per axis, and copies the element from one
//           layout to the other.
// Contract: `in` and `out` hold the same n elements with any strides; elements of `out` do not overlap.
//           `tiles` is not used here. n >= 1.
// Launch:   block 256, grid min(cdiv(n, 256), 65536), no shared memory.
// Cost:     reads and writes each element once. In a transposition, neighbouring lanes read addresses one row
//           apart, so each lane moves a sector of 32 bytes for one element.
// Next:     02 reads and writes along rows, and transposes a tile in shared memory.
#include "copy/layout.cuh"

extern "C" __global__ void copy(number* __restrict__ out, const number* __restrict__ in, int64 n, int64 tiles,
                                copying::Layout layout) {
    copying::copy_strided(out, in, n, layout);
}
