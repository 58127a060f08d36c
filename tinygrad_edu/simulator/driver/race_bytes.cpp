// Races between threads that work on single bytes of one word: images, flags, characters.
#include <algorithm>
#include <unordered_map>

#include "races.h"

namespace sim::races {

using namespace shadow;

namespace {

struct Kept {
    Record record;
    bool wrote;
};
std::unordered_map<uintptr_t, std::vector<Kept>> kept;  // by granule

}  // namespace

void forget_bytes() { kept.clear(); }

void keep_bytes(Record record, bool wrote, uintptr_t address, uint32_t floor) {
    std::vector<Kept>& all = kept[address / 4];
    // Removes records that are ordered before this one, and the same thread's earlier access to the same
    // bytes.
    all.erase(std::remove_if(all.begin(), all.end(),
                             [&](const Kept& k) {
                                 const bool same = ((k.record ^ record) & (THREAD_BITS | ALL_BYTES)) == 0 &&
                                                   k.wrote == wrote && tick_of(k.record) >= view.block;
                                 const uint32_t tick = tick_of(k.record);
                                 return same || tick < floor || tick - view.block < view.barrier - view.block;
                             }),
              all.end());
    all.push_back({record, wrote});
}

void look_at_bytes(Record me, bool is_write, uintptr_t address, uint32_t floor) {
    if (kept.empty()) return;
    auto found = kept.find(address / 4);
    if (found == kept.end()) return;
    for (const Kept& k : found->second)
        if ((k.wrote || is_write) && !plainly_ordered(k.record, me, floor) &&
            !ordered(k.record, me, is_shared(address)))
            conflict(k.record, me, k.wrote, is_write, address);
}

}  // namespace sim::races
