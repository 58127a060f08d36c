// min, max, fmin and fmax for every pair of types that CUDA has.
//
// A number is preferred to NaN, and +0 is larger than -0. They are written as comparisons, so that g++ can
// vectorise loops with them, which it cannot with the C library's fmaxf.
#pragma once
#include "rounding.h"

namespace sim::maths {

template <class T>
SIM_AT_CALLER T maximum(T a, T b) {
    typedef typename Wider<T>::bits Bits;
    const T equal = __builtin_bit_cast(T, Bits(__builtin_bit_cast(Bits, a) & __builtin_bit_cast(Bits, b)));
    const T larger = a > b ? a : a == b ? equal : b;
    return b != b ? a : larger;
}
template <class T>
SIM_AT_CALLER T minimum(T a, T b) {
    typedef typename Wider<T>::bits Bits;
    const T equal = __builtin_bit_cast(T, Bits(__builtin_bit_cast(Bits, a) | __builtin_bit_cast(Bits, b)));
    const T smaller = a < b ? a : a == b ? equal : b;
    return b != b ? a : smaller;
}

}  // namespace sim::maths

SIM_AT_CALLER float sim_fmaxf(float a, float b) { return sim::maths::maximum(a, b); }
SIM_AT_CALLER float sim_fminf(float a, float b) { return sim::maths::minimum(a, b); }
SIM_AT_CALLER float sim_fmax(float a, float b) { return sim::maths::maximum(a, b); }
SIM_AT_CALLER float sim_fmin(float a, float b) { return sim::maths::minimum(a, b); }
SIM_AT_CALLER double sim_fmax(double a, double b) { return sim::maths::maximum(a, b); }
SIM_AT_CALLER double sim_fmin(double a, double b) { return sim::maths::minimum(a, b); }
// Other pairs (int with float, two integers) are computed in double, as std::fmax does.
template <class A, class B>
SIM_AT_CALLER double sim_fmax(A a, B b) {
    static_assert(std::is_arithmetic_v<A> && std::is_arithmetic_v<B>, "fmax takes two numbers");
    return sim::maths::maximum<double>(static_cast<double>(a), static_cast<double>(b));
}
template <class A, class B>
SIM_AT_CALLER double sim_fmin(A a, B b) {
    static_assert(std::is_arithmetic_v<A> && std::is_arithmetic_v<B>, "fmin takes two numbers");
    return sim::maths::minimum<double>(static_cast<double>(a), static_cast<double>(b));
}

#define SIM_EXTREME(result, A, B)                                                        \
    SIM_AT_CALLER result max(A a, B b) {                                                 \
        return static_cast<result>(a) > static_cast<result>(b) ? static_cast<result>(a)  \
                                                               : static_cast<result>(b); \
    }                                                                                    \
    SIM_AT_CALLER result min(A a, B b) {                                                 \
        return static_cast<result>(a) < static_cast<result>(b) ? static_cast<result>(a)  \
                                                               : static_cast<result>(b); \
    }
#define SIM_EXTREME_INTEGER(type)                            \
    SIM_EXTREME(type, type, type)                            \
    SIM_EXTREME(unsigned type, unsigned type, unsigned type) \
    SIM_EXTREME(unsigned type, type, unsigned type)          \
    SIM_EXTREME(unsigned type, unsigned type, type)
SIM_EXTREME_INTEGER(int)
SIM_EXTREME_INTEGER(long)
SIM_EXTREME_INTEGER(long long)
#undef SIM_EXTREME_INTEGER
#undef SIM_EXTREME
SIM_AT_CALLER float max(float a, float b) { return sim::maths::maximum(a, b); }
SIM_AT_CALLER float min(float a, float b) { return sim::maths::minimum(a, b); }
SIM_AT_CALLER double max(double a, double b) { return sim::maths::maximum(a, b); }
SIM_AT_CALLER double min(double a, double b) { return sim::maths::minimum(a, b); }
SIM_AT_CALLER double max(float a, double b) { return sim::maths::maximum<double>(a, b); }
SIM_AT_CALLER double min(float a, double b) { return sim::maths::minimum<double>(a, b); }
SIM_AT_CALLER double max(double a, float b) { return sim::maths::maximum<double>(a, b); }
SIM_AT_CALLER double min(double a, float b) { return sim::maths::minimum<double>(a, b); }
SIM_AT_CALLER unsigned umax(unsigned a, unsigned b) { return max(a, b); }
SIM_AT_CALLER unsigned umin(unsigned a, unsigned b) { return min(a, b); }
SIM_AT_CALLER long long llmax(long long a, long long b) { return max(a, b); }
SIM_AT_CALLER long long llmin(long long a, long long b) { return min(a, b); }
SIM_AT_CALLER unsigned long long ullmax(unsigned long long a, unsigned long long b) { return max(a, b); }
SIM_AT_CALLER unsigned long long ullmin(unsigned long long a, unsigned long long b) { return min(a, b); }
