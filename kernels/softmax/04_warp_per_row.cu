// Idea:     One warp for each row of up to 1024 elements: each lane keeps its part in registers, so the row
//           is read once, and no barrier is needed. A block computes a longer row, and a thread a row that is
//           a column in memory.
// Contract: as 01.
// Launch:   block 256; grid cdiv(rows, 8) for short rows, cdiv(rows, 256) for columns, else rows; at most
//           2^31 - 1. 8 totals of static shared memory.
// Cost:     short rows: each element is read once and written once, which is the minimum. Long rows as 03.
// Next:     A lane's part of a row of 1024 elements, with one address for each element, and twice as much for
//           a gradient, needs more registers than two blocks have: 05 limits the registers, and moves 16
//           bytes at a time.
#include "softmax/block.cuh"

namespace softmaxing {

// A row in the registers of a warp: element k * 32 + lane is in x[k].
template <typename Rule, int EACH>
__device__ __forceinline__ void warp_row(const Row& row, int64 n) {
    int lane = threadIdx.x % 32;
    number x[EACH], y[EACH];
    Total total = first_total<Rule>();
#pragma unroll
    for (int k = 0; k < EACH; k++) {
        int64 i = k * 32 + lane;
        x[k] = i < n ? row.at_x(i) : limits<number>::lowest();
        y[k] = i < n ? row.at_y(i) : number(0);
    }
    if (Rule::SHIFTED) {
#pragma unroll
        for (int k = 0; k < EACH; k++) total.top = larger(total.top, x[k]);
        for (int distance = 16; distance > 0; distance /= 2)
            total.top = larger(total.top, __shfl_xor_sync(ALL, total.top, distance));
    }
#pragma unroll
    for (int k = 0; k < EACH; k++)
        if (k * 32 + lane < n) add<Rule>(total, x[k], y[k], total.top);
    for (int distance = 16; distance > 0; distance /= 2) {
        total.rest += __shfl_xor_sync(ALL, total.rest, distance);
        if (Rule::SHIFTED) total.ties += __shfl_xor_sync(ALL, total.ties, distance);
    }
#pragma unroll
    for (int k = 0; k < EACH; k++)
        if (k * 32 + lane < n) row.set(k * 32 + lane, Rule::result(x[k], y[k], total));
}

template <typename Rule>
__device__ __forceinline__ void each_row(number* out, const number* x, const number* y, int64 rows, int64 n,
                                         const Layout& layout) {
    if (layout.columns) {
        column_rows<Rule>(out, x, y, rows, n, layout);
        return;
    }
    if (n > 1024) {
        block_rows<Rule>(out, x, y, rows, n, layout);
        return;
    }
    int64 step = (int64)gridDim.x * WARPS;
    for (int64 r = (int64)blockIdx.x * WARPS + threadIdx.x / 32; r < rows; r += step) {
        Row row = row_at(r, out, x, y, layout);
        if (n <= 32) warp_row<Rule, 1>(row, n);
        else if (n <= 128) warp_row<Rule, 4>(row, n);
        else if (n <= 512) warp_row<Rule, 16>(row, n);
        else warp_row<Rule, 32>(row, n);
    }
}

}  // namespace softmaxing
#include "softmax/kernels.cuh"
