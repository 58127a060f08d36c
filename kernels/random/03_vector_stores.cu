// Idea:     The four numbers of a step stay in registers and are stored together, 16 bytes at a time: the
//           stores of a warp are contiguous, and no sector is written in pieces.
// Contract: as 01. Packs are used if the address of `out` is divisible by 16; otherwise, and for the last
//           numbers, the stores of 02.
// Launch:   as 02.
// Cost:     as 02, with one request for each sector; types of 8 bytes need two stores. Only arithmetic
//           remains: 20 products of 64 by 64 bits for four numbers.
// Next:     Dropout could use the mask in the kernel that computes it, and compute it again in backward
//           instead of keeping it. Then no mask is stored at all.
#include "random/philox.cuh"

namespace randomness {

// The numbers of one store.
template <typename T, int N>
struct alignas(sizeof(T) * N) Pack {
    T at[N];
};

// Stores N numbers, whose bits are given, at place i, which is divisible by N.
template <typename T, int N>
__device__ __forceinline__ void store_pack(void* out, int64 i, const uint64* bits) {
    Pack<T, N> pack;
#pragma unroll
    for (int k = 0; k < N; k++) pack.at[k] = (T)bits[k];
    ((Pack<T, N>*)out)[i / N] = pack;
}

// Stores the four numbers of step s.
__device__ __forceinline__ void store_four(void* out, int64 s, const uint64 (&bits)[4], int32 dtype) {
    switch (width_of(dtype)) {
        case 1: store_pack<uint8, 4>(out, s * 4, bits); break;
        case 4: store_pack<uint32, 4>(out, s * 4, bits); break;
        default: store_pack<uint64, 2>(out, s * 4, bits); store_pack<uint64, 2>(out, s * 4 + 2, bits + 2);
    }
}

}  // namespace randomness

extern "C" __global__ void __launch_bounds__(256, 2)
    random_numbers(void* out, randomness::Stream stream, int64 n, int64 low, float64 p, int32 kind,
                   int32 dtype) {
    using namespace randomness;
    int64 grid = (int64)gridDim.x * blockDim.x, steps = (n + 3) / 4;
    bool packed = aligned16(out);
    for (int64 s = (int64)blockIdx.x * blockDim.x + threadIdx.x; s < steps; s += grid) {
        Words words = philox(stream, s);
        uint64 bits[4];
#pragma unroll
        for (int w = 0; w < 4; w++) bits[w] = bits_of(w, words.at[w], words.at[w ^ 1], kind, dtype, p, low);
        if (packed && s * 4 + 4 <= n) {
            store_four(out, s, bits, dtype);
        } else {
#pragma unroll
            for (int w = 0; w < 4; w++)
                if (s * 4 + w < n) store_at(out, s * 4 + w, bits[w], dtype);
        }
    }
}
