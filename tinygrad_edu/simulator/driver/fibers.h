// Fibers: stacks of their own and a switch between them that saves only what the ABI says a call preserves.
#pragma once
#include "core.h"

namespace sim {

// Save the running context's stack pointer in *from, go on at `to`. About 3 ns.
extern "C" void sim_switch_fiber(void** from, void* to);
// The second half of the switch: what a signal handler continues with to leave a kernel (rdi: stack pointer).
extern "C" void sim_resume(void* to);

// Reserve the address space for a worker's stacks, once; false when there is none.
bool make_stacks(Worker& worker);
// A fiber of this worker that starts in `entry` (which never returns) when it is switched to.
Fiber* take_fiber(Worker& worker, void (*entry)());
inline void give_fiber(Worker& worker, Fiber* fiber) { worker.free_fibers.push_back(fiber); }
// After a launch was stopped midway: all fibers are free again.
void reclaim_fibers(Worker& worker);
// True when `address` lies in a guard page of this worker's stacks.
bool in_guard_page(const Worker& worker, uintptr_t address);

}  // namespace sim
