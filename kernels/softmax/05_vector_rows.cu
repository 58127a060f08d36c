// Idea:     An aligned row is moved 16 bytes at a time, and registers are limited: a thread keeps 32 elements
//           (8 of float64), so that two blocks fit on a multiprocessor, with 64 KB in flight. A warp holds
//           1024 elements, a block 8192; a longer row is processed in tiles, and the last tile stays in
//           registers.
// Contract: as 01.
// Launch:   block 256; grid cdiv(rows, 8) for rows that a warp holds, cdiv(rows, 256) for columns, else
//           rows; at most 2^31 - 1. 8 totals of static shared memory.
// Cost:     each element is read once and written once, which is the minimum; of rows that no block can hold,
//           all tiles but the last are read twice. The limit is bandwidth; two exponentials per element.
// Next:     For rows that fit neither into registers nor into the cache, several blocks could share a row
//           through distributed shared memory.
#include "softmax/block.cuh"
#include "registers.cuh"

namespace softmaxing {

using registers::Share;

// Elements of a row that a thread keeps; exponentials of doubles need many registers too. With two
// exponentials per element, ptxas 13.0 for sm_100 starts so many of them early that 24 elements of two inputs
// do not fit into registers.
template <typename Rule>
constexpr int MOST = sizeof(number) == 8 ? 8 : 32;
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 1000
template <>
constexpr int MOST<LogSoftmaxGrad> = sizeof(number) == 8 ? 8 : 16;
#endif

// The total of the elements of a thread. Missing elements are -infinity, or 0, and add nothing.
template <typename Rule, int EACH>
__device__ __forceinline__ Total total_of(const number (&x)[EACH], const number (&y)[EACH]) {
    Total total = first_total<Rule>();
    if (Rule::SHIFTED) {
#pragma unroll
        for (int e = 0; e < EACH; e++) total.top = larger(total.top, x[e]);
    }
    // If all elements so far are -infinity, terms are computed relative to 0, so that they are 0 and not NaN.
    number top = total.top == limits<number>::lowest() ? number(0) : total.top;
#pragma unroll
    for (int e = 0; e < EACH; e++) add<Rule>(total, x[e], y[e], top);
    return total;
}

// A team of threads computes a row; each of them keeps EACH elements of it at a time.
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
    } else if (n <= 32 * MOST<Rule>) {
        int64 step = (int64)gridDim.x * WARPS;
        for (int64 r = (int64)blockIdx.x * WARPS + threadIdx.x / 32; r < rows; r += step) {
            Row row = row_at(r, out, x, y, layout);
            if (n <= 32 * MOST<Rule> / 4) keep_row<Rule, 32, MOST<Rule> / 4>(row, n, nullptr);
            else keep_row<Rule, 32, MOST<Rule>>(row, n, nullptr);
        }
    } else {
        __shared__ Total totals[WARPS];
        for (int64 r = blockIdx.x; r < rows; r += gridDim.x) {
            Row row = row_at(r, out, x, y, layout);
            if (n <= THREADS * MOST<Rule> / 4) keep_row<Rule, THREADS, MOST<Rule> / 4>(row, n, totals);
            else keep_row<Rule, THREADS, MOST<Rule>>(row, n, totals);
            __syncthreads();  // before the next row
        }
    }
}

}  // namespace softmaxing
#define RESIDENT 2
#include "softmax/kernels.cuh"
