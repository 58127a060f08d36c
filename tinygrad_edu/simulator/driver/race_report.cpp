// The report of a race: both accesses, their lines, and the synchronisation that is missing.
#include "access.h"
#include "races.h"
#include "status.h"

namespace sim::races {

using namespace shadow;

namespace {

// A read of memory that was not written: it should come after the write, whichever came first in this run.
const char* kind_name(bool other_wrote, bool is_write, bool too_early) {
    return too_early      ? "read after write"
           : !other_wrote ? "write after read"
           : is_write     ? "write after write"
                          : "read after write";
}

size_t size_of(Record me) { return static_cast<size_t>(__builtin_popcount(bytes_of(me))); }

struct Relation {
    bool shared, same_block, same_warp, one_warp, both_write, same_line;
};

std::string advice(const Site& mine, const Site& theirs, const Relation& two) {
    if (mine.is_atomic && theirs.is_atomic)
        return "atomicAdd_block and its kin are atomic only among the threads of one block: use the form "
               "without _block (or with _system).";
    if (mine.is_atomic || theirs.is_atomic)
        return std::string("one access is atomic, the other is not: use an atomic for both, or put ") +
               (two.same_block ? "__syncthreads() between them." : "them into two kernel launches.");
    if (two.same_warp && mine.is_volatile && theirs.is_volatile)
        return "the lanes of a warp need not run in step: put __syncwarp() between the accesses.";
    if (two.both_write && two.same_line)
        return "threads write to one place by the same line: give each an element of its own (look at the "
               "index), let one of them write (if (threadIdx.x == 0) ...), or add up with atomicAdd().";
    if (two.same_line && two.same_block)
        return "one line reads and writes what several threads share. To count or add up, use atomicAdd(); "
               "to use a neighbour's element, read it into a variable, put __syncthreads(), then write.";
    if (two.one_warp)
        return "put __syncwarp() or __syncthreads() between the two accesses: "
               "the lanes of a warp need not run in step.";
    if (two.same_warp)
        return "put __syncthreads() between the two accesses. (__syncwarp() where only the lanes of one warp "
               "share this memory: they need not run in step.)";
    if (two.same_block)
        return "put __syncthreads() between the two accesses, where every thread of the block reaches it.";
    if (two.shared) return "put __syncthreads() between the two accesses.";
    if (two.both_write)
        return "blocks run in any order and together: let each write elements of its own, or use an atomic "
               "such as atomicAdd().";
    return std::string(
               "blocks run in any order and together, and __syncthreads() does not reach other blocks: ") +
           (two.same_line ? "to count or add up, use atomicAdd(); else " : "") +
           "use two launches, or __threadfence() and then an atomic by the writer, and an atomic on the same "
           "address by the reader.";
}

// With several blocks, the advice must not suggest that a barrier within a block is sufficient.
std::string in_several_blocks(const std::string& advice) {
    if (advice.find("__syncthreads()") == std::string::npos) return advice;
    return advice +
           " Where other blocks touch the same elements that is not enough, for it does not reach "
           "them: write to another array, or use two launches.";
}

}  // namespace

std::string tell(const Block& block, const Race& race) {
    const Record other = race.other, me = race.me;
    const Launch& launch = *block.launch;
    const Site mine = decode(me), theirs = decode(other);
    const bool shared = is_shared(race.address), same_block = tick_of(other) >= view.block;
    const bool same_warp = same_block && ((other ^ me) & WARP_BITS) == 0;
    const uint64_t other_block = same_block ? block.linear : block_at(tick_of(other));
    const uintptr_t at = (race.address & ~uintptr_t(3)) + static_cast<unsigned>(__builtin_ctz(bytes_of(me)));
    const Location my_line = locate(mine), their_line = locate(theirs);
    const bool same_line =
        my_line.line != 0 && my_line.line == their_line.line && my_line.file == their_line.file;
    const char* adverb_mine = mine.is_atomic ? " atomically" : "";
    const char* adverb_theirs = theirs.is_atomic ? " atomically" : "";
    const char* target = shared ? "shared memory" : "global memory";
    const std::string title =
        format("Data race on %s (%s%s)", target, kind_name(race.other_wrote, race.is_write, race.too_early),
               same_block ? "" : ", between blocks");
    const std::string what_to_do = advice(mine, theirs,
                                          {shared, same_block, same_warp, same_block && block.threads <= WARP,
                                           race.other_wrote && race.is_write, same_line});
    return compose(
        title, launch,
        {say_target(at, size_of(me)),
         say_thread(launch, block.linear, thread_of(me)) + " " + verb(race.is_write) + " it" + adverb_mine +
             ": " + say(my_line),
         say_thread(launch, other_block, thread_of(other)) + " " + (race.other_wrote ? "wrote" : "read") +
             (race.too_early ? " it, still uninitialised" : " it") + adverb_theirs + ": " + say(their_line),
         "nothing orders the two: on a GPU either may come first"},
        !shared && same_block && launch.block_count > 1 ? in_several_blocks(what_to_do) : what_to_do);
}

}  // namespace sim::races
