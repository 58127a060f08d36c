// Idea:     If all operands are dense, each load and store moves 16 bytes: a quarter of the instructions for
//           float32. Two packs of each operand (one of 8-byte types) are loaded before the first is used, so
//           that enough bytes are in flight to hide the latency of the memory.
// Contract: as 01. Vectors are used if the addresses of the result and of all arrays are divisible by 16.
//           Otherwise, and for the last few elements, the loop is that of 02.
// Launch:   block 256, grid min(cdiv(n, 256 * elements in 16 bytes), 4096), no shared memory.
// Cost:     as 01. The bytes are the same, with fewer instructions.
// Next:     Several ops in a row still write and read each intermediate result. One kernel for the whole
//           chain would save this traffic, which is a larger gain than any further tuning of one op.
#include "elementwise/functions.cuh"
#include "elementwise/layout.cuh"

namespace elementwise {

constexpr int LANE = 16 / sizeof(number) > 4 ? 4 : 16 / sizeof(number);  // elements of one load or store

constexpr int AHEAD = sizeof(number) == 8 ? 1 : 2;  // packs in flight; doubles need more registers

template <typename T>
struct alignas(sizeof(T) * LANE) Pack {
    T at[LANE];
};

// Whether a pack can be loaded or stored at this address; true for a single number, which has no address.
template <typename T>
__device__ __forceinline__ bool packable(const void* address) {
    return ((uint64)address & (sizeof(Pack<T>) - 1)) == 0;
}

// The pack at index i of an array; for a single number, the number repeated.
__device__ __forceinline__ Pack<number> pack(const void* memory, int64 i, number value) {
    if (memory) return ((const Pack<number>*)memory)[i];
    Pack<number> same;
    for (int lane = 0; lane < LANE; lane++) same.at[lane] = value;
    return same;
}

}  // namespace elementwise

#define KERNEL(name, arity, result, formula)                                                                \
    extern "C" __global__ void __launch_bounds__(256, 2)                                                    \
        name(void* out, const void* a, const void* b, const void* c, elementwise::Numbers numbers, int64 n, \
             elementwise::Layout layout) {                                                                  \
        using namespace elementwise;                                                                        \
        int64 step = (int64)gridDim.x * blockDim.x, first = (int64)blockIdx.x * blockDim.x + threadIdx.x;   \
        int64 packs = 0;                                                                                    \
        if (layout.flat && packable<result>(out) && packable<number>(a) && packable<number>(b) &&           \
            packable<number>(c)) {                                                                          \
            packs = n / LANE;                                                                               \
            for (int64 i = first; i < packs; i += AHEAD * step) {                                           \
                Pack<number> xs[AHEAD] = {}, ys[AHEAD] = {}, zs[AHEAD] = {};                                \
                _Pragma("unroll") for (int p = 0; p < AHEAD; p++) {                                         \
                    int64 at = i + p * step;                                                                \
                    if (at >= packs) break;                                                                 \
                    xs[p] = pack(a, at, (number)numbers.value[0]);                                          \
                    if (arity > 1) ys[p] = pack(b, at, (number)numbers.value[1]);                           \
                    if (arity > 2) zs[p] = pack(c, at, (number)numbers.value[2]);                           \
                }                                                                                           \
                _Pragma("unroll") for (int p = 0; p < AHEAD; p++) {                                         \
                    if (i + p * step >= packs) break;                                                       \
                    Pack<result> made;                                                                      \
                    for (int lane = 0; lane < LANE; lane++) {                                               \
                        [[maybe_unused]] number x = xs[p].at[lane], y = ys[p].at[lane], z = zs[p].at[lane]; \
                        made.at[lane] = (result)(formula);                                                  \
                    }                                                                                       \
                    ((Pack<result>*)out)[i + p * step] = made;                                              \
                }                                                                                           \
            }                                                                                               \
        }                                                                                                   \
        for (int64 i = packs * LANE + first; i < n; i += step) {                                            \
            Offsets at = layout.flat ? Offsets{i, {i, i, i}} : offsets<arity>(i, layout);                   \
            [[maybe_unused]] number x = operand(0, a, at, layout, numbers);                                 \
            [[maybe_unused]] number y = arity > 1 ? operand(1, b, at, layout, numbers) : number();          \
            [[maybe_unused]] number z = arity > 2 ? operand(2, c, at, layout, numbers) : number();          \
            ((result*)out)[at.out] = (result)(formula);                                                     \
        }                                                                                                   \
    }
#include "elementwise/kinds.cuh"
#include "elementwise/formulas.cuh"
#include "elementwise/end.cuh"
