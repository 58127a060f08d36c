// Idea:     The work is cut to the shape: a warp for a short row, a block for a long one, several blocks
//           where rows are few, whose partial states a second launch joins in order; and 32 columns by 8
//           where the rows, not their elements, are neighbours in memory.
// Contract: as 01. `splits` blocks share a row, a number that the sizes alone decide; for more than 1,
//           `partial` holds rows x splits states, and reduce_<name>_join follows.
// Launch:   block 256; grid: columns cdiv(rows, 32) x splits, short rows cdiv(rows, 8), else rows x splits;
//           at most 2^31 - 1. Up to 256 states of static shared memory.
// Cost:     as 01: each element is read once, by whole sectors in every shape. The partials add
//           splits / n of that.
// Next:     One element a load leaves too few bytes in flight on a fast memory: 05 loads 16 bytes at once.
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
