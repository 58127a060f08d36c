// Idea:     Each warp computes a tile of 64 x 32 elements of C (32 x 16 of float64), with its lanes arranged
//           8 x 4. The packs that the lanes load from shared memory are contiguous, and stay in registers for
//           all products of the warp's tile.
// Contract: as 01. Blocks are numbered so that blocks that run at the same time use the same rows of A and
//           columns of B in the cache.
// Launch:   block 256 (2 x 4 warps), grid (cdiv(m, BM) * cdiv(n, BN), splits, min(batches, 65535)) with BM =
//           BN = 128 (64 of float64); tiles of 16 x BM and 16 x BN elements of static shared memory.
// Cost:     as 06, without bank conflicts, and with half of the barriers.
// Next:     All threads wait while the next tiles are loaded: 08 loads them while these are multiplied.
#include "matmul/warp_tile.cuh"

extern "C" __global__ void __launch_bounds__(256, 1) matmul(multiplying::Problem whole) {
    using namespace multiplying;
    constexpr int BM = 2 * WM, BN = 4 * WN, BK = 16;
    __shared__ alignas(16) number as[BK][BM + LANES];
    __shared__ alignas(16) number bs[BK][BN + LANES];
    Tile at = tile_of(blockIdx.x, whole.m, whole.n, BM, BN);
    for (int64 z = blockIdx.z; z < whole.batches; z += gridDim.z) {
        Problem p = matrix(whole, z, blockIdx.y);
        Part part = part_of(p, blockIdx.y, BK);
        WarpTile tile(4);
        for (int64 k = part.first; k < part.stop; k += BK) {
            load_tiles<BM, BN, BK>(p, whole, at.row, at.column, k, part.stop, 256, as, bs);
            __syncthreads();
#pragma unroll
            for (int i = 0; i < BK; i++) tile.add(as[i], bs[i]);
            __syncthreads();  // before the next tiles
        }
        tile.store(p, at.row, at.column);
    }
}
MATMUL_COMBINE
#undef MATMUL_COMBINE
