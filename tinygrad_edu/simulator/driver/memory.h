// Device memory. It has a separate address range, so that a host pointer is never mistaken for a device
// pointer.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "abi.h"

namespace sim {

// All device memory is in [DEVICE_BASE, DEVICE_BASE + DEVICE_SPAN), which is reserved without access. An
// allocation is a number of pages in this range; its end (rounded up to 256 bytes) is next to pages without
// access. Freed pages lose their access, and are reused only after the whole range was used once.
constexpr uintptr_t DEVICE_BASE = 0x200000000000;
constexpr size_t DEVICE_SPAN = size_t(256) << 30;

inline bool in_device_range(uintptr_t address) { return address - DEVICE_BASE < DEVICE_SPAN; }

enum class Kind { device, pinned, managed, module_variable };

struct Allocation {
    uintptr_t begin = 0;
    size_t bytes = 0;  // the requested size
    Kind kind = Kind::device;
    std::string name;     // the name, if it is a module variable
    std::string made_at;  // the line of Python of the call, "" if unknown
    std::string freed_at;
    bool live = true;
    uint64_t serial = 0;      // a number that increases with each allocation
    void* context = nullptr;  // the context that owns it
    CUdevice device = 0;
    mutable bool all_written = false;  // for the checker: every byte is known to be marked as written
};

// 0 if no memory is left. New memory is filled with bytes 0xFF: NaN as a float, -1 as an int.
uintptr_t allocate(size_t bytes, Kind kind, const std::string& name = "");
// False if `address` is not the beginning of a live allocation.
bool release(uintptr_t address);
void release_all_of(void* context);

// The allocation that contains `address`, live or freed, or the nearest one below it; null if there is none.
// The pointer is valid until the range is reused.
const Allocation* find(uintptr_t address);
// The live allocation that contains all of [address, address + bytes); null if there is none.
const Allocation* holds(uintptr_t address, size_t bytes);

size_t memory_total();  // of each device
size_t memory_free();   // free bytes of the current device
void set_memory_total(size_t bytes);

// Checked copy and fill: a side that is on the device must be inside a live allocation. `what` is the name of
// the call for the report. The checker marks the bytes written as initialised.
CUresult copy_bytes(uintptr_t to, bool to_device, uintptr_t from, bool from_device, size_t bytes,
                    const char* what);
CUresult fill_bytes(uintptr_t to, const void* pattern, size_t pattern_bytes, size_t count, const char* what);

// A description of an address: "4 bytes past the end of the 4000 bytes allocated at train.py:31".
std::string describe_address(uintptr_t address);

// Registered host memory (cuMemHostRegister), which kernels may use at its own address.
bool is_registered_host(uintptr_t address, size_t bytes);

// JSON list of live allocations with a serial number of at least `since`, without module variables.
std::string allocations_json(uint64_t since);
uint64_t next_serial();

// The user's line of Python, from the callback of sim_set_where; "" if there is none.
std::string where_in_python();

}  // namespace sim
