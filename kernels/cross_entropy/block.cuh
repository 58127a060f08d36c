// A row shared by a block; used by 02 and, for many classes, by 03.
#pragma once
#include "cross_entropy/layout.cuh"

namespace cross_entropy {

// All lanes get the warp's total; the lower lane comes first on both sides, so all get the same bits.
__device__ __forceinline__ Total join_warp(Total total) {
    for (int distance = 16; distance > 0; distance /= 2) {
        Total other = {__shfl_xor_sync(ALL, total.top, distance), __shfl_xor_sync(ALL, total.sum, distance)};
        total = threadIdx.x & distance ? join(other, total) : join(total, other);
    }
    return total;
}

template <typename Done>
__device__ __forceinline__ void block_rows(const Rows& rows, Done done) {
    __shared__ Total totals[WARPS];
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    for (int64 r = blockIdx.x; r < rows.rows; r += gridDim.x) {
        Total total = none();
        for (int64 i = threadIdx.x; i < rows.classes; i += THREADS) total = join(total, alone(rows.at(r, i)));
        total = join_warp(total);
        if (lane == 0) totals[warp] = total;
        __syncthreads();
        total = totals[0];
        for (int w = 1; w < WARPS; w++) total = join(total, totals[w]);
        done(r, rows.class_of(r, threadIdx.x == 0), settled(total), threadIdx.x, THREADS);
        __syncthreads();  // before the next row
    }
}

}  // namespace cross_entropy
