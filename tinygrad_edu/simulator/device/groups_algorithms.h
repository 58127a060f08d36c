// Algorithms of groups: reduce, scan, partition by a value, copy. Part of groups.h.
#pragma once
#include "groups.h"

namespace cooperative_groups {

// clang-format off
template <class T> struct plus { SIM_AT_CALLER T operator()(T a, T b) const { return a + b; } };
template <class T> struct less { SIM_AT_CALLER T operator()(T a, T b) const { return b < a ? b : a; } };
template <class T> struct greater { SIM_AT_CALLER T operator()(T a, T b) const { return a < b ? b : a; } };
template <class T> struct bit_and { SIM_AT_CALLER T operator()(T a, T b) const { return a & b; } };
template <class T> struct bit_or { SIM_AT_CALLER T operator()(T a, T b) const { return a | b; } };
template <class T> struct bit_xor { SIM_AT_CALLER T operator()(T a, T b) const { return a ^ b; } };
// clang-format on

// The result is the same in every thread: it is computed by halves if the size is a power of two, else one
// rank after another.
template <class Group, class T, class Operation>
SIM_UNSEEN T reduce(const Group& group, T value, Operation operation, SIM_PLACE) {
    unsigned size = group.size(), rank = group.thread_rank();
    if ((size & (size - 1)) == 0) {
        for (unsigned step = size / 2; step; step /= 2)
            value = operation(value, group.shfl(value, rank ^ step, place));
        return value;
    }
    T total = group.shfl(value, 0, place);
    for (unsigned other = 1; other < size; other++) total = operation(total, group.shfl(value, other, place));
    return total;
}

template <class Group, class T, class Operation>
SIM_UNSEEN T inclusive_scan(const Group& group, T value, Operation operation, SIM_PLACE) {
    for (unsigned step = 1; step < group.size(); step *= 2) {
        T before = group.shfl_up(value, step, place);
        if (group.thread_rank() >= step) value = operation(before, value);
    }
    return value;
}
template <class Group, class T>
SIM_UNSEEN T inclusive_scan(const Group& group, T value, SIM_PLACE) {
    return inclusive_scan(group, value, plus<T>(), place);
}
// Rank 0 gets T{} for every operation.
template <class Group, class T, class Operation>
SIM_UNSEEN T exclusive_scan(const Group& group, T value, Operation operation, SIM_PLACE) {
    T before = group.shfl_up(inclusive_scan(group, value, operation, place), 1, place);
    return group.thread_rank() == 0 ? T{} : before;
}
template <class Group, class T>
SIM_UNSEEN T exclusive_scan(const Group& group, T value, SIM_PLACE) {
    return exclusive_scan(group, value, plus<T>(), place);
}

// One group for the threads with true and one for the others; or one for every label.
template <class Group>
SIM_UNSEEN coalesced_group binary_partition(const Group& group, bool yes, SIM_PLACE) {
    unsigned lanes = __ballot_sync(group.get_mask(), yes, place);
    return coalesced_group(yes ? lanes : group.get_mask() & ~lanes, yes, 2);
}
template <class Group, class Label>
SIM_UNSEEN coalesced_group labeled_partition(const Group& group, Label label, SIM_PLACE) {
    unsigned lanes = __match_any_sync(group.get_mask(), label, place);
    bool leads = sim::lane_id() == unsigned(__builtin_ctz(lanes));
    unsigned leaders = __ballot_sync(group.get_mask(), leads, place);
    unsigned before = (lanes & -lanes) - 1;
    return coalesced_group(lanes, __builtin_popcount(leaders & before), __builtin_popcount(leaders));
}

// Copy `bytes` together; the copy is done when wait() returns. Pieces of 16, 8 or 4 bytes use cp.async; data
// that is not aligned to 4 bytes is copied at once, as on hardware.
template <class Group, class T>
SIM_AT_CALLER void memcpy_async(const Group& group, T* to, const T* from, size_t bytes, SIM_PLACE) {
    uintptr_t all = uintptr_t(to) | uintptr_t(from) | bytes;
    size_t piece = all % 16 == 0 ? 16 : all % 8 == 0 ? 8 : all % 4 == 0 ? 4 : 1;
    for (size_t at = group.thread_rank() * piece; at < bytes; at += group.size() * piece) {
        char* target = reinterpret_cast<char*>(to) + at;
        const char* source = reinterpret_cast<const char*>(from) + at;
        if (piece == 1) *target = *source;
        else sim_pipeline_copy(target, source, piece, 0, place);
    }
    sim_pipeline_commit();
}
template <unsigned Prior, class Group>
SIM_UNSEEN void wait_prior(const Group& group, SIM_PLACE) {
    sim_pipeline_wait(Prior);
    group.sync(place);
}
template <class Group>
SIM_UNSEEN void wait(const Group& group, SIM_PLACE) {
    wait_prior<0>(group, place);
}

}  // namespace cooperative_groups
