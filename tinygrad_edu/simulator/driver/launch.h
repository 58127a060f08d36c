// Launching a kernel.
#pragma once
#include "../device/runtime.h"
#include "abi.h"

namespace sim {

// `values`: one pointer per parameter, or null and `extra` holds a packed buffer.
CUresult launch_kernel(CUfunction function, sim_uint3 grid, sim_uint3 size, unsigned dynamic_bytes,
                       CUstream stream, void** values, void** extra);
uint64_t launch_count();

}  // namespace sim
