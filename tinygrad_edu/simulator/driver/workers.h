// The OS threads that run blocks, and the watch over them.
#pragma once
#include "core.h"

namespace sim {

// All workers that exist, for the watch and for an interrupt from the keyboard.
constexpr unsigned MAX_WORKERS = 64;
extern std::atomic<Worker*> all_workers[MAX_WORKERS];

// The signal by which a kernel is told to stop (it took too long, or Ctrl-C was pressed).
int stop_signal();
extern std::atomic<bool> interrupted;
void stop_busy_workers();

// Make this OS thread catch what kernels do wrong; cheap when it was done before.
void arm_faults(Worker& worker);
// Turn the fault of a worker, if it has one, into the report of the launch.
void report_fault(Worker& worker, Launch& launch);

}  // namespace sim
