// The order in which blocks and threads run.
#include "schedule.h"

#include <utility>

namespace sim {

namespace {

// A permutation of [0, count) without a table: a Feistel network over the next power of four, applied until
// the value is inside.
uint64_t permute(uint64_t value, uint64_t count, uint64_t seed) {
    unsigned half = 1;
    while (half < 32 && (uint64_t(1) << (2 * half)) < count) half++;
    const uint64_t mask = (uint64_t(1) << half) - 1;
    do {
        uint64_t left = value >> half, right = value & mask;
        for (uint64_t round = 0; round < 4; round++) {
            uint64_t state = seed ^ (right * 0x9e3779b97f4a7c15) ^ (round << 56);
            uint64_t mixed = left ^ (next_random(state) & mask);
            left = right;
            right = mixed;
        }
        value = (left << half) | right;
    } while (value >= count);
    return value;
}

}  // namespace

uint64_t block_in_order(const Launch& launch, uint64_t place) {
    switch (launch.order) {
        case Order::reverse: return launch.block_count - 1 - place;
        case Order::random: return permute(place, launch.block_count, launch.seed);
        default: return place;
    }
}

void arrange(const Launch& launch, Worker& worker, uint16_t* threads, unsigned count) {
    if (launch.order != Order::random) return;  // forward and reverse keep the order threads came in
    for (unsigned i = count; i > 1; i--) std::swap(threads[i - 1], threads[next_random(worker.random) % i]);
}

}  // namespace sim
