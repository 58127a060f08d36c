// A row shared by a block; used by 02, and from 03 on for many classes.
#pragma once
#include "cross_entropy/layout.cuh"

namespace cross_entropy {

// All lanes get the total of the warp. Each step combines the lower lane's total with the upper lane's in
// this order, so all lanes get the same bits.
__device__ __forceinline__ Total join_warp(Total total) {
    for (int distance = 16; distance > 0; distance /= 2) {
        Total other = {__shfl_xor_sync(ALL, total.top, distance), __shfl_xor_sync(ALL, total.ties, distance),
                       __shfl_xor_sync(ALL, total.rest, distance)};
        total = threadIdx.x & distance ? join(other, total) : join(total, other);
    }
    return total;
}

// All threads of a block get its total; lane 0 of each warp has the total of its warp.
__device__ __forceinline__ Total join_warps(Total total, Total* totals) {
    if (threadIdx.x % 32 == 0) totals[threadIdx.x / 32] = total;
    __syncthreads();
    total = totals[0];
    for (int w = 1; w < WARPS; w++) total = join(total, totals[w]);
    return total;
}

template <typename Done>
__device__ __forceinline__ void block_rows(const Rows& rows, Done done) {
    __shared__ Total totals[WARPS];
    for (int64 r = blockIdx.x; r < rows.rows; r += gridDim.x) {
        Total total = none();
        for (int64 i = threadIdx.x; i < rows.classes; i += THREADS) total = join(total, alone(rows.at(r, i)));
        total = join_warps(join_warp(total), totals);
        bool leads = threadIdx.x == 0;
        done(r, rows.class_of(r, leads), settled(total), Walked{rows, r, threadIdx.x, THREADS, leads});
        __syncthreads();  // before the next row
    }
}

}  // namespace cross_entropy
