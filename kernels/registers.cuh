// A row in registers: each of the threads that share it keeps a part, so that memory is asked only once.
#pragma once
#include "common.cuh"

namespace registers {

constexpr int LANES = 16 / sizeof(number) > 4 ? 4 : 16 / sizeof(number);  // elements that move together
constexpr int MOST = 128 / sizeof(number);  // elements a thread keeps: 32 registers of 4 bytes

struct alignas(sizeof(number) * LANES) Pack {
    number at[LANES];
};

// Whether `count` elements from here, `step` apart, can be moved in packs.
__device__ __forceinline__ bool packable(const number* memory, int64 step, int64 count) {
    return step == 1 && count % LANES == 0 && ((uint64)memory & (sizeof(Pack) - 1)) == 0;
}

// The part of `count` elements that belongs to thread `rank` of the `team` that shares them. Packed, it has
// LANES neighbours at a time; else its elements lie a team apart. Both ways a warp asks for neighbours.
struct Share {
    int team, rank;
    bool packed;
    int have;  // how many elements that is; the thread's first `have` are there, the rest is not

    __device__ __forceinline__ Share(int team, int rank, int count, bool packed)
        : team(team), rank(rank), packed(packed) {
        int units = packed ? count / LANES : count;
        have = units > rank ? (units - rank + team - 1) / team * (packed ? LANES : 1) : 0;
    }
    // The place of the thread's element e.
    __device__ __forceinline__ int place(int e) const {
        return packed ? (e / LANES * team + rank) * LANES + e % LANES : e * team + rank;
    }
    // Takes the thread's elements from memory, where they lie `step` apart; `rest` where there are none.
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
    // Puts them into memory.
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
