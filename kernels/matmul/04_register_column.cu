// Idea:     A thread computes 8 elements of a column of C. An element of B is loaded from shared memory once
//           and multiplied 8 times.
// Contract: as 01.
// Launch:   block 512, grid (cdiv(m, 64) * cdiv(n, 64), splits, min(batches, 65535)), tiles of 64 x 8 and 8 x
//           64 elements of static shared memory.
// Cost:     2 m n k FLOP for m n k / 32 loaded elements: 16 FLOP per byte of float32; 9 loads from shared
//           memory for 8 multiplications.
// Next:     In 05 a thread computes 8 x 8 elements: 16 loads for 64 multiplications.
#include "matmul/problem.cuh"

extern "C" __global__ void __launch_bounds__(512, 1) matmul(multiplying::Problem whole) {
    using namespace multiplying;
    constexpr int BM = 64, BN = 64, BK = 8, TM = 8, THREADS = BM * BN / TM;
    __shared__ number as[BM][BK], bs[BK][BN];
    int x = threadIdx.x % BN, y = threadIdx.x / BN * TM;
    int64 across = (whole.n + BN - 1) / BN;
    int64 row = blockIdx.x / across * BM, column = blockIdx.x % across * BN;
    for (int64 z = blockIdx.z; z < whole.batches; z += gridDim.z) {
        Problem p = matrix(whole, z, blockIdx.y);
        Part part = part_of(p, blockIdx.y, BK);
        number sums[TM] = {};  // (TM, 1) of C
        for (int64 k = part.first; k < part.stop; k += BK) {
            load_tile<BM, BK>(p.a, p.a_row, p.a_column, row, k, p.m, part.stop, THREADS,
                              [&](int i, int j, number v) { as[i][j] = v; });
            load_tile<BK, BN>(p.b, p.b_row, p.b_column, k, column, part.stop, p.n, THREADS,
                              [&](int i, int j, number v) { bs[i][j] = v; });
            __syncthreads();
#pragma unroll 4  // all 8 at once would not fit into 128 registers
            for (int i = 0; i < BK; i++) {
                number b = bs[i][x];
#pragma unroll
                for (int t = 0; t < TM; t++) sums[t] += as[y + t][i] * b;
            }
            __syncthreads();  // before the next tiles
        }
        for (int t = 0; t < TM; t++) put(p, row + y + t, column + x, sums[t]);
    }
}
MATMUL_COMBINE
#undef MATMUL_COMBINE
