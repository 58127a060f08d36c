// Names of the C library that have another meaning inside a kernel.
//
// They are macros because an extern "C" function cannot be declared twice with different contents. The
// standard headers are complete by now; the names are added to std so that std::memcpy finds them too.
#pragma once

#if !defined(SIM_SEARCH)  // which has to see that nvcc knows none of these
#define memmove(...) sim_memmove(__VA_ARGS__)
#define memcmp(...) sim_memcmp(__VA_ARGS__)
#define calloc(...) sim_calloc(__VA_ARGS__)
#define abort() sim_abort()
#define exit(...) sim_abort()
#endif
#define memcpy(...) sim_memcpy(__VA_ARGS__)
#define memset(...) sim_memset(__VA_ARGS__)
#define __builtin_memcpy(...) sim_memcpy(__VA_ARGS__)
#define __builtin_memmove(...) sim_memmove(__VA_ARGS__)
#define __builtin_memset(...) sim_memset(__VA_ARGS__)
#define __builtin_memcmp(...) sim_memcmp(__VA_ARGS__)
#define malloc(...) sim_malloc(__VA_ARGS__)
#define free(...) sim_free(__VA_ARGS__)
#define printf(...) sim_printf(__VA_ARGS__)
#define clock() sim_clock()
#define fmaxf sim_fmaxf
#define fminf sim_fminf
#define fmax sim_fmax
#define fmin sim_fmin
#define sincosf sim_sincosf
#define sincos sim_sincos
#define frexpf sim_frexpf
#define frexp sim_frexp
#define modff sim_modff
#define modf sim_modf
#define remquof sim_remquof
#define remquo sim_remquo

namespace std {
using ::sim_abort;
using ::sim_calloc;
using ::sim_clock;
using ::sim_fmax;
using ::sim_fmaxf;
using ::sim_fmin;
using ::sim_fminf;
using ::sim_free;
using ::sim_frexp;
using ::sim_frexpf;
using ::sim_malloc;
using ::sim_memcmp;
using ::sim_memcpy;
using ::sim_memmove;
using ::sim_memset;
using ::sim_modf;
using ::sim_modff;
using ::sim_printf;
using ::sim_remquo;
using ::sim_remquof;
}  // namespace std
