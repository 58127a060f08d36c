// From what each lane did alone to what the warp would have done together, and what that costs the memory.
//
// The lanes of a simulated warp run one after another. Each leaves a log of the basic blocks it entered and
// the addresses it touched; replay() walks the 32 logs side by side. Of the places where lanes stand, the one
// in the innermost call and, there, with the lowest address in the code goes first, with all lanes that stand
// on it: code is laid out such that a branch comes before the place where its sides meet, so lanes that took
// different sides wait there for each other, as they do on hardware.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sim::profile {

enum class Kind : uint8_t { block, read, write, atomic };
// `local` is on the thread's own stack. `other`, such as blockDim, a GPU has in registers: it is not counted.
enum class Space : uint8_t { global, shared, constant, local, other };
constexpr int SPACES = 4;
constexpr unsigned LANES = 32;
constexpr unsigned SECTOR = 32;  // bytes that global memory moves at least
constexpr unsigned BANKS = 32;   // of shared memory, 4 bytes wide each

// One place in the code where a basic block begins or memory is touched.
struct Site {
    uint64_t offset = 0;  // of the return address in the object
    Kind kind = Kind::block;
    uint32_t bytes = 0;
    std::string file;  // where the caller named the line itself
    int line = 0;
    uint32_t next = 0;  // number + 1 of another site at the same offset that differs in the rest
};

// What a request costs: sectors of global memory, wavefronts of shared memory, words of constant memory.
struct Cost {
    unsigned units = 0, ideal = 0;
};

struct Traffic {
    uint64_t requests = 0, lanes = 0, units = 0, ideal = 0;
    uint64_t collisions = 0;  // atomics: lanes that waited for another lane at the same address
};

struct Counts {
    uint64_t executions = 0;  // by single threads, all of them
    uint64_t replayed = 0;    // those that found room in the logs
    uint64_t warps = 0;       // executions of a basic block by warps
    Traffic space[SPACES];
};

// An entry of a log: the site above, the address (or, for CALL_DEPTH, the depth) below.
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

// Which memory an address belongs to.
struct Spaces {
    Range device, shared, stacks;
    std::vector<Range> constant;
    Space of(uintptr_t address) const;
};

// `address` holds `count` addresses of as many lanes, in any order; all lanes touch `bytes` bytes.
Cost sectors(const uintptr_t* address, unsigned count, unsigned bytes);
// Lanes in ascending order: 8 bytes are served by half warps, 16 by quarters. `lane` numbers them.
Cost wavefronts(const uintptr_t* address, const uint8_t* lane, unsigned count, unsigned bytes);
// Words that the lanes name: constant memory gives one at a time, to all lanes that want it.
Cost words(const uintptr_t* address, unsigned count, unsigned bytes);
// Lanes that have to wait because another one of the warp has the same address.
unsigned collisions(const uintptr_t* address, unsigned count);

// The logs of one warp; both vectors are indexed by site.
void replay(const std::vector<Event>* const logs[LANES], unsigned size, const std::vector<Site>& sites,
            const Spaces& spaces, std::vector<Counts>& counts);

}  // namespace sim::profile
