// What a compiled kernel and the driver say to each other. Both sides include this file and share
// nothing else.
//
// A kernel is compiled by g++ into a shared object that leaves the functions below open; the driver
// (libcuda.so.1) defines them. Every call that may switch to another CUDA thread goes through SIM_SWITCH,
// because threadIdx is a variable of the module: kept out of the driver, g++ sees that nothing can change it
// behind its back, and turns a kernel that never synchronises into a loop that it can vectorise.
#pragma once
#include <cstddef>
#include <cstdint>

#define SIM_ABI 2

#if defined(SIM_DRIVER)
#define SIM_SHARED_WITH_DRIVER __attribute__((visibility("default")))
#define SIM_CONST_IN_KERNEL
#else
// A module is compiled with -fvisibility=hidden, which must not hide what it looks for elsewhere.
#define SIM_SHARED_WITH_DRIVER __attribute__((visibility("default")))
#define SIM_CONST_IN_KERNEL const
#endif

struct sim_uint3 {
    unsigned x, y, z;
};

// What every thread of a block has in common. Set by the driver before a block runs.
struct sim_block_view {
    sim_uint3 block_index, block_size, grid_size;
    char* shared;            // the block's static shared memory; variables lie where registered at load
    char* dynamic_shared;    // extern __shared__
    unsigned dynamic_bytes;  // as given at the launch
};

// Where in the user's source a call stands: __builtin_FILE() and __builtin_LINE() of the caller.
struct sim_place {
    const char* file;
    int line;
};

// One parameter of a kernel, as the compiler of the kernel lays it out.
struct sim_parameter {
    unsigned offset, bytes, alignment;
    int is_pointer;
};

struct sim_kernel {
    const char* symbol;    // the name cuModuleGetFunction asks for: plain for extern "C", else mangled
    const char* name;      // as the user wrote it, for reports
    const char* signature; // "(int n, const float *x)"
    sim_place place;       // of its definition
    const void* function;  // address of the kernel itself; its mangled name can be read from the symbol table
    void (*enter)(const char* arguments, unsigned x, unsigned y, unsigned z);  // run one thread
    void (*loop)(const char* arguments);  // run all threads of the block in order; null where it synchronises
    void (*reach)();  // to be called by each OS thread before one of the two: see sim_reach
    const sim_parameter* parameters;
    unsigned parameter_count, parameter_bytes;
    unsigned max_threads;            // of __launch_bounds__, 0 where there is none
    const char* const* shared_users; // names of the functions it can reach that declare __shared__ variables,
                                     // itself included; ends with null
};

// A rendezvous of the lanes of one warp that are named in `mask`. The lane that arrives last runs `combine`
// for all: lanes[i] is the `slot` of lane i, null for lanes that take no part.
struct sim_collective {
    unsigned mask;
    const char* name;  // "__shfl_down_sync": for reports; lanes that meet must agree on it
    sim_place place;
    void* slot;
    void (*combine)(void* const* lanes, unsigned mask);
    int orders_memory;  // 1 for __syncwarp: accesses before it happen before accesses after it
};

extern "C" {
// initial-exec: one instruction to reach it, also from a module loaded with dlopen. A kernel never sees it
// change; told so by const, g++ keeps it in registers, and -fsanitize=thread does not report reads of it.
extern SIM_CONST_IN_KERNEL __thread sim_block_view sim_block SIM_SHARED_WITH_DRIVER
    __attribute__((tls_model("initial-exec")));

// --- while a module is loaded (its static initialisers call these) ---
void sim_register_kernel(const sim_kernel* kernel) SIM_SHARED_WITH_DRIVER;
// A __shared__ variable gets an offset into the block's static shared memory. `function`: which declares it.
size_t sim_register_shared(const char* function, const char* name, size_t bytes, size_t alignment,
                           sim_place place) SIM_SHARED_WITH_DRIVER;
// A __device__, __constant__ or __managed__ variable gets device memory, filled with `initial` (null: zeros).
// The variants of one module (plain, checked, profiled) are given the same memory.
void* sim_register_global(const char* kind, const char* name, const void* initial, size_t bytes,
                          size_t alignment, sim_place place) SIM_SHARED_WITH_DRIVER;

// --- while a kernel runs; all of these may switch threads ---
enum sim_barrier_kind { SIM_BARRIER_PLAIN, SIM_BARRIER_COUNT, SIM_BARRIER_AND, SIM_BARRIER_OR };
int sim_barrier(int kind, int predicate, sim_place place) SIM_SHARED_WITH_DRIVER;
void sim_warp_collective(const sim_collective* call) SIM_SHARED_WITH_DRIVER;
// The lanes of this warp that are here together: waits for those that are still on their way.
unsigned sim_active_mask(sim_place place) SIM_SHARED_WITH_DRIVER;
// Before a volatile access: the lanes of a warp go in lockstep, as old warp-synchronous code assumes.
void sim_volatile(const void* address, size_t bytes, int is_write, const void* pc) SIM_SHARED_WITH_DRIVER;
// Before an atomic operation. May let other threads run when a thread seems to spin.
// `kind`: the scope (0 block, 1 device, 2 system), and whether it stores regardless of what was there, or
// compares first: the checker asks less of a plain read that a comparison makes good.
enum sim_atomic_kind { SIM_SCOPE = 3, SIM_EXCHANGES = 4, SIM_COMPARES = 8 };
void sim_atomic(const void* address, size_t bytes, int kind, sim_place place) SIM_SHARED_WITH_DRIVER;
void sim_yield() SIM_SHARED_WITH_DRIVER;  // __nanosleep and other waits

// --- while a kernel runs; these do not switch ---
unsigned sim_thread_rank() SIM_SHARED_WITH_DRIVER;   // linear index in the block: x fastest
void sim_fence(int scope) SIM_SHARED_WITH_DRIVER;    // __threadfence_block 0, __threadfence 1, _system 2
// cp.async: the copy is done when it is waited for, so that a missing wait shows.
void sim_pipeline_copy(void* to, const void* from, size_t bytes, size_t zero_fill,
                       sim_place place) SIM_SHARED_WITH_DRIVER;
void sim_pipeline_commit() SIM_SHARED_WITH_DRIVER;
void sim_pipeline_wait(unsigned prior_groups) SIM_SHARED_WITH_DRIVER;
// Memory touched by a header function that is not instrumented (memcpy): one call tells the checker.
void sim_access(const void* address, size_t bytes, int is_write, sim_place place) SIM_SHARED_WITH_DRIVER;
// malloc and free called by a kernel: device memory that lives until it is freed or its context ends. Null
// when there is none left; release answers 0 for an address that is not the beginning of such memory.
void* sim_heap_allocate(size_t bytes) SIM_SHARED_WITH_DRIVER;
int sim_heap_release(void* memory) SIM_SHARED_WITH_DRIVER;
// An error found inside the kernel: the launch ends, this does not return. `code` is a CUresult.
[[noreturn]] void sim_stop(int code, const char* message, sim_place place) SIM_SHARED_WITH_DRIVER;
}
