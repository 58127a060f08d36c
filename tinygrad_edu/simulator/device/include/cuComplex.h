// Complex numbers of CUDA's own: float2 and double2 with named functions.
#pragma once

typedef float2 cuFloatComplex;
typedef double2 cuDoubleComplex;
typedef cuFloatComplex cuComplex;

#define SIM_COMPLEX(Complex, T, f)                                                           \
    inline Complex make_##Complex(T real, T imaginary) { return Complex{real, imaginary}; }  \
    inline T cuCreal##f(Complex x) { return x.x; }                                           \
    inline T cuCimag##f(Complex x) { return x.y; }                                           \
    inline Complex cuConj##f(Complex x) { return Complex{x.x, -x.y}; }                       \
    inline Complex cuCadd##f(Complex x, Complex y) { return Complex{x.x + y.x, x.y + y.y}; } \
    inline Complex cuCsub##f(Complex x, Complex y) { return Complex{x.x - y.x, x.y - y.y}; } \
    inline Complex cuCmul##f(Complex x, Complex y) {                                         \
        return Complex{x.x * y.x - x.y * y.y, x.x * y.y + x.y * y.x};                        \
    }                                                                                        \
    /* Divided by the size of y first, so that its square does not overflow. */              \
    inline Complex cuCdiv##f(Complex x, Complex y) {                                         \
        const T scale = 1 / (__builtin_fabs##f(y.x) + __builtin_fabs##f(y.y));               \
        const T a = x.x * scale, b = x.y * scale, c = y.x * scale, d = y.y * scale;          \
        const T size = 1 / (c * c + d * d);                                                  \
        return Complex{(a * c + b * d) * size, (b * c - a * d) * size};                      \
    }                                                                                        \
    inline T cuCabs##f(Complex x) { return __builtin_hypot##f(x.x, x.y); }                   \
    inline Complex cuCfma##f(Complex x, Complex y, Complex z) { return cuCadd##f(cuCmul##f(x, y), z); }
SIM_COMPLEX(cuFloatComplex, float, f)
SIM_COMPLEX(cuDoubleComplex, double, )
#undef SIM_COMPLEX

inline cuComplex make_cuComplex(float real, float imaginary) { return cuComplex{real, imaginary}; }
inline cuDoubleComplex cuComplexFloatToDouble(cuFloatComplex x) { return cuDoubleComplex{x.x, x.y}; }
inline cuFloatComplex cuComplexDoubleToFloat(cuDoubleComplex x) {
    return cuFloatComplex{static_cast<float>(x.x), static_cast<float>(x.y)};
}
