// Which accesses are ordered, and by what. Ticks count the moments at which something becomes ordered: a
// block begins, a barrier or a warp is released, a fence, a release by an atomic. Within a block, an access
// is ordered before another when a barrier (or a meeting of both lanes) lies between. Between blocks, nothing
// orders but a fence, an atomic, and an atomic on the same address by whoever wants to know.
#pragma once
#include <string>

#include "shadow.h"

namespace sim::races {

void launch_begins();
void block_begins(const Block& block);
void barrier_released(const Block& block);
void warp_synced(Block& block, unsigned warp, unsigned mask);
void fence(int scope);
// The running thread does an atomic operation on `address`: it learns what was released there, and releases
// what it has fenced.
void atomic(uintptr_t address, int scope);

// The block of this launch in which `tick` fell.
uint64_t block_at(uint32_t tick);

// Does `record` happen before what the running thread does now? `me`: the record of that.
bool ordered(shadow::Record record, shadow::Record me, bool shared);

// Ordered by something that needs no look-up: older than the launch (or than this block, for shared memory),
// before the last barrier of this block, by the same thread, or on other bytes.
inline bool plainly_ordered(shadow::Record record, shadow::Record me, uint32_t floor) {
    using namespace shadow;
    const uint32_t tick = tick_of(record);
    return tick < floor || tick - view.block < view.barrier - view.block ||
           (((record ^ me) & THREAD_BITS) == 0 && tick >= view.block) || (record & me & ALL_BYTES) == 0;
}

// Look at an access that plainly_ordered() did not settle, and stop the launch when it is a race.
void look(const shadow::Cell& cell, shadow::Record me, bool is_write, uintptr_t address, uint32_t floor);

// Where reader `me` is to be remembered in a cell whose two readers are both concurrent with it; -1: nowhere.
int place_for_reader(const shadow::Cell& cell, shadow::Record me, uint32_t floor);

// A cell holds one writer and two readers of its 4 bytes. Where threads work on single bytes, the records
// that it would lose are kept aside, and looked at by accesses to less than 4 bytes.
void keep_bytes(shadow::Record record, bool wrote, uintptr_t address, uint32_t floor);
void forget_bytes();
void look_at_bytes(shadow::Record me, bool is_write, uintptr_t address, uint32_t floor);

// Two accesses that nothing orders, as they were when this was found; `me` is the running thread's.
struct Race {
    shadow::Record other, me;
    bool other_wrote, is_write;
    bool too_early;  // the read found memory that nobody had written
    uintptr_t address;
};
// Stop the launch, unless the read may be the first of a loop around atomicCAS (first_reads.cpp): that waits.
void conflict(shadow::Record other, shadow::Record me, bool other_wrote, bool is_write, uintptr_t address);
// The running thread compares and swaps here: it may have read this plainly before.
void compared(uintptr_t address, size_t bytes);
// No thread of `block` compares and swaps what it has read in shared or global memory: report the first read.
void settle_first_reads(const Block& block, bool shared, bool inside);
void forget_first_reads();

// The report of a race that the running block found.
std::string tell(const Block& block, const Race& race);

}  // namespace sim::races
