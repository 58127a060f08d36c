// Idea:     One thread for each row finds the largest logit, then the sum of exponentials, then log(sum) -
//           (logit of the class - largest). The gradient is softmax, minus 1 at the class, times the seed.
// Contract: logits (rows, classes) with any strides; targets int64, int32 or uint8; the loss is dense (rows),
//           the gradient dense (rows, classes). A class out of range is reported and not used as an address.
//           rows, classes >= 1.
// Launch:   block 256, grid cdiv(rows, 256), no shared memory.
// Cost:     reads each logit twice (three times for the gradient), and writes the gradient once. The limit is
//           bandwidth; neighbouring threads read addresses one row apart.
// Next:     02 gives a row to a block, and finds the largest logit and the sum in one pass.
#include "cross_entropy/layout.cuh"

namespace cross_entropy {

template <typename Done>
__device__ __forceinline__ void each_row(const Rows& rows, Done done) {
    int64 r = (int64)blockIdx.x * blockDim.x + threadIdx.x;
    if (r >= rows.rows) return;
    Total total = none();
    for (int64 i = 0; i < rows.classes; i++) total.top = larger(total.top, rows.at(r, i));
    for (int64 i = 0; i < rows.classes; i++) add(total, rows.at(r, i), total.top);
    done(r, rows.class_of(r, true), total, Walked{rows, r, 0, 1, true});
}

}  // namespace cross_entropy
#include "cross_entropy/kernels.cuh"
