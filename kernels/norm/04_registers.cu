// Idea:     A row stays in the registers of its team: mean, variance and result are worked out there, and
//           memory is read once, 16 bytes with each load where rows are aligned.
// Contract: as 01. Rows are kept whose elements are a fixed step apart, up to 32 KB; others go as in 03.
// Launch:   block 256; grid cdiv(groups, 8) for rows up to 4 KB, which a warp keeps, cdiv(groups, 32) for
//           columns, else groups; at most 2^31 - 1. 8 or 256 pairs of static shared memory.
// Cost:     a row is read once and written once, the least there is; its gradient reads x and seed once.
//           Bandwidth bounds it: a thread has up to 8 loads of 16 bytes on their way at once.
// Next:     Scale and shift by the layer's weights, an op of their own now, could be done while the result is
//           written. Few groups of many elements, as in batch norm of images, leave multiprocessors idle.
#include "norm/teams.cuh"
#include "registers.cuh"

namespace norming {

using registers::Share;

// A dense row; `Team` adds up what its SIZE threads have. As standardize_group, with the elements at hand.
template <int EACH, typename Team>
__device__ __forceinline__ void keep_row(Standardize, const Group& row, int n, number eps, Team& team) {
    int64 step_x = row.layout->inner_x[0], step_out = row.layout->inner_out[0];
    bool packed = registers::packable(row.x, step_x, n) && registers::packable(row.out, step_out, n);
    Share share(Team::SIZE, team.first, n, packed);
    number x[EACH], total = 0, squares = 0, drift = 0;
    share.fetch(x, row.x, step_x, 0);
#pragma unroll
    for (int e = 0; e < EACH; e++) total += x[e];
    number mean = team.sum(Pair{total, 0}).first / (number)n;
#pragma unroll
    for (int e = 0; e < EACH; e++) {
        x[e] = e < share.have ? x[e] - mean : 0;  // from here on the distance to the mean
        squares += x[e] * x[e];
        drift += x[e];
    }
    Pair sums = team.sum(Pair{squares, drift});
    drift = sums.second / (number)n;  // what rounding left between this mean and the true one
    number scale = 1 / sqrt(sums.first / (number)n - drift * drift + eps);
#pragma unroll
    for (int e = 0; e < EACH; e++) x[e] = (x[e] - drift) * scale;
    share.put(x, row.out, step_out);
}

template <int EACH, typename Team>
__device__ __forceinline__ void keep_row(StandardizeGrad, const Group& row, int n, number eps, Team& team) {
    int64 step_x = row.layout->inner_x[0], step_seed = row.layout->inner_seed[0],
          step_out = row.layout->inner_out[0];
    bool packed = registers::packable(row.x, step_x, n) && registers::packable(row.seed, step_seed, n) &&
                  registers::packable(row.out, step_out, n);
    Share share(Team::SIZE, team.first, n, packed);
    number x[EACH], seed[EACH], total = 0, seeds = 0, squares = 0, products = 0;
    share.fetch(x, row.x, step_x, 0);
    share.fetch(seed, row.seed, step_seed, 0);
#pragma unroll
    for (int e = 0; e < EACH; e++) {
        total += x[e];
        seeds += seed[e];
    }
    Pair sums = team.sum(Pair{total, seeds});
    number mean = sums.first / (number)n, mean_seed = sums.second / (number)n;
#pragma unroll
    for (int e = 0; e < EACH; e++) {
        x[e] = e < share.have ? x[e] - mean : 0;
        squares += x[e] * x[e];
        products += x[e] * seed[e];
    }
    sums = team.sum(Pair{squares, products});
    number variance = sums.first / (number)n + eps, scale = 1 / sqrt(variance);
    number slope = sums.second / (number)n / variance;
#pragma unroll
    for (int e = 0; e < EACH; e++) x[e] = (seed[e] - mean_seed - x[e] * slope) * scale;
    share.put(x, row.out, step_out);
}

template <typename Function>
__device__ __forceinline__ void each_group(number* out, const number* x, const number* seed, int64 groups,
                                           int64 n, number eps, const Layout& layout) {
    constexpr int MOST = registers::MOST;  // elements a thread keeps
    if (layout.columns || layout.inner_axes != 1 || n > THREADS * MOST) {
        shaped_groups<Function>(out, x, seed, groups, n, eps, layout);
    } else if (n <= 32 * MOST) {
        WarpTeam team = {threadIdx.x % 32, 32};
        int64 step = (int64)gridDim.x * WARPS;
        for (int64 g = (int64)blockIdx.x * WARPS + threadIdx.x / 32; g < groups; g += step) {
            Group row = group_at(g, out, x, seed, layout);
            if (n <= 32 * MOST / 8) keep_row<MOST / 8>(Function(), row, n, eps, team);
            else if (n <= 32 * MOST / 2) keep_row<MOST / 2>(Function(), row, n, eps, team);
            else keep_row<MOST>(Function(), row, n, eps, team);
        }
    } else {
        __shared__ Pair shared[WARPS];
        BlockTeam team = {threadIdx.x, THREADS, shared};
        for (int64 g = blockIdx.x; g < groups; g += gridDim.x) {
            Group row = group_at(g, out, x, seed, layout);
            if (n <= THREADS * MOST / 4) keep_row<MOST / 4>(Function(), row, n, eps, team);
            else keep_row<MOST>(Function(), row, n, eps, team);
        }
    }
}

}  // namespace norming
#include "norm/kernels.cuh"
