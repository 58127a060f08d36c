// Checks both ends of a copy: when a call is made, and again when its work runs.
#pragma once
#include <cstdint>

#include "streams.h"

namespace sim {

// `side` is "source" or "destination"; `what` is the name of the call as the user knows it.
CUresult check_device_side(uintptr_t address, size_t bytes, const char* side, const char* what);
CUresult check_host_side(uintptr_t address, size_t bytes, const char* side, const char* what);

// Memory that a copy engine reads without the CPU, and so later than the call: pinned, managed or registered.
bool is_pinned(uintptr_t address, size_t bytes);

CUresult run_now(Work work);              // in the default stream, and wait for it
CUresult finish_stream(CUstream stream);  // streams.cpp; the default stream for null

}  // namespace sim
