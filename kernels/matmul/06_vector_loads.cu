// Idea:     Each load moves 16 bytes, from memory and from shared memory. The tile of A is stored transposed
//           in shared memory, (BK, BM), so that the 8 elements that a thread needs for one k are contiguous.
// Contract: as 01. Packs are used if strides and addresses keep them aligned; otherwise single elements, as
//           in 05.
// Launch:   as 05; the rows of the tiles are one pack longer, to avoid bank conflicts of the transposed
//           stores.
// Cost:     as 05, with a quarter of the load instructions.
// Next:     With 16 threads in a row, the packs of B that a warp reads are 32 bytes apart: 2 turns instead of
//           one. 07 arranges the threads of a warp so that the packs they read are contiguous.
#include "matmul/vectors.cuh"

extern "C" __global__ void __launch_bounds__(256, 1) matmul(multiplying::Problem whole) {
    using namespace multiplying;
    constexpr int TM = sizeof(number) == 8 ? 4 : 8, TN = TM, BM = 16 * TM, BN = 16 * TN, BK = 8;
    __shared__ alignas(16) number as[BK][BM + LANES];
    __shared__ alignas(16) number bs[BK][BN + LANES];
    int x = threadIdx.x % 16 * TN, y = threadIdx.x / 16 * TM;
    int64 across = (whole.n + BN - 1) / BN;
    int64 row = blockIdx.x / across * BM, column = blockIdx.x % across * BN;
    for (int64 z = blockIdx.z; z < whole.batches; z += gridDim.z) {
        Problem p = matrix(whole, z, blockIdx.y);
        Part part = part_of(p, blockIdx.y, BK);
        number sums[TM][TN] = {};  // (TM, TN) of C
        for (int64 k = part.first; k < part.stop; k += BK) {
            load_tiles<BM, BN, BK>(p, whole, row, column, k, part.stop, 256, as, bs);
            __syncthreads();
#pragma unroll
            for (int i = 0; i < BK; i++) {
                Pack a[TM / LANES], b[TN / LANES];
#pragma unroll
                for (int t = 0; t < TM / LANES; t++) a[t] = *(Pack*)&as[i][y + t * LANES];
#pragma unroll
                for (int t = 0; t < TN / LANES; t++) b[t] = *(Pack*)&bs[i][x + t * LANES];
#pragma unroll
                for (int t = 0; t < TM; t++)
#pragma unroll
                    for (int u = 0; u < TN; u++)
                        sums[t][u] += a[t / LANES].at[t % LANES] * b[u / LANES].at[u % LANES];
            }
            __syncthreads();  // before the next tiles
        }
#pragma unroll
        for (int t = 0; t < TM; t++)
#pragma unroll
            for (int u = 0; u < TN; u++) put(p, row + y + t, column + x + u, sums[t][u]);
    }
}
MATMUL_COMBINE
#undef MATMUL_COMBINE
