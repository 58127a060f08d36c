// Idea:     The lanes of a warp compute neighbouring columns of C. So a load of B, and a store of C, moves a
//           few whole sectors; a load of A reads the same address in all lanes.
// Contract: as 01.
// Launch:   block (16, 16), grid (cdiv(m, 16) * cdiv(n, 16), splits, min(batches, 65535)), no shared memory.
// Cost:     as 01, with an eighth of the sectors for the row-major operands.
// Next:     Each element of A is still loaded for every column of C, and each element of B for every row. 03
//           loads a tile of both once for a whole block.
#include "matmul/problem.cuh"

extern "C" __global__ void __launch_bounds__(256, 1) matmul(multiplying::Problem whole) {
    using namespace multiplying;
    int64 across = (whole.n + 15) / 16;
    int64 row = blockIdx.x / across * 16 + threadIdx.y, column = blockIdx.x % across * 16 + threadIdx.x;
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
