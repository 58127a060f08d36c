// Functions that are less accurate in the C library than CUDA documents.
//
// They are defined under their own names, for this module alone (hidden). So every call, also of std::tanh,
// uses them, and common names such as y0 and y1 need no macro. They are computed in long double and rounded
// once.
#pragma once
#include "standard.h"

// Hidden by the assembler, since an attribute here would conflict with the visibility in the standard header.
#define SIM_CORRECTED(T, name, result)                                 \
    extern "C" T name(T x) noexcept { return static_cast<T>(result); } \
    __asm__(".hidden " #name);
#define SIM_ROUNDED_ONCE(name) SIM_CORRECTED(double, name, name##l(x))
SIM_ROUNDED_ONCE(cbrt)
SIM_ROUNDED_ONCE(cosh)
SIM_ROUNDED_ONCE(exp10)
SIM_ROUNDED_ONCE(tanh)
// The Bessel functions of the C library lose digits near their zeros; tgammaf is close to its error bound.
#define SIM_BOTH_ROUNDED_ONCE(name) \
    SIM_ROUNDED_ONCE(name)          \
    SIM_CORRECTED(float, name##f, name##l(x))
SIM_BOTH_ROUNDED_ONCE(j0)
SIM_BOTH_ROUNDED_ONCE(j1)
SIM_BOTH_ROUNDED_ONCE(y0)
SIM_BOTH_ROUNDED_ONCE(y1)
SIM_CORRECTED(float, tgammaf, tgamma(static_cast<double>(x)))
#undef SIM_BOTH_ROUNDED_ONCE
#undef SIM_ROUNDED_ONCE
#undef SIM_CORRECTED
