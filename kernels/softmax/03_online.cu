// Idea:     One pass finds maximum and sum together: whenever a larger element comes, the sum so far is
//           scaled down to it. Totals of lanes are joined in the same way, by shuffles.
// Contract: as 01.
// Launch:   block 256, grid min(rows, 2^31 - 1), 8 totals of static shared memory.
// Cost:     reads each element twice, writes it once: a quarter fewer bytes than 02; 2 barriers a row.
// Next:     Rows of 10 or 1000 elements leave most of a block idle or waiting; 04 gives a row to a warp,
//           which keeps it in registers and reads it once.
#include "softmax/block.cuh"

namespace softmaxing {

template <typename Rule>
__device__ __forceinline__ void each_row(number* out, const number* x, const number* y, int64 rows, int64 n,
                                         const Layout& layout) {
    block_rows<Rule>(out, x, y, rows, n, layout);
}

}  // namespace softmaxing
#include "softmax/kernels.cuh"
