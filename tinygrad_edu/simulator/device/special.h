// Special functions that the C library lacks: inverse and scaled error functions, the normal distribution,
// modified Bessel functions; and the float overloads of the names that CUDA adds to C.
//
// All are computed in long double (64 bits of mantissa on x86) and rounded once. Speed was not a goal.
#pragma once
#include "elementary.h"

namespace sim::maths {

constexpr long double ROOT_OF_PI = 1.772453850905516027298167483341145L;
constexpr long double ROOT_OF_HALF = 0.707106781186547524400844362104849L;

// The x with erfc(x) = y for 0 < y <= 1/2. It starts from the asymptotic form of the tail; each step of
// Halley's method triples the number of correct digits.
inline long double erfc_inverse_of_tail(long double y) {
    const long double log_y = logl(y * ROOT_OF_PI);
    long double x = sqrtl(-log_y);
    for (int i = 0; i < 3; ++i) x = sqrtl(fmaxl(-log_y - logl(x), 0.05L));
    for (int i = 0; i < 5; ++i) {
        const long double error = (erfcl(x) - y) / (2 / ROOT_OF_PI * expl(-x * x));
        x += error / (1 - x * error);
    }
    return x;
}
// The x with erf(x) = y for |y| <= 1/2.
inline long double erf_inverse_of_middle(long double y) {
    long double x = y * ROOT_OF_PI / 2;
    for (int i = 0; i < 5; ++i) {
        const long double error = (erfl(x) - y) / (2 / ROOT_OF_PI * expl(-x * x));
        x -= error / (1 + x * error);
    }
    return x;
}
inline long double erfc_inverse(long double y) {
    if (!(y >= 0 && y <= 2)) return __builtin_nanl("");
    if (y == 0) return __builtin_infl();
    if (y == 2) return -__builtin_infl();
    if (y < 0.5L) return erfc_inverse_of_tail(y);
    if (y > 1.5L) return -erfc_inverse_of_tail(2 - y);
    return erf_inverse_of_middle(1 - y);
}
inline long double erf_inverse(long double y) {
    if (!(y >= -1 && y <= 1)) return __builtin_nanl("");
    if (y > 0.5L) return erfc_inverse(1 - y);
    if (y < -0.5L) return -erfc_inverse(1 + y);
    return y == 0 ? y : erf_inverse_of_middle(y);
}
// exp(x^2) erfc(x).
inline long double erfc_scaled(long double x) {
    if (x < 50) {
        if (x < -30) return __builtin_infl();
        return expl(x * x) * erfcl(x);
    }
    const long double t = 1 / (2 * x * x);  // asymptotic series; the first term left out is below 1e-17
    return (1 - t * (1 - 3 * t * (1 - 5 * t * (1 - 7 * t * (1 - 9 * t))))) / (x * ROOT_OF_PI);
}
inline long double normal(long double x) { return erfcl(-x * ROOT_OF_HALF) / 2; }
inline long double normal_inverse(long double p) {
    return (0 - erfc_inverse(2 * p)) / ROOT_OF_HALF;  // +0 at 1/2, hence no unary minus
}

// Modified Bessel function of the first kind, order 0 or 1, for x >= 0.
inline long double bessel_i(int order, long double x) {
    if (x != x) return x;
    if (x < 40) {  // sum of (x/2)^(2k + order) / (k! (k + order)!): all terms are positive
        const long double q = x * x / 4;
        long double term = order ? x / 2 : 1, sum = term;
        for (int k = 1; term > sum * 1e-20L; ++k) {
            term *= q / (static_cast<long double>(k) * (k + order));
            sum += term;
        }
        return sum;
    }
    if (x > 1000) return __builtin_infl();  // beyond the range of double
    long double term = 1, sum = 1;
    for (int k = 1; k < 40; ++k) {  // exp(x) / sqrt(2 pi x) times an asymptotic series
        const long double odd = 2 * k - 1;
        term *= (odd * odd - 4 * order * order) / (8 * x * k);
        sum += term;
        if (fabsl(term) < 1e-20L) break;
    }
    return expl(x) / (sqrtl(2 * x) * ROOT_OF_PI) * sum;
}

}  // namespace sim::maths

#define SIM_SPECIAL(name, value)                                        \
    inline double name(double x) { return static_cast<double>(value); } \
    inline float name##f(float x) { return static_cast<float>(value); } \
    inline float name(float x) { return name##f(x); }
SIM_SPECIAL(erfinv, sim::maths::erf_inverse(x))
SIM_SPECIAL(erfcinv, sim::maths::erfc_inverse(x))
SIM_SPECIAL(erfcx, sim::maths::erfc_scaled(x))
SIM_SPECIAL(normcdf, sim::maths::normal(x))
SIM_SPECIAL(normcdfinv, sim::maths::normal_inverse(x))
SIM_SPECIAL(cyl_bessel_i0, sim::maths::bessel_i(0, fabsl(x)))
SIM_SPECIAL(cyl_bessel_i1, copysignl(sim::maths::bessel_i(1, fabsl(x)), x))
#undef SIM_SPECIAL

// --- the functions that CUDA adds to C, for float ---
#define SIM_FLOAT(name) \
    inline float name(float x) { return name##f(x); }
SIM_FLOAT(rsqrt)
SIM_FLOAT(rcbrt)
SIM_FLOAT(sinpi)
SIM_FLOAT(cospi)
SIM_FLOAT(exp10)
SIM_FLOAT(j0)
SIM_FLOAT(j1)
SIM_FLOAT(y0)
SIM_FLOAT(y1)
#undef SIM_FLOAT
inline float jn(int order, float x) { return jnf(order, x); }
inline float yn(int order, float x) { return ynf(order, x); }
inline float rhypot(float a, float b) { return rhypotf(a, b); }
inline float norm3d(float a, float b, float c) { return norm3df(a, b, c); }
inline float rnorm3d(float a, float b, float c) { return rnorm3df(a, b, c); }
inline float norm4d(float a, float b, float c, float d) { return norm4df(a, b, c, d); }
inline float rnorm4d(float a, float b, float c, float d) { return rnorm4df(a, b, c, d); }
SIM_AT_CALLER float norm(int count, const float* elements) { return normf(count, elements); }
SIM_AT_CALLER float rnorm(int count, const float* elements) { return rnormf(count, elements); }
SIM_AT_CALLER void sincospi(float x, float* sine, float* cosine) { sincospif(x, sine, cosine); }
