// Rows with one pass for the total and one to write: by a block in 03, and in 04 for long rows; from 04 on by
// a thread if rows are neighbours in memory.
#pragma once
#include "softmax/layout.cuh"

namespace softmaxing {

// A part of a row: elements first, first + step, ... The running total is rescaled if a larger top comes
// (Milakov and Gimelshein 2018).
template <typename Rule>
__device__ __forceinline__ Total online(const Row& row, int64 first, int64 n, int64 step) {
    Total total = first_total<Rule>();
    for (int64 i = first; i < n; i += step)
        total = join<Rule::SHIFTED>(total, alone<Rule>(row.at_x(i), row.at_y(i)));
    return total;
}

// All threads of a block get its total; lane 0 of each warp has the total of its warp.
template <bool SHIFTED>
__device__ __forceinline__ Total join_warps(Total total, Total* totals) {
    if (threadIdx.x % 32 == 0) totals[threadIdx.x / 32] = total;
    __syncthreads();
    total = totals[0];
    for (int w = 1; w < WARPS; w++) total = join<SHIFTED>(total, totals[w]);
    return total;
}

template <typename Rule>
__device__ __forceinline__ void block_rows(number* out, const number* x, const number* y, int64 rows, int64 n,
                                           const Layout& layout) {
    __shared__ Total totals[WARPS];
    for (int64 r = blockIdx.x; r < rows; r += gridDim.x) {
        Row row = row_at(r, out, x, y, layout);
        Total total = join_warp<Rule::SHIFTED>(online<Rule>(row, threadIdx.x, n, THREADS));
        total = join_warps<Rule::SHIFTED>(total, totals);
        if (Rule::SHIFTED) total = settled(total);
        for (int64 i = threadIdx.x; i < n; i += THREADS)
            row.set(i, Rule::result(row.at_x(i), row.at_y(i), total));
        __syncthreads();  // before the next row
    }
}

// Rows that are neighbours in memory, with one thread for each: neighbouring threads read neighbours.
template <typename Rule>
__device__ __forceinline__ void column_rows(number* out, const number* x, const number* y, int64 rows,
                                            int64 n, const Layout& layout) {
    int64 step = (int64)gridDim.x * blockDim.x;
    for (int64 r = (int64)blockIdx.x * blockDim.x + threadIdx.x; r < rows; r += step) {
        Row row = row_at(r, out, x, y, layout);
        Total total = online<Rule>(row, 0, n, 1);
        if (Rule::SHIFTED) total = settled(total);
        for (int64 i = 0; i < n; i++) row.set(i, Rule::result(row.at_x(i), row.at_y(i), total));
    }
}

}  // namespace softmaxing
