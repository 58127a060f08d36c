// Idea:     One thread for each group loops over its elements three times: for mean, variance and result.
// Contract: groups of n >= 1 elements in any layout; out is dense in the shape of the array. out = (x - mean)
//           / sqrt(variance + eps); the gradient also uses the incoming gradient, `seed`.
// Launch:   block 256, grid cdiv(groups, 256), no shared memory.
// Cost:     reads each element three times, and writes it once. The limit is bandwidth. If groups are dense
//           rows, neighbouring threads read addresses one row apart; and few groups use only few threads.
// Next:     In 02 a block shares a group.
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
