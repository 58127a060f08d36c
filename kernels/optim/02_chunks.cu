// Idea:     Tensors are split into chunks of 4096 elements, with one block for each chunk of any tensor: many
//           small tensors need one launch and few blocks.
// Contract: as 01.
// Launch:   block 256, grid (chunks of all tensors), no shared memory.
// Cost:     as 01.
// Next:     In 03 each load and store moves 16 bytes.
#include "optim/rules.cuh"

namespace stepping {

// The index of the tensor that has chunk `block`.
__device__ __forceinline__ int tensor_of(const Table& table, int64 block) {
    int t = 0;
    while (t + 1 < table.count && table.chunk[t + 1] <= block) t++;
    return t;
}

template <typename Rule>
__device__ __forceinline__ void step_all(const Table& table) {
    int t = tensor_of(table, blockIdx.x);
    Numbers numbers(table);
    int64 first = (blockIdx.x - table.chunk[t]) * CHUNK,
          stop = first + CHUNK < table.n[t] ? first + CHUNK : table.n[t];
    for (int64 i = first + threadIdx.x; i < stop; i += blockDim.x) step_at<Rule>(table, t, i, numbers);
}

}  // namespace stepping
#include "optim/kernels.cuh"
