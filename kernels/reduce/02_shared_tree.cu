// Idea:     A block shares a row: thread t takes elements t, t + 256, ...; then half of the threads join the
//           states of the other half in shared memory, again and again, until one is left.
// Contract: as 01.
// Launch:   block 256, grid min(rows, 2^31 - 1), 256 states of static shared memory.
// Cost:     as 01, with loads that neighbours share. 8 steps with a barrier each end every row, in which more
//           and more threads only wait.
// Next:     03 joins the 32 states of a warp by shuffles, without memory and without a barrier.
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
