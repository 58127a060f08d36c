// A stand-in for the driver, for tests of the device headers alone: one block,
// every CUDA thread an OS thread.
#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#define SIM_DRIVER
#include "runtime.h"

extern "C" void begin_thread(unsigned rank);  // threadIdx is a variable of the kernels' side

namespace {

struct Meeting {
    unsigned arrived = 0, round = 0;
    void* slots[32] = {};
    const sim_collective* call = nullptr;
};

struct Copy {
    void* to;
    const void* from;
    size_t bytes, zeros;
    unsigned group;
};

std::mutex lock;
std::condition_variable changed;
std::map<std::pair<unsigned, unsigned>, Meeting> meetings;  // by warp and mask
std::map<unsigned, unsigned> live;                          // warp -> lanes
unsigned waiting = 0, alive = 0, barriers = 0;
std::string report;
thread_local unsigned rank = 0, group = 0;
thread_local std::vector<Copy> copies;

struct Stopped {};

bool finish(Meeting& meeting, unsigned mask, unsigned warp) {
    if (!meeting.arrived || meeting.arrived != (mask & live[warp])) return false;
    meeting.call->combine(meeting.slots, meeting.arrived);
    std::memset(meeting.slots, 0, sizeof meeting.slots);
    meeting.arrived = 0;
    meeting.round++;
    changed.notify_all();
    return true;
}

void release_barrier() {
    if (waiting && waiting == alive) {
        waiting = 0;
        barriers++;
        changed.notify_all();
    }
}

void leave() {
    std::lock_guard<std::mutex> guard(lock);
    live[rank / 32] &= ~(1u << rank % 32);
    alive--;
    for (auto& [key, meeting] : meetings)
        if (key.first == rank / 32) finish(meeting, key.second, key.first);
    release_barrier();
    changed.notify_all();
}

}  // namespace

extern "C" {
__thread sim_block_view sim_block __attribute__((tls_model("initial-exec")));

void sim_warp_collective(const sim_collective* call) {
    std::unique_lock<std::mutex> guard(lock);
    Meeting& meeting = meetings[{rank / 32, call->mask}];
    meeting.slots[rank % 32] = call->slot ? call->slot : const_cast<sim_collective*>(call);
    meeting.arrived |= 1u << rank % 32;
    meeting.call = call;
    unsigned round = meeting.round;
    if (!finish(meeting, call->mask, rank / 32))
        changed.wait(guard, [&] { return meeting.round != round || !report.empty(); });
    if (!report.empty()) throw Stopped();
}
int sim_barrier(int, int, sim_place) {
    std::unique_lock<std::mutex> guard(lock);
    unsigned round = barriers;
    waiting++;
    release_barrier();
    changed.wait(guard, [&] { return barriers != round || !report.empty(); });
    if (!report.empty()) throw Stopped();
    return 0;
}
unsigned sim_active_mask(sim_place) { return live[rank / 32]; }
unsigned sim_thread_rank() { return rank; }
void sim_atomic(const void*, size_t, int, sim_place) { std::this_thread::yield(); }
void sim_yield() {}
void sim_volatile(const void*, size_t, int, const void*) {}
void sim_access(const void*, size_t, int, sim_place) {}
void sim_fence(int) {}
void sim_pipeline_copy(void* to, const void* from, size_t bytes, size_t zeros, sim_place) {
    copies.push_back({to, from, bytes, zeros, group});
}
void sim_pipeline_commit() { group++; }
void sim_pipeline_wait(unsigned prior) {
    for (const Copy& copy : copies) {
        if (copy.group + prior >= group) continue;
        std::memcpy(copy.to, copy.from, copy.bytes - copy.zeros);
        std::memset(static_cast<char*>(copy.to) + copy.bytes - copy.zeros, 0, copy.zeros);
    }
    copies.erase(std::remove_if(copies.begin(), copies.end(),
                                [&](const Copy& copy) { return copy.group + prior < group; }),
                 copies.end());
}
[[noreturn]] void sim_stop(int code, const char* message, sim_place place) {
    std::lock_guard<std::mutex> guard(lock);
    if (report.empty())
        report = std::to_string(code) + " line " + std::to_string(place.line) + ": " + message;
    changed.notify_all();
    throw Stopped();
}

// Run `kernel(in, out)` with `threads` threads. The text of sim_stop, "" when nothing stopped.
const char* run_block(void (*kernel)(void*, void*), unsigned threads, void* in, void* out) {
    report.clear();
    meetings.clear();
    live.clear();
    waiting = barriers = 0;
    alive = threads;
    for (unsigned i = 0; i < threads; i++) live[i / 32] |= 1u << i % 32;
    std::vector<std::thread> running;
    for (unsigned i = 0; i < threads; i++)
        running.emplace_back([=] {
            rank = i;
            sim_block.block_size = {threads, 1, 1};
            sim_block.grid_size = {1, 1, 1};
            begin_thread(i);
            try {
                kernel(in, out);
            } catch (const Stopped&) {
            }
            leave();
        });
    for (std::thread& thread : running) thread.join();
    return report.c_str();
}
}
