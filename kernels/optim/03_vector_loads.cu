// Idea:     Each load and store moves 16 bytes, if the addresses of a tensor, its gradient and its state are
//           divisible by 16.
// Contract: as 01; other tensors, and the last few elements, as in 02.
// Launch:   as 02.
// Cost:     as 01, with a quarter of the instructions.
// Next:     The gradient could be used where the backward pass computes it, and never be stored.
#include "optim/rules.cuh"

namespace stepping {

constexpr int LANES = 16 / sizeof(number);
struct alignas(16) Pack {
    number at[LANES];
};

__device__ __forceinline__ int tensor_of(const Table& table, int64 block) {
    int t = 0;
    while (t + 1 < table.count && table.chunk[t + 1] <= block) t++;
    return t;
}

template <typename Rule>
__device__ __forceinline__ void step_all(const Table& table) {
    int t = tensor_of(table, blockIdx.x);
    Numbers numbers(table);
    int64 first = (blockIdx.x - table.chunk[t]) * CHUNK,
          stop = first + CHUNK < table.n[t] ? first + CHUNK : table.n[t];
    number *p = table.p[t], *one = table.s[0][t], *two = Rule::STATE > 1 ? table.s[1][t] : nullptr;
    const number* g = table.g[t];
    bool remembers = Rule::STATE > 1 ? two != nullptr : one != nullptr;
    int64 packed = first;
    if (aligned16(p) && aligned16(g) && aligned16(one) && aligned16(two)) {
        packed = first + (stop - first) / LANES * LANES;
        for (int64 i = first + threadIdx.x * LANES; i < packed; i += blockDim.x * LANES) {
            Pack ps = *(const Pack*)(p + i), gs = *(const Pack*)(g + i), as = {}, bs = {};
            if (one) as = *(const Pack*)(one + i);
            if (two) bs = *(const Pack*)(two + i);
#pragma unroll
            for (int k = 0; k < LANES; k++)
                Rule::step(ps.at[k], gs.at[k], as.at[k], bs.at[k], remembers, numbers);
            *(Pack*)(p + i) = ps;
            if (one) *(Pack*)(one + i) = as;
            if (two) *(Pack*)(two + i) = bs;
        }
    }
    for (int64 i = packed + threadIdx.x; i < stop; i += blockDim.x) step_at<Rule>(table, t, i, numbers);
}

}  // namespace stepping
#include "optim/kernels.cuh"
