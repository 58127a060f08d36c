// The mathematical functions of CUDA, in parts.
//
// A function of the C library is used if it is within CUDA's documented error; these headers have the others.
#pragma once
#include "rounding.h"

#include "conversions.h"

#include "extremes.h"

#include "elementary.h"

#include "special.h"

#include "fast.h"

#include "corrected.h"
