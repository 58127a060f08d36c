// Loads and stores of 16 bytes, for the rungs from 06 on.
#pragma once
#include "matmul/problem.cuh"

namespace multiplying {

constexpr int LANES = sizeof(number) >= 4 ? 16 / sizeof(number) : 4;  // elements of one load or store

struct alignas(sizeof(number) * LANES) Pack {
    number at[LANES];
};

// Whether the elements of an operand can be loaded in packs along the axis with stride 1: the other stride,
// the strides of the batch and the address must keep every pack aligned.
__device__ __forceinline__ bool packable(const number* memory, int64 along, int64 other, const int64* batch) {
    bool aligned = along == 1 && other % LANES == 0 && ((uint64)memory & (sizeof(Pack) - 1)) == 0;
    for (int axis = 0; axis < BATCH_AXES; axis++) aligned = aligned && batch[axis] % LANES == 0;
    return aligned;
}

// As load_tile, but in packs along the columns (column stride 1): put_in(i, j, pack) with j a multiple of
// LANES. The elements of a pack that exceeds the matrix are loaded one by one.
template <int ROWS, int COLUMNS, typename PutIn>
__device__ __forceinline__ void load_packs(const number* memory, int64 row_stride, int64 row, int64 column,
                                           int64 rows, int64 columns, int threads, PutIn put_in) {
    constexpr int ACROSS = COLUMNS / LANES;
    for (int e = threadIdx.x; e < ROWS * ACROSS; e += threads) {
        int i = e / ACROSS, j = e % ACROSS * LANES;
        Pack pack = {};
        if (row + i < rows) {
            const number* from = memory + (row + i) * row_stride + column + j;
            if (column + j + LANES <= columns) pack = *(const Pack*)from;
            else
                for (int lane = 0; lane < LANES; lane++)
                    if (column + j + lane < columns) pack.at[lane] = from[lane];
        }
        put_in(i, j, pack);
    }
}

// Loads the tiles of A, as (BK, BM), and of B, as (BK, BN), in packs if the strides allow it.
template <int BM, int BN, int BK, typename As, typename Bs>
__device__ __forceinline__ void load_tiles(const Problem& p, const Problem& whole, int64 row, int64 column,
                                           int64 k, int64 stop, int threads, As& as, Bs& bs) {
    if (packable(whole.a, p.a_column, p.a_row, p.a_batch))  // packs along rows of A, stored transposed
        load_packs<BM, BK>(p.a, p.a_row, row, k, p.m, stop, threads, [&](int i, int j, const Pack& v) {
            for (int lane = 0; lane < LANES; lane++) as[j + lane][i] = v.at[lane];
        });
    else if (packable(whole.a, p.a_row, p.a_column, p.a_batch))  // packs along columns of A
        load_packs<BK, BM>(p.a, p.a_column, k, row, stop, p.m, threads,
                           [&](int i, int j, const Pack& v) { *(Pack*)&as[i][j] = v; });
    else
        load_tile<BM, BK>(p.a, p.a_row, p.a_column, row, k, p.m, stop, threads,
                          [&](int i, int j, number v) { as[j][i] = v; });
    if (packable(whole.b, p.b_column, p.b_row, p.b_batch))
        load_packs<BK, BN>(p.b, p.b_row, k, column, stop, p.n, threads,
                           [&](int i, int j, const Pack& v) { *(Pack*)&bs[i][j] = v; });
    else if (packable(whole.b, p.b_row, p.b_column, p.b_batch))
        load_packs<BN, BK>(p.b, p.b_column, column, k, p.n, stop, threads, [&](int i, int j, const Pack& v) {
            for (int lane = 0; lane < LANES; lane++) bs[j + lane][i] = v.at[lane];
        });
    else
        load_tile<BK, BN>(p.b, p.b_row, p.b_column, k, column, stop, p.n, threads,
                          [&](int i, int j, number v) { bs[i][j] = v; });
}

}  // namespace multiplying
