// Idea:     One warp for each row of up to 1024 classes: without shared memory and barriers.
// Contract: as 01.
// Launch:   block 256, grid cdiv(rows, 8) up to 1024 classes, else rows; at most 2^31 - 1. 8 totals of static
//           shared memory.
// Cost:     as 02; the second read of a short row comes from the cache. With few classes, the launch itself
//           takes most of the time.
// Next:     04 keeps a row in registers, so that the gradient reads it once.
#include "cross_entropy/block.cuh"

namespace cross_entropy {

template <typename Done>
__device__ __forceinline__ void each_row(const Rows& rows, Done done) {
    if (rows.classes > 1024) {
        block_rows(rows, done);
        return;
    }
    int lane = threadIdx.x % 32;
    int64 step = (int64)gridDim.x * WARPS;
    for (int64 r = (int64)blockIdx.x * WARPS + threadIdx.x / 32; r < rows.rows; r += step) {
        Total total = none();
        for (int64 i = lane; i < rows.classes; i += 32) total = join(total, alone(rows.at(r, i)));
        total = settled(join_warp(total));
        done(r, rows.class_of(r, lane == 0), total, Walked{rows, r, lane, 32, lane == 0});
    }
}

}  // namespace cross_entropy
#include "cross_entropy/kernels.cuh"
