// Idea:     A block shares a row: thread t has elements t, t + 256, ... Then half of the threads combine
//           their states with those of the other half in shared memory, and so on, until one state is left.
// Contract: as 01.
// Launch:   block 256, grid min(rows, 2^31 - 1), 256 states of static shared memory.
// Cost:     as 01, with coalesced loads. Each row ends with 8 steps with one barrier each, in which more and
//           more threads only wait.
// Next:     03 combines the 32 states of a warp by shuffles, without memory and without a barrier.
#include "reduce/layout.cuh"

namespace reducing {

template <typename R>
__device__ __forceinline__ void reduce_rows(typename R::Result* out, const void* in, typename R::State*,
                                            int64 rows, int64 n, int64, const Layout& layout) {
    __shared__ typename R::State states[THREADS];
    int t = threadIdx.x;
    for (int64 row = blockIdx.x; row < rows; row += gridDim.x) {
        states[t] = gather_row<R>(R::start(), in, row_offset(row, layout), t, n, THREADS, layout);
        for (int half = THREADS / 2; half > 0; half /= 2) {
            __syncthreads();
            if (t < half) states[t] = R::join(states[t], states[t + half]);
        }
        if (t == 0) out[row] = R::finish(states[0]);
        __syncthreads();  // before the next row
    }
}

}  // namespace reducing
#include "reduce/kernels.cuh"
