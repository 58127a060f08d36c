// The tables of the shadow memory, and the changes by the host side.
#include "shadow.h"

#include <sys/mman.h>

#include <cstring>
#include <map>
#include <tuple>
#include <vector>

#include "status.h"

namespace sim::shadow {

View view;

namespace {

// Only address space is reserved; the pages of the tables are allocated at their first use.
void* reserve(size_t bytes) {
    void* memory =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return nullptr;
    madvise(memory, bytes, MADV_NOHUGEPAGE);  // a huge page would make one touched granule cost 2 MiB
    return memory;
}

constexpr size_t GRANULES = DEVICE_SPAN / 4, SHARED_GRANULES = SHARED_ARENA / 4;

std::vector<Site> sites(1);  // site 0 is unknown
std::map<std::tuple<uintptr_t, int, int>, unsigned> site_numbers;

unsigned byte_bits(uintptr_t address, size_t bytes) {  // within one granule
    return ((1u << bytes) - 1) << (address & 3);
}

// Call change(state, bits) for each granule of the range, with the bits of its bytes in the range.
template <class Change>
void each_granule(uintptr_t address, size_t bytes, Change change) {
    while (bytes != 0) {
        const size_t here = std::min<size_t>(bytes, 4 - (address & 3));
        change(*slot_of(address).state, byte_bits(address, here));
        address += here;
        bytes -= here;
    }
}

}  // namespace

bool is_on() { return view.cells != nullptr; }

bool turn_on() {
    if (is_on()) return true;
    view.state = static_cast<State*>(reserve(GRANULES));
    view.shared_state = static_cast<State*>(reserve(SHARED_GRANULES));
    view.shared_cells = static_cast<Cell*>(reserve(SHARED_GRANULES * sizeof(Cell)));
    view.cells = static_cast<Cell*>(reserve(GRANULES * sizeof(Cell)));
    if (view.state && view.shared_state && view.shared_cells && view.cells) return true;
    view.cells = nullptr;
    fail(CUDA_ERROR_OUT_OF_MEMORY,
         "the checker could not reserve address space (1.6 TiB, of which only what is touched costs "
         "memory): the limit 'ulimit -v' or vm.overcommit_memory=2 forbids it. Lift the limit, "
         "or run without the checker.");
    return false;
}

void mark(uintptr_t address, size_t bytes, State state) {
    while (bytes != 0 && (address & 3) != 0) {
        const State bits = static_cast<State>(byte_bits(address, 1) * 0x11);
        State& s = *slot_of(address).state;
        s = static_cast<State>((s & ~bits) | (state & bits));
        address++;
        bytes--;
    }
    if (bytes >= 4) memset(slot_of(address).state, state, bytes / 4);
    if (bytes % 4 != 0) {
        const State bits = static_cast<State>(((1u << bytes % 4) - 1) * 0x11);
        State& s = *slot_of(address + bytes / 4 * 4).state;
        s = static_cast<State>((s & ~bits) | (state & bits));
    }
}

void mark_written(uintptr_t address, size_t bytes) {
    each_granule(address, bytes, [](State& s, unsigned bits) { s = static_cast<State>(s | bits << 4); });
}

void copy_written(uintptr_t to, uintptr_t from, size_t bytes) {
    if (((to | from | bytes) & 3) == 0) {
        State* target = slot_of(to).state;
        const State* source = slot_of(from).state;
        std::vector<State> copy(source, source + bytes / 4);  // the ranges may overlap
        for (size_t i = 0; i < bytes / 4; i++)
            target[i] = static_cast<State>((target[i] & 0x0F) | (copy[i] & 0xF0));
        return;
    }
    std::vector<bool> written(bytes);
    for (size_t i = 0; i < bytes; i++)
        written[i] = (*slot_of(from + i).state >> 4 & byte_bits(from + i, 1)) != 0;
    for (size_t i = 0; i < bytes; i++) {
        State& s = *slot_of(to + i).state;
        const unsigned bit = byte_bits(to + i, 1) << 4;
        s = static_cast<State>(written[i] ? s | bit : s & ~bit);
    }
}

void forget(uintptr_t address, size_t bytes) {
    const uintptr_t page = 4096;
    const uintptr_t begin = (reinterpret_cast<uintptr_t>(slot_of(address).cell) + page - 1) & ~(page - 1);
    const uintptr_t end = reinterpret_cast<uintptr_t>(slot_of(address).cell + bytes / 4) & ~(page - 1);
    if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

void forget_everything() {
    madvise(view.cells, GRANULES * sizeof(Cell), MADV_DONTNEED);
    madvise(view.shared_cells, SHARED_GRANULES * sizeof(Cell), MADV_DONTNEED);
    view.tick = view.launch = view.block = view.barrier = 1;
}

Record encode(const Site& site) {
    const uintptr_t what = site.pc != 0 ? site.pc : reinterpret_cast<uintptr_t>(site.place.file);
    const int traits = site.scope << 2 | site.is_atomic << 1 | site.is_volatile;
    unsigned& number = site_numbers[{what, site.place.line, traits}];
    if (number == 0) {
        // A table is full after 65535 lines of atomics in one launch. Then the last entry is shared: a report
        // may name a wrong line, but with the right kind of access.
        if (sites.size() <= 0xFFFF) sites.push_back(site);
        number = static_cast<unsigned>(sites.size() - 1);
    }
    return Record(IN_TABLE) << 16 | number;
}

Record encode_pc(uintptr_t pc, bool is_volatile) {
    // Return addresses are at least 5 bytes apart, which is the length of a call, so a fourth of the offset
    // identifies them.
    const uintptr_t quarter = (pc - view.text) >> 2;
    if (quarter <= 0xFFFF) return Record(is_volatile ? VOLATILE_BY_PC : BY_PC) << 16 | quarter;
    Site site;
    site.pc = pc;
    site.is_volatile = is_volatile;
    return encode(site);
}

Site decode(Record record) {
    if (kind_of(record) == IN_TABLE) return sites[site_of(record)];
    Site site;
    // The address is in [4 q, 4 q + 3], so 4 q is in the call instruction or just after it, as a return
    // address would be.
    site.pc = view.text + uintptr_t(site_of(record)) * 4;
    site.is_volatile = kind_of(record) == VOLATILE_BY_PC;
    return site;
}

void clear_sites() {
    sites.resize(1);
    site_numbers.clear();
}

}  // namespace sim::shadow
