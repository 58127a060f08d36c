// Idea:     The block copies a tile of A and a tile of B to shared memory, and each thread uses a row of one
//           and a column of the other: each loaded element is used 32 times.
// Contract: as 01.
// Launch:   block 1024 (32 x 32), grid (cdiv(m, 32) * cdiv(n, 32), splits, min(batches, 65535)), 2 tiles of
//           32 x 32 elements of static shared memory.
// Cost:     2 m n k FLOP for m n k / 16 loaded elements: 8 FLOP per byte of float32. Now the limit is shared
//           memory: two loads for each multiplication.
// Next:     In 04 a thread computes 8 elements of C, so that an element of B in a register is used 8 times.
#include "matmul/problem.cuh"

extern "C" __global__ void __launch_bounds__(1024, 1) matmul(multiplying::Problem whole) {
    using namespace multiplying;
    constexpr int TILE = 32;
    __shared__ number as[TILE][TILE], bs[TILE][TILE];
    int x = threadIdx.x % TILE, y = threadIdx.x / TILE;
    int64 across = (whole.n + TILE - 1) / TILE;
    int64 row = blockIdx.x / across * TILE, column = blockIdx.x % across * TILE;
    for (int64 z = blockIdx.z; z < whole.batches; z += gridDim.z) {
        Problem p = matrix(whole, z, blockIdx.y);
        Part part = part_of(p, blockIdx.y, TILE);
        number sum = 0;
        for (int64 k = part.first; k < part.stop; k += TILE) {
            load_tile<TILE, TILE>(p.a, p.a_row, p.a_column, row, k, p.m, part.stop, TILE * TILE,
                                  [&](int i, int j, number v) { as[i][j] = v; });
            load_tile<TILE, TILE>(p.b, p.b_row, p.b_column, k, column, part.stop, p.n, TILE * TILE,
                                  [&](int i, int j, number v) { bs[i][j] = v; });
            __syncthreads();
            for (int i = 0; i < TILE; i++) sum += as[y][i] * bs[i][x];
            __syncthreads();  // before the next tiles
        }
        put(p, row + y, column + x, sum);
    }
}
MATMUL_COMBINE
#undef MATMUL_COMBINE
