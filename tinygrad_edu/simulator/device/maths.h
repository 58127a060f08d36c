// The mathematical functions of CUDA, in parts.
//
// Where the C library has a function within CUDA's documented error, it is used as it is; here is what it
// lacks.
#pragma once
#include "rounding.h"

#include "conversions.h"

#include "extremes.h"

#include "elementary.h"

#include "special.h"

#include "fast.h"

#include "corrected.h"
