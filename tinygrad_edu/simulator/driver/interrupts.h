// Ctrl-C while a kernel runs, or while one is compiled.
#pragma once
#include <string>

#include "abi.h"

namespace sim {

// Work that Ctrl-C may stop, from construction to destruction; outside of such work Ctrl-C is handled by
// Python alone.
class Interruptible {
public:
    Interruptible();
    ~Interruptible();
    Interruptible(const Interruptible&) = delete;
    Interruptible& operator=(const Interruptible&) = delete;
};

// Whether the running work must stop.
bool is_interrupted();

// The result of a call that Ctrl-C has stopped. It is success if Python is about to raise KeyboardInterrupt,
// which a CUDA error would hide; otherwise it is an error.
CUresult answer_interrupted(const std::string& report);

// Install a handler of Ctrl-C before the present one. No lock of the driver may be held, because this calls
// Python.
void watch_keyboard();

}  // namespace sim
