// Idea:     One block for each group; each sum is computed by a tree in shared memory.
// Contract: as 01.
// Launch:   block 256, grid min(groups, 2^31 - 1), 256 triples of static shared memory.
// Cost:     as 01 in whole sectors; the second and third read of a row come from the cache. Two trees of 8
//           steps, with one barrier each.
// Next:     03 adds by shuffles, and uses a warp for a short row and a lane for a column.
#include "norm/layout.cuh"

namespace norming {

struct TreeTeam {
    int64 first, step;
    Sums* shared;
    __device__ __forceinline__ Sums sum(Sums mine) {
        int t = threadIdx.x;
        __syncthreads();  // the last sum has been read
        shared[t] = mine;
        for (int half = THREADS / 2; half > 0; half /= 2) {
            __syncthreads();
            if (t < half) shared[t] = shared[t] + shared[t + half];
        }
        __syncthreads();
        return shared[0];
    }
};

template <typename Function>
__device__ __forceinline__ void each_group(number* out, const number* x, const number* seed, int64 groups,
                                           int64 n, number eps, const Layout& layout) {
    __shared__ Sums shared[THREADS];
    TreeTeam team = {threadIdx.x, THREADS, shared};
    for (int64 g = blockIdx.x; g < groups; g += gridDim.x)
        Function::run(group_at(g, out, x, seed, layout), n, eps, team);
}

}  // namespace norming
#include "norm/kernels.cuh"
