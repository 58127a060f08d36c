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
    number *p = table.p[t], *state[Rule::STATE];
    const number* g = table.g[t];
    bool aligned = true;  // of the state
#pragma unroll
    for (int k = 0; k < Rule::STATE; k++) {
        state[k] = table.s[k][t];
        aligned = aligned && aligned16(state[k]);
    }
    int64 packed = first;
    if (aligned16(p) && aligned16(g) && aligned) {
        packed = first + (stop - first) / LANES * LANES;
        for (int64 i = first + threadIdx.x * LANES; i < packed; i += blockDim.x * LANES) {
            Pack ps = *(const Pack*)(p + i), gs = *(const Pack*)(g + i), all[Rule::STATE] = {};
#pragma unroll
            for (int k = 0; k < Rule::STATE; k++)
                if (state[k]) all[k] = *(const Pack*)(state[k] + i);
#pragma unroll
            for (int lane = 0; lane < LANES; lane++) {
                number s[Rule::STATE];
#pragma unroll
                for (int k = 0; k < Rule::STATE; k++) s[k] = all[k].at[lane];
                Rule::step(ps.at[lane], numbers.maximize ? -gs.at[lane] : gs.at[lane], s, numbers);
#pragma unroll
                for (int k = 0; k < Rule::STATE; k++) all[k].at[lane] = s[k];
            }
            *(Pack*)(p + i) = ps;
#pragma unroll
            for (int k = 0; k < Rule::STATE; k++)
                if (state[k]) *(Pack*)(state[k] + i) = all[k];
        }
    }
    for (int64 i = packed + threadIdx.x; i < stop; i += blockDim.x) step_at<Rule>(table, t, i, numbers);
}

}  // namespace stepping
#include "optim/kernels.cuh"
