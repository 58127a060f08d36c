// Idea:     A row stays in the registers of its team: mean, variance and result are computed there, and
//           memory is read once, with 16 bytes in each load if rows are aligned.
// Contract: as 01. Rows of up to 32 KB whose elements have a constant stride are kept; others are computed as
//           in 03.
// Launch:   block 256; grid cdiv(groups, 8) for rows up to 4 KB, which a warp keeps, cdiv(groups, 32) for
//           columns, else groups; at most 2^31 - 1. 8 or 256 triples of static shared memory.
// Cost:     a row is read once and written once, which is the minimum; its gradient reads x and seed once.
//           The limit is bandwidth: a thread has up to 8 loads of 16 bytes in flight.
// Next:     Scale and shift by the weights of the layer are separate ops now; they could be computed while
//           the result is written. Few groups of many elements, as in batch norm of images, use only some
//           multiprocessors.
#include "norm/teams.cuh"
#include "registers.cuh"

namespace norming {

using registers::Share;

// A dense row; `Team` computes sums over its SIZE threads. The same as standardize_group, with the elements
// in registers.
template <int EACH, typename Team>
__device__ __forceinline__ void keep_row(Standardize, const Group& row, int n, number eps, Team& team) {
    int64 step_x = row.layout->inner_x[0], step_out = row.layout->inner_out[0];
    bool packed = registers::packable(row.x, step_x, n) && registers::packable(row.out, step_out, n);
    Share share(Team::SIZE, team.first, n, packed);
    number x[EACH], part = 1 / (number)n;
    Sums mine = {0, 0, 0};
    share.fetch(x, row.x, step_x, 0);
#pragma unroll
    for (int e = 0; e < EACH; e++) mine = mine + Sums{x[e] * part, fabs(x[e] * part), 0};
    Sums sums = team.sum(mine);
    Unit unit(sums.second, eps);
    number mean = sums.first * unit.inverse;
    mine = {0, 0, 0};
#pragma unroll
    for (int e = 0; e < EACH; e++) {
        x[e] = e < share.have ? x[e] * unit.inverse - mean
                              : 0;  // from here on x[e] is the difference to the mean
        mine = mine + Sums{x[e] * x[e], x[e], 0};
    }
    sums = team.sum(mine);
    number drift = sums.second * part;  // the rounding error of the mean
    number scale = 1 / sqrt(sums.first * part - drift * drift + unit.eps);
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
    number x[EACH], seed[EACH], part = 1 / (number)n;
    Sums mine = {0, 0, 0};
    share.fetch(x, row.x, step_x, 0);
    share.fetch(seed, row.seed, step_seed, 0);
#pragma unroll
    for (int e = 0; e < EACH; e++) mine = mine + Sums{x[e] * part, fabs(x[e] * part), seed[e]};
    Sums sums = team.sum(mine);
    Unit unit(sums.second, eps);
    number mean = sums.first * unit.inverse, mean_seed = sums.third * part;
    mine = {0, 0, 0};
#pragma unroll
    for (int e = 0; e < EACH; e++) {
        x[e] = e < share.have ? x[e] * unit.inverse - mean : 0;
        mine = mine + Sums{x[e] * x[e], x[e] * seed[e], 0};
    }
    sums = team.sum(mine);
    number variance = sums.first * part + unit.eps, scale = 1 / sqrt(variance);
    number slope = sums.second * part / variance;
#pragma unroll
    for (int e = 0; e < EACH; e++) x[e] = (seed[e] - mean_seed - x[e] * slope) * scale * unit.inverse;
    share.put(x, row.out, step_out);
}

template <typename Function>
__device__ __forceinline__ void each_group(number* out, const number* x, const number* seed, int64 groups,
                                           int64 n, number eps, const Layout& layout) {
    constexpr int MOST = registers::MOST;  // elements that a thread keeps
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
        __shared__ Sums shared[WARPS];
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
