// Idea:     The whole rule in one kernel, with one thread for each element, and one row of the grid for each
//           tensor. As separate ops, Adam would read and write arrays of the parameters' size fourteen times.
// Contract: up to 48 tensors of any sizes, dense, updated in place; the table has their addresses. Nothing
//           else is written.
// Launch:   block 256, grid (cdiv(largest n, 256), tensors), no shared memory.
// Cost:     Adam reads p, g, m, v and writes p, m, v: 28 bytes per element of float32; SGD has 12, with
//           momentum 20. The limit is bandwidth.
// Next:     A bias of 10 elements gets as many blocks as the largest matrix, and all but one have no work. 02
//           computes the number of blocks from chunks.
#include "optim/rules.cuh"

namespace stepping {

template <typename Rule>
__device__ __forceinline__ void step_all(const Table& table) {
    int t = blockIdx.y;
    Numbers numbers(table);
    int64 step = (int64)gridDim.x * blockDim.x;
    for (int64 i = (int64)blockIdx.x * blockDim.x + threadIdx.x; i < table.n[t]; i += step)
        step_at<Rule>(table, t, i, numbers);
}

}  // namespace stepping
#include "optim/kernels.cuh"
