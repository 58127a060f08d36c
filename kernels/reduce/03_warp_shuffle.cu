// Idea:     The lanes of a warp combine their states in 5 shuffles. Only one state of each warp goes through
//           shared memory, with one barrier.
// Contract: as 01.
// Launch:   block 256, grid min(rows, 2^31 - 1), 8 states of static shared memory.
// Cost:     as 02, with 1 barrier instead of 8 to combine the states.
// Next:     For a row of 10 elements most of a block is idle, and one row of 10 million elements uses only
//           one multiprocessor; a sum over columns reads a sector for each element. In 04 the work depends on
//           the shape.
#include "reduce/layout.cuh"

namespace reducing {

template <typename R>
__device__ __forceinline__ void reduce_rows(typename R::Result* out, const void* in, typename R::State*,
                                            int64 rows, int64 n, int64, const Layout& layout) {
    __shared__ typename R::State states[WARPS];
    for (int64 row = blockIdx.x; row < rows; row += gridDim.x) {
        typename R::State state =
            gather_row<R>(R::start(), in, row_offset(row, layout), threadIdx.x, n, THREADS, layout);
        state = join_block<R>(state, states);
        if (threadIdx.x == 0) out[row] = R::finish(state);
    }
}

}  // namespace reducing
#include "reduce/kernels.cuh"
