// The interface of the profile for the rest of the driver. It is used only for launches in Mode::profile,
// whose blocks run one after another on one worker, thread by thread through sim_kernel.enter (a loop has no
// lane numbers).
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "core.h"

namespace sim::profile {

void launch_begins(Launch& launch);
void launch_ends(Launch& launch);
void block_begins(Block& block);
void barrier_released(Block& block);  // called after the last thread has arrived, and before any continues
void block_ends(Block& block);

// One access of the running thread; `pc` is a return address in the kernel's code.
void access(uintptr_t address, size_t bytes, bool is_write, const void* pc);
// The same if the line is known: sim_access, and both sides of sim_pipeline_copy.
void access(uintptr_t address, size_t bytes, bool is_write, const void* pc, sim_place place);
void atomic(uintptr_t address, size_t bytes, const void* pc, sim_place place);
// __tsan_func_entry and __tsan_func_exit: lanes inside a call run before lanes that wait behind it.
void called();
void returned();
// __sanitizer_cov_trace_pc: a basic block begins.
void trace(const void* pc);

// Only every n-th block is counted; the counts of the others are estimated from those.
void set_every(unsigned blocks);

// All counts since the process began or clear() was called, as JSON; profile_counts.py reads it.
std::string json();
void clear();

}  // namespace sim::profile
