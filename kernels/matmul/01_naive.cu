// Idea:     One thread for each element of C loops over a row of A and a column of B.
// Contract: C = A B + bias for any sizes >= 1 and any strides of A and B, so also for their transposes;
//           batches over up to 4 axes with their own strides (0 where an operand repeats). The sum over k is
//           in a fixed order. With `splits`, k is split into parts, whose results are stored in c one after
//           another.
// Launch:   block (16, 16), grid (cdiv(m, 16) * cdiv(n, 16), splits, min(batches, 65535)), no shared memory.
// Cost:     2 m n k FLOP, for which each thread loads 2 k elements: 0.25 FLOP per byte of float32.
//           Neighbouring threads compute neighbouring rows: their loads of A and stores of C are one row
//           apart, one sector each.
// Next:     In 02 neighbouring threads compute neighbouring columns.
#include "matmul/problem.cuh"

extern "C" __global__ void __launch_bounds__(256, 1) matmul(multiplying::Problem whole) {
    using namespace multiplying;
    int64 down = (whole.m + 15) / 16;
    int64 row = blockIdx.x % down * 16 + threadIdx.x, column = blockIdx.x / down * 16 + threadIdx.y;
    for (int64 z = blockIdx.z; z < whole.batches; z += gridDim.z) {
        Problem p = matrix(whole, z, blockIdx.y);
        if (row >= p.m || column >= p.n) continue;
        Part part = part_of(p, blockIdx.y, 1);
        number sum = 0;
        for (int64 k = part.first; k < part.stop; k++)
            sum += p.a[row * p.a_row + k * p.a_column] * p.b[k * p.b_row + column * p.b_column];
        put(p, row, column, sum);
    }
}
MATMUL_COMBINE
#undef MATMUL_COMBINE
