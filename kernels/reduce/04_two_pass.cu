// Idea:     The work depends on the shape: a warp for a short row, a block for a long one, several blocks for
//           a row if rows are few, whose partial states a second launch combines in order; and 32 columns by
//           8 warps if rows are neighbours in memory.
// Contract: as 01. `splits` blocks share a row; this number depends on the sizes alone. If it is more than 1,
//           `partial` has rows x splits states, and reduce_<name>_join follows.
// Launch:   block 256; grid: columns cdiv(rows, 32) x splits, short rows cdiv(rows, 8), else rows x splits;
//           at most 2^31 - 1. Up to 256 states of static shared memory.
// Cost:     as 01: each element is read once, in whole sectors for every shape. The partial states add splits
//           / n to this.
// Next:     With one element per load, too few bytes are in flight for a fast memory: each load of 05 moves
//           16 bytes.
#include "reduce/shapes.cuh"

namespace reducing {

template <typename R>
__device__ __forceinline__ void reduce_rows(typename R::Result* out, const void* in,
                                            typename R::State* partial, int64 rows, int64 n, int64 splits,
                                            const Layout& layout) {
    reduce_shaped<R>(out, in, partial, rows, n, splits, layout,
                     [&](int64 row, Part part, int first, int step) {
                         return gather_row<R>(R::start(), in, row_offset(row, layout), part.first + first,
                                              part.stop, step, layout);
                     });
}

}  // namespace reducing
#include "reduce/kernels.cuh"
