// The data structures of a running kernel: launch, worker, block, warp, thread. See README.md, "How it
// works".
#pragma once
#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "../device/runtime.h"
#include "abi.h"
#include "modules.h"

namespace sim {

constexpr unsigned WARP = 32;
constexpr unsigned MAX_THREADS = 1024;
constexpr size_t MAX_SHARED = 227 * 1024;          // the most per block, if the kernel allows it
constexpr size_t SHARED_ARENA = 16 * 1024 * 1024;  // address space of one worker's shared memory
// The stack of one fiber, with its guard. A thread has 512 KB of local memory in CUDA; g++ needs more for the
// same code.
constexpr size_t STACK_BYTES = 1024 * 1024;
constexpr size_t STACK_GUARD = 64 * 1024;  // compile.py makes g++ touch the stack in steps of at most this

struct Block;
struct Launch;
struct Worker;

// The state of a thread of a resident block.
enum class State : uint8_t {
    unstarted,
    ready,
    running,
    at_barrier,
    at_collective,
    at_volatile,
    at_active_mask,
    done
};

// The context at which a stopped fiber continues: all that a switch saves.
struct Context {
    void* stack = nullptr;
    void* resume = nullptr;
    void* frame = nullptr;
};

struct Fiber {
    Context start;          // the context before it has run
    char* stack = nullptr;  // lowest address, just above the guard
    uint16_t number = 0;
};

struct Pending {  // one cp.async copy that was not waited for yet
    void* to;
    const void* from;
    size_t bytes, zero_fill;
    unsigned group;
    sim_place place;
};

struct Warp;

// One cache line, since a barrier accesses all of them, up to 1024.
struct alignas(64) Thread {
    uint16_t index = 0;  // linear index in the block
    uint8_t lane = 0;
    State state = State::unstarted;
    uint16_t fiber = 0;  // the number of the fiber
    uint16_t spins = 0;  // atomics since it last let other threads run
    Context context;     // its context while it waits
    Warp* warp = nullptr;
    union {
        sim_place place{};           // the place at which it waits ...
        const sim_collective* call;  // ... and the collective that it waits for
    };
    uint16_t barrier_kind = 0, predicate = 0;
    unsigned result = 0;  // result of a barrier that counts, or of __activemask
};
static_assert(sizeof(Thread) == 64, "a barrier's speed is that of the cache");

struct Copies {  // the cp.async copies of one thread
    unsigned group = 0;
    std::vector<Pending> pending;
};

// Sets of lanes are bit masks: bit i is lane i.
struct Warp {
    uint16_t first = 0;  // threads [first, first + lanes that exist) of the block
    uint16_t number = 0;
    uint32_t exists = 0, done = 0;
    uint32_t at_collective = 0;
    uint32_t here = 0;      // lanes at a volatile access or at __activemask
    uint32_t spinning = 0;  // lanes that let others run before they repeat an atomic operation
    uint32_t synced[WARP][WARP] =
        {};  // for the checker: synced[i][j] is the tick of the last __syncwarp of lanes i and j
};

struct Block {
    Launch* launch = nullptr;
    Worker* worker = nullptr;
    uint64_t linear = 0;  // linear index, x fastest
    sim_block_view view{};
    unsigned threads = 0, live = 0, waiting = 0, warps = 0;
    bool answers = false;  // a thread waits at a barrier that counts
    Thread thread[MAX_THREADS];
    Copies copies[MAX_THREADS];
    bool copied = false;  // a thread of this worker has used cp.async: remaining copies must be cleared
    Warp warp[MAX_THREADS / WARP];
    uint16_t at_barrier[MAX_THREADS];  // the first `waiting` entries are threads, in the order of arrival
    uint32_t start_tick = 0;           // for the checker: the tick at which the block began ...
    uint32_t barrier_tick = 0;         // ... and that of the release of its last barrier
    sim_uint3 thread_id(unsigned index) const;
};

// A queue of threads that can run: each is in it at most once.
struct Queue {
    static constexpr unsigned MASK = 2 * MAX_THREADS - 1;
    uint16_t slot[MASK + 1];
    unsigned head = 0, tail = 0;
    bool empty() const { return head == tail; }
    void push(uint16_t thread) { slot[tail++ & MASK] = thread; }
    uint16_t pop() { return slot[head++ & MASK]; }
    // The thread that will be taken after the next one; past the end, any thread.
    uint16_t peek(unsigned after) const { return slot[(head + after) & MASK] % MAX_THREADS; }
};

struct Fault {  // a signal caused by a kernel
    int signal = 0, code = 0;
    uintptr_t address = 0, pc = 0, stack_pointer = 0;
};

// One OS thread that runs blocks one after another. `base` is its own stack; kernels run on fibers.
struct Worker {
    Block* block = nullptr;    // null between blocks
    Thread* thread = nullptr;  // the CUDA thread that runs; null in a loop
    Fiber* fiber = nullptr;    // the fiber that runs
    Context base;              // the worker itself, while a fiber runs
    Queue ready;
    sim_uint3 ids[MAX_THREADS];  // threadIdx of each thread, for the size of block that runs
    std::vector<Fiber*> free_fibers;
    std::vector<Fiber> fibers;
    char* stacks = nullptr;
    char* shared = nullptr;  // arena of SHARED_ARENA bytes between pages without access
    uint64_t random = 0;     // state of the schedule's generator
    Fault fault;
    std::atomic<uint64_t> progress{0};  // number of blocks begun; the supervisor checks whether it changes
    std::atomic<bool> busy{false};
    std::atomic<bool> overdue{false};  // its block has exceeded the time limit
    pthread_t os_thread{};
    clockid_t clock{};  // the clock of the thread's computing time; other threads may read it at any time
    Block resident;
};

// Null outside of kernels. initial-exec, as for sim_block.
extern __thread Worker* worker __attribute__((tls_model("initial-exec")));

enum class Order { forward, reverse, random };

struct Settings {
    Mode mode = Mode::plain;
    Order order = Order::forward;
    uint64_t seed = 0;
    uint64_t ordered_at =
        0;  // number of launches before the order was chosen, so that a seed gives the same order again
    unsigned workers = 0;    // 0: one per core
    double time_limit = 30;  // seconds for one block
    int devices = 1;         // all equal, each with its own memory
    bool leaks = false;
    bool strict_volatile = false;  // report warp-synchronous volatile code as races too
    std::string compiler, cache;
};
extern Settings settings;

struct Launch {
    Kernel* kernel;
    const sim_kernel* code;  // the kernel in the variant that runs
    Variant* variant;
    Mode mode;
    Order order;
    uint64_t seed;
    sim_uint3 grid, size;
    unsigned dynamic_bytes;
    std::vector<char> arguments;
    std::vector<const SharedVariable*> shared;  // the static shared variables that the kernel can reach
    uint64_t serial;                            // counts launches
    uint32_t start_tick = 0;                    // checker
    std::atomic<uint64_t> next_block{0};
    uint64_t block_count;
    std::atomic<bool> stopped{false};
    bool interrupted = false;  // whether it was stopped by Ctrl-C
    CUresult result = CUDA_SUCCESS;
    std::string report;

    std::string where(const Block* block, const Thread* thread) const;  // "block (1, 0, 0), thread (3, 0, 0)"
};

// Run a whole launch on the calling thread and the workers; a report is passed to fail().
CUresult run(Launch& launch);

// End the launch with this report; the first report is used. Kernels of other workers end after their block.
void note_stop(Launch& launch, CUresult code, const std::string& report);
// The same from inside a kernel, that is on a fiber: it does not return.
[[noreturn]] void stop_launch(CUresult code, const std::string& report);

}  // namespace sim
