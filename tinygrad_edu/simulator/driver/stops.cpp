// Small functions for kernels: memory order, asynchronous copies, and ending the launch.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "block.h"
#include "checks.h"
#include "profile.h"
#include "report.h"
#include "status.h"

namespace sim {

namespace {

void carry_out(const Pending& copy) {
    memcpy(copy.to, copy.from, copy.bytes - copy.zero_fill);
    memset(static_cast<char*>(copy.to) + (copy.bytes - copy.zero_fill), 0, copy.zero_fill);
}

bool checking() { return worker->resident.launch->mode == Mode::check; }
// A kernel with asynchronous copies never runs as a loop, so there is a current thread here.
Copies& own_copies() {
    worker->resident.copied = true;
    return worker->resident.copies[worker->thread->index];
}
bool profiling() { return worker->resident.launch->mode == Mode::profile; }

}  // namespace

}  // namespace sim

using namespace sim;

extern "C" void sim_pipeline_copy(void* to, const void* from, size_t bytes, size_t zero_fill,
                                  sim_place place) {
    Copies& copies = own_copies();
    copies.pending.push_back({to, from, bytes, zero_fill, copies.group, place});
    if (checking()) checks::pipeline_copy(copies.pending.back());
    if (!profiling()) return;
    profile::access(reinterpret_cast<uintptr_t>(from), bytes, false, __builtin_return_address(0), place);
    profile::access(reinterpret_cast<uintptr_t>(to), bytes, true, __builtin_return_address(0), place);
}

extern "C" void sim_pipeline_commit() { own_copies().group++; }

extern "C" void sim_pipeline_wait(unsigned prior_groups) {
    Copies& copies = own_copies();
    size_t done = 0;
    for (; done < copies.pending.size(); done++) {
        const Pending& copy = copies.pending[done];
        // Copies that were not committed yet are in no group, and are not waited for.
        if (copy.group == copies.group || copies.group - copy.group <= prior_groups) break;
        carry_out(copy);
        if (checking()) checks::pipeline_done(copy);
    }
    copies.pending.erase(copies.pending.begin(), copies.pending.begin() + static_cast<std::ptrdiff_t>(done));
}

extern "C" void sim_fence(int scope) {
    if (worker != nullptr && worker->thread != nullptr && checking()) checks::fence(scope);
}

extern "C" void sim_access(const void* address, size_t bytes, int is_write, sim_place place) {
    if (worker == nullptr || worker->thread == nullptr) return;
    if (checking()) checks::plain_access(reinterpret_cast<uintptr_t>(address), bytes, is_write != 0, place);
    if (profiling())
        profile::access(reinterpret_cast<uintptr_t>(address), bytes, is_write != 0,
                        __builtin_return_address(0), place);
}

// `message`: a title, then perhaps a line of facts, then perhaps a line "What to do: ...".
extern "C" void sim_stop(int code, const char* message, sim_place place) {
    Worker& w = *worker;
    Launch& launch = *w.resident.launch;
    const std::string lead = "What to do: ", text = message;
    const size_t title = text.find('\n');
    const size_t advice = text.find(lead);
    std::vector<std::string> facts = {say(locate(place)), launch.where(&w.resident, w.thread)};
    if (title != std::string::npos && title + 1 < std::min(advice, text.size()))
        facts.push_back(text.substr(title + 1, advice == std::string::npos ? advice : advice - title - 2));
    stop_launch(
        static_cast<CUresult>(code),
        compose(text.substr(0, title), launch, facts,
                advice == std::string::npos ? "look at the line above." : text.substr(advice + lead.size())));
}
