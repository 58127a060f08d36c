// A row shared by a block, in one pass for the total and one to write: used by 03 and, for long rows, by 04.
#pragma once
#include "softmax/layout.cuh"

namespace softmaxing {

// A part of a row: elements first, first + step, ... The running total is rescaled when a larger top comes
// (Milakov and Gimelshein 2018).
template <typename Rule>
__device__ __forceinline__ Total online(const Row& row, int64 first, int64 n, int64 step) {
    Total total = first_total<Rule>();
    for (int64 i = first; i < n; i += step)
        total = join<Rule::SHIFTED>(total, alone<Rule>(row.at_x(i), row.at_y(i)));
    return total;
}

template <typename Rule>
__device__ __forceinline__ void block_rows(number* out, const number* x, const number* y, int64 rows, int64 n,
                                           const Layout& layout) {
    __shared__ Total totals[WARPS];
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    for (int64 r = blockIdx.x; r < rows; r += gridDim.x) {
        Row row = row_at(r, out, x, y, layout);
        Total total = join_warp<Rule::SHIFTED>(online<Rule>(row, threadIdx.x, n, THREADS));
        if (lane == 0) totals[warp] = total;
        __syncthreads();
        total = totals[0];
        for (int w = 1; w < WARPS; w++) total = join<Rule::SHIFTED>(total, totals[w]);
        if (Rule::SHIFTED) total = settled(total);
        for (int64 i = threadIdx.x; i < n; i += THREADS)
            row.set(i, Rule::result(row.at_x(i), row.at_y(i), total));
        __syncthreads();  // before the next row
    }
}

}  // namespace softmaxing
