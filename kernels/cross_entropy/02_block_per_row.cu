// Idea:     A block for each row, one pass for the total: a larger logit scales down the sum so far; lanes
//           and warps join their totals by shuffles.
// Contract: as 01.
// Launch:   block 256, grid min(rows, 2^31 - 1), 8 totals of static shared memory.
// Cost:     reads each logit once (twice in the gradient) in whole sectors; 2 barriers a row.
// Next:     A classifier of 10 classes leaves 246 threads of the block idle: 03 gives such rows to warps.
#include "cross_entropy/block.cuh"

namespace cross_entropy {

template <typename Done>
__device__ __forceinline__ void each_row(const Rows& rows, Done done) {
    block_rows(rows, done);
}

}  // namespace cross_entropy
#include "cross_entropy/kernels.cuh"
