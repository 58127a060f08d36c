// Conversions with a rounding direction, and reinterpretation of bits.
//
// Numbers out of range give the nearest integer, as on a GPU. NaN becomes 0 if both sides have 32 bits,
// otherwise the integer with only the highest bit set. A plain cast, (int)x, is different: its result is
// undefined in C++, INT_MIN on x86, and a header cannot change it.
#pragma once
#include "rounding.h"

namespace sim::maths {

template <class Integer, class T>
Integer to_integer(T x, Rounding rounding) {
    constexpr int bits = 8 * sizeof(Integer);
    constexpr bool is_signed = Integer(-1) < Integer(0);
    constexpr Integer highest = Integer(~(is_signed ? Integer(1ull << (bits - 1)) : Integer(0)));
    constexpr Integer lowest = Integer(~highest);
    if (x != x) return sizeof(T) == 4 && bits == 32 ? Integer(0) : Integer(1ull << (bits - 1));
    switch (rounding) {
        case to_nearest: x = __builtin_rint(x); break;
        case to_zero: x = __builtin_trunc(x); break;
        case upwards: x = __builtin_ceil(x); break;
        case downwards: x = __builtin_floor(x); break;
    }
    const T limit = T(1ull << (bits - 2)) * (is_signed ? 2 : 4);
    if (x >= limit) return highest;
    if (x < T(lowest)) return lowest;
    return static_cast<Integer>(x);
}

}  // namespace sim::maths

#define SIM_TO_INTEGER(from, from_name, to, to_name, suffix, rounding) \
    inline to __##from_name##2##to_name##_##suffix(from x) { return sim::maths::to_integer<to>(x, rounding); }
// Every integer is exact in long double (64 bits of fraction or more).
#define SIM_TO_FLOATING(from, from_name, to, to_name, suffix, rounding)         \
    inline to __##from_name##2##to_name##_##suffix(from x) {                    \
        if (rounding == sim::maths::to_nearest) return static_cast<to>(x);      \
        return sim::maths::narrowed<to>(static_cast<long double>(x), rounding); \
    }
#define SIM_BOTH(suffix, rounding)                                             \
    SIM_TO_INTEGER(float, float, int, int, suffix, rounding)                   \
    SIM_TO_INTEGER(float, float, unsigned, uint, suffix, rounding)             \
    SIM_TO_INTEGER(float, float, long long, ll, suffix, rounding)              \
    SIM_TO_INTEGER(float, float, unsigned long long, ull, suffix, rounding)    \
    SIM_TO_INTEGER(double, double, int, int, suffix, rounding)                 \
    SIM_TO_INTEGER(double, double, unsigned, uint, suffix, rounding)           \
    SIM_TO_INTEGER(double, double, long long, ll, suffix, rounding)            \
    SIM_TO_INTEGER(double, double, unsigned long long, ull, suffix, rounding)  \
    SIM_TO_FLOATING(int, int, float, float, suffix, rounding)                  \
    SIM_TO_FLOATING(unsigned, uint, float, float, suffix, rounding)            \
    SIM_TO_FLOATING(long long, ll, float, float, suffix, rounding)             \
    SIM_TO_FLOATING(unsigned long long, ull, float, float, suffix, rounding)   \
    SIM_TO_FLOATING(long long, ll, double, double, suffix, rounding)           \
    SIM_TO_FLOATING(unsigned long long, ull, double, double, suffix, rounding) \
    SIM_TO_FLOATING(double, double, float, float, suffix, rounding)
SIM_BOTH(rn, sim::maths::to_nearest)
SIM_BOTH(rz, sim::maths::to_zero)
SIM_BOTH(ru, sim::maths::upwards)
SIM_BOTH(rd, sim::maths::downwards)
#undef SIM_BOTH
#undef SIM_TO_INTEGER
#undef SIM_TO_FLOATING
inline double __int2double_rn(int x) { return x; }
inline double __uint2double_rn(unsigned x) { return x; }

SIM_AT_CALLER int __float_as_int(float x) { return __builtin_bit_cast(int, x); }
SIM_AT_CALLER unsigned __float_as_uint(float x) { return __builtin_bit_cast(unsigned, x); }
SIM_AT_CALLER float __int_as_float(int x) { return __builtin_bit_cast(float, x); }
SIM_AT_CALLER float __uint_as_float(unsigned x) { return __builtin_bit_cast(float, x); }
SIM_AT_CALLER long long __double_as_longlong(double x) { return __builtin_bit_cast(long long, x); }
SIM_AT_CALLER double __longlong_as_double(long long x) { return __builtin_bit_cast(double, x); }
SIM_AT_CALLER int __double2hiint(double x) { return static_cast<int>(__double_as_longlong(x) >> 32); }
SIM_AT_CALLER int __double2loint(double x) { return static_cast<int>(__double_as_longlong(x)); }
SIM_AT_CALLER double __hiloint2double(int high, int low) {
    return __longlong_as_double(
        static_cast<long long>(static_cast<unsigned long long>(high) << 32 | static_cast<unsigned>(low)));
}
