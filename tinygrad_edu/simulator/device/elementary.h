// Roots, powers, norms and angles in units of pi: functions of CUDA that the C library lacks.
//
// A float function is computed in double, and a double function in long double, where squares neither
// overflow nor lose significant bits. This is short, and well inside CUDA's error bounds.
#pragma once
#include "rounding.h"

namespace sim::maths {

// sin(pi x) and cos(pi x). The argument is reduced to [-1/4, 1/4] first, which is exact; so is every
// quarter turn.
template <class T>
struct Turn {
    T sine, cosine;
};
template <class T, class Wide>
Turn<T> turn(T x) {
    if (x - x != 0) return {x - x, x - x};
    const T period = x - 2 * static_cast<T>(__builtin_rint(x / 2));  // in [-1, 1], exact
    const int quarter = static_cast<int>(__builtin_rint(2 * period));
    const Wide angle = static_cast<Wide>(3.141592653589793238462643383279503L) *
                       (static_cast<Wide>(period) - static_cast<Wide>(quarter) / 2);
    const Wide sine = std::sin(angle), cosine = std::cos(angle);
    const Wide sines[4] = {sine, cosine, -sine, -cosine};
    Turn<T> result{static_cast<T>(sines[quarter & 3]), static_cast<T>(sines[(quarter + 1) & 3])};
    if (result.sine == 0) result.sine = __builtin_copysign(T(0), x);  // sin of n pi has the sign of n
    result.cosine += T(0);                                            // cos of pi/2 is +0
    return result;
}

// Square root of the sum of squares; an infinite element wins over a NaN, as in hypot.
template <class Wide, class T>
Wide norm(const T* elements, int count) {
    Wide sum = 0;
    bool infinite = false;
    for (int i = 0; i < count; ++i) {
        const T x = elements[i];
        infinite |= x == x && x - x != 0;
        sum += Wide(x) * Wide(x);
    }
    return infinite ? Wide(__builtin_inf()) : std::sqrt(sum);
}

}  // namespace sim::maths

SIM_AT_CALLER float rsqrtf(float x) { return 1.0f / __builtin_sqrtf(x); }
inline double rsqrt(double x) { return static_cast<double>(1.0L / __builtin_sqrtl(x)); }
inline float rcbrtf(float x) { return static_cast<float>(1.0 / std::cbrt(static_cast<double>(x))); }
inline double rcbrt(double x) { return static_cast<double>(1.0L / std::cbrt(static_cast<long double>(x))); }

inline float sinpif(float x) { return sim::maths::turn<float, double>(x).sine; }
inline float cospif(float x) { return sim::maths::turn<float, double>(x).cosine; }
inline double sinpi(double x) { return sim::maths::turn<double, long double>(x).sine; }
inline double cospi(double x) { return sim::maths::turn<double, long double>(x).cosine; }
SIM_AT_CALLER void sincospif(float x, float* sine, float* cosine) {
    const sim::maths::Turn<float> t = sim::maths::turn<float, double>(x);
    *sine = t.sine;
    *cosine = t.cosine;
}
SIM_AT_CALLER void sincospi(double x, double* sine, double* cosine) {
    const sim::maths::Turn<double> t = sim::maths::turn<double, long double>(x);
    *sine = t.sine;
    *cosine = t.cosine;
}

#define SIM_NORMS(T, Wide, f)                                               \
    SIM_AT_CALLER T norm##f(int count, const T* elements) {                 \
        return static_cast<T>(sim::maths::norm<Wide>(elements, count));     \
    }                                                                       \
    SIM_AT_CALLER T rnorm##f(int count, const T* elements) {                \
        return static_cast<T>(1 / sim::maths::norm<Wide>(elements, count)); \
    }                                                                       \
    inline T norm3d##f(T a, T b, T c) {                                     \
        const T elements[3] = {a, b, c};                                    \
        return static_cast<T>(sim::maths::norm<Wide>(elements, 3));         \
    }                                                                       \
    inline T rnorm3d##f(T a, T b, T c) {                                    \
        const T elements[3] = {a, b, c};                                    \
        return static_cast<T>(1 / sim::maths::norm<Wide>(elements, 3));     \
    }                                                                       \
    inline T norm4d##f(T a, T b, T c, T d) {                                \
        const T elements[4] = {a, b, c, d};                                 \
        return static_cast<T>(sim::maths::norm<Wide>(elements, 4));         \
    }                                                                       \
    inline T rnorm4d##f(T a, T b, T c, T d) {                               \
        const T elements[4] = {a, b, c, d};                                 \
        return static_cast<T>(1 / sim::maths::norm<Wide>(elements, 4));     \
    }                                                                       \
    inline T rhypot##f(T a, T b) {                                          \
        const T elements[2] = {a, b};                                       \
        return static_cast<T>(1 / sim::maths::norm<Wide>(elements, 2));     \
    }
SIM_NORMS(float, double, f)
SIM_NORMS(double, long double, )
#undef SIM_NORMS

// --- results through pointers: stored here and not in the C library, so that the checker sees the store ---
SIM_AT_CALLER void sim_sincosf(float x, float* sine, float* cosine) {
    const float s = __builtin_sinf(x), c = __builtin_cosf(x);
    *sine = s;
    *cosine = c;
}
SIM_AT_CALLER void sim_sincos(double x, double* sine, double* cosine) {
    const double s = __builtin_sin(x), c = __builtin_cos(x);
    *sine = s;
    *cosine = c;
}
SIM_AT_CALLER void sim_sincos(float x, float* sine, float* cosine) { sim_sincosf(x, sine, cosine); }
#define SIM_THROUGH_POINTER(T, suffix, f)                         \
    SIM_AT_CALLER T sim_frexp##suffix(T x, int* exponent) {       \
        int n = 0;                                                \
        const T fraction = __builtin_frexp##f(x, &n);             \
        *exponent = n;                                            \
        return fraction;                                          \
    }                                                             \
    SIM_AT_CALLER T sim_modf##suffix(T x, T* whole) {             \
        T w;                                                      \
        const T fraction = __builtin_modf##f(x, &w);              \
        *whole = w;                                               \
        return fraction;                                          \
    }                                                             \
    SIM_AT_CALLER T sim_remquo##suffix(T x, T y, int* quotient) { \
        int q = 0;                                                \
        const T rest = __builtin_remquo##f(x, y, &q);             \
        *quotient = q;                                            \
        return rest;                                              \
    }
SIM_THROUGH_POINTER(double, , )
SIM_THROUGH_POINTER(float, , f)
SIM_THROUGH_POINTER(float, f, f)
#undef SIM_THROUGH_POINTER
