// Runs one block: its threads start, wait for one another, and return.
#pragma once
#include "core.h"

namespace sim {

// Run the block in worker.resident, thread by thread on fibers, until every thread has returned or the launch
// is stopped.
void run_threads(Worker& worker);
// Run blocks of a kernel that never synchronises as plain loops, until no block is left.
void run_loops(Worker& worker, Launch& launch);

// Prepare a launch before its first block: the data that is the same for all blocks.
void set_up_block(Worker& worker, Launch& launch);
// Make `block` the next block of this launch; false if none is left.
bool next_block(Worker& worker, Launch& launch);

// The current thread waits, and another thread that can run continues. It returns when the current thread may
// continue. If no thread can run, this is a deadlock: the launch is stopped with a report.
void wait(Worker& worker);
// Let other threads run first, if there are any.
void yield(Worker& worker);
// Mark a thread of this block as able to continue.
inline void wake(Worker& worker, Thread& thread) {
    thread.state = State::ready;
    worker.ready.push(thread.index);
}

// Called when a lane of the warp waits or returns: lets the lanes that wait for it continue, if they can.
void lane_stopped(Worker& worker, Warp& warp);

// The report of a deadlock: which threads wait, and where.
std::string describe_waiting(const Block& block);

}  // namespace sim
