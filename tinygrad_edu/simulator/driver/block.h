// The life of one block: its threads start, wait for one another, and return.
#pragma once
#include "core.h"

namespace sim {

// Run the block that is set up in worker.resident, thread by thread on fibers, until every thread returned or
// the launch was stopped.
void run_threads(Worker& worker);
// Run blocks of a kernel that never synchronises as plain loops, until there is none left.
void run_loops(Worker& worker, Launch& launch);

// Before the first block of a launch: what all its blocks have in common.
void set_up_block(Worker& worker, Launch& launch);
// Make `block` the next one of this launch; false when there is none left.
bool next_block(Worker& worker, Launch& launch);

// The current thread waits; another that can run goes on. Returns when the current thread may go on.
// Without any that can run this is a deadlock: the launch is stopped with a report.
void wait(Worker& worker);
// Let the others run first, if there are any.
void yield(Worker& worker);
// A thread of this block may go on.
inline void wake(Worker& worker, Thread& thread) {
    thread.state = State::ready;
    worker.ready.push(thread.index);
}

// A lane of the warp stopped moving (it waits or returned): see whether those that wait for it may go on.
void lane_stopped(Worker& worker, Warp& warp);

// "deadlock" report: who waits where.
std::string describe_waiting(const Block& block);

}  // namespace sim
