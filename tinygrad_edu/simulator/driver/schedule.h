// The order in which blocks and threads run: forward, reverse, or random by seed.
#pragma once
#include <cstdint>

#include "core.h"

namespace sim {

// A small fast generator (splitmix64, Steele, Lea and Flood 2014).
inline uint64_t next_random(uint64_t& state) {
    uint64_t z = (state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

// The block that runs as the `place`-th: a permutation of [0, count).
uint64_t block_in_order(const Launch& launch, uint64_t place);

// Put the threads of a block into the order of the launch, in place.
void arrange(const Launch& launch, Worker& worker, uint16_t* threads, unsigned count);

}  // namespace sim
