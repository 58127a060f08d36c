// Three ways to divide the work, one for each shape of a reduction; the rungs from 04 on choose between them.
#pragma once
#include "reduce/layout.cuh"

namespace reducing {

constexpr int SHORT = 1024;  // the longest row that one warp reduces

// The elements of a row that belong to one of `splits` blocks.
struct Part {
    int64 first, stop;
};
__device__ __forceinline__ Part part_of(int64 n, int64 split, int64 splits) {
    int64 size = (n + splits - 1) / splits;
    int64 first = size * split, stop = first + size;
    return {first < n ? first : n, stop < n ? stop : n};
}

// Columns: lanes have neighbouring rows, which are neighbours in memory; the 8 warps of the block process
// every eighth element. Blocks are numbered along the columns first, then along the splits.
template <typename R>
__device__ __forceinline__ void reduce_columns(typename R::Result* out, const void* in,
                                               typename R::State* partial, int64 rows, int64 n, int64 splits,
                                               const Layout& layout) {
    __shared__ typename R::State states[WARPS][32];
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    int64 across = (rows + 31) / 32;
    for (int64 block = blockIdx.x; block < across * splits; block += gridDim.x) {
        int64 row = block % across * 32 + lane, split = block / across;
        Part part = part_of(n, split, splits);
        typename R::State state = R::start();
        if (row < rows)
            state = gather_row<R>(state, in, row_offset(row, layout), part.first + warp, part.stop, WARPS,
                                  layout);
        states[warp][lane] = state;
        __syncthreads();
        if (warp == 0 && row < rows) {
            for (int w = 1; w < WARPS; w++) state = R::join(state, states[w][lane]);
            store<R>(state, out, partial, row, split, splits);
        }
        __syncthreads();  // before the next columns
    }
}

// Short rows: one warp for each. `gather` adds the elements of a row to a lane's state.
template <typename R, typename Gather>
__device__ __forceinline__ void reduce_short_rows(typename R::Result* out, int64 rows, int64 n,
                                                  Gather gather) {
    int lane = threadIdx.x % 32;
    int64 step = (int64)gridDim.x * WARPS;
    for (int64 row = (int64)blockIdx.x * WARPS + threadIdx.x / 32; row < rows; row += step) {
        typename R::State state = join_warp<R>(gather(row, Part{0, n}, lane, 32));
        if (lane == 0) out[row] = R::finish(state);
    }
}

// Long rows: one block for each, or, if rows are few, `splits` blocks.
template <typename R, typename Gather>
__device__ __forceinline__ void reduce_long_rows(typename R::Result* out, typename R::State* partial,
                                                 int64 rows, int64 n, int64 splits, Gather gather) {
    __shared__ typename R::State states[WARPS];
    for (int64 block = blockIdx.x; block < rows * splits; block += gridDim.x) {
        int64 row = block / splits, split = block % splits;
        typename R::State state =
            join_block<R>(gather(row, part_of(n, split, splits), threadIdx.x, THREADS), states);
        if (threadIdx.x == 0) store<R>(state, out, partial, row, split, splits);
    }
}

template <typename R, typename Gather>
__device__ __forceinline__ void reduce_shaped(typename R::Result* out, const void* in,
                                              typename R::State* partial, int64 rows, int64 n, int64 splits,
                                              const Layout& layout, Gather gather) {
    if (layout.columns) reduce_columns<R>(out, in, partial, rows, n, splits, layout);
    else if (n <= SHORT && splits == 1) reduce_short_rows<R>(out, rows, n, gather);
    else reduce_long_rows<R>(out, partial, rows, n, splits, gather);
}

}  // namespace reducing
