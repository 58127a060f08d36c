// Idea:     A thread computes 4 x 4 results in registers: 8 loads from shared memory for 16 products, and 64
//           uses of an element for each computed address.
// Contract: as 01.
// Launch:   block 256, grid (cdiv(rows, 64) * cdiv(columns, 64), min(groups, 65535)), tiles of 16 x 64
//           elements twice in static shared memory.
// Cost:     as 02 with a quarter of the loads from memory. With few channels, the divisions that compute
//           addresses take longer than the products.
// Next:     Addresses could be updated by steps instead of divisions. The gradient by the weights, with few
//           results of many terms, needs its sum split over several blocks. Then the main loop of the matmul
//           ladder could be used.
#include "convolution/problem.cuh"

namespace convolving {

template <typename Product>
__device__ __forceinline__ void multiply(const Problem& p) {
    constexpr int TILE = 64, DEPTH = 16, EACH = 4;
    __shared__ number as[DEPTH][TILE + 1], bs[DEPTH][TILE];
    int64 rows = Product::rows(p), columns = Product::columns(p), depth = Product::depth(p);
    int x = threadIdx.x % 16, y = threadIdx.x / 16;
    int64 across = (columns + TILE - 1) / TILE, row = blockIdx.x / across * TILE,
          column = blockIdx.x % across * TILE;
    for (int64 g = blockIdx.y; g < p.groups; g += gridDim.y) {
        number sums[EACH][EACH] = {};
        for (int64 k = 0; k < depth; k += DEPTH) {
#pragma unroll 1
            for (int e = threadIdx.x; e < DEPTH * TILE; e += 256) {
                int64 i = row + e / DEPTH, j = column + e % TILE;
                int deep = e % DEPTH, level = e / TILE;
                as[deep][e / DEPTH] =
                    i < rows && k + deep < depth ? Product::a(p, g, i, k + deep) : number(0);
                bs[level][e % TILE] =
                    j < columns && k + level < depth ? Product::b(p, g, k + level, j) : number(0);
            }
            __syncthreads();
#pragma unroll
            for (int t = 0; t < DEPTH; t++)
#pragma unroll
                for (int u = 0; u < EACH; u++)
#pragma unroll
                    for (int v = 0; v < EACH; v++) sums[u][v] += as[t][y + 16 * u] * bs[t][x + 16 * v];
            __syncthreads();  // before the next tiles
        }
#pragma unroll
        for (int u = 0; u < EACH; u++)
#pragma unroll
            for (int v = 0; v < EACH; v++)
                if (row + y + 16 * u < rows && column + x + 16 * v < columns)
                    Product::put(p, g, row + y + 16 * u, column + x + 16 * v, sums[u][v]);
    }
}

}  // namespace convolving
#include "convolution/kernels.cuh"
