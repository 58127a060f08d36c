// The interface between compiled kernels and the driver. Both sides include this file and share nothing else.
//
// A kernel is compiled by g++ into a shared object in which the functions below are undefined; the driver
// (libcuda.so.1) defines them. Every call that may switch to another CUDA thread uses SIM_SWITCH, because
// threadIdx is a variable of the module. The driver does not access it, so g++ knows that nothing else
// changes it, and turns a kernel that never synchronises into a loop that it can vectorise.
#pragma once
#include <cstddef>
#include <cstdint>

#define SIM_ABI 2

#if defined(SIM_DRIVER)
#define SIM_SHARED_WITH_DRIVER __attribute__((visibility("default")))
#define SIM_CONST_IN_KERNEL
#else
// A module is compiled with -fvisibility=hidden, which must not hide symbols that it imports.
#define SIM_SHARED_WITH_DRIVER __attribute__((visibility("default")))
#define SIM_CONST_IN_KERNEL const
#endif

struct sim_uint3 {
    unsigned x, y, z;
};

// The data that all threads of a block share. The driver sets it before a block runs.
struct sim_block_view {
    sim_uint3 block_index, block_size, grid_size;
    char* shared;            // the block's static shared memory; variables lie where registered at load
    char* dynamic_shared;    // extern __shared__
    unsigned dynamic_bytes;  // as given at the launch
};

// The place of a call in the user's source: __builtin_FILE() and __builtin_LINE() of the caller.
struct sim_place {
    const char* file;
    int line;
#if defined(__SANITIZE_THREAD__)
    // Without this, each copy would be a call from an uninstrumented function to an instrumented constructor.
    sim_place() = default;
    __attribute__((always_inline)) sim_place(const sim_place&) = default;
    sim_place& operator=(const sim_place&) = default;
    constexpr sim_place(const char* file, int line) : file(file), line(line) {}
#endif
};

// One parameter of a kernel, with the layout of the kernel's compiler.
struct sim_parameter {
    unsigned offset, bytes, alignment;
    int is_pointer;
};

// A function whose address is taken, in a checked or profiled variant (nvcc/doors.py writes the table):
// `address` is its address in all variants of the module, `function` is the function that this variant calls,
// `name` is its symbol. The table ends with nulls; so does sim_door_places, the list of pointer tables in
// which g++ has put the functions themselves.
struct sim_door {
    const void* address;
    const void* function;
    const char* name;
};
struct sim_door_place {
    const void** place;
    const sim_door* door;
};

struct sim_kernel {
    const char* symbol;     // the name cuModuleGetFunction asks for: plain for extern "C", else mangled
    const char* name;       // as the user wrote it, for reports
    const char* signature;  // "(int n, const float *x)"
    sim_place place;        // of its definition
    const void* function;  // address of the kernel itself; its mangled name can be read from the symbol table
    void (*enter)(const char* arguments, unsigned x, unsigned y, unsigned z);  // run one thread
    void (*loop)(const char* arguments);  // run all threads of the block in order; null where it synchronises
    void (*reach)();  // to be called by each OS thread before one of the two: see sim_reach
    const sim_parameter* parameters;
    unsigned parameter_count, parameter_bytes;
    unsigned max_threads;  // of __launch_bounds__, 0 where there is none
    // Names of the functions that it can reach and that declare __shared__ variables, including itself; ends
    // with null.
    const char* const* shared_users;
};

// A collective of the lanes of one warp in `mask`. The lane that arrives last runs `combine` for all:
// lanes[i] is the `slot` of lane i, null for lanes that do not take part.
struct sim_collective {
    unsigned mask;
    const char* name;  // "__shfl_down_sync": for reports; lanes that meet must agree on it
    sim_place place;
    void* slot;
    void (*combine)(void* const* lanes, unsigned mask);
    int orders_memory;  // 1 for __syncwarp: accesses before it happen before accesses after it
};

extern "C" {
// initial-exec: it needs one instruction, also in a module loaded with dlopen. It does not change during a
// kernel; since it is const, g++ keeps it in registers, and -fsanitize=thread does not report reads of it.
extern SIM_CONST_IN_KERNEL __thread sim_block_view sim_block SIM_SHARED_WITH_DRIVER
    __attribute__((tls_model("initial-exec")));

// --- while a module is loaded (its static initialisers call these) ---
void sim_register_kernel(const sim_kernel* kernel) SIM_SHARED_WITH_DRIVER;
// Gives a __shared__ variable an offset in the block's static shared memory. `function` is the one that
// declares it.
size_t sim_register_shared(const char* function, const char* name, size_t bytes, size_t alignment,
                           sim_place place) SIM_SHARED_WITH_DRIVER;
// Gives a __device__, __constant__ or __managed__ variable device memory with the contents `initial` (null:
// zeros). All variants of a module (plain, checked, profiled) get the same memory.
void* sim_register_global(const char* kind, const char* name, const void* initial, size_t bytes,
                          size_t alignment, sim_place place) SIM_SHARED_WITH_DRIVER;

// --- while a kernel runs; all of these may switch threads ---
enum sim_barrier_kind { SIM_BARRIER_PLAIN, SIM_BARRIER_COUNT, SIM_BARRIER_AND, SIM_BARRIER_OR };
int sim_barrier(int kind, int predicate, sim_place place) SIM_SHARED_WITH_DRIVER;
void sim_warp_collective(const sim_collective* call) SIM_SHARED_WITH_DRIVER;
// The active lanes of this warp; it waits for those that can still arrive.
unsigned sim_active_mask(sim_place place) SIM_SHARED_WITH_DRIVER;
// Called before a volatile access: the lanes of a warp run in lockstep, as old warp-synchronous code assumes.
void sim_volatile(const void* address, size_t bytes, int is_write, const void* pc) SIM_SHARED_WITH_DRIVER;
// Called before an atomic operation. It may let other threads run if this thread seems to spin. `kind` has
// the scope (0 block, 1 device, 2 system), and whether it stores a value that does not depend on the old one,
// or compares first: then the checker allows a plain read before it.
enum sim_atomic_kind { SIM_SCOPE = 3, SIM_EXCHANGES = 4, SIM_COMPARES = 8 };
void sim_atomic(const void* address, size_t bytes, int kind, sim_place place) SIM_SHARED_WITH_DRIVER;
void sim_yield() SIM_SHARED_WITH_DRIVER;  // __nanosleep and other waits

// --- while a kernel runs; these do not switch ---
unsigned sim_thread_rank() SIM_SHARED_WITH_DRIVER;  // linear index in the block: x fastest
void sim_fence(int scope) SIM_SHARED_WITH_DRIVER;   // __threadfence_block 0, __threadfence 1, _system 2
// cp.async: the copy is made when it is waited for, so that a missing wait has an effect.
void sim_pipeline_copy(void* to, const void* from, size_t bytes, size_t zero_fill,
                       sim_place place) SIM_SHARED_WITH_DRIVER;
void sim_pipeline_commit() SIM_SHARED_WITH_DRIVER;
void sim_pipeline_wait(unsigned prior_groups) SIM_SHARED_WITH_DRIVER;
// Reports to the checker the memory that a function without instrumentation (memcpy) accesses.
void sim_access(const void* address, size_t bytes, int is_write, sim_place place) SIM_SHARED_WITH_DRIVER;
// malloc and free in a kernel: device memory that exists until it is freed or its context ends. Null if no
// memory is left; release returns 0 for an address that is not the beginning of such memory.
void* sim_heap_allocate(size_t bytes) SIM_SHARED_WITH_DRIVER;
int sim_heap_release(void* memory) SIM_SHARED_WITH_DRIVER;
// Reports an error inside the kernel: the launch ends, and this does not return. `code` is a CUresult.
[[noreturn]] void sim_stop(int code, const char* message, sim_place place) SIM_SHARED_WITH_DRIVER;
}
