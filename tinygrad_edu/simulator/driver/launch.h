// Launching a kernel.
#pragma once
#include "../device/runtime.h"
#include "abi.h"

namespace sim {

// `values` has one pointer for each parameter, or is null, and then `extra` has a packed buffer.
CUresult launch_kernel(CUfunction function, sim_uint3 grid, sim_uint3 size, unsigned dynamic_bytes,
                       CUstream stream, void** values, void** extra);
uint64_t launch_count();

}  // namespace sim
