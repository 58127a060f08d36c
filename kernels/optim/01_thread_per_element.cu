// Idea:     The whole rule in one kernel, a thread for each element; a row of the grid for each tensor. Op by
//           op, Adam would read and write the parameters' size fourteen times over.
// Contract: up to 48 tensors of any sizes, dense, updated in place; the table says where they are. Nothing
//           else is written.
// Launch:   block 256, grid (cdiv(largest n, 256), tensors), no shared memory.
// Cost:     Adam reads p, g, m, v and writes p, m, v: 28 bytes an element of float32; SGD 12, with momentum
//           20. Bandwidth bounds it.
// Next:     A bias of 10 elements gets as many blocks as the largest matrix, all but one with nothing to do.
//           02 counts blocks by chunks.
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
