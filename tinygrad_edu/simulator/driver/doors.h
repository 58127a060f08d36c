// Addresses of functions that are the same in all variants of a module; nvcc/doors.py explains why.
#pragma once
#include "modules.h"

namespace sim {

// Give every function of `variant` whose address is taken the address of the same function in `plain`.
void open_doors(const Variant& variant, const Variant& plain);

}  // namespace sim
