// The data of device memory, shared by the files that allocate it and that describe it.
#pragma once
#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>

#include "memory.h"

namespace sim {

constexpr size_t PAGE = 4096;
constexpr size_t ALIGNMENT = 256;  // of what cuMemAlloc returns

struct Space {
    std::mutex lock;  // while it is held, no other lock is taken, and Python is not called
    bool reserved = false;
    std::map<uintptr_t, Allocation> allocations;  // live ones, and freed ones whose addresses were not reused
    std::deque<uintptr_t> freed;                  // oldest first
    uintptr_t next = DEVICE_BASE + (size_t(1) << 20);
    size_t total = size_t(4) << 30;  // of each device
    std::map<CUdevice, size_t> used;

    size_t left(CUdevice device) { return total - std::min(used[device], total); }
    uint64_t serial = 1;
};

Space& space();

struct Registered {
    size_t bytes;
    unsigned flags;
    void* context;
};

// Host memory given to cuMemHostRegister, by address (hosts.cpp).
bool registered_at(uintptr_t address, uintptr_t* begin, Registered* found);

}  // namespace sim
