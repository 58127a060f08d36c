// Device memory: an address range of its own, so that a host pointer is never mistaken for a device pointer.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "abi.h"

namespace sim {

// All device memory lies in [DEVICE_BASE, DEVICE_BASE + DEVICE_SPAN), reserved without access. An allocation
// is pages inside it, its end (rounded up to 256 bytes) against pages without access; freed pages lose their
// access and are not handed out again until the whole range has been used once.
constexpr uintptr_t DEVICE_BASE = 0x200000000000;
constexpr size_t DEVICE_SPAN = size_t(256) << 30;

inline bool in_device_range(uintptr_t address) { return address - DEVICE_BASE < DEVICE_SPAN; }

enum class Kind { device, pinned, managed, module_variable };

struct Allocation {
    uintptr_t begin = 0;
    size_t bytes = 0;  // as asked for
    Kind kind = Kind::device;
    std::string name;     // of a module variable
    std::string made_at;  // the line of Python that asked for it, "" when unknown
    std::string freed_at;
    bool live = true;
    uint64_t serial = 0;      // counts up
    void* context = nullptr;  // the context that owns it
    CUdevice device = 0;
    mutable bool all_written = false;  // the checker's: every byte is known to be marked so
};

// 0 when there is no memory left. Fresh memory is filled with 0xFF bytes: NaN as a float, -1 as an int.
uintptr_t allocate(size_t bytes, Kind kind, const std::string& name = "");
// False when `address` is not the beginning of a live allocation.
bool release(uintptr_t address);
void release_all_of(void* context);

// The allocation that holds `address`, live or freed, or the nearest one below it; null when there is none.
// The pointer stays valid until the range is used anew.
const Allocation* find(uintptr_t address);
// The live allocation that holds all of [address, address + bytes); null when there is none.
const Allocation* holds(uintptr_t address, size_t bytes);

size_t memory_total();  // of each device
size_t memory_free();   // of the current one
void set_memory_total(size_t bytes);

// Copy and fill, checked: a side said to be on the device must lie in a live allocation. `what` names the
// call in the report. These also tell the checker what became initialised.
CUresult copy_bytes(uintptr_t to, bool to_device, uintptr_t from, bool from_device, size_t bytes,
                    const char* what);
CUresult fill_bytes(uintptr_t to, const void* pattern, size_t pattern_bytes, size_t count, const char* what);

// A sentence on where an address lies: "4 bytes past the end of the 4000 bytes allocated at train.py:31".
std::string describe_address(uintptr_t address);

// Registered host memory (cuMemHostRegister) may be used by kernels at its own address.
bool is_registered_host(uintptr_t address, size_t bytes);

// JSON list of live allocations with a serial number of at least `since`, module variables left out.
std::string allocations_json(uint64_t since);
uint64_t next_serial();

// The line of Python that called, asked of the callback Python gave with sim_set_where; "" without one.
std::string where_in_python();

}  // namespace sim
