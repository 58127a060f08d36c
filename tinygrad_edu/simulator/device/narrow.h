// Rounding to 16 bits, for half and bfloat16.
//
// A result is computed in a wider format and must be rounded to 16 bits only once. Sums, differences,
// products, quotients and roots of two p-bit numbers are not affected by a first rounding to 2p+2 bits or
// more (Figueroa, 1995): float has 24 bits, half 11 and bfloat16 8. But bfloat16 has the range of float, and
// near the smallest numbers float has no extra bits, so bfloat16 uses double there. Formats wider than float
// are first rounded to odd: the last bit is set if any bits were cut off, so that the second rounding does
// not take the number for a tie.
#pragma once
#include "standard.h"

#include "unseen.h"

namespace sim {

template <class To, class From>
SIM_AT_CALLER To same_bits(From from) {
    static_assert(sizeof(To) == sizeof(From));
    return __builtin_bit_cast(To, from);
}

// To float, with rounding to odd. Wide is float, double or long double.
template <class Wide>
SIM_AT_CALLER float odd(Wide x) {
    float y = float(x);
    if (Wide(y) == x || x != x || x - x != 0) return y;  // exact, NaN, infinite
    uint32_t bits = same_bits<uint32_t>(y);
    bool too_large = (x < 0 ? -Wide(y) : Wide(y)) > (x < 0 ? -x : x);
    return same_bits<float>((bits - too_large) | 1);
}
SIM_AT_CALLER float odd(float x) { return x; }

// An integer in a floating-point type that has all its bits.
SIM_AT_CALLER double exact(int i) { return i; }
SIM_AT_CALLER double exact(unsigned i) { return i; }
SIM_AT_CALLER double exact(short i) { return i; }
SIM_AT_CALLER double exact(unsigned short i) { return i; }
SIM_AT_CALLER long double exact(long i) { return i; }
SIM_AT_CALLER long double exact(unsigned long i) { return i; }
SIM_AT_CALLER long double exact(long long i) { return i; }
SIM_AT_CALLER long double exact(unsigned long long i) { return i; }

// half: 1 sign, 5 exponent, 10 fraction bits.
struct HalfFormat {
    typedef float Exact;  // wide enough for one operation
    static constexpr unsigned short one = 0x3C00, nan = 0x7FFF, infinity = 0x7C00;
    static SIM_AT_CALLER unsigned short nearest(float x) {
        return x != x ? nan : same_bits<unsigned short>(_Float16(x));
    }
    static SIM_AT_CALLER float value(unsigned short bits) { return float(same_bits<_Float16>(bits)); }
};

// bfloat16: the upper half of a float.
struct BfloatFormat {
    typedef double Exact;
    static constexpr unsigned short one = 0x3F80, nan = 0x7FFF, infinity = 0x7F80;
    static SIM_AT_CALLER unsigned short nearest(float x) {
        uint32_t bits = same_bits<uint32_t>(x);
        return x != x ? nan : (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
    }
    static SIM_AT_CALLER float value(unsigned short bits) { return same_bits<float>(uint32_t(bits) << 16); }
};

enum class Rounding { nearest, zero, up, down };

// Round to nearest, then move to the neighbour if the direction was wrong. In sign and magnitude, one step
// towards zero is bits - 1.
template <class Format, Rounding way = Rounding::nearest, class Wide>
SIM_AT_CALLER unsigned short narrow(Wide x) {
    unsigned short bits = Format::nearest(odd(x));
    if (way == Rounding::nearest || x != x) return bits;
    Wide y = Wide(Format::value(bits));
    bool negative = bits >> 15, above = y > x, below = y < x;
    if (way == Rounding::zero) return bits - (negative ? below : above);
    if (way == Rounding::down) return negative ? bits + above : bits - above;
    return negative ? bits - below : bits + below;
}

// To an integer: numbers out of range give the nearest integer. NaN gives 0; with 64 bits, only the highest
// bit is set.
template <class Integer, Rounding way>
SIM_AT_CALLER Integer to_integer(float x) {
    constexpr bool is_signed = Integer(-1) < Integer(0);
    constexpr int bits = sizeof(Integer) * 8;
    constexpr Integer lowest = is_signed ? Integer(1ull << (bits - 1)) : Integer(0);
    constexpr Integer highest = Integer(~lowest);
    if (x != x) return bits == 64 ? Integer(1ull << 63) : Integer(0);
    float y = way == Rounding::nearest ? __builtin_rintf(x)
              : way == Rounding::zero  ? __builtin_truncf(x)
              : way == Rounding::up    ? __builtin_ceilf(x)
                                       : __builtin_floorf(x);
    float limit = __builtin_ldexpf(1, is_signed ? bits - 1 : bits);
    return y >= limit ? highest : y < float(lowest) ? lowest : Integer(y);
}

}  // namespace sim
