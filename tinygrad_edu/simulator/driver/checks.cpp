// The interface of the checker (checks.h), and accesses that are not plain loads and stores.
#include "checks.h"

#include "modules.h"
#include "status.h"
#include "touch.h"

namespace sim {

__thread Mode watching = Mode::plain;

namespace checks {

using namespace shadow;

namespace {

bool clear_meetings = false;  // ticks began anew: what warps remember of them is void
uint32_t arena_used = 0;      // bytes of the arena that the last block could touch

// Memory that the host can write without the driver counts as written.
bool host_may_write(const Allocation& a) { return a.kind != Kind::device; }

void take_over(const Allocation& a) { mark(a.begin, a.bytes, a.live ? FULL : FORBIDDEN); }

// All allocations, in descending order.
template <class Use>
void each_allocation(Use use) {
    for (const Allocation* a = find(DEVICE_BASE + DEVICE_SPAN - 1); a != nullptr;) {
        use(*a);
        a = a->begin > DEVICE_BASE ? find(a->begin - 1) : nullptr;
    }
}

void set_up_shared(const Block& block) {
    const Launch& launch = *block.launch;
    memset(view.shared_state, FORBIDDEN, (arena_used + 3) / 4);
    const uintptr_t base = reinterpret_cast<uintptr_t>(block.view.shared);
    const uintptr_t dynamic = reinterpret_cast<uintptr_t>(block.view.dynamic_shared);
    for (const SharedVariable* variable : launch.shared)
        mark(base + variable->offset, variable->bytes, FRESH);
    mark(dynamic, launch.dynamic_bytes, FRESH);
    arena_used = static_cast<uint32_t>(dynamic + launch.dynamic_bytes - view.shared);
}

bool is_running() { return watching == Mode::check && view.worker != nullptr; }

Record place_record(sim_place place) {
    Site site;
    site.place = place;
    return encode(site);
}

}  // namespace

void switch_on() {
    if (is_on() || !turn_on()) return;
    each_allocation(take_over);
}

void allocated(const Allocation& a) {
    if (!is_on()) return;
    mark(a.begin, a.bytes, host_may_write(a) ? FULL : FRESH);
}

void released(const Allocation& a) {
    if (!is_on()) return;
    mark(a.begin, a.bytes, FORBIDDEN);
    forget(a.begin, a.bytes);
}

void host_wrote(uintptr_t address, size_t bytes) {
    if (is_on() && in_device_range(address)) mark_written(address, bytes);
}

void host_copied(uintptr_t to, uintptr_t from, size_t bytes) {
    if (!is_on() || !in_device_range(to)) return;
    if (!in_device_range(from)) return mark_written(to, bytes);
    copy_written(to, from, bytes);
    if (const Allocation* a = find(to)) a->all_written = false;
}

void launch_begins(Launch& launch) {
    watching = launch.mode;
    if (launch.mode != Mode::check) {
        // A kernel without the checker may write to any memory.
        if (is_on())
            each_allocation([](const Allocation& a) {
                if (a.live && !a.all_written) mark_written(a.begin, a.bytes);
                a.all_written = true;
            });
        return;
    }
    switch_on();
    if (!is_on()) {
        watching = Mode::plain;
        note_stop(launch, CUDA_ERROR_OUT_OF_MEMORY, last_report());
        return;
    }
    if (view.tick > 1u << 31) {
        forget_everything();
        clear_meetings = true;
    }
    launch.start_tick = view.launch = ++view.tick;
    view.text = launch.variant->text_begin;
    view.worker = nullptr;
    clear_sites();
    forget_elsewhere();
    forget_unwritten();
    races::launch_begins();
    for (const auto& [name, global] : launch.kernel->module->globals)
        if (global.kind == "__constant__") mark(global.address, global.bytes, CONSTANT);
}

void launch_ends(Launch& launch) {
    if (watching == Mode::check) settle_unwritten(launch, false, false);
    watching = Mode::plain;
    view.worker = nullptr;
}

void block_begins(Block& block) {
    if (!is_on()) return;
    if (clear_meetings) {
        for (Warp& warp : block.warp) memset(warp.synced, 0, sizeof warp.synced);
        clear_meetings = false;
    }
    view.worker = block.worker;
    view.shared = reinterpret_cast<uintptr_t>(block.worker->shared);
    view.warps_synced = false;
    block.start_tick = block.barrier_tick = view.block = view.barrier = ++view.tick;
    set_up_shared(block);
    forget_copies();
    races::block_begins(block);
}

void block_ends(Block& block) {
    settle_reads(block);
    settle_unwritten(*block.launch, true, false);
    view.worker = nullptr;
}

void settle_reads(const Block& block) {
    races::settle_first_reads(block, true, false);
    races::settle_first_reads(block, false, false);
}

void barrier_released(Block& block) {
    races::settle_first_reads(block, true, true);
    settle_unwritten(*block.launch, true, true);
    block.barrier_tick = view.barrier = ++view.tick;
    races::barrier_released(block);
}

void warp_synced(Block& block, unsigned warp, unsigned mask) {
    ++view.tick;
    races::warp_synced(block, warp, mask);
}

void fence(int scope) {
    if (is_running()) races::fence(scope);
}

bool look_at_state(uintptr_t address, size_t bytes, bool is_write, uintptr_t pc) {
    bool forbidden = false, constant = true, any_written = false;
    for (uintptr_t a = address; a != address + bytes; a++) {
        const shadow::State state = *slot_of(a).state >> (a & 3);
        any_written |= (state & 0x10) != 0;
        forbidden |= (state & 1) == 0;
        constant &= (state & 0x11) == 0x10;
    }
    Site site;
    site.pc = pc;
    const Access access{address, bytes, is_write, site};
    if (forbidden && !is_write && constant) return false;
    if (forbidden) report_forbidden(access);
    // A wide read may copy a struct with padding, or a pair of which only one half is used.
    if (!is_write && (bytes <= 4 || !any_written)) note_unwritten(access);
    return true;
}

void look_outside(uintptr_t address, size_t bytes, bool is_write, uintptr_t pc) {
    Site site;
    site.pc = pc;
    look_elsewhere({address, bytes, is_write, site});
}

void misaligned(uintptr_t address, size_t bytes, bool is_write, uintptr_t pc) {
    Site site;
    site.pc = pc;
    report_misaligned({address, bytes, is_write, site}, bytes, format("an access of %zu bytes", bytes));
}

void visit(uintptr_t address, size_t bytes, bool is_write, bool is_read, bool exact, Record base) {
    const Site site = decode(base);
    const Access access{address, bytes, is_write, site};
    if (slot_of(address).state == nullptr) return look_elsewhere(access);
    bool forbidden = false, constant = true, all_written = true, any_written = false;
    for (uintptr_t a = address; a != address + bytes; a++) {
        const Slot slot = slot_of(a);
        const unsigned state = slot.state == nullptr ? 0 : *slot.state >> (a & 3);
        forbidden |= (state & 1) == 0;
        constant &= (state & 0x11) == 0x10;
        all_written &= (state & 0x10) != 0;
        any_written |= (state & 0x10) != 0;
    }
    if (forbidden && constant && !is_write) return;
    if (forbidden) report_forbidden(access);
    if (is_read && !(exact ? all_written : any_written)) note_unwritten({address, bytes, false, site});
    for (size_t done = 0; done < bytes;) {
        const uintptr_t a = address + done;
        const size_t here = std::min<size_t>(bytes - done, 4 - (a & 3));
        const unsigned bits = ((1u << here) - 1) << (a & 3);
        const Slot slot = slot_of(a);
        const Record me = record_of(base) | Record(bits) << 18;
        const Record before = slot.cell->write;
        if (is_write) {
            note_write(*slot.cell, me, a, slot.floor);
            *slot.state = static_cast<shadow::State>(*slot.state | bits << 4);
            // A plain write of a thread, followed by its own atomic: other threads must still be compared
            // with the plain write.
            const bool keep = site.is_atomic && kind_of(before) != IN_TABLE &&
                              thread_of(before) == thread_of(me) && tick_of(before) >= view.barrier &&
                              (before & me & ALL_BYTES) != 0;
            if (keep) slot.cell->write = before;
        } else {
            note_read(*slot.cell, me, a, slot.floor);
        }
        done += here;
    }
}

void atomic_access(uintptr_t address, size_t bytes, int kind, sim_place place) {
    if (!is_running()) return;
    const int scope = kind & SIM_SCOPE;
    Site site;
    site.place = place;
    site.is_atomic = true;
    site.scope = scope;
    if ((address & (bytes - 1)) != 0)
        report_misaligned({address, bytes, true, site}, bytes, format("an atomic of %zu bytes", bytes));
    // An exchange stores a value that does not depend on the old one.
    visit(address, bytes, true, (kind & SIM_EXCHANGES) == 0, true, encode(site));
    if ((kind & SIM_COMPARES) != 0) races::compared(address, bytes);
    races::atomic(address, scope);
}

void volatile_access(uintptr_t address, size_t bytes, bool is_write, const void* pc) {
    if (!is_running()) return;
    const uintptr_t at = reinterpret_cast<uintptr_t>(pc);
    if ((address & (bytes - 1)) != 0) misaligned(address, bytes, is_write, at);
    visit(address, bytes, is_write, !is_write, bytes <= 4, encode_pc(at, true));
}

void plain_access(uintptr_t address, size_t bytes, bool is_write, sim_place place) {
    if (is_running()) visit(address, bytes, is_write, !is_write, false, place_record(place));
}

void pipeline_copy(const Pending& copy) {
    if (!is_running()) return;
    const uintptr_t to = reinterpret_cast<uintptr_t>(copy.to), from = reinterpret_cast<uintptr_t>(copy.from);
    const Record base = place_record(copy.place);
    if (copy.bytes > copy.zero_fill) visit(from, copy.bytes - copy.zero_fill, false, true, false, base);
    visit(to, copy.bytes, true, false, false, base);
    if (slot_of(to).state == nullptr) return;
    mark(to, copy.bytes, FORBIDDEN);
    copy_begins(copy);
}

void pipeline_done(const Pending& copy) {
    if (!is_running()) return;
    const uintptr_t to = reinterpret_cast<uintptr_t>(copy.to), from = reinterpret_cast<uintptr_t>(copy.from);
    const Record base = place_record(copy.place);
    copy_ends(copy);
    if (slot_of(to).state != nullptr) mark(to, copy.bytes, FRESH);
    visit(to, copy.bytes, true, false, false, base);
    if (copy.bytes > copy.zero_fill) visit(from, copy.bytes - copy.zero_fill, false, true, false, base);
}

}  // namespace checks

}  // namespace sim
