// The OS threads that run blocks, and the supervision of their time.
#pragma once
#include "core.h"

namespace sim {

// All workers, for the supervision and for Ctrl-C.
constexpr unsigned MAX_WORKERS = 64;
extern std::atomic<Worker*> all_workers[MAX_WORKERS];

// The signal that stops a kernel (because of the time limit, or Ctrl-C).
int stop_signal();
void stop_busy_workers();

// Set the module whose code runs from now on, null after a launch: a kernel is stopped in that code.
void set_home(const Module* module);
// Install the signal handlers for errors of kernels on this OS thread; cheap if that was done before.
void arm_faults(Worker& worker);
// Make the fault of a worker, if it has one, the report of the launch.
void report_fault(Worker& worker, Launch& launch);

}  // namespace sim
