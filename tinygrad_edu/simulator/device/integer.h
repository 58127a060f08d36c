// Integer intrinsics: bits, 24-bit and high products, averages, byte selection and dot products.
//
// The results are those of a GPU. One difference cannot be fixed in a header: in plain C++, x << 32 and more
// gives 0 on a GPU, and any value here.
#pragma once
#include "vector_types.h"

#include "video.h"

inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
inline int __clzll(long long x) { return x ? __builtin_clzll(x) : 64; }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline unsigned __brev(unsigned x) {
    x = (x >> 1 & 0x55555555u) | (x & 0x55555555u) << 1;
    x = (x >> 2 & 0x33333333u) | (x & 0x33333333u) << 2;
    x = (x >> 4 & 0x0F0F0F0Fu) | (x & 0x0F0F0F0Fu) << 4;
    return __builtin_bswap32(x);
}
inline unsigned long long __brevll(unsigned long long x) {
    return static_cast<unsigned long long>(__brev(static_cast<unsigned>(x))) << 32 |
           __brev(static_cast<unsigned>(x >> 32));
}
// Position of the offset-th set bit of `mask`, counted from bit `base` upwards or, for a negative offset,
// downwards; all ones when there is none.
inline unsigned __fns(unsigned mask, unsigned base, int offset) {
    if (offset == 0) return base < 32 && mask >> base & 1 ? base : ~0u;
    const int step = offset > 0 ? 1 : -1;
    int left = offset > 0 ? offset : -offset;
    for (int bit = static_cast<int>(base); bit >= 0 && bit < 32; bit += step)
        if (mask >> bit & 1 && --left == 0) return static_cast<unsigned>(bit);
    return ~0u;
}

// --- products ---
inline int __mul24(int a, int b) {
    const int64_t x = static_cast<int>(static_cast<unsigned>(a) << 8) >> 8;
    const int64_t y = static_cast<int>(static_cast<unsigned>(b) << 8) >> 8;
    return static_cast<int>(x * y);
}
inline unsigned __umul24(unsigned a, unsigned b) { return (a & 0xFFFFFFu) * (b & 0xFFFFFFu); }
inline int __mulhi(int a, int b) { return static_cast<int>(static_cast<int64_t>(a) * b >> 32); }
inline unsigned __umulhi(unsigned a, unsigned b) {
    return static_cast<unsigned>(static_cast<uint64_t>(a) * b >> 32);
}
inline long long __mul64hi(long long a, long long b) {
    return static_cast<long long>(static_cast<__int128>(a) * b >> 64);
}
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return static_cast<unsigned long long>(static_cast<unsigned __int128>(a) * b >> 64);
}

// --- averages and sums of absolute differences ---
inline int __hadd(int a, int b) { return static_cast<int>((static_cast<int64_t>(a) + b) >> 1); }
inline int __rhadd(int a, int b) { return static_cast<int>((static_cast<int64_t>(a) + b + 1) >> 1); }
inline unsigned __uhadd(unsigned a, unsigned b) {
    return static_cast<unsigned>((static_cast<uint64_t>(a) + b) >> 1);
}
inline unsigned __urhadd(unsigned a, unsigned b) {
    return static_cast<unsigned>((static_cast<uint64_t>(a) + b + 1) >> 1);
}
inline unsigned __usad(unsigned a, unsigned b, unsigned sum) { return (a > b ? a - b : b - a) + sum; }
inline unsigned __sad(int a, int b, unsigned sum) {
    const unsigned x = static_cast<unsigned>(a), y = static_cast<unsigned>(b);
    return (a > b ? x - y : y - x) + sum;
}

// --- bytes and shifts across two words ---
inline unsigned __byte_perm(unsigned low, unsigned high, unsigned selector) {
    const uint64_t bytes = static_cast<uint64_t>(high) << 32 | low;
    unsigned result = 0;
    for (int i = 0; i < 4; ++i)
        result |= static_cast<unsigned>(bytes >> 8 * (selector >> 4 * i & 7) & 0xFF) << 8 * i;
    return result;
}
inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift) {
    return static_cast<unsigned>((static_cast<uint64_t>(high) << 32 | low) << (shift & 31) >> 32);
}
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
    return static_cast<unsigned>((static_cast<uint64_t>(high) << 32 | low) >> (shift & 31));
}
inline unsigned __funnelshift_lc(unsigned low, unsigned high, unsigned shift) {
    return shift >= 32 ? low : __funnelshift_l(low, high, shift);
}
inline unsigned __funnelshift_rc(unsigned low, unsigned high, unsigned shift) {
    return shift >= 32 ? high : __funnelshift_r(low, high, shift);
}

// --- dot products of packed bytes and halfwords ---
namespace sim::maths {
// Elements [first, first + count) of `b`, 8 bits each, with the first `count` elements of `a`.
template <class A, class B>
unsigned dot(unsigned a, unsigned b, int first, int count, unsigned sum) {
    for (int i = 0; i < count; ++i)
        sum += static_cast<unsigned>(static_cast<int>(A(a >> 8 * sizeof(A) * i)) *
                                     static_cast<int>(B(b >> 8 * (first + i))));
    return sum;
}
}  // namespace sim::maths
#define SIM_DOT(type, byte, word, word2, byte4)                                          \
    inline type __dp4a(type a, type b, type sum) {                                       \
        return static_cast<type>(sim::maths::dot<byte, byte>(a, b, 0, 4, sum));          \
    }                                                                                    \
    inline type __dp2a_lo(type a, type b, type sum) {                                    \
        return static_cast<type>(sim::maths::dot<word, byte>(a, b, 0, 2, sum));          \
    }                                                                                    \
    inline type __dp2a_hi(type a, type b, type sum) {                                    \
        return static_cast<type>(sim::maths::dot<word, byte>(a, b, 2, 2, sum));          \
    }                                                                                    \
    inline type __dp4a(byte4 a, byte4 b, type sum) {                                     \
        return __dp4a(__builtin_bit_cast(type, a), __builtin_bit_cast(type, b), sum);    \
    }                                                                                    \
    inline type __dp2a_lo(word2 a, byte4 b, type sum) {                                  \
        return __dp2a_lo(__builtin_bit_cast(type, a), __builtin_bit_cast(type, b), sum); \
    }                                                                                    \
    inline type __dp2a_hi(word2 a, byte4 b, type sum) {                                  \
        return __dp2a_hi(__builtin_bit_cast(type, a), __builtin_bit_cast(type, b), sum); \
    }
SIM_DOT(int, int8_t, int16_t, short2, char4)
SIM_DOT(unsigned, uint8_t, uint16_t, ushort2, uchar4)
#undef SIM_DOT
