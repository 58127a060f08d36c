// namespace cooperative_groups: groups of threads as objects: blocks, tiles of a warp, and active lanes.
//
// Every group smaller than a block is a set of lanes of one warp, so all of them share lane_group: ranks
// count the bits of its mask. Other groups larger than a warp, clusters and grid-wide barriers are not
// supported.
#pragma once
#include "warp.h"

namespace cooperative_groups {

class thread_group {
protected:
    unsigned mask = 0;  // 0: the whole block
    unsigned meta_rank = 0, meta_size = 1;

    static SIM_UNSEEN unsigned block_size() {
        return sim_block.block_size.x * sim_block.block_size.y * sim_block.block_size.z;
    }
    // The lanes of the caller's tile of `size` lanes.
    static SIM_UNSEEN unsigned piece(unsigned size) {
        return (size == 32 ? ~0u : (1u << size) - 1) << (sim::lane_id() & ~(size - 1));
    }
    friend SIM_UNSEEN thread_group tiled_partition(const thread_group&, unsigned, sim_place);

public:
    SIM_UNSEEN unsigned size() const { return mask ? __builtin_popcount(mask) : block_size(); }
    SIM_UNSEEN unsigned num_threads() const { return size(); }
    SIM_UNSEEN unsigned thread_rank() const {
        return mask ? __builtin_popcount(mask & ((1u << sim::lane_id()) - 1)) : sim_thread_rank();
    }
    SIM_UNSEEN void sync(SIM_PLACE) const {
        if (mask) {
            __syncwarp(mask, place);
        } else {
            SIM_SWITCH(sim_barrier(SIM_BARRIER_PLAIN, 0, place));
        }
    }
};

class thread_block : public thread_group {
    friend SIM_UNSEEN thread_block this_thread_block();
    thread_block() = default;

public:
    static SIM_UNSEEN void sync(SIM_PLACE) { SIM_SWITCH(sim_barrier(SIM_BARRIER_PLAIN, 0, place)); }
    static SIM_UNSEEN unsigned size() { return block_size(); }
    static SIM_UNSEEN unsigned num_threads() { return block_size(); }
    static SIM_UNSEEN unsigned thread_rank() { return sim_thread_rank(); }
    static SIM_UNSEEN dim3 group_index() { return blockIdx; }
    static SIM_UNSEEN dim3 thread_index() { return dim3(sim_thread.x, sim_thread.y, sim_thread.z); }
    static SIM_UNSEEN dim3 group_dim() { return blockDim; }
    static SIM_UNSEEN dim3 dim_threads() { return blockDim; }
};
SIM_UNSEEN thread_block this_thread_block() { return thread_block(); }

// The common base of tiles and coalesced groups.
class lane_group : public thread_group {
protected:
    // The lane of the thread with this rank.
    SIM_UNSEEN unsigned lane_of(unsigned rank) const {
        unsigned rest = mask;
        for (; rank; rank--) rest &= rest - 1;
        return __builtin_ctz(rest);
    }
    SIM_UNSEEN unsigned packed(unsigned lanes) const {  // lanes -> ranks
        unsigned ranks = 0, rank = 0;
        for (unsigned rest = mask; rest; rest &= rest - 1)
            ranks |= (lanes >> __builtin_ctz(rest) & 1) << rank++;
        return ranks;
    }
    template <class T>
    SIM_UNSEEN T read(T value, unsigned rank, const char* name, sim_place place) const {
        static_assert(__is_trivially_copyable(T) && sizeof(T) <= 32,
                      "a group shuffles values of at most 32 bytes that can be copied as bytes");
        if constexpr (sizeof(T) <= 8) {
            return sim::take_from(mask, value, lane_of(rank), name, place);
        } else {
            uint64_t pieces[(sizeof(T) + 7) / 8] = {};
            __builtin_memcpy(pieces, &value, sizeof(T));
            for (uint64_t& piece : pieces) piece = sim::take_from(mask, piece, lane_of(rank), name, place);
            __builtin_memcpy(static_cast<void*>(&value), pieces, sizeof(T));
            return value;
        }
    }

public:
    SIM_UNSEEN unsigned get_mask() const { return mask; }
    SIM_UNSEEN unsigned meta_group_rank() const { return meta_rank; }
    SIM_UNSEEN unsigned meta_group_size() const { return meta_size; }
    // A thread that would read beyond the group reads itself; in shfl() ranks wrap around.
    template <class T>
    SIM_UNSEEN T shfl(T value, unsigned rank, SIM_PLACE) const {
        return read(value, rank % this->size(), "shfl of a group", place);
    }
    template <class T>
    SIM_UNSEEN T shfl_up(T value, unsigned delta, SIM_PLACE) const {
        unsigned rank = this->thread_rank();
        return read(value, delta <= rank ? rank - delta : rank, "shfl_up of a group", place);
    }
    template <class T>
    SIM_UNSEEN T shfl_down(T value, unsigned delta, SIM_PLACE) const {
        unsigned rank = this->thread_rank();
        return read(value, delta < this->size() - rank ? rank + delta : rank, "shfl_down of a group", place);
    }
    SIM_UNSEEN int any(int predicate, SIM_PLACE) const { return __any_sync(mask, predicate, place); }
    SIM_UNSEEN int all(int predicate, SIM_PLACE) const { return __all_sync(mask, predicate, place); }
    SIM_UNSEEN unsigned ballot(int predicate, SIM_PLACE) const {
        return packed(__ballot_sync(mask, predicate, place));
    }
    template <class T>
    SIM_UNSEEN unsigned match_any(T value, SIM_PLACE) const {
        return packed(__match_any_sync(mask, value, place));
    }
    template <class T>
    SIM_UNSEEN unsigned match_all(T value, int& all_same, SIM_PLACE) const {
        return packed(__match_all_sync(mask, value, &all_same, place));
    }
};

class coalesced_group : public lane_group {
public:
    // For the functions that create groups.
    SIM_UNSEEN coalesced_group(unsigned lanes, unsigned rank, unsigned groups) {
        mask = lanes;
        meta_rank = rank;
        meta_size = groups;
    }
};
SIM_UNSEEN coalesced_group coalesced_threads(SIM_PLACE) { return coalesced_group(__activemask(place), 0, 1); }

template <unsigned Size, class Parent = thread_block>
class thread_block_tile : public lane_group {
    static_assert(Size >= 1 && Size <= 32 && (Size & (Size - 1)) == 0,
                  "a tile has 1, 2, 4, 8, 16 or 32 threads; tiles of more than one warp are not simulated");

public:
    SIM_UNSEEN explicit thread_block_tile(const thread_group& parent) {
        mask = piece(Size);
        unsigned threads = parent.size();
        meta_rank = parent.thread_rank() / Size;
        meta_size = (threads + Size - 1) / Size;
    }
    template <class Other>
    SIM_UNSEEN thread_block_tile(const thread_block_tile<Size, Other>& other) : lane_group(other) {}
    static constexpr unsigned size() { return Size; }
    static constexpr unsigned num_threads() { return Size; }
    static SIM_UNSEEN unsigned thread_rank() { return sim::lane_id() % Size; }
    template <class T>
    SIM_UNSEEN T shfl_xor(T value, unsigned lane_mask, SIM_PLACE) const {
        unsigned rank = thread_rank();
        return read(value, (rank ^ lane_mask) < Size ? rank ^ lane_mask : rank, "shfl_xor of a tile", place);
    }
};

// --- dividing groups ---
template <unsigned Size, class Parent>
SIM_UNSEEN thread_block_tile<Size, Parent> tiled_partition(const Parent& parent) {
    return thread_block_tile<Size, Parent>(parent);
}
template <unsigned Size, unsigned ParentSize, class Grandparent>
SIM_UNSEEN auto tiled_partition(const thread_block_tile<ParentSize, Grandparent>& parent) {
    static_assert(Size <= ParentSize, "a tile cannot be larger than the tile that it is part of");
    return thread_block_tile<Size, thread_block_tile<ParentSize, Grandparent>>(parent);
}

// Sizes known only when the kernel runs.
SIM_UNSEEN void check_tile_size(unsigned size, sim_place place) {
    if (size < 1 || size > 32 || (size & (size - 1)))
        sim::stop(sim::LAUNCH_FAILED, place,
                  "Wrong size of a tile\n"
                  "tiled_partition is asked for tiles of %u threads\n"
                  "What to do: a tile has 1, 2, 4, 8, 16 or 32 threads",
                  size);
}
SIM_UNSEEN coalesced_group tiled_partition(const coalesced_group& parent, unsigned size, SIM_PLACE) {
    check_tile_size(size, place);
    unsigned first = parent.thread_rank() / size * size, lanes = 0, rank = 0;
    for (unsigned rest = parent.get_mask(); rest; rest &= rest - 1, rank++)
        if (rank - first < size) lanes |= rest & -rest;
    return coalesced_group(lanes, first / size, (parent.size() + size - 1) / size);
}
SIM_UNSEEN thread_group tiled_partition(const thread_group& parent, unsigned size, SIM_PLACE) {
    check_tile_size(size, place);
    thread_group tile;
    unsigned rank = parent.thread_rank(), first = rank & ~(size - 1), rest = parent.size() - first;
    tile.mask = thread_group::piece(size);
    if (rest < size) tile.mask &= ~0u >> (32 - rest) << (sim::lane_id() & ~(size - 1));
    tile.meta_rank = rank / size;
    tile.meta_size = (parent.size() + size - 1) / size;
    return tile;
}

// --- the whole grid: its shape only ---
class grid_group {
public:
    static bool is_valid() { return false; }
    [[noreturn]] static SIM_UNSEEN void sync(SIM_PLACE) {
        sim::stop(sim::LAUNCH_FAILED, place,
                  "Barrier over the whole grid\n"
                  "grid.sync() needs all blocks on the device at once: a cooperative launch, "
                  "which PyCUDA cannot make\n"
                  "What to do: end the kernel here and launch a second one; "
                  "between two launches all blocks are done");
    }
    static SIM_UNSEEN dim3 dim_blocks() { return gridDim; }
    static SIM_UNSEEN dim3 group_dim() { return gridDim; }
    static SIM_UNSEEN dim3 block_index() { return blockIdx; }
    static SIM_UNSEEN dim3 thread_index() { return thread_block::thread_index(); }
    static SIM_UNSEEN dim3 dim_threads() { return blockDim; }
    static SIM_UNSEEN unsigned long long num_blocks() {
        return 1ull * sim_block.grid_size.x * sim_block.grid_size.y * sim_block.grid_size.z;
    }
    static SIM_UNSEEN unsigned long long block_rank() {
        const unsigned long long row =
            1ull * sim_block.block_index.z * sim_block.grid_size.y + sim_block.block_index.y;
        return row * sim_block.grid_size.x + sim_block.block_index.x;
    }
    static SIM_UNSEEN unsigned long long size() { return num_blocks() * thread_block::size(); }
    static SIM_UNSEEN unsigned long long num_threads() { return size(); }
    static SIM_UNSEEN unsigned long long thread_rank() {
        return block_rank() * thread_block::size() + sim_thread_rank();
    }
};
SIM_UNSEEN grid_group this_grid() { return grid_group(); }

template <class Group>
SIM_UNSEEN void sync(const Group& group, SIM_PLACE) {
    group.sync(place);
}
template <class Group>
SIM_UNSEEN auto thread_rank(const Group& group) {
    return group.thread_rank();
}
template <class Group>
SIM_UNSEEN auto group_size(const Group& group) {
    return group.size();
}

}  // namespace cooperative_groups

#include "groups_algorithms.h"
