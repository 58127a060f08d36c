// Idea:     If a row is dense, a thread loads 16 bytes at a time and keeps one state for each element of the
//           pack: fewer instructions, running sums of a quarter of the length, and, with four loads before
//           the first is used, enough bytes in flight.
// Contract: as 04. Vectors are used from the first address divisible by 16 on; the elements before it, and
//           the rest at the end, are loaded one by one.
// Launch:   as 04.
// Cost:     as 04.
// Next:     A chain of elementwise ops before the sum could be computed in registers here; each fused op
//           saves writing and reading the whole array.
#include "reduce/shapes.cuh"

namespace reducing {

constexpr int LANES = 16 / sizeof(number) > 4 ? 4 : 16 / sizeof(number);

constexpr int AHEAD = 4;  // packs in flight

struct alignas(sizeof(number) * LANES) Pack {
    number at[LANES];
};

template <typename R>
__device__ __forceinline__ void add_pack(typename R::State (&states)[LANES], Pack pack, int64 place) {
#pragma unroll
    for (int k = 0; k < LANES; k++) states[k] = R::add(states[k], pack.at[k], place + k);
}

template <typename R>
__device__ __forceinline__ typename R::State gather_packs(const number* row, Part part, int first, int step) {
    const number* begin = row + part.first;
    int64 count = part.stop - part.first;
    int64 lead = (int64)(((uint64)0 - (uint64)begin / sizeof(number)) & (LANES - 1));  // up to the first pack
    if (lead > count) lead = count;
    typename R::State states[LANES];
    for (int k = 0; k < LANES; k++) states[k] = R::start();
    const Pack* packs = (const Pack*)(begin + lead);
    int64 whole = (count - lead) / LANES;
    int64 i = first, place = part.first + lead;
    for (; i + (AHEAD - 1) * step < whole; i += AHEAD * step) {
        Pack ahead[AHEAD];
#pragma unroll
        for (int a = 0; a < AHEAD; a++) ahead[a] = packs[i + a * step];
#pragma unroll
        for (int a = 0; a < AHEAD; a++) add_pack<R>(states, ahead[a], place + (i + a * step) * LANES);
    }
    for (; i < whole; i += step) add_pack<R>(states, packs[i], place + i * LANES);
    for (i = first; i < lead; i += step) states[0] = R::add(states[0], begin[i], part.first + i);
    for (i = lead + whole * LANES + first; i < count; i += step)
        states[0] = R::add(states[0], begin[i], part.first + i);
    for (int k = 1; k < LANES; k++) states[0] = R::join(states[0], states[k]);
    return states[0];
}

template <typename T>
__device__ __forceinline__ int32 code_of();
template <>
__device__ __forceinline__ int32 code_of<float32>() {
    return FLOAT32;
}
template <>
__device__ __forceinline__ int32 code_of<float64>() {
    return FLOAT64;
}
template <>
__device__ __forceinline__ int32 code_of<int64>() {
    return INT64;
}
template <>
__device__ __forceinline__ int32 code_of<int32>() {
    return INT32;
}
template <>
__device__ __forceinline__ int32 code_of<uint8>() {
    return UINT8;
}
template <>
__device__ __forceinline__ int32 code_of<bool>() {
    return BOOL;
}

template <typename R>
__device__ __forceinline__ void reduce_rows(typename R::Result* out, const void* in,
                                            typename R::State* partial, int64 rows, int64 n, int64 splits,
                                            const Layout& layout) {
    bool dense =
        layout.reduced_axes == 1 && layout.reduced_stride[0] == 1 && layout.dtype == code_of<number>();
    reduce_shaped<R>(
        out, in, partial, rows, n, splits, layout, [&](int64 row, Part part, int first, int step) {
            int64 base = row_offset(row, layout);
            if (dense) return gather_packs<R>((const number*)in + base, part, first, step);
            return gather_row<R>(R::start(), in, base, part.first + first, part.stop, step, layout);
        });
}

}  // namespace reducing
#define RESIDENT 3  // 80 registers per thread, and 48 KB in flight
#include "reduce/kernels.cuh"
