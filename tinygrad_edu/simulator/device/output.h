// printf, assert and other functions for output and for stopping a kernel.
#pragma once
#include "builtins.h"

// As on a GPU, the result is the number of arguments, -1 for a null format, -2 for a failure. Each call
// writes and flushes at once, so that its output and Python's are in order.
SIM_UNSEEN __attribute__((format(printf, 1, 2))) int sim_printf(const char* pattern, ...) {
    if (!pattern) return -1;
    va_list arguments;
    va_start(arguments, pattern);
    const int written = vprintf(pattern, arguments);
    va_end(arguments);
    fflush(stdout);
    if (written < 0) return -2;
    int count = 0;
    for (const char* c = pattern; *c; ++c) {
        if (*c != '%') continue;
        if (c[1] == '%') {
            ++c;
            continue;
        }
        ++count;
        for (++c; *c && strchr("-+ #0123456789.*hlLqjzt", *c); ++c) count += *c == '*';
        if (!*c) break;
    }
    return count;
}

// Called by assert.h of this folder. The driver adds the thread.
[[noreturn]] inline void sim_assert_failed(const char* expression, const char* file, int line,
                                           const char* function) {
    char text[512];
    snprintf(text, sizeof text,
             "Assertion failed: %s\nfunction %s\n"
             "What to do: look at the values it compares, with printf, for this thread.",
             expression, function);
    sim_stop(710, text, sim_place{file, line});
}

[[noreturn]] SIM_AT_CALLER void __trap(SIM_PLACE) {
    sim_stop(719, "__trap() was called\nWhat to do: the kernel stopped itself; look at what led to it.",
             place);
}
[[noreturn]] SIM_AT_CALLER void __brkpt(SIM_PLACE) {
    sim_stop(719, "__brkpt() was called\nWhat to do: take the breakpoint out; no debugger is attached.",
             place);
}
[[noreturn]] SIM_AT_CALLER void sim_abort(SIM_PLACE) {
    sim_stop(719, "abort() or exit() was called\nWhat to do: return from the kernel instead.", place);
}
