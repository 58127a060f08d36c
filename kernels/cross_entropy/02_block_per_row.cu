// Idea:     One block for each row, and one pass for the total: if a larger logit comes, the sum so far is
//           scaled down. Lanes and warps combine their totals by shuffles.
// Contract: as 01.
// Launch:   block 256, grid min(rows, 2^31 - 1), 8 totals of static shared memory.
// Cost:     reads each logit once (twice for the gradient) in whole sectors; 2 barriers for each row.
// Next:     With 10 classes, 246 threads of the block are idle: 03 gives such rows to warps.
#include "cross_entropy/block.cuh"

namespace cross_entropy {

template <typename Done>
__device__ __forceinline__ void each_row(const Rows& rows, Done done) {
    block_rows(rows, done);
}

}  // namespace cross_entropy
#include "cross_entropy/kernels.cuh"
