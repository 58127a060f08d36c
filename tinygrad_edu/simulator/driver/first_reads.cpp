// The first read of a loop around atomicCAS. In CUDA's own guide, the old value is read plainly, and only
// then there is a compare-and-swap: if the value was old, the loop runs once more. So a plain read that
// conflicts only with atomics is not reported at once. It is correct if its thread then does a
// compare-and-swap at the same address. It is reported if the thread reads the address again, or reaches a
// barrier (for shared memory) or the end of the block.
#include <unordered_map>

#include "races.h"
#include "status.h"

namespace sim::races {

using namespace shadow;

namespace {

struct Waiting {
    Race race;
    uint64_t number;  // the first of several is told: the same one in every run
};
using Table = std::unordered_map<uint64_t, Waiting>;  // by granule and thread of the running block
Table of_shared, of_global;
uint64_t total = 0;

// More than a correct loop around atomicCAS leaves; a kernel with so many gets a report at its end.
constexpr size_t MOST_WAITING = 1 << 16;

Table& table_of(uintptr_t address) { return is_shared(address) ? of_shared : of_global; }
uint64_t key_of(uintptr_t address, unsigned thread) { return uint64_t(address / 4) << 10 | thread; }

bool may_begin_a_loop(const Race& race) {
    if (race.other_wrote && race.is_write) return false;
    const Record reader = race.other_wrote ? race.me : race.other,
                 writer = race.other_wrote ? race.other : race.me;
    // A reader of an earlier block cannot do a compare-and-swap any more; those of less than a word are too
    // rare to be tracked.
    return (reader & ALL_BYTES) == ALL_BYTES && tick_of(reader) >= view.block && decode(writer).is_atomic;
}

}  // namespace

void conflict(Record other, Record me, bool other_wrote, bool is_write, uintptr_t address) {
    // At a write, the state changes after this check; here it is still the one that the reader found.
    const bool too_early = !other_wrote && (*slot_of(address).state >> 4 & bytes_of(me)) == 0;
    const Race race{other, me, other_wrote, is_write, too_early, address};
    const Block& block = *view.worker->block;
    if (!may_begin_a_loop(race)) stop_launch(CUDA_ERROR_LAUNCH_FAILED, tell(block, race));
    Table& table = table_of(address);
    const uint64_t key = key_of(address, thread_of(other_wrote ? me : other));
    const auto known = table.find(key);
    if (known == table.end()) {
        if (table.size() < MOST_WAITING) table.emplace(key, Waiting{race, total++});
    } else if (other_wrote) {  // the same thread reads the same again
        stop_launch(CUDA_ERROR_LAUNCH_FAILED, tell(block, known->second.race));
    }
}

void compared(uintptr_t address, size_t bytes) {
    Table& table = table_of(address);
    if (table.empty()) return;
    const unsigned thread = view.worker->thread->index;
    for (uintptr_t a = address; a < address + bytes; a += 4) table.erase(key_of(a, thread));
}

void settle_first_reads(const Block& block, bool shared, bool inside) {
    Table& table = shared ? of_shared : of_global;
    if (table.empty()) return;
    const Waiting* first = nullptr;
    for (const auto& [key, waiting] : table)
        if (first == nullptr || waiting.number < first->number) first = &waiting;
    const std::string text = tell(block, first->race);
    table.clear();
    if (inside) stop_launch(CUDA_ERROR_LAUNCH_FAILED, text);
    note_stop(*block.launch, CUDA_ERROR_LAUNCH_FAILED, text);
}

void forget_first_reads() {
    of_shared.clear();
    of_global.clear();
}

}  // namespace sim::races
