// What the preprocessing pass knows before the user's source (-imacros): macros only, their text is thrown
// away.
//
// The keywords of CUDA (__global__, __shared__ ...) are not defined here: they must survive into the
// rewriter. What they become afterwards is in keywords.h.
#pragma once
#include "standard.h"

#define CUDART_VERSION 13000  // nvcc includes cuda_runtime.h before every source, which says so
