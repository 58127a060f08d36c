// All that a kernel can use, in one header that is precompiled and included before every rewritten source.
//
// The standard headers come first, then the types, then the functions. renames.h is last: its macros replace
// names that the standard library has declared by then.
#pragma once
#include "standard.h"

#include "runtime.h"

#include "keywords.h"

#include "vector_types.h"

#include "builtins.h"

#include "kernel_memory.h"

#include "output.h"

#include "maths.h"

#include "integer.h"

// The rest of the language, in the order of the dependencies.
#include "half.h"

#include "bfloat16.h"

#include "atomics.h"

#include "warp.h"

#include "groups.h"

#include "pipeline.h"

#include "wmma.h"

#include "renames.h"
