// The interface of the checker for the rest of the driver. Each function is cheap or empty while checking is
// off.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "core.h"
#include "memory.h"

namespace sim::checks {

// Functions for the host side. They are called in every mode after checking was switched on in this process.
void switch_on();
void allocated(const Allocation& allocation);  // fresh: addressable, not initialised
void released(const Allocation& allocation);
void host_wrote(uintptr_t address, size_t bytes);  // copies and fills: now initialised
// A copy from device to device: uninitialised bytes stay uninitialised.
void host_copied(uintptr_t to, uintptr_t from, size_t bytes);

// Called around a launch in any mode: a kernel that was not checked may have written to any memory.
void launch_begins(Launch& launch);
void launch_ends(Launch& launch);

// Functions for check mode only.
void block_begins(Block& block);
void block_ends(Block& block);
// Called in a deadlock. Races of the waiting threads may be its cause, so they are reported first.
void settle_reads(const Block& block);
void barrier_released(Block& block);  // orders all threads of the block
void warp_synced(Block& block, unsigned warp, unsigned mask);
void atomic_access(uintptr_t address, size_t bytes, int kind, sim_place place);
void volatile_access(uintptr_t address, size_t bytes, bool is_write, const void* pc);
void plain_access(uintptr_t address, size_t bytes, bool is_write, sim_place place);  // sim_access
void fence(int scope);
void pipeline_copy(const Pending& copy);  // issued: the target must not be accessed ...
void pipeline_done(const Pending& copy);  // ... until now

}  // namespace sim::checks
