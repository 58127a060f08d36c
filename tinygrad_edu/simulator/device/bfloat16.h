// __nv_bfloat16 and __nv_bfloat162: cuda_bf16.h of the real thing. See half.h for how it is made.
#pragma once
#include "half.h"

#define SIM_WORD bfloat16
#define SIM_TYPE __nv_bfloat16
#define SIM_TYPE2 __nv_bfloat162
#define SIM_RAW __nv_bfloat16_raw
#define SIM_RAW2 __nv_bfloat162_raw
#define SIM_OTHER __half
#define SIM_FORMAT sim::BfloatFormat
#include "narrow_type.h"
#include "narrow_functions.h"
#include "narrow_maths.h"
#include "narrow_end.h"

inline __half::__half(__nv_bfloat16 f) : __half(float(f)) {}
inline __nv_bfloat16::__nv_bfloat16(__half f) : __nv_bfloat16(float(f)) {}
