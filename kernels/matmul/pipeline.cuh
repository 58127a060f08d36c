// The main loop of 08, which 09 also uses where it has no tensor cores: two pairs of tiles in shared memory,
// one filled by asynchronous copies while the other is multiplied.
#pragma once
#include <cuda_pipeline.h>
#include "matmul/warp_tile.cuh"

namespace multiplying {

// Starts the copy of the element or pack (row, column) of an operand to shared memory; elements outside of
// the matrix are zeros.
template <int BYTES>
__device__ __forceinline__ void send(number* to, const number* from, const number* safe, bool inside) {
    __pipeline_memcpy_async(to, inside ? from : safe, BYTES, inside ? 0 : BYTES);
}

// A (BK, WIDTH) tile, whose element (i, j) is at corner[i * k_stride + j * stride]; zeros for i >= `deep` and
// for j >= `wide`.
template <int BK, int WIDTH, int THREADS, typename Shared>
__device__ __forceinline__ void send_tile(const number* corner, int64 k_stride, int64 stride, int deep,
                                          int wide, bool packs, Shared& tile) {
    if (packs) {  // stride is 1
        constexpr int ACROSS = WIDTH / LANES, STEP = THREADS / ACROSS;
        int j = threadIdx.x % ACROSS * LANES, first = threadIdx.x / ACROSS;
        bool whole = j + LANES <= wide;
#pragma unroll
        for (int i = first; i < BK; i += STEP) {
            const number* from = corner + i * k_stride + j;
            if (whole || j >= wide || i >= deep)
                send<sizeof(Pack)>(&tile[i][j], from, corner, whole && i < deep);
            else
#pragma unroll 1
                for (int lane = 0; lane < LANES; lane++)
                    send<sizeof(number)>(&tile[i][j + lane], from + lane, corner, j + lane < wide);
        }
        return;
    }
    bool along_k = k_stride == 1;
#pragma unroll 1
    for (int e = threadIdx.x; e < BK * WIDTH; e += THREADS) {
        int i = along_k ? e % BK : e / WIDTH, j = along_k ? e / BK : e % WIDTH;
        send<sizeof(number)>(&tile[i][j], corner + i * k_stride + j * stride, corner, i < deep && j < wide);
    }
}

__device__ __forceinline__ int at_most(int64 n, int most) { return n < most ? (int)n : most; }

template <int DOWN, int ACROSS>
struct Pipeline {
    static constexpr int BM = DOWN * WM, BN = ACROSS * WN, BK = 16, THREADS = 32 * DOWN * ACROSS;
    struct Tiles {
        alignas(16) number as[2][BK][BM + LANES];
        alignas(16) number bs[2][BK][BN + LANES];
    };

    static __device__ __forceinline__ void run(const Problem& whole, Tiles& shared) {
        Tile at = tile_of(blockIdx.x, whole.m, whole.n, BM, BN);
        bool a_packs = packable(whole.a, whole.a_row, whole.a_column, whole.a_batch);
        bool b_packs = packable(whole.b, whole.b_column, whole.b_row, whole.b_batch);
        for (int64 z = blockIdx.z; z < whole.batches; z += gridDim.z) {
            Problem p = matrix(whole, z, blockIdx.y);
            Part part = part_of(p, blockIdx.y, BK);
            int high = at_most(p.m - at.row, BM), wide = at_most(p.n - at.column, BN);
            const number *a = p.a + at.row * p.a_row, *b = p.b + at.column * p.b_column;
            auto fetch = [&](int64 k, int stage) {
                int deep = at_most(part.stop - k, BK);
                if (deep > 0) {
                    send_tile<BK, BM, THREADS>(a + k * p.a_column, p.a_column, p.a_row, deep, high, a_packs,
                                               shared.as[stage]);
                    send_tile<BK, BN, THREADS>(b + k * p.b_row, p.b_row, p.b_column, deep, wide, b_packs,
                                               shared.bs[stage]);
                }
                __pipeline_commit();
            };
            WarpTile tile(ACROSS);
            int stage = 0;
            fetch(part.first, 0);
            for (int64 k = part.first; k < part.stop; k += BK, stage ^= 1) {
                fetch(k + BK, stage ^ 1);
                __pipeline_wait_prior(1);  // this thread's copies of the older tiles are done
                __syncthreads();           // and those of all threads
#pragma unroll 8                           // more would not fit into 128 registers
                for (int i = 0; i < BK; i++) tile.add(shared.as[stage][i], shared.bs[stage][i]);
                __syncthreads();  // before these tiles are overwritten
            }
            __pipeline_wait_prior(0);
            tile.store(p, at.row, at.column);
        }
    }
};

}  // namespace multiplying
