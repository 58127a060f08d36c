// Idea:     A thread computes a square of 8 x 8 elements of C (4 x 4 of float64) in registers: for each k, an
//           outer product of 8 elements of A and 8 of B.
// Contract: as 01.
// Launch:   block 256, grid (cdiv(m, BM) * cdiv(n, BN), splits, min(batches, 65535)) with BM = BN = 128 (64
//           of float64); tiles of BM x 8 and 8 x BN elements of static shared memory.
// Cost:     2 m n k FLOP for m n k / 64 loaded elements: 32 FLOP per byte of float32; 16 loads from shared
//           memory for 64 multiplications, so the limit is nearly the arithmetic.
// Next:     06 moves 16 bytes with each load, from memory and from shared memory.
#include "matmul/problem.cuh"

extern "C" __global__ void __launch_bounds__(256, 1) matmul(multiplying::Problem whole) {
    using namespace multiplying;
    constexpr int TM = sizeof(number) == 8 ? 4 : 8, TN = TM, BM = 16 * TM, BN = 16 * TN, BK = 8;
    __shared__ number as[BM][BK], bs[BK][BN];
    int x = threadIdx.x % 16 * TN, y = threadIdx.x / 16 * TM;
    int64 across = (whole.n + BN - 1) / BN;
    int64 row = blockIdx.x / across * BM, column = blockIdx.x % across * BN;
    for (int64 z = blockIdx.z; z < whole.batches; z += gridDim.z) {
        Problem p = matrix(whole, z, blockIdx.y);
        Part part = part_of(p, blockIdx.y, BK);
        number sums[TM][TN] = {};  // (TM, TN) of C
        for (int64 k = part.first; k < part.stop; k += BK) {
            load_tile<BM, BK>(p.a, p.a_row, p.a_column, row, k, p.m, part.stop, 256,
                              [&](int i, int j, number v) { as[i][j] = v; });
            load_tile<BK, BN>(p.b, p.b_row, p.b_column, k, column, part.stop, p.n, 256,
                              [&](int i, int j, number v) { bs[i][j] = v; });
            __syncthreads();
#pragma unroll
            for (int i = 0; i < BK; i++) {
                number a[TM], b[TN];
#pragma unroll
                for (int t = 0; t < TM; t++) a[t] = as[y + t][i];
#pragma unroll
                for (int t = 0; t < TN; t++) b[t] = bs[i][x + t];
#pragma unroll
                for (int t = 0; t < TM; t++)
#pragma unroll
                    for (int u = 0; u < TN; u++) sums[t][u] += a[t] * b[u];
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
