// The functions by which the lanes of a warp exchange data: shuffles, votes, matches, reductions.
//
// Each is a collective: a lane puts a slot on its stack and waits for the lanes in its mask, and the last
// lane to arrive computes the results of all. Results that hardware leaves undefined are filled with ones in
// plain mode, and stop the launch in check mode.
#pragma once
#include "bfloat16.h"
#include "builtins.h"
#include "half.h"

namespace sim {

constexpr unsigned LANES = 32, EVERY_LANE = 0xFFFFFFFF;

SIM_AT_CALLER unsigned lane_id() { return sim_thread_rank() % LANES; }

// Wait for the lanes of `mask`; `combine` then runs once, for all.
SIM_UNSEEN void meet(unsigned mask, const char* name, sim_place place, void* slot,
                     void (*combine)(void* const*, unsigned), int orders_memory = 0) {
    unsigned lane = lane_id();
    if (!(mask >> lane & 1))
        stop(LAUNCH_FAILED, place,
             "Wrong mask: the calling lane is not in it\n"
             "lane %u calls %s with mask 0x%08x, which leaves out bit %u\n"
             "What to do: pass a mask with a bit for every lane that makes the call. "
             "0xffffffff names a whole warp; __ballot_sync() taken before a branch "
             "names the lanes that enter it",
             lane, name, mask, lane);
    sim_collective call = {mask, name, place, slot, combine, orders_memory};
    SIM_SWITCH(sim_warp_collective(&call));
}

// --- shuffles ---
struct Exchange {
    uint64_t brings, takes;
    unsigned source;
    bool found;
};

SIM_UNSEEN void exchange(void* const* lanes, unsigned) {
    for (unsigned lane = 0; lane < LANES; lane++) {
        if (!lanes[lane]) continue;
        Exchange& mine = *static_cast<Exchange*>(lanes[lane]);
        const Exchange* other = static_cast<const Exchange*>(lanes[mine.source]);
        mine.found = other != nullptr;
        mine.takes = other ? other->brings : ~uint64_t(0);
    }
}

template <class T>
SIM_UNSEEN T take_from(unsigned mask, T value, unsigned source, const char* name, sim_place place) {
    static_assert(sizeof(T) <= sizeof(uint64_t) && __is_trivially_copyable(T));
    Exchange slot = {0, 0, source, false};
    __builtin_memcpy(&slot.brings, &value, sizeof value);
    meet(mask, name, place, &slot, exchange);
#if defined(SIM_CHECK)
    if (!slot.found)
        stop(LAUNCH_FAILED, place,
             "Shuffle from a lane that takes no part\n"
             "lane %u calls %s with mask 0x%08x and reads lane %u, which %s: the value is undefined\n"
             "What to do: let every lane that is read make the call and stand in the mask, "
             "or give a smaller width, which keeps a lane inside its own group",
             lane_id(), name, mask, source,
             mask >> source & 1 ? "has returned or does not exist in this block" : "is not in the mask");
#endif
    __builtin_memcpy(static_cast<void*>(&value), &slot.takes, sizeof value);
    return value;
}

enum class Way { index, up, down, exclusive_or };

// The source lane, as PTX defines it: with a width of 8, the warp is four groups of 8 lanes, and a lane that
// would read beyond its group reads itself. __shfl_xor may read an earlier group, but not a later one.
SIM_UNSEEN unsigned source_lane(Way way, unsigned by, int width) {
    unsigned lane = lane_id(), group = (LANES - unsigned(width)) & 31, offset = by & 31;
    unsigned first = lane & group, last = first | (31 & ~group);
    switch (way) {
        case Way::index: return first | (offset & ~group);
        case Way::up: return lane >= first + offset ? lane - offset : lane;
        case Way::down: return lane + offset <= last ? lane + offset : lane;
        case Way::exclusive_or: return (lane ^ offset) <= last ? lane ^ offset : lane;
    }
    return lane;
}

template <class T>
SIM_UNSEEN T shuffle(Way way, unsigned mask, T value, unsigned by, int width, const char* name,
                     sim_place place) {
    if (width < 1 || width > int(LANES) || (width & (width - 1)))
        stop(LAUNCH_FAILED, place,
             "Wrong width of a shuffle\n"
             "%s is called with a width of %d\n"
             "What to do: the width is the size of the groups that exchange: 1, 2, 4, 8, 16 or 32",
             name, width);
    return take_from(mask, value, source_lane(way, by, width), name, place);
}

}  // namespace sim

#define SIM_SHUFFLES(T)                                                                                \
    SIM_UNSEEN T __shfl_sync(unsigned mask, T value, int source, int width = 32, SIM_PLACE) {          \
        return sim::shuffle(sim::Way::index, mask, value, source, width, "__shfl_sync", place);        \
    }                                                                                                  \
    SIM_UNSEEN T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, SIM_PLACE) {   \
        return sim::shuffle(sim::Way::up, mask, value, delta, width, "__shfl_up_sync", place);         \
    }                                                                                                  \
    SIM_UNSEEN T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, SIM_PLACE) { \
        return sim::shuffle(sim::Way::down, mask, value, delta, width, "__shfl_down_sync", place);     \
    }                                                                                                  \
    SIM_UNSEEN T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32, SIM_PLACE) {   \
        return sim::shuffle(sim::Way::exclusive_or, mask, value, lane_mask, width, "__shfl_xor_sync",  \
                            place);                                                                    \
    }
SIM_SHUFFLES(int)
SIM_SHUFFLES(unsigned)
SIM_SHUFFLES(long)
SIM_SHUFFLES(unsigned long)
SIM_SHUFFLES(long long)
SIM_SHUFFLES(unsigned long long)
SIM_SHUFFLES(float)
SIM_SHUFFLES(double)
SIM_SHUFFLES(__half)
SIM_SHUFFLES(__half2)
SIM_SHUFFLES(__nv_bfloat16)
SIM_SHUFFLES(__nv_bfloat162)
#undef SIM_SHUFFLES

// --- votes ---
namespace sim {

struct Vote {
    bool yes;
    unsigned takes_part, said_yes;
};

SIM_UNSEEN void count_votes(void* const* lanes, unsigned) {
    unsigned here = 0, yes = 0;
    for (unsigned lane = 0; lane < LANES; lane++)
        if (lanes[lane]) {
            here |= 1u << lane;
            yes |= unsigned(static_cast<Vote*>(lanes[lane])->yes) << lane;
        }
    for (unsigned lane = 0; lane < LANES; lane++)
        if (lanes[lane]) {
            static_cast<Vote*>(lanes[lane])->takes_part = here;
            static_cast<Vote*>(lanes[lane])->said_yes = yes;
        }
}

SIM_UNSEEN Vote vote(unsigned mask, bool yes, const char* name, sim_place place) {
    Vote slot = {yes, 0, 0};
    meet(mask, name, place, &slot, count_votes);
    return {slot.yes, slot.takes_part, slot.said_yes};
}

}  // namespace sim

SIM_UNSEEN int __all_sync(unsigned mask, int predicate, SIM_PLACE) {
    sim::Vote result = sim::vote(mask, predicate != 0, "__all_sync", place);
    return result.said_yes == result.takes_part;
}
SIM_UNSEEN int __any_sync(unsigned mask, int predicate, SIM_PLACE) {
    return sim::vote(mask, predicate != 0, "__any_sync", place).said_yes != 0;
}
SIM_UNSEEN int __uni_sync(unsigned mask, int predicate, SIM_PLACE) {
    sim::Vote result = sim::vote(mask, predicate != 0, "__uni_sync", place);
    return result.said_yes == 0 || result.said_yes == result.takes_part;
}
SIM_UNSEEN unsigned __ballot_sync(unsigned mask, int predicate, SIM_PLACE) {
    return sim::vote(mask, predicate != 0, "__ballot_sync", place).said_yes;
}
SIM_UNSEEN unsigned __activemask(SIM_PLACE) {
    unsigned mask = 0;
    SIM_SWITCH(mask = sim_active_mask(place));
    return mask;
}
SIM_UNSEEN void __syncwarp(unsigned mask = sim::EVERY_LANE, SIM_PLACE) {
    sim::meet(mask, "__syncwarp", place, nullptr, [](void* const*, unsigned) {}, 1);
}

// --- matches and reductions ---
namespace sim {

struct Match {
    uint64_t value;
    unsigned same, takes_part;
};

SIM_UNSEEN void find_same(void* const* lanes, unsigned) {
    for (unsigned lane = 0; lane < LANES; lane++) {
        if (!lanes[lane]) continue;
        Match& mine = *static_cast<Match*>(lanes[lane]);
        mine.same = mine.takes_part = 0;
        for (unsigned other = 0; other < LANES; other++)
            if (lanes[other]) {
                mine.takes_part |= 1u << other;
                mine.same |= unsigned(static_cast<Match*>(lanes[other])->value == mine.value) << other;
            }
    }
}

template <class T>
SIM_UNSEEN Match match(unsigned mask, T value, const char* name, sim_place place) {
    Match slot = {0, 0, 0};
    __builtin_memcpy(&slot.value, &value, sizeof value);
    meet(mask, name, place, &slot, find_same);
    return {slot.value, slot.same, slot.takes_part};
}

struct Folded {
    int64_t value;
    char operation;
};

SIM_UNSEEN void fold(void* const* lanes, unsigned) {
    bool first = true;
    int64_t total = 0;
    for (unsigned lane = 0; lane < LANES; lane++) {
        if (!lanes[lane]) continue;
        int64_t value = static_cast<Folded*>(lanes[lane])->value;
        switch (first ? '=' : static_cast<Folded*>(lanes[lane])->operation) {
            case '=': total = value; break;
            case '+': total += value; break;
            case '<': total = value < total ? value : total; break;
            case '>': total = value > total ? value : total; break;
            case '&': total &= value; break;
            case '|': total |= value; break;
            case '^': total ^= value; break;
        }
        first = false;
    }
    for (unsigned lane = 0; lane < LANES; lane++)
        if (lanes[lane]) static_cast<Folded*>(lanes[lane])->value = total;
}

}  // namespace sim

#define SIM_MATCHES(T)                                                                       \
    SIM_UNSEEN unsigned __match_any_sync(unsigned mask, T value, SIM_PLACE) {                \
        return sim::match(mask, value, "__match_any_sync", place).same;                      \
    }                                                                                        \
    SIM_UNSEEN unsigned __match_all_sync(unsigned mask, T value, int* all_same, SIM_PLACE) { \
        sim::Match found = sim::match(mask, value, "__match_all_sync", place);               \
        *all_same = found.same == found.takes_part;                                          \
        return *all_same ? found.takes_part : 0;                                             \
    }
SIM_MATCHES(int)
SIM_MATCHES(unsigned)
SIM_MATCHES(long)
SIM_MATCHES(unsigned long)
SIM_MATCHES(long long)
SIM_MATCHES(unsigned long long)
SIM_MATCHES(float)
SIM_MATCHES(double)
#undef SIM_MATCHES

#define SIM_REDUCTION(T, name, operation)                                    \
    SIM_UNSEEN T __reduce_##name##_sync(unsigned mask, T value, SIM_PLACE) { \
        sim::Folded slot = {value, operation};                               \
        sim::meet(mask, "__reduce_" #name "_sync", place, &slot, sim::fold); \
        return T(slot.value);                                                \
    }
SIM_REDUCTION(int, add, '+')
SIM_REDUCTION(unsigned, add, '+')
SIM_REDUCTION(int, min, '<')
SIM_REDUCTION(unsigned, min, '<')
SIM_REDUCTION(int, max, '>')
SIM_REDUCTION(unsigned, max, '>')
SIM_REDUCTION(unsigned, and, '&')
SIM_REDUCTION(unsigned, or, '|')
SIM_REDUCTION(unsigned, xor, '^')
#undef SIM_REDUCTION

// --- removed in compute capability 7.0, since without a mask the participating lanes are not known ---
#define SIM_REMOVED(name)                                                                                \
    template <class... Arguments>                                                                        \
    [[gnu::error("removed since compute capability 7.0: use " #name "_sync, which takes a mask first")]] \
    int name(Arguments...);
SIM_REMOVED(__shfl)
SIM_REMOVED(__shfl_up)
SIM_REMOVED(__shfl_down)
SIM_REMOVED(__shfl_xor)
SIM_REMOVED(__any)
SIM_REMOVED(__all)
SIM_REMOVED(__ballot)
#undef SIM_REMOVED
