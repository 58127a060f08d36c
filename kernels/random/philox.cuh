// Philox4x64-10: four 64-bit words that depend only on a counter and a key, so that any thread can compute
// any of them. Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#pragma once
#include "common.cuh"

namespace randomness {

struct Words {
    uint64 at[4];
};

// The start of the numbers of a call: NumPy's counter before its first step (four words), and the key (two
// words).
struct Stream {
    uint64 counter[4], key[2];
};

// The words of step `step` of the stream. NumPy advances its counter before it computes, so the first step is
// 1.
__device__ __forceinline__ Words philox(const Stream& stream, uint64 step) {
    Words x;
    uint64 carry = step + 1;
    for (int i = 0; i < 4; i++) {
        x.at[i] = stream.counter[i] + carry;
        carry = x.at[i] < carry ? 1 : 0;
    }
    uint64 k0 = stream.key[0], k1 = stream.key[1];
    for (int round = 0; round < 10; round++) {
        constexpr uint64 M0 = 0xD2E7470EE14C6C93ull, M1 = 0xCA5A826395121157ull;
        uint64 high0 = __umul64hi(M0, x.at[0]), low0 = M0 * x.at[0];
        uint64 high1 = __umul64hi(M1, x.at[2]), low1 = M1 * x.at[2];
        x = {{high1 ^ x.at[1] ^ k0, low1, high0 ^ x.at[3] ^ k1, low0}};
        k0 += 0x9E3779B97F4A7C15ull;  // the golden ratio and sqrt(3) - 1
        k1 += 0xBB67AE8584CAA73Bull;
    }
    return x;
}

// The numbers that words are converted to. `kind` is the same for the whole grid.
enum Kind : int32 { UNIFORM = 0, NORMAL = 1, INTEGER = 2, BERNOULLI = 3, WORDS = 4 };

__device__ __forceinline__ float64 unit53(uint64 word) { return (float64)(word >> 11) * 0x1p-53; }
__device__ __forceinline__ float32 unit24(uint64 word) { return (float32)(word >> 40) * 0x1p-24f; }

// The size of a number in bytes.
__device__ __forceinline__ int width_of(int32 dtype) {
    return dtype == UINT8 || dtype == BOOL ? 1 : dtype == FLOAT32 || dtype == INT32 ? 4 : 8;
}

// Element i of a call, from its word `word`, as bits of `dtype`; `other` is the second word of its pair, for
// normals.
__device__ __forceinline__ uint64 bits_of(int64 i, uint64 word, uint64 other, int32 kind, int32 dtype,
                                          float64 p, int64 low) {
    float64 value;
    switch (kind) {
        case UNIFORM:
            if (dtype == FLOAT32) return __float_as_uint(unit24(word));
            value = unit53(word);
            break;
        case NORMAL: {  // Box and Muller 1958: the pair (i even, i odd) shares its radius
            uint64 first = i & 1 ? other : word, second = i & 1 ? word : other;
            float64 radius = sqrt(-2.0 * log1p(-unit53(first))),
                    angle = 2.0 * 3.141592653589793 * unit53(second);
            value = radius * (i & 1 ? sin(angle) : cos(angle));
            break;
        }
        case INTEGER: return (int64)floor(unit53(word) * p) + low;
        case WORDS: return word;
        default: value = (float64)unit24(word) < p ? 1.0 : 0.0;
    }
    switch (dtype) {
        case FLOAT32: return __float_as_uint((float32)value);
        case FLOAT64: return (uint64)__double_as_longlong(value);
        case INT64: return (uint64)(int64)value;
        case INT32: return (uint32)(int32)value;
        case BOOL: return value != 0.0;
        default: return (uint8)value;
    }
}

// Stores one number at index i.
__device__ __forceinline__ void store_at(void* out, int64 i, uint64 bits, int32 dtype) {
    switch (width_of(dtype)) {
        case 1: ((uint8*)out)[i] = (uint8)bits; break;
        case 4: ((uint32*)out)[i] = (uint32)bits; break;
        default: ((uint64*)out)[i] = bits;
    }
}

}  // namespace randomness
