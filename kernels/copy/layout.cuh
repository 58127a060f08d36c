// Two layouts of the same elements. The kernel only moves bits, so the element type is any type of the same
// size.
#pragma once
#include "common.cuh"

namespace copying {

constexpr int AXES = 8;
constexpr int TILE = 32;
constexpr int ROWS = 8;  // a block of 256 threads moves a tile in TILE / ROWS steps

struct Layout {
    int64 shape[AXES];
    int64 out[AXES];  // strides in elements; negative for a reversed axis
    int64 in[AXES];
    int32 axes;
    int32 tiled;  // the source has stride 1 on the last axis but one, the result on the last
    int32 unused[2];
};

// Splits index `i` into an index for each of the first `axes` axes, and adds their offsets in both layouts.
__device__ __forceinline__ void walk(int64 i, int axes, const Layout& layout, int64& out, int64& in) {
    for (int axis = axes - 1; axis >= 0; axis--) {
        int64 place;
        i = divide(i, layout.shape[axis], place);
        out += place * layout.out[axis];
        in += place * layout.in[axis];
    }
}

// Copies one element after another; the step is the number of threads in the grid.
__device__ __forceinline__ void copy_strided(number* __restrict__ out, const number* __restrict__ in, int64 n,
                                             const Layout& layout) {
    int64 step = (int64)gridDim.x * blockDim.x;
    for (int64 i = (int64)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
        int64 to = 0, from = 0;
        walk(i, layout.axes, layout, to, from);
        out[to] = in[from];
    }
}

// Copies tile after tile through shared memory: reads along the rows of the source, writes along the rows of
// the result. WIDTH is the length of a tile's row in shared memory.
template <int WIDTH>
__device__ __forceinline__ void copy_tiled(number* __restrict__ out, const number* __restrict__ in,
                                           int64 tiles, const Layout& layout, number (&tile)[TILE][WIDTH]) {
    int last = layout.axes - 1;
    int64 rows = layout.shape[last - 1], columns = layout.shape[last];
    int64 down = (rows + TILE - 1) / TILE, across = (columns + TILE - 1) / TILE;
    int lane = threadIdx.x % TILE, first = threadIdx.x / TILE;
    for (int64 t = blockIdx.x; t < tiles; t += gridDim.x) {
        int64 to = 0, from = 0;
        walk(t / (down * across), last - 1, layout, to, from);
        int64 row = t / across % down * TILE, column = t % across * TILE;
        for (int k = first; k < TILE; k += ROWS)  // lanes along the source's axis
            if (row + lane < rows && column + k < columns)
                tile[k][lane] =
                    in[from + (row + lane) * layout.in[last - 1] + (column + k) * layout.in[last]];
        __syncthreads();
        for (int k = first; k < TILE; k += ROWS)  // lanes along the result's
            if (row + k < rows && column + lane < columns)
                out[to + (row + k) * layout.out[last - 1] + (column + lane) * layout.out[last]] =
                    tile[lane][k];
        __syncthreads();  // before the next tile overwrites this one
    }
}

}  // namespace copying
