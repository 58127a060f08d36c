// The fast intrinsics. Here they are as accurate as the functions that they replace, since less accuracy
// would not be faster on a CPU.
//
// A program that needs this accuracy gives other results on a GPU, where __sinf has an error of 2^-21 and
// more.
#pragma once
#include "elementary.h"

SIM_AT_CALLER float __sinf(float x) { return __builtin_sinf(x); }
SIM_AT_CALLER float __cosf(float x) { return __builtin_cosf(x); }
SIM_AT_CALLER float __tanf(float x) { return __builtin_tanf(x); }
SIM_AT_CALLER float __tanhf(float x) { return __builtin_tanhf(x); }
SIM_AT_CALLER void __sincosf(float x, float* sine, float* cosine) { sim_sincosf(x, sine, cosine); }
SIM_AT_CALLER float __expf(float x) { return __builtin_expf(x); }
SIM_AT_CALLER float __exp10f(float x) { return __builtin_exp10f(x); }
SIM_AT_CALLER float __logf(float x) { return __builtin_logf(x); }
SIM_AT_CALLER float __log2f(float x) { return __builtin_log2f(x); }
SIM_AT_CALLER float __log10f(float x) { return __builtin_log10f(x); }
SIM_AT_CALLER float __powf(float x, float y) { return __builtin_powf(x, y); }
// Documented: a finite divisor beyond 2^126 gives 0.
SIM_AT_CALLER float __fdividef(float x, float y) {
    const float size = __builtin_fabsf(y);
    return size > 0x1p126f && size <= __FLT_MAX__ ? x * 0.0f : x / y;
}
SIM_AT_CALLER float fdividef(float x, float y) { return x / y; }
SIM_AT_CALLER double fdivide(double x, double y) { return x / y; }
SIM_AT_CALLER float fdivide(float x, float y) { return x / y; }
SIM_AT_CALLER float __saturatef(float x) { return x > 0 ? x < 1 ? x : 1.0f : 0.0f; }  // NaN becomes 0
SIM_AT_CALLER void __prof_trigger(int) {}
