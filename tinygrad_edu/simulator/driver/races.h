// The order of accesses. Ticks count the moments at which something becomes ordered: the start of a block,
// the release of a barrier or a warp, a fence, a release by an atomic. Within a block, an access is ordered
// before another if a barrier (or a __syncwarp of both lanes) is between them. Between blocks, the order
// needs a fence, an atomic, and an atomic on the same address by the other thread.
#pragma once
#include <string>

#include "shadow.h"

namespace sim::races {

void launch_begins();
void block_begins(const Block& block);
void barrier_released(const Block& block);
void warp_synced(Block& block, unsigned warp, unsigned mask);
void fence(int scope);
// The running thread does an atomic operation on `address`: it acquires what was released there, and releases
// what it has fenced.
void atomic(uintptr_t address, int scope);

// The block of this launch that ran at `tick`.
uint64_t block_at(uint32_t tick);

// Whether `record` happens before the present access of the running thread, whose record is `me`.
bool ordered(shadow::Record record, shadow::Record me, bool shared);

// Whether the order needs no look-up: the record is older than the launch (or than this block, for shared
// memory), is before the last barrier of this block, is by the same thread, or is on other bytes.
inline bool plainly_ordered(shadow::Record record, shadow::Record me, uint32_t floor) {
    using namespace shadow;
    const uint32_t tick = tick_of(record);
    return tick < floor || tick - view.block < view.barrier - view.block ||
           (((record ^ me) & THREAD_BITS) == 0 && tick >= view.block) || (record & me & ALL_BYTES) == 0;
}

// Examine an access that plainly_ordered() did not decide, and stop the launch if it is a race.
void look(const shadow::Cell& cell, shadow::Record me, bool is_write, uintptr_t address, uint32_t floor);

// The slot for reader `me` in a cell whose two readers are both concurrent with it; -1 if it need not be
// stored.
int place_for_reader(const shadow::Cell& cell, shadow::Record me, uint32_t floor);

// A cell has one writer and two readers of its 4 bytes. If threads access single bytes, the records that
// would be lost are stored separately, and examined by accesses to less than 4 bytes.
void keep_bytes(shadow::Record record, bool wrote, uintptr_t address, uint32_t floor);
void forget_bytes();
void look_at_bytes(shadow::Record me, bool is_write, uintptr_t address, uint32_t floor);

// Two accesses without an order, as they were when this was found; `me` is that of the running thread.
struct Race {
    shadow::Record other, me;
    bool other_wrote, is_write;
    bool too_early;  // the read found memory that was not written
    uintptr_t address;
};
// Stop the launch, unless the read may be the first one of a loop around atomicCAS (first_reads.cpp); then
// the report waits.
void conflict(shadow::Record other, shadow::Record me, bool other_wrote, bool is_write, uintptr_t address);
// The running thread does a compare-and-swap here; it may have read this address plainly before.
void compared(uintptr_t address, size_t bytes);
// No thread of `block` has done a compare-and-swap at an address in shared or global memory that it has read:
// report the first read.
void settle_first_reads(const Block& block, bool shared, bool inside);
void forget_first_reads();

// The report of a race that the running block found.
std::string tell(const Block& block, const Race& race);

}  // namespace sim::races
