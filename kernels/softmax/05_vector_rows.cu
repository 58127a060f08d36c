// Idea:     The row moves 16 bytes at a time where it is aligned, and registers are counted: a thread keeps
//           32 elements (8 of float64) and two blocks fit a multiprocessor, with 64 KB on their way. A warp
//           holds 1024 elements, a block 8192; a longer row goes tile by tile, the last of which stays.
// Contract: as 01.
// Launch:   block 256; grid cdiv(rows, 8) for rows that a warp holds, cdiv(rows, 256) for columns, else
//           rows; at most 2^31 - 1. 8 totals of static shared memory.
// Cost:     each element is read once and written once, the least there is; of rows that no block holds, all
//           but a tile is read twice. Bandwidth bounds it; exp twice an element.
// Next:     For rows that fit neither registers nor cache, several blocks could share a row through
//           distributed shared memory.
#include "softmax/block.cuh"
#include "registers.cuh"

namespace softmaxing {

using registers::Share;

// Elements of a row that a thread keeps; exponentials of doubles need registers too.
constexpr int MOST = sizeof(number) == 4 ? 32 : 8;

// The total of a thread's elements. What is missing is -infinity, or 0, and adds nothing.
template <typename Rule, int EACH>
__device__ __forceinline__ Total total_of(const number (&x)[EACH], const number (&y)[EACH]) {
    Total total = first_total<Rule>();
    if (Rule::SHIFTED) {
#pragma unroll
        for (int e = 0; e < EACH; e++) total.top = larger(total.top, x[e]);
    }
    // Where all is -infinity so far, terms are taken relative to 0: they are 0, and no NaN.
    number top = total.top == limits<number>::lowest() ? number(0) : total.top;
#pragma unroll
    for (int e = 0; e < EACH; e++) total.sum += Rule::term(x[e], y[e], top);
    return total;
}

// A row by a team of threads, each of which keeps EACH elements of it at a time.
template <typename Rule, int TEAM, int EACH>
__device__ __forceinline__ void keep_row(const Row& row, int64 n, Total* totals) {
    constexpr int TILE = TEAM * EACH;
    const number rest = Rule::SHIFTED ? limits<number>::lowest() : number(0);
    bool packed = registers::packable(row.x, row.step_x, n) &&
                  registers::packable(row.out, row.step_out, n) &&
                  (Rule::SHIFTED || registers::packable(row.y, row.step_y, n));
    int64 last = TEAM == 32 ? 0 : (n - 1) / TILE * TILE;  // where the last tile begins; a warp has but one
    number x[EACH], y[EACH] = {};
    auto share_of = [&](int64 first) {  // the thread's part of the tile that begins at `first`
        return Share(TEAM, threadIdx.x % TEAM, (int)(n - first < TILE ? n - first : TILE), packed);
    };
    auto fetch = [&](int64 first) {
        share_of(first).fetch(x, row.x + first * row.step_x, row.step_x, rest);
        if (!Rule::SHIFTED) share_of(first).fetch(y, row.y + first * row.step_y, row.step_y, number(0));
    };
    Total total = first_total<Rule>();
    for (int64 first = 0; first <= last; first += TILE) {
        fetch(first);
        total = join<Rule::SHIFTED>(total, total_of<Rule>(x, y));
    }
    total = join_warp<Rule::SHIFTED>(total);
    if (TEAM > 32) total = join_warps<Rule::SHIFTED>(total, totals);
    if (Rule::SHIFTED) total = settled(total);
    for (int64 first = last; first >= 0; first -= TILE) {
        if (first < last) fetch(first);
#pragma unroll
        for (int e = 0; e < EACH; e++) x[e] = Rule::result(x[e], y[e], total);
        share_of(first).put(x, row.out + first * row.step_out, row.step_out);
    }
}

template <typename Rule>
__device__ __forceinline__ void each_row(number* out, const number* x, const number* y, int64 rows, int64 n,
                                         const Layout& layout) {
    if (layout.columns) {
        column_rows<Rule>(out, x, y, rows, n, layout);
    } else if (n <= 32 * MOST) {
        int64 step = (int64)gridDim.x * WARPS;
        for (int64 r = (int64)blockIdx.x * WARPS + threadIdx.x / 32; r < rows; r += step) {
            Row row = row_at(r, out, x, y, layout);
            if (n <= 32 * MOST / 4) keep_row<Rule, 32, MOST / 4>(row, n, nullptr);
            else keep_row<Rule, 32, MOST>(row, n, nullptr);
        }
    } else {
        __shared__ Total totals[WARPS];
        for (int64 r = blockIdx.x; r < rows; r += gridDim.x) {
            Row row = row_at(r, out, x, y, layout);
            if (n <= THREADS * MOST / 4) keep_row<Rule, THREADS, MOST / 4>(row, n, totals);
            else keep_row<Rule, THREADS, MOST>(row, n, totals);
            __syncthreads();  // before the next row
        }
    }
}

}  // namespace softmaxing
#define RESIDENT 2
#include "softmax/kernels.cuh"
