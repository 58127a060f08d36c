// Idea:     One pass computes maximum and sum together: if a larger element comes, the sum so far is scaled
//           down. The totals of lanes are combined in the same way, by shuffles.
// Contract: as 01.
// Launch:   block 256, grid min(rows, 2^31 - 1), 8 totals of static shared memory.
// Cost:     reads each element twice, and writes it once: a quarter fewer bytes than 02; 2 barriers for each
//           row.
// Next:     For rows of 10 or 1000 elements most of a block is idle or waits; 04 gives a row to a warp, which
//           keeps it in registers and reads it once.
#include "softmax/block.cuh"

namespace softmaxing {

template <typename Rule>
__device__ __forceinline__ void each_row(number* out, const number* x, const number* y, int64 rows, int64 n,
                                         const Layout& layout) {
    block_rows<Rule>(out, x, y, rows, n, layout);
}

}  // namespace softmaxing
#include "softmax/kernels.cuh"
