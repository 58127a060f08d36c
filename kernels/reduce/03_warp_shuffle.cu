// Idea:     Lanes of a warp hand their states to each other in 5 shuffles. Only one state a warp goes through
//           shared memory, with one barrier.
// Contract: as 01.
// Launch:   block 256, grid min(rows, 2^31 - 1), 8 states of static shared memory.
// Cost:     as 02, with 1 barrier for 8 where the states are joined.
// Next:     A block for a row of 10 elements idles, and one row of 10 million keeps one multiprocessor busy;
//           a sum over columns reads a sector for each element. 04 fits the work to the shape.
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
