// Idea:     One thread for each result loops over its row from the first element to the last.
// Contract: out is dense (rows); the input has any strides and dtype, and is read as rows of n elements; n >=
//           0. States are combined in an order that depends on the sizes alone. `partial` and `splits` (1)
//           are not used.
// Launch:   block 256, grid cdiv(rows, 256), no shared memory.
// Cost:     reads each element once, and writes each result once. The limit is bandwidth. But few rows use
//           only few threads; and if rows are dense, neighbouring threads read addresses one row apart.
// Next:     In 02 a whole block shares a row, and combines 256 states in a tree.
#include "reduce/layout.cuh"

namespace reducing {

template <typename R>
__device__ __forceinline__ void reduce_rows(typename R::Result* out, const void* in, typename R::State*,
                                            int64 rows, int64 n, int64, const Layout& layout) {
    int64 row = (int64)blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows) return;
    out[row] = R::finish(gather_row<R>(R::start(), in, row_offset(row, layout), 0, n, 1, layout));
}

}  // namespace reducing
#include "reduce/kernels.cuh"
