// Idea:     A tensor core multiplies 16 x 8 by 8 x 16 matrices in one instruction of a warp. Its inputs are
//           float32 rounded to TF32: 8 bits of exponent, 10 of mantissa; products and sums are float32.
// Contract: as 01, with about 3 decimal digits of each input. float64, and GPUs below sm_80, use 08 instead.
// Launch:   block 256 (2 x 4 warps, 64 x 32 of C each), grid (cdiv(m, 128) * cdiv(n, 128), splits,
//           min(batches, 65535)); tiles of 128 x 16 and 16 x 128 elements and 8 staging tiles of 16 x 16 in
//           static shared memory.
// Cost:     2 m n k FLOP, 16 x 16 x 8 of them in one instruction; now the limit is loading the tiles.
// Next:     mma.sync with fragments arranged by hand and three stages of tiles; on Hopper, wgmma with TMA.
#include <mma.h>
#include "matmul/pipeline.cuh"

namespace multiplying {

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
template <typename T>
struct TensorCores {
    static constexpr int BM = 128, BN = 128, BK = 16, PAD = 4;
    struct Tiles {
        alignas(32) float32 as[BM][BK + PAD];
        alignas(32) float32 bs[BK][BN + PAD];
        alignas(32) float32 out[8][16][16];
    };

    static __device__ void run(const Problem& whole, Tiles& shared) {
        using namespace nvcuda;
        int warp = threadIdx.x / 32, lane = threadIdx.x % 32, down = warp / 4 * 64, right = warp % 4 * 32;
        Tile at = tile_of(blockIdx.x, whole.m, whole.n, BM, BN);
        for (int64 z = blockIdx.z; z < whole.batches; z += gridDim.z) {
            Problem p = matrix(whole, z, blockIdx.y);
            Part part = part_of(p, blockIdx.y, BK);
            wmma::fragment<wmma::accumulator, 16, 16, 8, float> sums[4][2];  // (64, 32) of C
            for (int i = 0; i < 4; i++)
                for (int j = 0; j < 2; j++) wmma::fill_fragment(sums[i][j], 0.0f);
            for (int64 k = part.first; k < part.stop; k += BK) {
                // The inputs are rounded once here, instead of by every warp that loads a fragment.
                load_tile<BM, BK>(
                    p.a, p.a_row, p.a_column, at.row, k, p.m, part.stop, 256,
                    [&](int i, int j, number v) { shared.as[i][j] = wmma::__float_to_tf32(v); });
                load_tile<BK, BN>(
                    p.b, p.b_row, p.b_column, k, at.column, part.stop, p.n, 256,
                    [&](int i, int j, number v) { shared.bs[i][j] = wmma::__float_to_tf32(v); });
                __syncthreads();
#pragma unroll
                for (int step = 0; step < BK; step += 8) {
                    wmma::fragment<wmma::matrix_a, 16, 16, 8, wmma::precision::tf32, wmma::row_major> a[4];
                    wmma::fragment<wmma::matrix_b, 16, 16, 8, wmma::precision::tf32, wmma::row_major> b[2];
                    for (int i = 0; i < 4; i++)
                        wmma::load_matrix_sync(a[i], &shared.as[down + 16 * i][step], BK + PAD);
                    for (int j = 0; j < 2; j++)
                        wmma::load_matrix_sync(b[j], &shared.bs[step][right + 16 * j], BN + PAD);
                    for (int i = 0; i < 4; i++)
                        for (int j = 0; j < 2; j++) wmma::mma_sync(sums[i][j], a[i], b[j], sums[i][j]);
                }
                __syncthreads();  // before the next tiles
            }
            for (int i = 0; i < 4; i++)
                for (int j = 0; j < 2; j++) {
                    wmma::store_matrix_sync(&shared.out[warp][0][0], sums[i][j], 16, wmma::mem_row_major);
                    __syncwarp();
                    for (int e = lane; e < 256; e += 32)
                        put(p, at.row + down + 16 * i + e / 16, at.column + right + 16 * j + e % 16,
                            shared.out[warp][e / 16][e % 16]);
                    __syncwarp();  // before the next fragment is stored here
                }
        }
    }
};
#else
template <typename T>
struct TensorCores : Pipeline<2, 4> {};
#endif
template <>
struct TensorCores<float64> : Pipeline<2, 4> {};

}  // namespace multiplying

extern "C" __global__ void __launch_bounds__(256, 1) matmul(multiplying::Problem whole) {
    typedef multiplying::TensorCores<number> Loop;
    __shared__ Loop::Tiles tiles;
    Loop::run(whole, tiles);
}
MATMUL_COMBINE
#undef MATMUL_COMBINE
