// Idea:     A thread for each group walks its elements three times: mean, variance, result.
// Contract: groups of n >= 1 elements in any layout; out is dense in the array's own shape. out = (x - mean)
//           / sqrt(variance + eps); the gradient also takes the incoming gradient, `seed`.
// Launch:   block 256, grid cdiv(groups, 256), no shared memory.
// Cost:     reads each element three times, writes it once. Bandwidth bounds it; where groups are dense rows,
//           neighbouring threads are a row apart, and few groups keep few threads busy.
// Next:     02 lets a block share a group.
#include "norm/layout.cuh"

namespace norming {

template <typename Function>
__device__ __forceinline__ void each_group(number* out, const number* x, const number* seed, int64 groups,
                                           int64 n, number eps, const Layout& layout) {
    int64 g = (int64)blockIdx.x * blockDim.x + threadIdx.x;
    if (g >= groups) return;
    Alone team = {0, 1};
    Function::run(group_at(g, out, x, seed, layout), n, eps, team);
}

}  // namespace norming
#include "norm/kernels.cuh"
