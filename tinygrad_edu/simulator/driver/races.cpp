// The order of accesses. Common cases are decided by comparing ticks (races.h). This file has the others:
// lanes that met at a __syncwarp(), and order between threads through fences and atomics.
#include "races.h"

#include <algorithm>
#include <memory>
#include <unordered_map>

namespace sim::races {

using namespace shadow;

namespace {

struct Line;
// "Everything that was released at this address until then is ordered before me."
struct Known {
    const Line* line;
    uint32_t until;
};
using Knowledge = std::vector<Known>;

// A fence followed by an atomic. It releases the accesses of its thread before the fence, those of its block
// before the last barrier before the fence, and those that threads of its block had fenced before the last
// barrier.
struct Release {
    uint32_t when;
    unsigned thread;
    uint32_t own, own_in_block, barrier;
    std::shared_ptr<const std::vector<uint32_t>> fenced;
    std::shared_ptr<const Knowledge> known;  // what it had learned itself: knowledge is passed on
};

// All releases at one address, by block.
struct Line {
    std::unordered_map<uint64_t, std::vector<Release>> of_block;
    uint32_t last = 0;
};

struct ThreadOrder {
    uint32_t own = 0, own_in_block = 0, barrier = 0;  // at its last fence
    std::shared_ptr<const Knowledge> known;
    Knowledge learned;  // since the last barrier
};

std::unordered_map<uintptr_t, Line> lines;
struct Segment {
    uint32_t since;
    uint64_t block;
};
std::vector<Segment> segments;  // by time: which block ran

// The data of the running block.
std::vector<ThreadOrder> threads;
Knowledge learned_by_block;
std::shared_ptr<const std::vector<uint32_t>> fenced;
bool anything_fenced = false, anything_learned = false;

constexpr size_t MOST_RELEASES = 64;  // kept for one address and block

void learn(Knowledge& knowledge, Known known) {
    for (Known& k : knowledge)
        if (k.line == known.line) {
            k.until = std::max(k.until, known.until);
            return;
        }
    knowledge.push_back(known);
}

bool covers(const Release& release, Record record, bool same_block) {
    const uint32_t tick = tick_of(record);
    if (thread_of(record) == release.thread && tick < (same_block ? release.own_in_block : release.own))
        return true;
    return tick < release.barrier || (release.fenced && tick < (*release.fenced)[thread_of(record)]);
}

// `seen` has the releases already searched, and until which tick, since the search could loop.
bool tells(const Knowledge& knowledge, Record record, uint64_t block, Knowledge& seen) {
    for (const Known& known : knowledge) {
        auto found = known.line->of_block.find(block);
        if (found == known.line->of_block.end()) continue;
        for (const Release& release : found->second)
            if (release.when <= known.until && covers(release, record, block == view.worker->block->linear))
                return true;
    }
    for (const Known& known : knowledge) {
        bool searched = false;
        for (const Known& s : seen) searched |= s.line == known.line && s.until >= known.until;
        if (searched) continue;
        learn(seen, known);
        for (const auto& [from, releases] : known.line->of_block)
            for (const Release& release : releases)
                if (release.when <= known.until && release.known &&
                    tells(*release.known, record, block, seen))
                    return true;
    }
    return false;
}

bool knows(unsigned thread, Record record, uint64_t block) {
    Knowledge seen;
    if (tells(learned_by_block, record, block, seen)) return true;
    return thread < threads.size() && tells(threads[thread].learned, record, block, seen);
}

bool may_overlap(Record record, Record me, bool same_block) {
    const bool same_warp = same_block && ((record ^ me) & WARP_BITS) == 0;
    if (kind_of(record) == BY_PC || kind_of(me) == BY_PC) return false;
    const Site a = decode(record), b = decode(me);
    if (a.is_atomic && b.is_atomic) return same_block || (a.scope != 0 && b.scope != 0);
    // Old warp-synchronous code: the lanes of a warp run in lockstep at volatile accesses.
    return a.is_volatile && b.is_volatile && same_warp && !settings.strict_volatile;
}

}  // namespace

void launch_begins() {
    lines.clear();
    segments.clear();
    forget_bytes();
}

void block_begins(const Block& block) {
    segments.push_back({view.block, block.linear});
    forget_first_reads();
    learned_by_block.clear();
    threads.clear();
    fenced.reset();
    anything_fenced = anything_learned = false;
}

void barrier_released(const Block& block) {
    if (anything_learned) {
        for (ThreadOrder& thread : threads) {
            for (const Known& known : thread.learned) learn(learned_by_block, known);
            thread.learned.clear();
        }
        anything_learned = false;
    }
    if (!anything_fenced) return;
    auto now = fenced ? std::make_shared<std::vector<uint32_t>>(*fenced)
                      : std::make_shared<std::vector<uint32_t>>(block.threads);
    for (unsigned i = 0; i < block.threads; i++) (*now)[i] = std::max((*now)[i], threads[i].own);
    fenced = now;
    anything_fenced = false;
}

void warp_synced(Block& block, unsigned number, unsigned mask) {
    Warp& warp = block.warp[number];
    view.warps_synced = true;
    uint32_t known[WARP] = {};
    for (unsigned i = 0; i < WARP; i++)
        if ((mask >> i & 1) != 0)
            for (unsigned j = 0; j < WARP; j++) known[j] = std::max(known[j], warp.synced[i][j]);
    for (unsigned j = 0; j < WARP; j++)
        if ((mask >> j & 1) != 0) known[j] = view.tick;
    for (unsigned i = 0; i < WARP; i++)
        if ((mask >> i & 1) != 0) std::copy(known, known + WARP, warp.synced[i]);
    if (!anything_learned) return;
    Knowledge together;
    for (unsigned i = 0; i < WARP; i++)
        if ((mask >> i & 1) != 0)
            for (const Known& k : threads[warp.first + i].learned) learn(together, k);
    for (unsigned i = 0; i < WARP; i++)
        if ((mask >> i & 1) != 0) threads[warp.first + i].learned = together;
}

void fence(int scope) {
    const Block& block = *view.worker->block;
    if (threads.empty()) threads.resize(block.threads);
    ThreadOrder& thread = threads[view.worker->thread->index];
    const uint32_t now = ++view.tick;
    thread.own_in_block = now;
    if (scope == 0) return;
    thread.own = now;
    thread.barrier = view.barrier;
    if (!thread.learned.empty() || !learned_by_block.empty()) {
        auto known = std::make_shared<Knowledge>(learned_by_block);
        for (const Known& k : thread.learned) learn(*known, k);
        thread.known = known;
    }
    anything_fenced = true;
}

void atomic(uintptr_t address, int scope) {
    const Block& block = *view.worker->block;
    const unsigned index = view.worker->thread->index;
    if (!lines.empty()) {
        auto found = lines.find(address);
        if (found != lines.end()) {
            if (threads.empty()) threads.resize(block.threads);
            learn(threads[index].learned, {&found->second, view.tick});
            anything_learned = true;
        }
    }
    if (threads.empty()) return;
    const ThreadOrder& thread = threads[index];
    if (thread.own_in_block == 0 && !fenced) return;
    Line& line = lines[address];
    std::vector<Release>& releases = line.of_block[block.linear];
    const bool wide = scope != 0;
    for (auto r = releases.rbegin(); r != releases.rend(); ++r)
        if (r->thread == index) {
            if (r->own_in_block == thread.own_in_block && r->fenced == fenced && r->known == thread.known &&
                (r->own != 0) == (wide && thread.own != 0))
                return;  // nothing new since its last release here
            break;
        }
    if (releases.size() == MOST_RELEASES) {
        // The second release gets the tick of its predecessor. This may hide a race from half a million spins
        // ago; but without the release, a race could be reported that does not exist.
        releases[1].when = releases[0].when;
        releases.erase(releases.begin());
    }
    line.last = ++view.tick;
    releases.push_back({line.last, index, wide ? thread.own : 0, thread.own_in_block,
                        wide ? thread.barrier : 0, wide ? fenced : nullptr, thread.known});
}

uint64_t block_at(uint32_t tick) {
    auto after = std::upper_bound(segments.begin(), segments.end(), tick,
                                  [](uint32_t t, const Segment& s) { return t < s.since; });
    return after == segments.begin() ? 0 : (after - 1)->block;
}

bool ordered(Record record, Record me, bool shared) {
    const uint32_t tick = tick_of(record);
    const bool same_block = tick >= view.block;
    if (may_overlap(record, me, same_block)) return true;
    const unsigned thread = thread_of(me), other = thread_of(record);
    if (same_block) {
        if (view.warps_synced && thread / WARP == other / WARP &&
            tick < view.worker->block->warp[thread / WARP].synced[thread % WARP][other % WARP])
            return true;
        return !lines.empty() && knows(thread, record, view.worker->block->linear);
    }
    return shared || (!lines.empty() && knows(thread, record, block_at(tick)));
}

void look(const Cell& cell, Record me, bool is_write, uintptr_t address, uint32_t floor) {
    const bool shared = is_shared(address);
    if (!plainly_ordered(cell.write, me, floor) && !ordered(cell.write, me, shared))
        conflict(cell.write, me, true, is_write, address);
    if (!is_write) return;
    for (Record reader : cell.read)
        if (!plainly_ordered(reader, me, floor) && !ordered(reader, me, shared))
            conflict(reader, me, false, true, address);
}

int place_for_reader(const Cell& cell, Record me, uint32_t floor) {
    const bool first_here = tick_of(cell.read[0]) >= view.block,
               second_here = tick_of(cell.read[1]) >= view.block;
    if (!first_here && !second_here) return 1;  // so that two different blocks are remembered
    if (first_here != second_here) return -1;
    // Both readers are of this block. A reader that is ordered before this one need not be stored any longer.
    if (view.warps_synced)
        for (int i = 0; i < 2; i++)
            if (((cell.read[i] ^ me) & WARP_BITS) == 0 && ordered(cell.read[i], me, floor == view.block))
                return i;
    const bool one_warp = ((cell.read[0] ^ cell.read[1]) & WARP_BITS) == 0;
    return one_warp && ((cell.read[0] ^ me) & WARP_BITS) != 0 ? 1 : -1;
}

}  // namespace sim::races
