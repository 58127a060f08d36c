// Idea:     A convolution is a matrix product: one matrix has the weights, the other has a window of x in
//           each column. The second one is not stored: the block computes the addresses of its elements while
//           it loads a tile of it into shared memory.
// Contract: as 01.
// Launch:   block 256 (16 x 16), grid (cdiv(rows, 16) * cdiv(columns, 16), min(groups, 65535)), 2 tiles of 16
//           x 16 elements of static shared memory.
// Cost:     as 01 with a sixteenth of the loads, and of the divisions that compute addresses.
// Next:     03 computes 16 results in each thread.
#include "convolution/problem.cuh"

namespace convolving {

template <typename Product>
__device__ __forceinline__ void multiply(const Problem& p) {
    constexpr int TILE = 16;
    __shared__ number as[TILE][TILE], bs[TILE][TILE];
    int64 rows = Product::rows(p), columns = Product::columns(p), depth = Product::depth(p);
    int x = threadIdx.x % TILE, y = threadIdx.x / TILE;
    int64 across = (columns + TILE - 1) / TILE, i = blockIdx.x / across * TILE + y,
          j = blockIdx.x % across * TILE + x;
    for (int64 g = blockIdx.y; g < p.groups; g += gridDim.y) {
        number sum = 0;
        for (int64 k = 0; k < depth; k += TILE) {
            as[y][x] = i < rows && k + x < depth ? Product::a(p, g, i, k + x) : number(0);
            bs[y][x] = j < columns && k + y < depth ? Product::b(p, g, k + y, j) : number(0);
            __syncthreads();
            for (int t = 0; t < TILE; t++) sum += as[y][t] * bs[t][x];
            __syncthreads();  // before the next tiles
        }
        if (i < rows && j < columns) Product::put(p, g, i, j, sum);
    }
}

}  // namespace convolving
#include "convolution/kernels.cuh"
