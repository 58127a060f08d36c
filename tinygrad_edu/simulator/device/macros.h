// The macros of the preprocessing pass, read before the user's source (-imacros, so only macros are used).
//
// The keywords of CUDA (__global__, __shared__ ...) are not macros here, since the rewriter needs them.
// keywords.h defines them for the compile pass.
#pragma once
#include "standard.h"

#define CUDART_VERSION 13000  // nvcc includes cuda_runtime.h before every source, which says so
