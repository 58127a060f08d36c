// Functions for formulas that CUDA does not have, with the same results as NumPy for special values.
#pragma once
#include "common.cuh"

namespace elementwise {

__device__ __forceinline__ bool is_nan(float32 x) { return isnan(x); }
__device__ __forceinline__ bool is_nan(float64 x) { return isnan(x); }
template <typename T>
__device__ __forceinline__ bool is_nan(T) {
    return false;
}
__device__ __forceinline__ bool is_infinite(float32 x) { return isinf(x); }
__device__ __forceinline__ bool is_infinite(float64 x) { return isinf(x); }
template <typename T>
__device__ __forceinline__ bool is_infinite(T) {
    return false;
}

// For integers, floor, ceiling and rounding change nothing.
__device__ __forceinline__ float32 down(float32 x) { return floorf(x); }
__device__ __forceinline__ float64 down(float64 x) { return ::floor(x); }
template <typename T>
__device__ __forceinline__ T down(T x) {
    return x;
}
__device__ __forceinline__ float32 up(float32 x) { return ceilf(x); }
__device__ __forceinline__ float64 up(float64 x) { return ::ceil(x); }
template <typename T>
__device__ __forceinline__ T up(T x) {
    return x;
}
__device__ __forceinline__ float32 half_to_even(float32 x) { return rintf(x); }
__device__ __forceinline__ float64 half_to_even(float64 x) { return ::rint(x); }
template <typename T>
__device__ __forceinline__ T half_to_even(T x) {
    return x;
}
__device__ __forceinline__ float32 towards_zero(float32 x) { return truncf(x); }
__device__ __forceinline__ float64 towards_zero(float64 x) { return ::trunc(x); }
template <typename T>
__device__ __forceinline__ T towards_zero(T x) {
    return x;
}

__device__ __forceinline__ float32 magnitude(float32 x) { return fabsf(x); }
__device__ __forceinline__ float64 magnitude(float64 x) { return ::fabs(x); }
template <typename T>
__device__ __forceinline__ T magnitude(T x) {
    return x < T(0) ? T(-x) : x;
}

// -1, 0 or 1; NaN stays NaN.
template <typename T>
__device__ __forceinline__ T sign_of(T x) {
    return is_nan(x) ? x : T((x > T(0)) - (x < T(0)));
}

// NaN is larger than every number; of two NaNs the first is the result.
template <typename T>
__device__ __forceinline__ T larger(T x, T y) {
    return x >= y || is_nan(x) ? x : y;
}
template <typename T>
__device__ __forceinline__ T smaller(T x, T y) {
    return x <= y || is_nan(x) ? x : y;
}

template <typename T>
__device__ __forceinline__ T softplus_of(T x) {
    return larger(x, T(0)) + log1p(exp(-fabs(x)));
}
// Uses e^-|x|, so the exponential never overflows; the result is accurate also where it is nearly 0.
template <typename T>
__device__ __forceinline__ T sigmoid_of(T x) {
    T e = exp(-fabs(x));
    return (x < T(0) ? e : T(1)) / (T(1) + e);
}
template <typename T>
__device__ __forceinline__ T sigmoid_slope_of(T x) {
    T e = exp(-fabs(x)), below = T(1) + e;
    return e / (below * below);
}
// e^(-scale x^2): x^2 is the sum of s^2, which is exact, and a small rest; s is x rounded to a sixteenth.
template <typename T>
__device__ __forceinline__ T bell_of(T x, T scale) {
    T size = smaller(T(fabs(x)), T(64) / sqrt(scale)), s = half_to_even(size * T(16)) / T(16);
    return exp(-scale * (s * s)) * exp(-scale * ((size - s) * (size + s)));
}
// Limits x to at least -10000. e^-10000 is 0 already, and so a product with e^x at x = -infinity is 0, the
// limit value, and not NaN.
template <typename T>
__device__ __forceinline__ T bounded(T x) {
    return larger(x, T(-10000));
}
// If e^x is subnormal, it has few digits; its square root has all digits.
template <typename T>
__device__ __forceinline__ T silu_of(T x) {
    if (x >= (sizeof(T) == 4 ? T(-87) : T(-708)) || is_nan(x)) return x * sigmoid_of(x);
    T half = exp(bounded(x) * T(0.5));
    return bounded(x) * half * half;
}

// The quotient rounded down; the remainder has the sign of the divisor, as in Python.
template <typename T>
__device__ T quotient_down(T x, T y) {  // floats
    T rest = fmod(x, y);
    if (y == T(0)) return x / y;
    T quotient = (x - rest) / y;
    if (rest != T(0) && (y < T(0)) != (rest < T(0))) quotient -= T(1);
    if (quotient == T(0)) return copysign(T(0), x / y);
    T whole = floor(quotient);
    return quotient - whole > T(0.5) ? whole + T(1) : whole;
}
template <typename T>
__device__ T remainder_down(T x, T y) {
    T rest = fmod(x, y);
    if (rest == T(0)) return copysign(T(0), y);
    return (y < T(0)) != (rest < T(0)) ? rest + y : rest;
}

// Division of integers by zero gives 0, as in NumPy; the lowest integer divided by -1 overflows to itself.
template <typename T>
__device__ __forceinline__ T whole_quotient(T x, T y) {
    if (y == T(0)) return T(0);
    if (T(-1) < T(0) && y == T(-1)) return T(0) - x;
    T quotient = x / y;
    return (x % y != T(0)) && ((x < T(0)) != (y < T(0))) ? quotient - T(1) : quotient;
}
template <typename T>
__device__ __forceinline__ T whole_remainder(T x, T y) {
    if (y == T(0) || (T(-1) < T(0) && y == T(-1))) return T(0);
    T rest = x % y;
    return rest != T(0) && ((rest < T(0)) != (y < T(0))) ? rest + y : rest;
}
// Power by repeated squaring; overflow wraps around, as in NumPy.
template <typename T>
__device__ T whole_power(T x, T y) {
    if (y < T(0)) return x == T(1) ? T(1) : x == T(-1) ? (y % T(2) ? T(-1) : T(1)) : T(0);
    uint64 result = 1, base = (uint64)(int64)x;
    for (uint64 rest = (uint64)y; rest; rest >>= 1, base *= base)
        if (rest & 1) result *= base;
    return (T)result;
}

__device__ __forceinline__ float32 floor_quotient(float32 x, float32 y) { return quotient_down(x, y); }
__device__ __forceinline__ float64 floor_quotient(float64 x, float64 y) { return quotient_down(x, y); }
template <typename T>
__device__ __forceinline__ T floor_quotient(T x, T y) {
    return whole_quotient(x, y);
}
__device__ __forceinline__ float32 floor_remainder(float32 x, float32 y) { return remainder_down(x, y); }
__device__ __forceinline__ float64 floor_remainder(float64 x, float64 y) { return remainder_down(x, y); }
template <typename T>
__device__ __forceinline__ T floor_remainder(T x, T y) {
    return whole_remainder(x, y);
}
__device__ __forceinline__ float32 power(float32 x, float32 y) { return powf(x, y); }
__device__ __forceinline__ float64 power(float64 x, float64 y) { return ::pow(x, y); }
template <typename T>
__device__ __forceinline__ T power(T x, T y) {
    return whole_power(x, y);
}

// bool has no remainder and no minus. The ops of the library never use them, but the templates must exist.
template <>
__device__ __forceinline__ bool floor_quotient<bool>(bool x, bool y) {
    return x && y;
}
template <>
__device__ __forceinline__ bool floor_remainder<bool>(bool, bool) {
    return false;
}
template <>
__device__ __forceinline__ bool power<bool>(bool x, bool y) {
    return x || !y;
}
template <>
__device__ __forceinline__ bool magnitude<bool>(bool x) {
    return x;
}

}  // namespace elementwise
