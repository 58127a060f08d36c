// Device memory: allocates and frees parts of the reserved range.
//
// Addresses increase through the whole range before any is reused. So a pointer that is used after cuMemFree
// refers to pages without access, and a report can still name the allocation.
#include "memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <iterator>
#include <map>
#include <mutex>
#include <vector>

#include "checks.h"
#include "contexts.h"
#include "core.h"
#include "space.h"
#include "status.h"

namespace sim {
namespace {

constexpr size_t FREED_KEPT = 100000;  // freed allocations remembered for reports
// An allocation of at least LARGE bytes consists of many views of one file with POISONED bytes of poison.
// Pages are copied when they are written, so unused pages need no memory.
constexpr size_t LARGE = size_t(256) << 20, POISONED = size_t(16) << 20;
constexpr int POISON = 0xFF;

size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }
size_t pages_of(const Allocation& a) { return round_up(a.begin % PAGE + round_up(a.bytes, ALIGNMENT), PAGE); }
uintptr_t page_begin(const Allocation& a) { return a.begin - a.begin % PAGE; }
// Pinned memory is host memory and does not count.
bool counts(const Allocation& a) { return a.kind != Kind::pinned; }

}  // namespace

Space& space() {
    static Space* everything = [] {
        auto made = new Space;  // never destroyed: see errors.cpp
        void* got = mmap(reinterpret_cast<void*>(DEVICE_BASE), DEVICE_SPAN, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
        made->reserved = got == reinterpret_cast<void*>(DEVICE_BASE);
        return made;
    }();
    return *everything;
}

namespace {

int poisoned_file() {
    int file = memfd_create("poison", MFD_CLOEXEC);
    if (file < 0) return -1;
    const std::vector<char> bytes(POISONED, static_cast<char>(POISON));
    if (write(file, bytes.data(), POISONED) == static_cast<ssize_t>(POISONED)) return file;
    close(file);
    return -1;
}

// Fill [pages, pages + room) with poison; the user's memory is `bytes` bytes from `begin` on.
void poison(uintptr_t pages, size_t room, uintptr_t begin, size_t bytes) {
    static const int file = poisoned_file();
    if (room >= LARGE && file >= 0) {
        size_t done = 0;
        for (; done < room; done += POISONED) {
            void* at = reinterpret_cast<void*>(pages + done);
            if (mmap(at, std::min(POISONED, room - done), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED, file, 0) != at)
                break;
        }
        if (done >= room) return;
    }
    memset(reinterpret_cast<void*>(begin), POISON, bytes);
}

// The beginning of `pages` bytes that no live allocation uses, with a guard page after them; 0 if there are
// none. Freed allocations there are removed from the list.
uintptr_t find_gap(Space& s, size_t pages) {
    for (int round = 0; round < 2; ++round) {
        uintptr_t at = s.next;
        while (at + pages + PAGE <= DEVICE_BASE + DEVICE_SPAN) {
            auto after = s.allocations.lower_bound(at);
            while (after != s.allocations.end() && page_begin(after->second) < at + pages + PAGE) {
                if (after->second.live) break;
                after = s.allocations.erase(after);
            }
            if (after == s.allocations.end() || page_begin(after->second) >= at + pages + PAGE) return at;
            at = page_begin(after->second) + pages_of(after->second) + PAGE;
        }
        s.next = DEVICE_BASE;  // the range is used up: once more from the start
    }
    return 0;
}

}  // namespace

uintptr_t allocate(size_t bytes, Kind kind, const std::string& name) {
    std::string where = name.empty() ? where_in_python() : "";  // before the lock: Python may want it itself
    Space& s = space();
    Allocation made;
    made.device = current_device();
    {
        std::lock_guard<std::mutex> guard(s.lock);
        if (!s.reserved || bytes > DEVICE_SPAN) return 0;
        size_t room = round_up(round_up(bytes, ALIGNMENT), PAGE);
        if (kind != Kind::pinned && room > s.left(made.device)) return 0;
        uintptr_t pages = find_gap(s, room);
        if (!pages || mprotect(reinterpret_cast<void*>(pages), room, PROT_READ | PROT_WRITE)) return 0;
        made.begin = pages + room - round_up(bytes, ALIGNMENT);
        made.bytes = bytes;
        made.kind = kind;
        made.name = name;
        made.made_at = where;
        made.serial = s.serial++;
        made.context = current_context();
        s.next = pages + room + PAGE;
        if (counts(made)) s.used[made.device] += room;
        s.allocations[made.begin] = made;
    }
    poison(page_begin(made), pages_of(made), made.begin, round_up(bytes, ALIGNMENT));
    checks::allocated(made);
    return made.begin;
}

bool release(uintptr_t address) {
    // free in a kernel has no line of Python, and to ask for one would wait for the thread that launched it.
    std::string where = worker == nullptr ? where_in_python() : "";
    Space& s = space();
    Allocation gone;
    {
        std::lock_guard<std::mutex> guard(s.lock);
        auto found = s.allocations.find(address);
        if (found == s.allocations.end() || !found->second.live) return false;
        found->second.live = false;
        found->second.freed_at = where;
        gone = found->second;
        if (counts(gone)) s.used[gone.device] -= pages_of(gone);
        // A new mapping replaces the old one: the pages return to the system and lose their access.
        mmap(reinterpret_cast<void*>(page_begin(gone)), pages_of(gone), PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
        s.freed.push_back(gone.begin);
        if (s.freed.size() > FREED_KEPT) {
            auto oldest = s.allocations.find(s.freed.front());
            if (oldest != s.allocations.end() && !oldest->second.live) s.allocations.erase(oldest);
            s.freed.pop_front();
        }
    }
    checks::released(gone);
    return true;
}

void release_all_of(void* context) {
    std::vector<uintptr_t> owned;
    {
        std::lock_guard<std::mutex> guard(space().lock);
        for (auto& [begin, a] : space().allocations)
            if (a.live && a.context == context) owned.push_back(begin);
    }
    for (uintptr_t begin : owned) release(begin);
}

const Allocation* find(uintptr_t address) {
    Space& s = space();
    std::lock_guard<std::mutex> guard(s.lock);
    auto after = s.allocations.upper_bound(address);
    return after == s.allocations.begin() ? nullptr : &std::prev(after)->second;
}

const Allocation* holds(uintptr_t address, size_t bytes) {
    const Allocation* a = find(address);
    if (!a || !a->live || address - a->begin > a->bytes || bytes > a->bytes - (address - a->begin))
        return nullptr;
    return a;
}

size_t memory_total() {
    std::lock_guard<std::mutex> guard(space().lock);
    return space().total;
}

size_t memory_free() {
    CUdevice device = current_device();
    std::lock_guard<std::mutex> guard(space().lock);
    return space().left(device);
}

void set_memory_total(size_t bytes) {
    std::lock_guard<std::mutex> guard(space().lock);
    space().total = std::min(bytes, DEVICE_SPAN / 2);
}

uint64_t next_serial() {
    std::lock_guard<std::mutex> guard(space().lock);
    return space().serial;
}

}  // namespace sim
