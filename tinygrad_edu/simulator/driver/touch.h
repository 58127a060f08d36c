// The fast path of the checker: one load or store of a running kernel. Errors and rare cases call functions
// in other files.
#pragma once
#include <cstring>

#include "access.h"
#include "races.h"

namespace sim {

// Set on the OS thread that runs checked or profiled kernels; on other threads the callbacks return at once.
extern __thread Mode watching __attribute__((visibility("hidden"), tls_model("initial-exec")));

namespace checks {

// An access of any number of bytes at any address. `base` has the kind and the site. An `exact` read requires
// that all bytes were written; other reads require at least one, since structs have padding that is never
// written.
void visit(uintptr_t address, size_t bytes, bool is_write, bool is_read, bool exact, shadow::Record base);

// Handles an access to a granule with an unusual state. Returns whether it must be examined further: reads of
// constants need not.
bool look_at_state(uintptr_t address, size_t bytes, bool is_write, uintptr_t pc);
void look_outside(uintptr_t address, size_t bytes, bool is_write, uintptr_t pc);
[[noreturn]] void misaligned(uintptr_t address, size_t bytes, bool is_write, uintptr_t pc);

inline shadow::Record record_of(shadow::Record base) {
    return shadow::Record(shadow::view.tick) << 32 |
           shadow::Record(shadow::view.worker->thread->index) << 22 | base;
}

// A reader's record replaces one that is ordered before it, or an older one of the same thread.
inline bool replaceable(shadow::Record record, shadow::Record me, uint32_t floor) {
    const uint32_t tick = shadow::tick_of(record);
    return tick < floor || tick - shadow::view.block < shadow::view.barrier - shadow::view.block ||
           (((record ^ me) & shadow::THREAD_BITS) == 0 && tick >= shadow::view.block);
}

// The bytes that one thread accessed at one tick are one record.
inline shadow::Record merged(shadow::Record record, shadow::Record me) {
    const bool same = ((record ^ me) >> 22) == 0;
    return same ? me | (record & shadow::ALL_BYTES) : me;
}

// Both readers are of this block and need not be replaced: the usual case of a broadcast.
inline bool well_chosen(const shadow::Cell& cell, shadow::Record me) {
    using namespace shadow;
    const bool here = tick_of(cell.read[0]) >= view.block && tick_of(cell.read[1]) >= view.block;
    const bool spread =
        ((cell.read[0] ^ cell.read[1]) & WARP_BITS) != 0 || ((cell.read[0] ^ me) & WARP_BITS) == 0;
    return here && spread && !view.warps_synced;
}

__attribute__((always_inline)) inline void note_write(shadow::Cell& cell, shadow::Record me,
                                                      uintptr_t address, uint32_t floor) {
    using races::plainly_ordered;
    if (__builtin_expect(!plainly_ordered(cell.write, me, floor) ||
                             !plainly_ordered(cell.read[0], me, floor) ||
                             !plainly_ordered(cell.read[1], me, floor),
                         0))
        races::look(cell, me, true, address, floor);
    // All reads of these bytes are ordered before this access, so later accesses need not be compared with
    // them.
    if ((me & shadow::ALL_BYTES) == shadow::ALL_BYTES) {
        cell = {me, {0, 0}};
    } else {
        races::look_at_bytes(me, true, address, floor);
        if (!replaceable(cell.write, me, floor)) races::keep_bytes(cell.write, true, address, floor);
        cell.write = merged(cell.write, me);
        for (shadow::Record& reader : cell.read)
            if ((reader & shadow::ALL_BYTES & ~me) == 0) reader = 0;
    }
}

__attribute__((always_inline)) inline void note_read(shadow::Cell& cell, shadow::Record me, uintptr_t address,
                                                     uint32_t floor) {
    if (__builtin_expect(!races::plainly_ordered(cell.write, me, floor), 0))
        races::look(cell, me, false, address, floor);
    if ((me & shadow::ALL_BYTES) != shadow::ALL_BYTES) races::look_at_bytes(me, false, address, floor);
    if (replaceable(cell.read[0], me, floor)) {
        cell.read[0] = merged(cell.read[0], me);
    } else if (replaceable(cell.read[1], me, floor)) {
        cell.read[1] = merged(cell.read[1], me);
    } else if (!well_chosen(cell, me)) {
        const int place = races::place_for_reader(cell, me, floor);
        if (place >= 0) cell.read[place] = me;
        else if ((me & shadow::ALL_BYTES) != shadow::ALL_BYTES) races::keep_bytes(me, false, address, floor);
    } else if ((me & shadow::ALL_BYTES) != shadow::ALL_BYTES) {
        races::keep_bytes(me, false, address, floor);
    }
}

template <unsigned BYTES, bool IS_WRITE>
inline void touch(uintptr_t address, uintptr_t pc) {
    using namespace shadow;
    const Slot slot = slot_of(address);
    if (__builtin_expect(slot.state == nullptr, 0)) return look_outside(address, BYTES, IS_WRITE, pc);
    if (__builtin_expect((address & (BYTES - 1)) != 0, 0)) misaligned(address, BYTES, IS_WRITE, pc);
    constexpr unsigned granules = BYTES < 4 ? 1 : BYTES / 4;
    const unsigned bits = BYTES < 4 ? ((1u << BYTES) - 1) << (address & 3) : 15;
    bool usual = true;
    for (unsigned i = 0; i < granules; i++) {
        const unsigned needed = IS_WRITE ? bits : bits * 0x11;
        usual &= (slot.state[i] & needed) == needed;
    }
    if (__builtin_expect(!usual, 0) && !look_at_state(address, BYTES, IS_WRITE, pc)) return;
    const uintptr_t quarter = (pc - view.text) >> 2;
    const Record base =
        __builtin_expect(quarter <= 0xFFFF, 1) ? Record(BY_PC) << 16 | quarter : encode_pc(pc, false);
    const Record me = record_of(base) | Record(bits) << 18;
    for (unsigned i = 0; i < granules; i++) {
        if (IS_WRITE) {
            note_write(slot.cell[i], me, address + 4 * i, slot.floor);
            slot.state[i] = static_cast<shadow::State>(slot.state[i] | bits << 4);
        } else {
            note_read(slot.cell[i], me, address + 4 * i, slot.floor);
        }
    }
}

}  // namespace checks

}  // namespace sim
