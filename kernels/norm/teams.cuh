// The teams of threads that share a group, from 03 on: a warp, a block, or the 8 threads of a column.
#pragma once
#include "norm/layout.cuh"

namespace norming {

__device__ __forceinline__ Sums sum_warp(Sums mine) {
    for (int distance = 16; distance > 0; distance /= 2)
        mine = mine + Sums{__shfl_xor_sync(ALL, mine.first, distance),
                           __shfl_xor_sync(ALL, mine.second, distance),
                           __shfl_xor_sync(ALL, mine.third, distance)};
    return mine;
}

struct WarpTeam {
    static constexpr int SIZE = 32;
    int64 first, step;
    __device__ __forceinline__ Sums sum(Sums mine) { return sum_warp(mine); }
};

struct BlockTeam {
    static constexpr int SIZE = THREADS;
    int64 first, step;
    Sums* shared;  // one for each warp
    __device__ __forceinline__ Sums sum(Sums mine) {
        mine = sum_warp(mine);
        __syncthreads();  // the last sum has been read
        if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = mine;
        __syncthreads();
        Sums total = shared[0];
        for (int w = 1; w < WARPS; w++) total = total + shared[w];
        return total;
    }
};

// The 8 threads, one in each warp, that share a column.
struct ColumnTeam {
    int64 first, step;
    Sums* shared;  // (WARPS, 32)
    __device__ __forceinline__ Sums sum(Sums mine) {
        int lane = threadIdx.x % 32;
        __syncthreads();  // the last sum has been read
        shared[threadIdx.x] = mine;
        __syncthreads();
        Sums total = shared[lane];
        for (int w = 1; w < WARPS; w++) total = total + shared[w * 32 + lane];
        return total;
    }
};

// Selects the team for each group by the shape of the groups.
template <typename Function>
__device__ __forceinline__ void shaped_groups(number* out, const number* x, const number* seed, int64 groups,
                                              int64 n, number eps, const Layout& layout) {
    __shared__ Sums shared[THREADS];
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    if (layout.columns) {
        for (int64 block = blockIdx.x; block * 32 < groups; block += gridDim.x) {
            int64 g = block * 32 + lane;
            bool mine = g < groups;  // lanes past the end take part in the sums, without elements
            ColumnTeam team = {warp, WARPS, shared};
            Function::run(group_at(mine ? g : 0, out, x, seed, layout), mine ? n : 0, eps, team);
        }
    } else if (n <= 1024) {
        int64 step = (int64)gridDim.x * WARPS;
        for (int64 g = (int64)blockIdx.x * WARPS + warp; g < groups; g += step) {
            WarpTeam team = {lane, 32};
            Function::run(group_at(g, out, x, seed, layout), n, eps, team);
        }
    } else {
        BlockTeam team = {threadIdx.x, THREADS, shared};
        for (int64 g = blockIdx.x; g < groups; g += gridDim.x)
            Function::run(group_at(g, out, x, seed, layout), n, eps, team);
    }
}

}  // namespace norming
