// Runs one block. A thread gets a fiber when it starts. When it returns, the next thread that starts gets the
// same fiber, whose stack is still in the cache. So a kernel without a barrier uses a single fiber and never
// switches.
#include "block.h"

#include <cstring>

#include "checks.h"
#include "fibers.h"
#include "profile.h"
#include "report.h"
#include "schedule.h"
#include "status.h"

namespace sim {

sim_uint3 Block::thread_id(unsigned index) const {
    const sim_uint3& size = view.block_size;
    return {index % size.x, index / size.x % size.y, index / size.x / size.y};
}

namespace {

[[noreturn]] void divergent(Block& block) {
    stop_launch(
        CUDA_ERROR_LAUNCH_FAILED,
        compose("Divergent barrier", *block.launch,
                {describe_waiting(block), "Every thread of a block must reach the same __syncthreads()."},
                "take the barrier out of the branch or loop that only some threads go through."));
}

// The results of __syncthreads_count, _and and _or.
void answer(Block& block) {
    unsigned total = 0;
    for (unsigned i = 0; i < block.waiting; i++)
        total += static_cast<unsigned>(block.thread[block.at_barrier[i]].predicate);
    for (unsigned i = 0; i < block.waiting; i++) {
        Thread& thread = block.thread[block.at_barrier[i]];
        switch (thread.barrier_kind) {
            case SIM_BARRIER_COUNT: thread.result = total; break;
            case SIM_BARRIER_AND: thread.result = total == block.waiting; break;
            default: thread.result = total > 0;
        }
    }
}

void release_barrier(Worker& worker) {
    Block& block = worker.resident;
    Launch& launch = *block.launch;
    if (block.answers) answer(block);
    if (launch.mode == Mode::check) {
        const Thread& first = block.thread[block.at_barrier[0]];
        for (unsigned i = 1; i < block.waiting; i++) {
            const Thread& other = block.thread[block.at_barrier[i]];
            if (other.place.line != first.place.line || other.barrier_kind != first.barrier_kind)
                divergent(block);
        }
        checks::barrier_released(block);
    }
    if (launch.mode == Mode::profile) profile::barrier_released(block);
    arrange(launch, worker, block.at_barrier, block.waiting);
    for (unsigned i = 0; i < block.waiting; i++) wake(worker, block.thread[block.at_barrier[i]]);
    block.waiting = 0;
    block.answers = false;
}

void thread_returned(Worker& worker, Thread& thread) {
    Block& block = worker.resident;
    thread.state = State::done;
    thread.warp->done |= 1u << thread.lane;
    block.live--;
    if (block.waiting != 0 && block.waiting == block.live) release_barrier(worker);
    if (thread.warp->at_collective | thread.warp->here) lane_stopped(worker, *thread.warp);
}

void start(Worker& worker, Thread& thread) {
    thread.state = State::running;
    thread.spins = 0;
    if (__builtin_expect(worker.resident.copied, 0)) {
        Copies& copies = worker.resident.copies[thread.index];
        copies.group = 0;
        copies.pending.clear();  // nobody waited for them, or the launch was stopped
    }
    thread.fiber = worker.fiber->number;
    worker.thread = &thread;
}

[[noreturn]] void deadlock(Worker& worker) {
    const Block& block = worker.resident;
    if (block.launch->mode == Mode::check) checks::settle_reads(block);
    stop_launch(
        CUDA_ERROR_LAUNCH_FAILED,
        compose("Deadlock", *block.launch, {describe_waiting(block), "None of these threads can ever go on."},
                "every thread that is named in a mask, and every thread of a block that has not returned, "
                "must reach the same barrier."));
}

// The function of a fiber: it runs threads that have not started until there are none, then continues one
// that waited.
void fiber_main() {
    Worker& w = *worker;
    const auto enter = w.resident.launch->code->enter;
    const char* arguments = w.resident.launch->arguments.data();
    for (;;) {
        if (w.ready.empty()) {
            if (w.resident.live != 0) deadlock(w);
            leave_for(w.base);
        }
        Thread& thread = w.resident.thread[w.ready.pop()];
        if (thread.state == State::unstarted) {
            start(w, thread);
            const sim_uint3 id = w.ids[thread.index];
            enter(arguments, id.x, id.y, id.z);
            thread_returned(w, thread);
        } else {
            give_fiber(w, w.fiber);
            thread.state = State::running;
            w.thread = &thread;
            w.fiber = &w.fibers[thread.fiber];
            leave_for(thread.context);
        }
    }
}

// A fiber for loops, so that an error in a loop can leave its stack as in a thread.
void loop_main() {
    Worker& w = *worker;
    Launch& launch = *w.resident.launch;
    do {
        launch.code->loop(launch.arguments.data());
    } while (next_block(w, launch));
    leave_for(w.base);
}

void set_up_threads(Worker& worker) {
    Block& block = worker.resident;
    block.live = block.threads;
    block.waiting = 0;
    block.answers = false;
    for (unsigned i = 0; i < block.warps; i++) {
        Warp& warp = block.warp[i];
        const unsigned lanes = block.threads - warp.first;
        warp.exists = lanes >= WARP ? ~0u : (1u << lanes) - 1;
        warp.done = warp.at_collective = warp.here = warp.spinning = 0;
    }
    uint16_t* order = block.at_barrier;  // free until the first barrier
    const bool reverse = block.launch->order == Order::reverse;
    for (unsigned i = 0; i < block.threads; i++) {
        order[i] = static_cast<uint16_t>(reverse ? block.threads - 1 - i : i);
        block.thread[i].state = State::unstarted;
    }
    arrange(*block.launch, worker, order, block.threads);
    worker.ready.head = worker.ready.tail = 0;
    for (unsigned i = 0; i < block.threads; i++) worker.ready.push(order[i]);
}

// The current thread waits, and the next one in the queue runs. A kernel with barriers does this millions of
// times.
__attribute__((always_inline)) inline void go_on(Worker& w) {
    if (__builtin_expect(w.ready.empty(), 0)) deadlock(w);
    Thread& current = *w.thread;
    Thread& next = w.resident.thread[w.ready.pop()];
    if (__builtin_expect(&next == &current, 0)) {
        current.state = State::running;
        return;
    }
    const Context* to = &next.context;
    if (__builtin_expect(next.state == State::unstarted, 0)) {
        // The new fiber takes the thread from the queue itself, so it is put back at the front.
        w.ready.head--;
        w.fiber = take_fiber(w, fiber_main);
        to = &w.fiber->start;
    } else {
        next.state = State::running;
        w.thread = &next;
        w.fiber = &w.fibers[next.fiber];
        // Stacks are far apart in memory, so the stack after the next one is prefetched while this one runs.
        const char* after = static_cast<const char*>(w.resident.thread[w.ready.peek(0)].context.stack);
        __builtin_prefetch(after);
        __builtin_prefetch(after + 64);
        __builtin_prefetch(&w.resident.thread[w.ready.peek(1)]);
    }
    switch_context(current.context, *to);
}

}  // namespace

bool next_block(Worker& w, Launch& launch) {
    if (launch.stopped.load(std::memory_order_relaxed)) return false;
    const uint64_t place = launch.next_block.fetch_add(1, std::memory_order_relaxed);
    if (place >= launch.block_count) return false;
    w.progress.store(w.progress.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    const uint64_t linear = block_in_order(launch, place);
    Block& block = w.resident;
    block.linear = linear;
    const uint64_t plane = uint64_t(launch.grid.x) * launch.grid.y;
    block.view.block_index = {static_cast<unsigned>(linear % launch.grid.x),
                              static_cast<unsigned>(linear % plane / launch.grid.x),
                              static_cast<unsigned>(linear / plane)};
    sim_block = block.view;
    // Shared memory is not initialised on a GPU. It is filled with NaN here, which is easy to notice.
    for (const SharedVariable* variable : launch.shared)
        memset(w.shared + variable->offset, 0xFF, variable->bytes);
    if (launch.dynamic_bytes != 0) memset(block.view.dynamic_shared, 0xFF, launch.dynamic_bytes);
    return true;
}

void set_up_block(Worker& w, Launch& launch) {
    Block& block = w.resident;
    block.launch = &launch;
    block.worker = &w;
    block.threads = launch.size.x * launch.size.y * launch.size.z;
    block.warps = (block.threads + WARP - 1) / WARP;
    block.view = {{},
                  launch.size,
                  launch.grid,
                  w.shared,
                  w.shared + launch.variant->shared_bytes,
                  launch.dynamic_bytes};
    // Computed once for each launch and without divisions, since a million threads need theirs.
    sim_uint3 id{};
    for (unsigned i = 0; i < block.threads; i++) {
        w.ids[i] = id;
        if (++id.x < launch.size.x) continue;
        id.x = 0;
        if (++id.y < launch.size.y) continue;
        id.y = 0;
        id.z++;
    }
    if (block.thread[1].index == 1) return;  // what follows is the same for every launch
    for (unsigned i = 0; i < MAX_THREADS; i++) {
        Thread& thread = block.thread[i];
        thread.index = static_cast<uint16_t>(i);
        thread.lane = i % WARP;
        thread.warp = &block.warp[i / WARP];
        thread.warp->number = static_cast<uint16_t>(i / WARP);
        thread.warp->first = static_cast<uint16_t>(i / WARP * WARP);
    }
}

void run_loops(Worker& w, Launch& launch) {
    if (!next_block(w, launch)) return;
    w.block = &w.resident;
    w.thread = nullptr;
    w.fiber = take_fiber(w, loop_main);
    switch_context(w.base, w.fiber->start);
    w.block = nullptr;
    give_fiber(w, w.fiber);
}

void run_threads(Worker& w) {
    set_up_threads(w);
    w.block = &w.resident;
    w.fiber = take_fiber(w, fiber_main);
    switch_context(w.base, w.fiber->start);
    w.block = nullptr;
    give_fiber(w, w.fiber);  // the last one; a launch that was stopped leaves more, see work()
}

void wait(Worker& w) { go_on(w); }

void yield(Worker& w) {
    if (w.thread == nullptr) return;
    Thread& thread = *w.thread;
    Warp& warp = *thread.warp;
    thread.spins = 0;
    // A lane that it waits for may itself wait for it at a volatile access.
    warp.spinning |= 1u << thread.lane;
    if (warp.here != 0) lane_stopped(w, warp);
    if (!w.ready.empty()) {
        wake(w, thread);
        wait(w);
    }
    warp.spinning &= ~(1u << thread.lane);
}

}  // namespace sim

extern "C" int sim_barrier(int kind, int predicate, sim_place place) {
    using namespace sim;
    Worker& w = *worker;
    Thread& thread = *w.thread;
    Block& block = w.resident;
    thread.state = State::at_barrier;
    thread.place = place;
    thread.barrier_kind = static_cast<uint16_t>(kind);
    if (kind != SIM_BARRIER_PLAIN) {
        thread.predicate = predicate != 0;
        block.answers = true;
    }
    block.at_barrier[block.waiting++] = thread.index;
    if (__builtin_expect(block.waiting == block.live, 0)) release_barrier(w);
    else if (thread.warp->at_collective | thread.warp->here) lane_stopped(w, *thread.warp);
    go_on(w);
    return static_cast<int>(thread.result);
}

extern "C" unsigned sim_thread_rank() {
    // A loop runs in the module, which has the thread index in its own threadIdx.
    return sim::worker->thread == nullptr ? 0 : sim::worker->thread->index;
}

extern "C" void sim_yield() {
    if (sim::worker != nullptr) sim::yield(*sim::worker);
}
