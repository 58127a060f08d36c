// Computes the memory requests of a warp, and their cost, from the accesses of its lanes.
//
// The lanes of a simulated warp run one after another. Each writes a log of the basic blocks that it entered
// and the addresses that it accessed; replay() processes the 32 logs together. At each step it takes the
// position in the innermost call and, among those, with the lowest address in the code, and advances all
// lanes at this position. In the code, a branch comes before the place where its two sides join, so lanes
// that took different sides wait there for each other, as on hardware.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sim::profile {

enum class Kind : uint8_t { block, read, write, atomic };
// `local` is on the thread's own stack. `other`, such as blockDim, is in registers on a GPU and not counted.
enum class Space : uint8_t { global, shared, constant, local, other };
constexpr int SPACES = 4;
constexpr unsigned LANES = 32;
constexpr unsigned SECTOR = 32;  // the smallest number of bytes that global memory moves
constexpr unsigned BANKS = 32;   // of shared memory, 4 bytes wide each

// One place in the code where a basic block begins or memory is accessed.
struct Site {
    uint64_t offset = 0;  // offset of the return address in the object
    Kind kind = Kind::block;
    uint32_t bytes = 0;
    std::string file;  // set if the call passed file and line
    int line = 0;
    uint32_t next = 0;  // number + 1 of another site at the same offset that differs in the rest
};

// The cost of a request: sectors of global memory, wavefronts of shared memory, words of constant memory.
struct Cost {
    unsigned units = 0, ideal = 0;
};

struct Traffic {
    uint64_t requests = 0, lanes = 0, units = 0, ideal = 0;
    uint64_t collisions = 0;  // atomics: lanes that waited for another lane at the same address
};

struct Counts {
    uint64_t executions = 0;  // executions by threads
    uint64_t replayed = 0;    // executions for which the logs had space
    uint64_t warps = 0;       // executions of a basic block by warps
    Traffic space[SPACES];
};

// An entry of a log: the upper bits are the site, the lower bits the address (or, for CALL_DEPTH, the depth).
using Event = uint64_t;
constexpr unsigned ADDRESS_BITS = 47;
constexpr uint64_t ADDRESS_MASK = (uint64_t(1) << ADDRESS_BITS) - 1;
constexpr unsigned CALL_DEPTH = (1u << (64 - ADDRESS_BITS)) - 1;
inline Event event(unsigned site, uint64_t value) { return uint64_t(site) << ADDRESS_BITS | value; }
inline unsigned site_of(Event e) { return unsigned(e >> ADDRESS_BITS); }

struct Range {
    uintptr_t begin = 0, end = 0;
    bool holds(uintptr_t address) const { return address >= begin && address < end; }
};

// The memory space of an address.
struct Spaces {
    Range device, shared, stacks;
    std::vector<Range> constant;
    Space of(uintptr_t address) const;
};

// `address` has the addresses of `count` lanes, in any order; each lane accesses `bytes` bytes.
Cost sectors(const uintptr_t* address, unsigned count, unsigned bytes);
// Lanes in ascending order: accesses of 8 bytes are served by half warps, of 16 by quarters. `lane` has their
// numbers.
Cost wavefronts(const uintptr_t* address, const uint8_t* lane, unsigned count, unsigned bytes);
// The number of different words: constant memory serves one at a time, to all lanes that access it.
Cost words(const uintptr_t* address, unsigned count, unsigned bytes);
// The number of lanes that wait because another lane of the warp has the same address.
unsigned collisions(const uintptr_t* address, unsigned count);

// The logs of one warp; both vectors are indexed by site.
void replay(const std::vector<Event>* const logs[LANES], unsigned size, const std::vector<Site>& sites,
            const Spaces& spaces, std::vector<Counts>& counts);

}  // namespace sim::profile
