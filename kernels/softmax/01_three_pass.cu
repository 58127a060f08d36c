// Idea:     One thread for each row computes the formula directly: it finds the largest element, adds the
//           exponentials of the differences to it, and divides.
// Contract: out, x and y (null for the functions themselves) have any strides; rows have n >= 1 elements. For
//           the gradients, x is the incoming gradient and y the result of the function. NaN and infinities as
//           in NumPy.
// Launch:   block 256, grid cdiv(rows, 256), no shared memory.
// Cost:     reads each element three times (twice for the gradients), and writes it once; two exponentials
//           per element. The limit is bandwidth; if rows are dense, neighbouring threads read addresses one
//           row apart.
// Next:     02 gives a row to a block, whose threads read neighbouring elements.
#include "softmax/layout.cuh"

namespace softmaxing {

template <typename Rule>
__device__ __forceinline__ void each_row(number* out, const number* x, const number* y, int64 rows, int64 n,
                                         const Layout& layout) {
    int64 r = (int64)blockIdx.x * blockDim.x + threadIdx.x;
    if (r >= rows) return;
    Row row = row_at(r, out, x, y, layout);
    Total total = first_total<Rule>();
    if (Rule::SHIFTED)
        for (int64 i = 0; i < n; i++) total.top = larger(total.top, row.at_x(i));
    for (int64 i = 0; i < n; i++) add<Rule>(total, row.at_x(i), row.at_y(i), total.top);
    for (int64 i = 0; i < n; i++) row.set(i, Rule::result(row.at_x(i), row.at_y(i), total));
}

}  // namespace softmaxing
#include "softmax/kernels.cuh"
