// threadIdx and related variables, barriers, fences, loads and stores with hints, clocks, and functions that
// stop a kernel.
//
// threadIdx is a variable of the module, so that g++ sees every write to it, and can turn a kernel without
// barriers into a vector loop. So code that calls a function that may switch to another CUDA thread must save
// threadIdx; SIM_SWITCH does that.
#pragma once
#include "unseen.h"
#include "vector_types.h"

static __thread uint3 sim_thread;

// At the first access of an OS thread to the thread-local variables of a module, glibc may have to allocate
// them. Before version 2.40 it then destroys vector registers, which have a kernel's arguments (glibc's bug
// 31372). So each thread accesses them here first, while these registers are not in use.
__attribute__((noinline, unused)) SIM_NOT_SEEN static void sim_reach() {
    __asm__ volatile("" : : "r"(&sim_thread));
}

SIM_UNSEEN void sim_set_thread(unsigned x, unsigned y, unsigned z) {
    sim_thread.x = x;
    sim_thread.y = y;
    sim_thread.z = z;
}

// Copied member by member here and below, since copies of a struct are instrumented (see compile.py).
struct sim_kept_thread {
    unsigned x, y, z;
    SIM_UNSEEN sim_kept_thread() : x(sim_thread.x), y(sim_thread.y), z(sim_thread.z) {}
    SIM_UNSEEN ~sim_kept_thread() { sim_set_thread(x, y, z); }
};
// The value of `call`, with the same threadIdx after it as before.
#define SIM_SWITCH(call)         \
    __extension__({              \
        sim_kept_thread sim_was; \
        call;                    \
    })

#if defined(__SANITIZE_THREAD__)
// "pure" and not "const", since a loop that runs one thread after another changes the variable between them.
SIM_UNSEEN __attribute__((pure)) uint3 sim_thread_index() {
    return uint3{sim_thread.x, sim_thread.y, sim_thread.z};
}
#define threadIdx (sim_thread_index())
#else
#define threadIdx (static_cast<const uint3&>(sim_thread))
#endif
#define blockIdx (sim_block_index())
#define blockDim (sim_block_size())
#define gridDim (sim_grid_size())

// These do not change during a kernel, and sim_block is const for it, so g++ keeps them in registers.
SIM_AT_CALLER uint3 sim_block_index() {
    return uint3{sim_block.block_index.x, sim_block.block_index.y, sim_block.block_index.z};
}
SIM_AT_CALLER dim3 sim_block_size() {
    return dim3(sim_block.block_size.x, sim_block.block_size.y, sim_block.block_size.z);
}
SIM_AT_CALLER dim3 sim_grid_size() {
    return dim3(sim_block.grid_size.x, sim_block.grid_size.y, sim_block.grid_size.z);
}

constexpr int warpSize = 32;

// --- barriers and fences ---
SIM_AT_CALLER void __syncthreads(SIM_PLACE) { SIM_SWITCH(sim_barrier(SIM_BARRIER_PLAIN, 0, place)); }
SIM_AT_CALLER int __syncthreads_count(int predicate, SIM_PLACE) {
    return SIM_SWITCH(sim_barrier(SIM_BARRIER_COUNT, predicate != 0, place));
}
SIM_AT_CALLER int __syncthreads_and(int predicate, SIM_PLACE) {
    return SIM_SWITCH(sim_barrier(SIM_BARRIER_AND, predicate != 0, place));
}
SIM_AT_CALLER int __syncthreads_or(int predicate, SIM_PLACE) {
    return SIM_SWITCH(sim_barrier(SIM_BARRIER_OR, predicate != 0, place));
}
SIM_AT_CALLER void __barrier_sync(unsigned number, SIM_PLACE) {
    if (number != 0)
        sim_stop(801, "__barrier_sync: the simulator has barrier 0 only, which __syncthreads() uses too.",
                 place);
    SIM_SWITCH(sim_barrier(SIM_BARRIER_PLAIN, 0, place));
}
SIM_AT_CALLER void __threadfence_block() { sim_fence(0); }
SIM_AT_CALLER void __threadfence() { sim_fence(1); }
SIM_AT_CALLER void __threadfence_system() { sim_fence(2); }

// --- loads and stores with a hint for the caches, which a CPU does not need ---
#define SIM_LOAD(name)                    \
    template <class T>                    \
    SIM_AT_CALLER T name(const T* from) { \
        return *from;                     \
    }
#define SIM_STORE(name)                             \
    template <class T>                              \
    SIM_AT_CALLER void name(T* to, const T value) { \
        *to = value;                                \
    }
SIM_LOAD(__ldg)
SIM_LOAD(__ldca)
SIM_LOAD(__ldcg)
SIM_LOAD(__ldcs)
SIM_LOAD(__ldlu)
SIM_LOAD(__ldcv)
SIM_STORE(__stwb)
SIM_STORE(__stcg)
SIM_STORE(__stcs)
SIM_STORE(__stwt)
#undef SIM_LOAD
#undef SIM_STORE
SIM_AT_CALLER void __prefetch(const void*) {}

// --- clocks: they count on, in ticks of the CPU; no cycle of a GPU is modelled ---
inline long long clock64() {
#if defined(__x86_64__)
    return static_cast<long long>(__builtin_ia32_rdtsc());
#else
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
#endif
}
inline clock_t sim_clock() { return static_cast<clock_t>(clock64()); }
SIM_AT_CALLER void __nanosleep(unsigned) { SIM_SWITCH(sim_yield()); }

#if defined(__SANITIZE_THREAD__)
// g++ calls these before each access to a volatile variable (--param tsan-distinguish-volatile=1). They are
// in the module and not in the driver, because they may switch threads.
#define SIM_VOLATILE(access, bytes, is_write)                                              \
    extern "C" __attribute__((used, noinline, visibility("hidden"), no_sanitize("thread"), \
                              no_sanitize_coverage)) void                                  \
    __tsan_volatile_##access##bytes(void* address) {                                       \
        SIM_SWITCH(sim_volatile(address, bytes, is_write, __builtin_return_address(0)));   \
    }
SIM_VOLATILE(read, 1, 0)
SIM_VOLATILE(read, 2, 0)
SIM_VOLATILE(read, 4, 0)
SIM_VOLATILE(read, 8, 0)
SIM_VOLATILE(read, 16, 0)
SIM_VOLATILE(write, 1, 1)
SIM_VOLATILE(write, 2, 1)
SIM_VOLATILE(write, 4, 1)
SIM_VOLATILE(write, 8, 1)
SIM_VOLATILE(write, 16, 1)
#undef SIM_VOLATILE
#endif
