// Idea:     Two pairs of tiles: while one is multiplied, asynchronous copies (cp.async, from sm_80 on) fill
//           the other, without using registers. Below sm_80 the same calls copy synchronously.
// Contract: as 01. A block has WARPS_M x WARPS_N warps; small products use a small block, so that more blocks
//           run.
// Launch:   block 32 * WARPS_M * WARPS_N, grid (cdiv(m, BM) * cdiv(n, BN), splits, min(batches, 65535)) with
//           BM = 64 * WARPS_M, BN = 32 * WARPS_N (half of both for float64); 2 x (16 x BM + 16 x BN) elements
//           of static shared memory.
// Cost:     as 07; the time to load a tile is hidden behind the arithmetic of the previous tile.
// Next:     Only float32 arithmetic remains. 09 uses tensor cores for it, which round their inputs to 10
//           bits.
#include "matmul/pipeline.cuh"

#ifndef WARPS_M
#define WARPS_M 2
#define WARPS_N 4
#define WARPS_BY_DEFAULT
#endif

extern "C" __global__ void __launch_bounds__(32 * WARPS_M * WARPS_N,
                                             sizeof(number) == 8 ? 1 : 16 / (WARPS_M * WARPS_N))
    matmul(multiplying::Problem whole) {
    typedef multiplying::Pipeline<WARPS_M, WARPS_N> Loop;
    __shared__ Loop::Tiles tiles;
    Loop::run(whole, tiles);
}
MATMUL_COMBINE
#undef MATMUL_COMBINE
#ifdef WARPS_BY_DEFAULT
#undef WARPS_M
#undef WARPS_N
#undef WARPS_BY_DEFAULT
#endif
