// Arithmetic with a rounding direction in its name (__fadd_rz, __dmul_ru ...),
// without touching the CPU's mode.
//
// Each operation is rounded to nearest. Then the sign of the rounding error is computed exactly, in a format
// with more than twice the bits, and the result moves to its neighbour if the direction needs that. A barrier
// keeps g++ from fusing the operation with the next one.
#pragma once
#include "unseen.h"

namespace sim::maths {

enum Rounding { to_nearest, to_zero, upwards, downwards };

template <class T>
struct Wider;
template <>
struct Wider<float> {
    typedef double type;
    typedef uint32_t bits;
};
template <>
struct Wider<double> {
    typedef __float128 type;
    typedef uint64_t bits;
};

// The same value, but opaque to g++: with -ffp-contract=fast it could make one fma of a*b+c from two calls.
template <class T>
SIM_AT_CALLER T unfused(T x) {
#if defined(__x86_64__)
    asm("" : "+x"(x));
#elif defined(__aarch64__)
    asm("" : "+w"(x));
#endif
    return x;
}

// The next number in the direction of +infinity (step 1) or -infinity (step -1).
template <class T>
T neighbour(T x, int step) {
    typedef typename Wider<T>::bits Bits;
    Bits bits;
    if (x == 0) {
        bits = Bits(1) | (step > 0 ? Bits(0) : Bits(1) << (8 * sizeof(T) - 1));
    } else {
        bits = __builtin_bit_cast(Bits, x);
        bits += (x > 0) == (step > 0) ? Bits(1) : ~Bits(0);
    }
    return __builtin_bit_cast(T, bits);
}

// `x` is a neighbour of the exact result, which is larger, equal or smaller by the sign of `remainder`.
template <class T, class Wide>
T directed(T x, Wide remainder, Rounding rounding) {
    const bool shrink = rounding == to_zero;
    if (remainder > 0 && (rounding == upwards || (shrink && x < 0))) return neighbour(x, 1);
    if (remainder < 0 && (rounding == downwards || (shrink && x > 0))) return neighbour(x, -1);
    return x;
}

// A number of a wider format (or integer exact in it) rounded to T.
template <class T, class Wide>
T narrowed(Wide exact, Rounding rounding) {
    const T x = static_cast<T>(exact);
    if (x != x || exact - exact != 0) return x;
    return directed(x, exact - static_cast<Wide>(x), rounding);
}

template <class T>
T multiply_add(T a, T b, T c, Rounding rounding) {
    typedef typename Wider<T>::type Wide;
    const Wide product = Wide(a) * Wide(b), sum = product + Wide(c);
    if (sum - sum != 0) return static_cast<T>(sum);  // infinite or NaN
    const Wide seen = sum - product;
    const Wide lost = (product - (sum - seen)) + (Wide(c) - seen);
    if (sum == 0 && lost == 0) {
        const bool minus = __builtin_signbit(static_cast<T>(product));
        if (product == 0 && c == 0 && minus == bool(__builtin_signbit(c))) return c;
        return rounding == downwards ? -T(0) : T(0);
    }
    const T x = static_cast<T>(sum);
    const Wide cut = sum - Wide(x);
    return directed(x, cut != 0 ? cut : lost, rounding);
}
template <class T>
T multiply(T a, T b, Rounding rounding) {
    typedef typename Wider<T>::type Wide;
    return narrowed<T>(Wide(a) * Wide(b), rounding);
}
template <class T>
T divide(T a, T b, Rounding rounding) {
    typedef typename Wider<T>::type Wide;
    const T x = a / b;
    if (a == 0 || b == 0 || a - a != 0 || b - b != 0) return x;  // exact, infinite or NaN
    if (x - x != 0) return directed(x, -Wide(x), rounding);      // overflow: the quotient is finite
    const Wide remainder = Wide(a) - Wide(x) * Wide(b);
    return directed(x, b > 0 ? remainder : -remainder, rounding);
}
template <class T>
T root(T a, Rounding rounding) {
    typedef typename Wider<T>::type Wide;
    const T x = static_cast<T>(__builtin_sqrt(a));  // of a float: right also after two roundings
    if (!(a > 0) || a - a != 0) return x;
    return directed(x, Wide(a) - Wide(x) * Wide(x), rounding);
}

}  // namespace sim::maths

#define SIM_DIRECTED(suffix, rounding)                                                                 \
    inline float __fadd_##suffix(float a, float b) {                                                   \
        return sim::maths::multiply_add(a, 1.0f, b, rounding);                                         \
    }                                                                                                  \
    inline float __fsub_##suffix(float a, float b) {                                                   \
        return sim::maths::multiply_add(a, 1.0f, -b, rounding);                                        \
    }                                                                                                  \
    inline float __fmul_##suffix(float a, float b) { return sim::maths::multiply(a, b, rounding); }    \
    inline float __fmaf_##suffix(float a, float b, float c) {                                          \
        return sim::maths::multiply_add(a, b, c, rounding);                                            \
    }                                                                                                  \
    inline float __fdiv_##suffix(float a, float b) { return sim::maths::divide(a, b, rounding); }      \
    inline float __frcp_##suffix(float a) { return sim::maths::divide(1.0f, a, rounding); }            \
    inline float __fsqrt_##suffix(float a) { return sim::maths::root(a, rounding); }                   \
    inline double __dadd_##suffix(double a, double b) {                                                \
        return sim::maths::multiply_add(a, 1.0, b, rounding);                                          \
    }                                                                                                  \
    inline double __dsub_##suffix(double a, double b) {                                                \
        return sim::maths::multiply_add(a, 1.0, -b, rounding);                                         \
    }                                                                                                  \
    inline double __dmul_##suffix(double a, double b) { return sim::maths::multiply(a, b, rounding); } \
    inline double __fma_##suffix(double a, double b, double c) {                                       \
        return sim::maths::multiply_add(a, b, c, rounding);                                            \
    }                                                                                                  \
    inline double __ddiv_##suffix(double a, double b) { return sim::maths::divide(a, b, rounding); }   \
    inline double __drcp_##suffix(double a) { return sim::maths::divide(1.0, a, rounding); }           \
    inline double __dsqrt_##suffix(double a) { return sim::maths::root(a, rounding); }
SIM_DIRECTED(rz, sim::maths::to_zero)
SIM_DIRECTED(ru, sim::maths::upwards)
SIM_DIRECTED(rd, sim::maths::downwards)
#undef SIM_DIRECTED

SIM_AT_CALLER float __fadd_rn(float a, float b) {
    return sim::maths::unfused(sim::maths::unfused(a) + sim::maths::unfused(b));
}
SIM_AT_CALLER float __fsub_rn(float a, float b) {
    return sim::maths::unfused(sim::maths::unfused(a) - sim::maths::unfused(b));
}
SIM_AT_CALLER float __fmul_rn(float a, float b) { return sim::maths::unfused(a * b); }
SIM_AT_CALLER float __fmaf_rn(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
SIM_AT_CALLER float __fdiv_rn(float a, float b) { return a / b; }
SIM_AT_CALLER float __frcp_rn(float a) { return 1.0f / a; }
SIM_AT_CALLER float __fsqrt_rn(float a) { return __builtin_sqrtf(a); }
// The result is correctly rounded: no float has a reciprocal root so near to a tie that long double cannot
// decide.
SIM_AT_CALLER float __frsqrt_rn(float a) { return static_cast<float>(1.0L / __builtin_sqrtl(a)); }
SIM_AT_CALLER double __dadd_rn(double a, double b) {
    return sim::maths::unfused(sim::maths::unfused(a) + sim::maths::unfused(b));
}
SIM_AT_CALLER double __dsub_rn(double a, double b) {
    return sim::maths::unfused(sim::maths::unfused(a) - sim::maths::unfused(b));
}
SIM_AT_CALLER double __dmul_rn(double a, double b) { return sim::maths::unfused(a * b); }
SIM_AT_CALLER double __fma_rn(double a, double b, double c) { return __builtin_fma(a, b, c); }
SIM_AT_CALLER double __ddiv_rn(double a, double b) { return a / b; }
SIM_AT_CALLER double __drcp_rn(double a) { return 1.0 / a; }
SIM_AT_CALLER double __dsqrt_rn(double a) { return __builtin_sqrt(a); }
