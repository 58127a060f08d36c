// Idea:     The team of threads depends on the shape: a warp, which adds by shuffles, for rows of up to 1024
//           elements; a block for longer ones; and if groups are neighbours in memory, as the columns of
//           batch norm, 8 warps for 32 groups.
// Contract: as 01.
// Launch:   block 256; grid cdiv(groups, 8) for short rows, cdiv(groups, 32) for columns, else groups; at
//           most 2^31 - 1. 8 or 256 triples of static shared memory.
// Cost:     as 01 in whole sectors; a short row is read from memory once and from the cache twice.
// Next:     04 keeps a row in registers and reads it once, 16 bytes at a time.
#include "norm/teams.cuh"

namespace norming {

template <typename Function>
__device__ __forceinline__ void each_group(number* out, const number* x, const number* seed, int64 groups,
                                           int64 n, number eps, const Layout& layout) {
    shaped_groups<Function>(out, x, seed, groups, n, eps, layout);
}

}  // namespace norming
#include "norm/kernels.cuh"
