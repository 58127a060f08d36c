// One matrix product, or a batch of them: C = A B + bias, for any strides of A and B.
#pragma once
#include "common.cuh"

namespace multiplying {

constexpr int BATCH_AXES = 4;

// A is (m, k), B is (k, n), C is dense (m, n). A transposed operand has its strides swapped. With several
// `splits`, each computes a sum over its part of k, and c has shape (splits, batches, m, n) until
// matmul_combine.
struct Problem {
    number* c;
    const number *a, *b, *bias;  // bias (n), or null
    int64 m, n, k;
    int64 a_row, a_column, b_row, b_column;                             // strides, in elements
    int64 batch[BATCH_AXES], a_batch[BATCH_AXES], b_batch[BATCH_AXES];  // shape and strides of the batch
    int64 batches, splits;
};

struct Part {
    int64 first, stop;
};
// The part of k that belongs to one split, in steps of `tile`.
__device__ __forceinline__ Part part_of(const Problem& p, int64 split, int tile) {
    int64 size = (p.k + p.splits - 1) / p.splits;
    size = (size + tile - 1) / tile * tile;
    int64 first = size * split, stop = first + size;
    return {first < p.k ? first : p.k, stop < p.k ? stop : p.k};
}

// Sets the pointers to matrix `z` of the batch, and C to its part of the splits.
__device__ __forceinline__ Problem matrix(Problem p, int64 z, int64 split) {
    p.c += (split * p.batches + z) * p.m * p.n;
    for (int axis = BATCH_AXES - 1; axis >= 0; axis--) {
        int64 place = z % p.batch[axis];
        z /= p.batch[axis];
        p.a += place * p.a_batch[axis];
        p.b += place * p.b_batch[axis];
    }
    return p;
}

// Stores an element of C. The bias is added here if there is one split; otherwise matmul_combine adds it.
__device__ __forceinline__ void put(const Problem& p, int64 row, int64 column, number value) {
    if (row >= p.m || column >= p.n) return;
    if (p.bias && p.splits == 1) value = value + p.bias[column];
    p.c[row * p.n + column] = value;
}

// All `threads` of the block load a (ROWS, COLUMNS) tile of a matrix, from (row, column) on: put_in(i, j,
// value) for each element, with 0 outside of (rows, columns). Neighbouring threads load neighbours in memory.
template <int ROWS, int COLUMNS, typename PutIn>
__device__ __forceinline__ void load_tile(const number* memory, int64 row_stride, int64 column_stride,
                                          int64 row, int64 column, int64 rows, int64 columns, int threads,
                                          PutIn put_in) {
    bool along_rows = row_stride == 1 && column_stride != 1;
#pragma unroll 1
    for (int e = threadIdx.x; e < ROWS * COLUMNS; e += threads) {
        int i = along_rows ? e % ROWS : e / COLUMNS, j = along_rows ? e / ROWS : e % COLUMNS;
        bool inside = row + i < rows && column + j < columns;
        put_in(i, j, inside ? memory[(row + i) * row_stride + (column + j) * column_stride] : number(0));
    }
}

}  // namespace multiplying

// Adds the parts of k in order: out (count) from partial (splits, count), and the bias (n).
#define MATMUL_COMBINE                                                                        \
    extern "C" __global__ void __launch_bounds__(256, 2)                                      \
        matmul_combine(number* __restrict__ out, const number* __restrict__ partial,          \
                       const number* __restrict__ bias, int64 count, int64 n, int64 splits) { \
        int64 step = (int64)gridDim.x * blockDim.x;                                           \
        for (int64 i = (int64)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {  \
            number sum = partial[i];                                                          \
            for (int64 s = 1; s < splits; s++) sum = sum + partial[s * count + i];            \
            out[i] = bias ? number(sum + bias[i % n]) : sum;                                  \
        }                                                                                     \
    }
