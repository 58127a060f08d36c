// A row in registers: each of the threads that share the row keeps a part of it, so the row is read from
// memory once.
#pragma once
#include "common.cuh"

namespace registers {

constexpr int LANES = 16 / sizeof(number) > 4 ? 4 : 16 / sizeof(number);  // elements of one load or store
constexpr int MOST = 128 / sizeof(number);  // elements that a thread keeps: 32 registers of 4 bytes

struct alignas(sizeof(number) * LANES) Pack {
    number at[LANES];
};

// Whether `count` elements from here, with stride `step`, can be moved in packs.
__device__ __forceinline__ bool packable(const number* memory, int64 step, int64 count) {
    return step == 1 && count % LANES == 0 && ((uint64)memory & (sizeof(Pack) - 1)) == 0;
}

// The part of `count` elements that belongs to thread `rank` of the `team` that shares them. If packed, a
// thread has LANES neighbouring elements at a time; else its elements have a distance of `team`. In both
// cases the lanes of a warp access neighbouring elements.
struct Share {
    int team, rank;
    bool packed;
    int have;  // the number of elements of this thread

    __device__ __forceinline__ Share(int team, int rank, int count, bool packed)
        : team(team), rank(rank), packed(packed) {
        int units = packed ? count / LANES : count;
        have = units > rank ? (units - rank + team - 1) / team * (packed ? LANES : 1) : 0;
    }
    // The index of the thread's element e.
    __device__ __forceinline__ int place(int e) const {
        return packed ? (e / LANES * team + rank) * LANES + e % LANES : e * team + rank;
    }
    // Loads the thread's elements from memory, where they have stride `step`; missing elements become `rest`.
    template <int EACH>
    __device__ __forceinline__ void fetch(number (&mine)[EACH], const number* memory, int64 step,
                                          number rest) const {
        memory += rank * (packed ? LANES : step);
        if (packed) {
#pragma unroll
            for (int e = 0; e < EACH; e += LANES) {
                Pack pack;
#pragma unroll
                for (int k = 0; k < LANES; k++) pack.at[k] = rest;
                if (e < have) pack = *(const Pack*)(memory + e * team);
#pragma unroll
                for (int k = 0; k < LANES; k++) mine[e + k] = pack.at[k];
            }
        } else {
#pragma unroll
            for (int e = 0; e < EACH; e++, memory += team * step) mine[e] = e < have ? *memory : rest;
        }
    }
    // Stores the thread's elements.
    template <int EACH>
    __device__ __forceinline__ void put(const number (&mine)[EACH], number* memory, int64 step) const {
        memory += rank * (packed ? LANES : step);
        if (packed) {
#pragma unroll
            for (int e = 0; e < EACH; e += LANES) {
                Pack pack;
#pragma unroll
                for (int k = 0; k < LANES; k++) pack.at[k] = mine[e + k];
                if (e < have) *(Pack*)(memory + e * team) = pack;
            }
        } else {
#pragma unroll
            for (int e = 0; e < EACH; e++, memory += team * step)
                if (e < have) *memory = mine[e];
        }
    }
};

}  // namespace registers
