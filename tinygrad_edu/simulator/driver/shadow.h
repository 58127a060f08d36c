// The shadow memory of the checker: for every 4 bytes a state (is access allowed, was it written) and the
// last accesses. It is in two tables beside the memory, which are indexed by one shift and one addition,
// because they are used at every load and store of a checked kernel.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core.h"
#include "memory.h"

namespace sim::shadow {

// A granule is 4 bytes. Its state: bits 0-3, byte i may be accessed; bits 4-7, byte i was written. 0xF0,
// written but not accessible, marks __constant__ memory: kernels may read it and not write it.
using State = uint8_t;
constexpr State FULL = 0xFF, FRESH = 0x0F, FORBIDDEN = 0x00, CONSTANT = 0xF0;

// One access: tick 32 | thread 10 | bytes of the granule 4 | kind 2 | site 16. Zero: none.
using Record = uint64_t;
enum RecordKind : unsigned { BY_PC = 0, VOLATILE_BY_PC = 1, IN_TABLE = 2 };
inline uint32_t tick_of(Record r) { return static_cast<uint32_t>(r >> 32); }
inline unsigned thread_of(Record r) { return static_cast<unsigned>(r >> 22) & 1023; }
inline unsigned bytes_of(Record r) { return static_cast<unsigned>(r >> 18) & 15; }
inline unsigned kind_of(Record r) { return static_cast<unsigned>(r >> 16) & 3; }
inline unsigned site_of(Record r) { return static_cast<unsigned>(r) & 0xFFFF; }
constexpr Record ALL_BYTES = Record(15) << 18;
constexpr Record THREAD_BITS = Record(1023) << 22;
constexpr Record WARP_BITS = Record(1023 & ~31u) << 22;

// Two readers are stored, of different blocks or warps if possible. Then a later write without
// synchronisation conflicts with at least one of them.
struct Cell {
    Record write, read[2];
};

// The source position of a record. 16 bits suffice for the address of an instruction if the text of the
// module is smaller than 256 KiB; other sites, and all atomics, are in a table.
struct Site {
    uintptr_t pc = 0;
    sim_place place{};
    bool is_atomic = false, is_volatile = false;
    int scope = 2;
};

// The data of the running block for the fast path. One worker runs all blocks of a checked launch.
struct View {
    State* state = nullptr;  // of device memory
    Cell* cells = nullptr;
    uintptr_t shared = 0;  // of the worker's arena
    State* shared_state = nullptr;
    Cell* shared_cells = nullptr;
    Worker* worker = nullptr;
    uintptr_t text = 0;
    uint32_t tick = 1;          // now
    uint32_t launch = 1;        // when this launch began
    uint32_t block = 1;         // when this block began
    uint32_t barrier = 1;       // when its last barrier was released
    bool warps_synced = false;  // some warp of this block has synchronised on its own
};
extern View view __attribute__((visibility("hidden")));

bool is_on();
// Map the tables; if the system does not have enough address space, it calls fail() and returns false.
bool turn_on();

void mark(uintptr_t address, size_t bytes, State state);  // FRESH, FULL or FORBIDDEN for exactly these bytes
void mark_written(uintptr_t address, size_t bytes);       // of what may be touched
void copy_written(uintptr_t to, uintptr_t from, size_t bytes);
void forget(uintptr_t address, size_t bytes);  // give the records' memory back
void forget_everything();                      // all records: the ticks start anew

// The site of an instruction as the low 18 bits of a record.
Record encode_pc(uintptr_t pc, bool is_volatile);
Record encode(const Site& site);
Site decode(Record record);
void clear_sites();

struct Slot {
    State* state;
    Cell* cell;
    uint32_t floor;  // records older than this are of an earlier launch, or of another block's shared memory
};
// The state is null if the address is neither device nor shared memory.
inline Slot slot_of(uintptr_t address) {
    uintptr_t offset = address - DEVICE_BASE;
    if (__builtin_expect(offset < DEVICE_SPAN, 1))
        return {view.state + offset / 4, view.cells + offset / 4, view.launch};
    offset = address - view.shared;
    if (offset < SHARED_ARENA)
        return {view.shared_state + offset / 4, view.shared_cells + offset / 4, view.block};
    return {nullptr, nullptr, 0};
}
inline bool is_shared(uintptr_t address) { return address - view.shared < SHARED_ARENA; }

}  // namespace sim::shadow
