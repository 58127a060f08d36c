// Idea:     A thread takes an element apart into its place on each axis, and moves it from one layout to the
//           other.
// Contract: `in` and `out` hold the same n elements in any strides; those of `out` do not overlap. `tiles` is
//           not used here. n >= 1.
// Launch:   block 256, grid min(cdiv(n, 256), 65536), no shared memory.
// Cost:     reads and writes each element once. In a transposition neighbouring lanes read addresses a row
//           apart: each brings a sector of 32 bytes for one element.
// Next:     02 reads and writes along rows, and turns the tile in shared memory.
#include "copy/layout.cuh"

extern "C" __global__ void copy(number* __restrict__ out, const number* __restrict__ in, int64 n, int64 tiles,
                                copying::Layout layout) {
    copying::copy_strided(out, in, n, layout);
}
