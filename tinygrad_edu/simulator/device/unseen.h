// How header functions are compiled for the checker, and how they get the line of their caller.
//
// In check mode g++ inserts a callback before every memory access. A function of the simulator that accesses
// its own data (or reads the stack of another lane) must not be instrumented: SIM_UNSEEN. A function that
// accesses the user's memory must be instrumented, at the user's line: SIM_AT_CALLER inlines it into its
// caller at every optimisation level.
#pragma once
#include "runtime.h"

#define SIM_NOT_SEEN __attribute__((no_sanitize("thread"), no_sanitize_coverage))
#define SIM_UNSEEN inline SIM_NOT_SEEN
#define SIM_AT_CALLER inline __attribute__((always_inline))

// As the last parameter of a function: file and line of the call.
#define SIM_PLACE sim_place place = {__builtin_FILE(), __builtin_LINE()}

namespace sim {

// The CUresult values that the driver turns into PyCUDA's exceptions.
constexpr int MISALIGNED_ADDRESS = 716, LAUNCH_FAILED = 719;

// Stop the launch with a text in printf style: title, facts and advice, each on its own line.
[[noreturn]] SIM_NOT_SEEN __attribute__((cold, noinline, format(printf, 3, 4))) static void stop(
    int code, sim_place place, const char* pattern, ...) {
    char text[800];
    __builtin_va_list arguments;
    __builtin_va_start(arguments, pattern);
    __builtin_vsnprintf(text, sizeof text, pattern, arguments);
    __builtin_va_end(arguments);
    sim_stop(code, text, place);
}

}  // namespace sim
