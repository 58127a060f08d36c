// See requests.h.
#include "requests.h"

#include <algorithm>

namespace sim::profile {

namespace {

constexpr unsigned WORD = 4;

struct Sorted {
    uintptr_t at[LANES];
    unsigned count;
    Sorted(const uintptr_t* address, unsigned n) : count(n) {
        std::copy(address, address + n, at);
        // Neighbouring lanes mostly have increasing addresses, and a check is faster than sorting.
        if (!std::is_sorted(at, at + n)) std::sort(at, at + n);
    }
};

// The number of pieces of `size` bytes that intervals of `bytes` bytes at increasing addresses touch.
unsigned pieces(const Sorted& sorted, unsigned bytes, unsigned size) {
    unsigned found = 0;
    uintptr_t next = 0;  // the first piece not yet counted
    for (unsigned i = 0; i < sorted.count; i++) {
        const uintptr_t first = std::max(sorted.at[i] / size, next);
        const uintptr_t end = (sorted.at[i] + bytes - 1) / size + 1;
        if (end > first) found += unsigned(end - first);
        next = std::max(next, end);
    }
    return found;
}

}  // namespace

Space Spaces::of(uintptr_t address) const {
    if (shared.holds(address)) return Space::shared;
    if (stacks.holds(address)) return Space::local;
    if (!device.holds(address)) return Space::other;
    for (const Range& range : constant)
        if (range.holds(address)) return Space::constant;
    return Space::global;
}

Cost sectors(const uintptr_t* address, unsigned count, unsigned bytes) {
    const Sorted sorted(address, count);
    return {pieces(sorted, bytes, SECTOR), (pieces(sorted, bytes, 1) + SECTOR - 1) / SECTOR};
}

Cost wavefronts(const uintptr_t* address, const uint8_t* lane, unsigned count, unsigned bytes) {
    const unsigned together = std::clamp(BANKS * WORD / bytes, 1u, LANES);  // lanes served at once
    static thread_local std::vector<uintptr_t> named;  // keeps its memory from request to request
    Cost cost;
    for (unsigned begin = 0, end; begin < count; begin = end) {
        const unsigned group = lane[begin] / together;
        named.clear();
        for (end = begin; end < count && lane[end] / together == group; end++)
            for (uintptr_t w = address[end] / WORD; w <= (address[end] + bytes - 1) / WORD; w++)
                named.push_back(w);
        if (!std::is_sorted(named.begin(), named.end())) std::sort(named.begin(), named.end());
        named.erase(std::unique(named.begin(), named.end()), named.end());
        unsigned in_bank[BANKS] = {};
        unsigned most = 0;
        for (uintptr_t w : named) most = std::max(most, ++in_bank[w % BANKS]);
        cost.units += most;
        cost.ideal += unsigned(named.size() + BANKS - 1) / BANKS;
    }
    return cost;
}

Cost words(const uintptr_t* address, unsigned count, unsigned bytes) {
    const unsigned of_one = (bytes + WORD - 1) / WORD;
    return {std::max(1u, pieces(Sorted(address, count), bytes, WORD) / of_one), 1};
}

unsigned collisions(const uintptr_t* address, unsigned count) {
    const Sorted sorted(address, count);
    unsigned most = 1, run = 1;
    for (unsigned i = 1; i < count; i++) {
        run = sorted.at[i] == sorted.at[i - 1] ? run + 1 : 1;
        most = std::max(most, run);
    }
    return most - 1;
}

namespace {

struct Lane {
    const Event* next;
    const Event* end;
    uint64_t depth;

    // Skip the marks of calls and returns; false at the end of the log.
    bool settle() {
        for (; next < end && site_of(*next) == CALL_DEPTH; next++) depth = *next & ADDRESS_MASK;
        return next < end;
    }
};

// Whether `a` advances before `b`. Accesses come first, since they belong to a block that was entered.
bool before(const Lane& a, const Lane& b, const std::vector<Site>& sites) {
    if (a.depth != b.depth) return a.depth > b.depth;
    const Site& at = sites[site_of(*a.next)];
    const Site& other = sites[site_of(*b.next)];
    const bool enters = at.kind == Kind::block, other_enters = other.kind == Kind::block;
    return enters != other_enters ? other_enters : at.offset < other.offset;
}

// Count one request of the lanes whose address is in `space`.
void count_request(const Site& site, Space space, const uintptr_t* address, const uint8_t* lane,
                   unsigned count, Traffic& traffic) {
    Cost cost;
    if (space == Space::global) cost = sectors(address, count, site.bytes);
    if (space == Space::shared) cost = wavefronts(address, lane, count, site.bytes);
    if (space == Space::constant) cost = words(address, count, site.bytes);
    traffic.requests++;
    traffic.lanes += count;
    traffic.units += cost.units;
    traffic.ideal += cost.ideal;
    if (site.kind == Kind::atomic) traffic.collisions += collisions(address, count);
}

}  // namespace

void replay(const std::vector<Event>* const logs[LANES], unsigned size, const std::vector<Site>& sites,
            const Spaces& spaces, std::vector<Counts>& counts) {
    Lane lanes[LANES];
    for (unsigned i = 0; i < size; i++) lanes[i] = {logs[i]->data(), logs[i]->data() + logs[i]->size(), 0};
    for (;;) {
        const Lane* leader = nullptr;
        for (unsigned i = 0; i < size; i++)
            if (lanes[i].settle() && (leader == nullptr || before(lanes[i], *leader, sites)))
                leader = &lanes[i];
        if (leader == nullptr) return;

        const unsigned number = site_of(*leader->next);
        const uint64_t depth = leader->depth;
        const Site& site = sites[number];
        uintptr_t address[SPACES + 1][LANES];
        uint8_t lane[SPACES + 1][LANES];
        unsigned count[SPACES + 1] = {};
        for (unsigned i = 0; i < size; i++) {
            if (lanes[i].next == lanes[i].end || lanes[i].depth != depth || site_of(*lanes[i].next) != number)
                continue;
            const uintptr_t at = *lanes[i].next++ & ADDRESS_MASK;
            const int s = site.kind == Kind::block ? 0 : int(spaces.of(at));
            address[s][count[s]] = at;
            lane[s][count[s]++] = uint8_t(i);
        }
        Counts& counted = counts[number];
        for (unsigned n : count) counted.replayed += n;
        if (site.kind == Kind::block) {
            counted.warps++;
            continue;
        }
        for (int s = 0; s < SPACES; s++)
            if (count[s]) count_request(site, Space(s), address[s], lane[s], count[s], counted.space[s]);
    }
}

}  // namespace sim::profile
