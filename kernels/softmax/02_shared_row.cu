// Idea:     One block for each row: loads are coalesced, and the maximum and the sum are each computed by a
//           tree in shared memory.
// Contract: as 01.
// Launch:   block 256, grid min(rows, 2^31 - 1), 256 elements of static shared memory.
// Cost:     as 01, in whole sectors. Three trees of 8 steps with one barrier each, for every row.
// Next:     03 finds maximum and sum in one pass over the row.
#include "softmax/layout.cuh"

namespace softmaxing {

// All threads get the values `mine` of all threads, combined in pairs by `join`.
template <typename Join>
__device__ __forceinline__ number tree(number mine, number* shared, Join join) {
    int t = threadIdx.x;
    __syncthreads();  // the last tree's result has been read
    shared[t] = mine;
    for (int half = THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (t < half) shared[t] = join(shared[t], shared[t + half]);
    }
    __syncthreads();
    return shared[0];
}

template <typename Rule>
__device__ __forceinline__ void each_row(number* out, const number* x, const number* y, int64 rows, int64 n,
                                         const Layout& layout) {
    __shared__ number shared[THREADS];
    for (int64 r = blockIdx.x; r < rows; r += gridDim.x) {
        Row row = row_at(r, out, x, y, layout);
        Total total = first_total<Rule>();
        if (Rule::SHIFTED) {
            for (int64 i = threadIdx.x; i < n; i += THREADS) total.top = larger(total.top, row.at_x(i));
            total.top = tree(total.top, shared, [](number a, number b) { return larger(a, b); });
        }
        for (int64 i = threadIdx.x; i < n; i += THREADS)
            add<Rule>(total, row.at_x(i), row.at_y(i), total.top);
        auto plus = [](number a, number b) { return a + b; };
        total.rest = tree(total.rest, shared, plus);
        if (Rule::SHIFTED) total.ties = tree(total.ties, shared, plus);
        for (int64 i = threadIdx.x; i < n; i += THREADS)
            row.set(i, Rule::result(row.at_x(i), row.at_y(i), total));
    }
}

}  // namespace softmaxing
#include "softmax/kernels.cuh"
