// How a header function is compiled for the checker, and how it learns where it was called.
//
// In check mode g++ puts a callback before every access to memory. A function of ours that does bookkeeping
// (or reads what another lane left on its stack) must not be seen: SIM_UNSEEN. A function that touches the
// user's memory must be seen, at the user's line: SIM_AT_CALLER melts it into its caller at every
// optimisation level.
#pragma once
#include "runtime.h"

#define SIM_NOT_SEEN __attribute__((no_sanitize("thread"), no_sanitize_coverage))
#define SIM_UNSEEN inline SIM_NOT_SEEN
#define SIM_AT_CALLER inline __attribute__((always_inline))

// As the last parameter of a function: file and line of the call.
#define SIM_PLACE sim_place place = {__builtin_FILE(), __builtin_LINE()}

namespace sim {

// The codes that the driver turns into PyCUDA's exceptions: CUresult values.
constexpr int MISALIGNED_ADDRESS = 716, LAUNCH_FAILED = 719;

// Stop the launch with a text in printf style: title, facts and advice, each on a line of its own.
[[noreturn]] SIM_NOT_SEEN __attribute__((cold, noinline, format(printf, 3, 4)))
static void stop(int code, sim_place place, const char* pattern, ...) {
    char text[800];
    __builtin_va_list arguments;
    __builtin_va_start(arguments, pattern);
    __builtin_vsnprintf(text, sizeof text, pattern, arguments);
    __builtin_va_end(arguments);
    sim_stop(code, text, place);
}

}  // namespace sim
