// Lists the threads that wait, and where, for reports about barriers and masks.
#include <cstring>
#include <vector>

#include "block.h"
#include "report.h"
#include "status.h"

namespace sim {

namespace {

struct Waits {
    const char* what = nullptr;  // null: it does not wait
    sim_place place{};
    unsigned mask = 0;
    bool operator==(const Waits& other) const {
        return what != nullptr && other.what != nullptr && strcmp(what, other.what) == 0 &&
               place.line == other.place.line && mask == other.mask;
    }
};

Waits waits(const Thread& thread) {
    switch (thread.state) {
        case State::at_barrier: return {"__syncthreads()", thread.place, 0};
        case State::at_collective: return {thread.call->name, thread.call->place, thread.call->mask};
        case State::at_volatile: return {"a volatile access", thread.place, 0};
        case State::at_active_mask: return {"__activemask()", thread.place, 0};
        default: return {};
    }
}

// A text such as "3", "0-15" or "0, 4, 8-11", with a limit on its length.
std::string ranges(const std::vector<unsigned>& numbers) {
    constexpr unsigned PIECES = 12;
    std::string text;
    unsigned pieces = 0;
    for (size_t i = 0; i < numbers.size(); pieces++) {
        if (pieces == PIECES) return text + ", ...";
        size_t last = i;
        while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) last++;
        text += (pieces == 0 ? "" : ", ") + std::to_string(numbers[i]);
        if (last > i) text += "-" + std::to_string(numbers[last]);
        i = last + 1;
    }
    return text;
}

}  // namespace

std::string describe_waiting(const Block& block) {
    struct Group {
        Waits waits;
        std::vector<unsigned> threads;
    };
    std::vector<Group> groups;
    unsigned returned = 0;
    for (unsigned i = 0; i < block.threads; i++) {
        const Waits here = waits(block.thread[i]);
        returned += block.thread[i].state == State::done;
        if (here.what == nullptr) continue;
        size_t g = 0;
        while (g < groups.size() && !(groups[g].waits == here)) g++;
        if (g == groups.size()) groups.push_back({here, {}});
        groups[g].threads.push_back(i);
    }
    const sim_uint3 b = block.view.block_index;
    std::string text =
        format("in block (%u, %u, %u) of %u threads, numbered x first:", b.x, b.y, b.z, block.threads);
    for (const Group& group : groups) {
        const bool one = group.threads.size() == 1;
        text += std::string("\n    ") + (one ? "thread " : "threads ") + ranges(group.threads) +
                (one ? " waits at " : " wait at ") + group.waits.what;
        if (group.waits.mask != 0) text += format(" with mask 0x%08x", group.waits.mask);
        if (group.waits.place.file != nullptr) text += ", " + say(locate(group.waits.place));
    }
    if (returned != 0)
        text += format("\n    %u %s returned", returned, returned == 1 ? "thread has" : "threads have");
    return text;
}

}  // namespace sim
