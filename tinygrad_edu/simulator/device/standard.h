// The standard headers that every kernel may use without including them.
//
// The user's source is preprocessed with only the macros of these headers (macros.h), so that a second
// #include of one of them expands to nothing. It is compiled with their declarations (device.h). So both
// passes must include the same list: no other file of this folder includes a standard header.
#pragma once
#include <assert.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cassert>
#include <cfloat>
#include <climits>
#include <cmath>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>
