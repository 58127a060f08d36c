// __half and __half2: cuda_fp16.h of the real thing.
//
// The functions of half and bfloat16 differ in their names only; narrow_type.h and narrow_functions.h are
// written once and included for each. The short names half and half2 come with #include <cuda_fp16.h>
// (device/ include), because a program without it may use these words for its own.
#pragma once
#include "narrow.h"
#include "vector_types.h"

struct __half;
struct __nv_bfloat16;

#define SIM_WORD half
#define SIM_TYPE __half
#define SIM_TYPE2 __half2
#define SIM_RAW __half_raw
#define SIM_RAW2 __half2_raw
#define SIM_OTHER __nv_bfloat16
#define SIM_FORMAT sim::HalfFormat
#include "narrow_type.h"
#include "narrow_functions.h"
#include "narrow_maths.h"
#include "narrow_end.h"
