// Is this end of a copy where it is said to be? Asked when a call is made, and again when its work runs.
#pragma once
#include <cstdint>

#include "streams.h"

namespace sim {

// `side`: "source" or "destination"; `what`: the call, as the user knows it.
CUresult check_device_side(uintptr_t address, size_t bytes, const char* side, const char* what);
CUresult check_host_side(uintptr_t address, size_t bytes, const char* side, const char* what);

// Memory that a copy engine reads without the CPU's help, and so late: pinned, managed or registered.
bool is_pinned(uintptr_t address, size_t bytes);

CUresult run_now(Work work);              // in the default stream, and wait for it
CUresult finish_stream(CUstream stream);  // streams.cpp; the default stream for null

}  // namespace sim
