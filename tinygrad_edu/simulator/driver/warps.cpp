// Synchronisation of the lanes of one warp: collectives, lockstep at volatile accesses, and the active mask.
#include <cstring>

#include "block.h"
#include "checks.h"
#include "profile.h"
#include "report.h"
#include "status.h"

namespace sim {

namespace {

// The lanes that must arrive: hardware does not wait for lanes that have returned or never existed.
unsigned expected(const Warp& warp, unsigned mask) { return mask & warp.exists & ~warp.done; }

Thread& lane_of(Block& block, const Warp& warp, unsigned lane) { return block.thread[warp.first + lane]; }

// All lanes in the mask of `first` are there with the same call: run it and let them continue. The current
// thread, if it is one of them, continues without a switch and is not put into the queue.
bool complete(Worker& w, Warp& warp, const Thread& first) {
    const sim_collective* call = first.call;
    const unsigned lanes = expected(warp, call->mask);
    if ((lanes & ~warp.at_collective) != 0) return false;
    Block& block = w.resident;
    void* slots[WARP] = {};
    for (unsigned i = 0; i < WARP; i++) {
        if ((lanes >> i & 1) == 0) continue;
        const sim_collective* other = lane_of(block, warp, i).call;
        if (other->mask != call->mask || strcmp(other->name, call->name) != 0) return false;
        slots[i] = other->slot;
    }
    if (call->orders_memory && block.launch->mode == Mode::check)
        checks::warp_synced(block, warp.number, lanes);
    call->combine(slots, lanes);
    warp.at_collective &= ~lanes;
    for (unsigned i = 0; i < WARP; i++) {
        if ((lanes >> i & 1) == 0) continue;
        Thread& thread = lane_of(block, warp, i);
        if (&thread == w.thread) thread.state = State::running;
        else wake(w, thread);
    }
    return true;
}

// No lane of this warp can run any more: those at volatile accesses and at __activemask continue together.
void release_here(Worker& w, Warp& warp) {
    Block& block = w.resident;
    const unsigned here = warp.here;
    unsigned asking = 0;
    for (unsigned i = 0; i < WARP; i++)
        if ((here >> i & 1) != 0 && lane_of(block, warp, i).state == State::at_active_mask) asking |= 1u << i;
    for (unsigned i = 0; i < WARP; i++) {
        if ((asking >> i & 1) == 0) continue;
        Thread& thread = lane_of(block, warp, i);
        thread.result = 0;
        for (unsigned j = 0; j < WARP; j++)
            if ((asking >> j & 1) != 0 && lane_of(block, warp, j).place.line == thread.place.line)
                thread.result |= 1u << j;
    }
    warp.here = 0;
    for (unsigned i = 0; i < WARP; i++)
        if ((here >> i & 1) != 0) wake(w, lane_of(block, warp, i));
}

// The lanes that can still arrive; lanes at a volatile access or __activemask wait for them.
bool any_moving(const Block& block, const Warp& warp) {
    const uint32_t rest = warp.exists & ~(warp.done | warp.at_collective | warp.here | warp.spinning);
    for (unsigned lanes = rest; lanes != 0; lanes &= lanes - 1)
        if (block.thread[warp.first + __builtin_ctz(lanes)].state != State::at_barrier) return true;
    return false;
}

}  // namespace

void lane_stopped(Worker& w, Warp& warp) {
    Block& block = w.resident;
    // Several groups of lanes may wait for this one; each group can finish at most once.
    for (unsigned rest = warp.at_collective; rest != 0; rest &= rest - 1) {
        const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
        if ((warp.at_collective >> lane & 1) != 0) complete(w, warp, lane_of(block, warp, lane));
    }
    if (warp.here != 0 && !any_moving(block, warp)) release_here(w, warp);
}

}  // namespace sim

extern "C" void sim_warp_collective(const sim_collective* call) {
    using namespace sim;
    Worker& w = *worker;
    Thread& thread = *w.thread;
    Warp& warp = *thread.warp;
    if ((call->mask >> thread.lane & 1) == 0) {
        stop_launch(CUDA_ERROR_LAUNCH_FAILED,
                    compose("Wrong mask", *w.resident.launch,
                            {say(locate(call->place)),
                             format("lane %u (%s) calls %s with mask 0x%08x, which does not name lane %u",
                                    thread.lane, w.resident.launch->where(&w.resident, &thread).c_str(),
                                    call->name, call->mask, thread.lane)},
                            "a lane may only call with a mask that has its own bit set."));
    }
    thread.call = call;
    thread.state = State::at_collective;
    warp.at_collective |= 1u << thread.lane;
    if (complete(w, warp, thread)) return;
    if (warp.here != 0) lane_stopped(w, warp);
    wait(w);
}

extern "C" unsigned sim_active_mask(sim_place place) {
    using namespace sim;
    Worker& w = *worker;
    Thread& thread = *w.thread;
    thread.place = place;
    thread.state = State::at_active_mask;
    thread.warp->here |= 1u << thread.lane;
    lane_stopped(w, *thread.warp);
    wait(w);
    return thread.result;
}

extern "C" void sim_volatile(const void* address, size_t bytes, int is_write, const void* pc) {
    using namespace sim;
    Worker* w = worker;
    if (w == nullptr || w->thread == nullptr) return;
    Thread& thread = *w->thread;
    if (w->resident.launch->mode == Mode::check)
        checks::volatile_access(reinterpret_cast<uintptr_t>(address), bytes, is_write != 0, pc);
    if (w->resident.launch->mode == Mode::profile)
        profile::access(reinterpret_cast<uintptr_t>(address), bytes, is_write != 0, pc);
    thread.place = {nullptr, 0};
    thread.state = State::at_volatile;
    thread.warp->here |= 1u << thread.lane;
    lane_stopped(*w, *thread.warp);
    wait(*w);
}

extern "C" void sim_atomic(const void* address, size_t bytes, int kind, sim_place place) {
    using namespace sim;
    Worker* w = worker;
    if (w == nullptr || w->thread == nullptr) return;
    if (w->resident.launch->mode == Mode::check)
        checks::atomic_access(reinterpret_cast<uintptr_t>(address), bytes, kind, place);
    if (w->resident.launch->mode == Mode::profile)
        profile::atomic(reinterpret_cast<uintptr_t>(address), bytes, __builtin_return_address(0), place);
    // It may spin until another thread releases a lock.
    if (++w->thread->spins >= 32) yield(*w);
}
