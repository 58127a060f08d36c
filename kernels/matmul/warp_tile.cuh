// The tile of a warp: 8 x 4 lanes, each with 2 x 2 squares of LANES x LANES elements of C. The packs that the
// lanes read from a row of shared memory are contiguous, or the same address for all: no bank conflicts.
#pragma once
#include "matmul/vectors.cuh"

namespace multiplying {

constexpr int WM = 2 * 8 * LANES, WN = 2 * 4 * LANES;  // 64 x 32 of float32, 32 x 16 of float64

struct WarpTile {
    number sums[2 * LANES][2 * LANES] = {};
    int y, x;  // this lane's first element within the block's tile

    // Warp `warp` of a block with `across` warps side by side.
    __device__ __forceinline__ WarpTile(int across) {
        int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
        y = warp / across * WM + lane / 4 * LANES;
        x = warp % across * WN + lane % 4 * LANES;
    }

    // Adds the products of one k: `a` and `b` are rows of the tiles in shared memory.
    __device__ __forceinline__ void add(const number* a, const number* b) {
        Pack as[2], bs[2];
#pragma unroll
        for (int t = 0; t < 2; t++) {
            as[t] = *(const Pack*)&a[y + t * 8 * LANES];
            bs[t] = *(const Pack*)&b[x + t * 4 * LANES];
        }
#pragma unroll
        for (int t = 0; t < 2 * LANES; t++)
#pragma unroll
            for (int u = 0; u < 2 * LANES; u++)
                sums[t][u] += as[t / LANES].at[t % LANES] * bs[u / LANES].at[u % LANES];
    }

    __device__ __forceinline__ void store(const Problem& p, int64 row, int64 column) const {
        const number* bias = p.splits == 1 && p.bias ? p.bias + column + x : nullptr;
        number* line = p.c + (row + y) * p.n + column + x;
        int high = p.m - row - y < WM ? (int)(p.m - row - y) : WM,
            wide = p.n - column - x < WN ? (int)(p.n - column - x) : WN;
#pragma unroll
        for (int t = 0; t < 2 * LANES; t++) {
            int i = t / LANES * 8 * LANES + t % LANES;
#pragma unroll
            for (int u = 0; u < 2 * LANES; u++) {
                int j = u / LANES * 4 * LANES + u % LANES;
                if (i < high && j < wide)
                    line[i * p.n + j] = bias ? number(sums[t][u] + bias[j]) : sums[t][u];
            }
        }
    }
};

struct Tile {
    int64 row, column;
};
// The tile of C that a block computes: 8 rows of tiles at a time, column by column, so that blocks that run
// at the same time share the data of A and B in the second-level cache.
__device__ __forceinline__ Tile tile_of(int64 block, int64 m, int64 n, int bm, int bn) {
    int64 down = (m + bm - 1) / bm, across = (n + bn - 1) / bn, group = block / (8 * across);
    int64 height = down - group * 8 < 8 ? down - group * 8 : 8, rest = block - group * 8 * across;
    return {(group * 8 + rest % height) * bm, rest / height * bn};
}

}  // namespace multiplying
