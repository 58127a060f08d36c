// A stand-in for the driver, to test the compiler alone: it takes down what a module registers when it is
// loaded, and runs the threads of a kernel one after another.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#define SIM_DRIVER
#include "../../tinygrad_edu/simulator/device/runtime.h"

__thread sim_block_view sim_block;

static std::vector<const sim_kernel*> kernels;
static std::string log_text;
static size_t shared_bytes;

static void note(const char* pattern, const char* a, const char* b, size_t n, size_t m, sim_place place) {
    char line[1000];
    std::snprintf(line, sizeof line, pattern, a, b, n, m, place.file, place.line);
    log_text += line;
}

extern "C" {
#define EXPORT __attribute__((visibility("default")))
void sim_register_kernel(const sim_kernel* kernel) { kernels.push_back(kernel); }
size_t sim_register_shared(const char* function, const char* name, size_t bytes, size_t alignment,
                           sim_place place) {
    shared_bytes = (shared_bytes + alignment - 1) / alignment * alignment;
    size_t offset = shared_bytes;
    shared_bytes += bytes;
    note("shared %s %s %zu %zu %s:%d\n", function, name, bytes, alignment, place);
    return offset;
}
void* sim_register_global(const char* kind, const char* name, const void* initial, size_t bytes,
                          size_t alignment, sim_place place) {
    void* memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
    initial ? std::memcpy(memory, initial, bytes) : std::memset(memory, 0, bytes);
    note("global %s %s %zu %zu %s:%d\n", kind, name, bytes, alignment, place);
    return memory;
}
int sim_barrier(int, int, sim_place) { return 0; }
void sim_warp_collective(const sim_collective*) {}
unsigned sim_active_mask(sim_place) { return 1; }
void sim_volatile(const void*, size_t, int, const void*) { log_text += "volatile\n"; }
void sim_atomic(const void*, size_t, int, sim_place) {}
void sim_yield() {}
unsigned sim_thread_rank() { return 0; }
void sim_fence(int) {}
void sim_pipeline_copy(void*, const void*, size_t, size_t, sim_place) {}
void sim_pipeline_commit() {}
void sim_pipeline_wait(unsigned) {}
void* sim_heap_allocate(size_t bytes) { return std::malloc(bytes); }
int sim_heap_release(void* memory) { return std::free(memory), 1; }
void sim_access(const void*, size_t, int, sim_place) {}
void sim_stop(int, const char* message, sim_place) {
    std::fputs(message, stderr);
    std::abort();
}
#define CALLBACK(name) \
    EXPORT void name(void*) {}
CALLBACK(__tsan_read1)
CALLBACK(__tsan_read2)
CALLBACK(__tsan_read4)
CALLBACK(__tsan_read8)
CALLBACK(__tsan_read16)
CALLBACK(__tsan_write1)
CALLBACK(__tsan_write2)
CALLBACK(__tsan_write4)
CALLBACK(__tsan_write8)
CALLBACK(__tsan_write16)
CALLBACK(__tsan_func_entry)
CALLBACK(__tsan_func_exit)
EXPORT void __ubsan_handle_type_mismatch_v1(void*, void*) {}
EXPORT void __tsan_init() {}
EXPORT void __sanitizer_cov_trace_pc() {}
EXPORT void __tsan_read_range(void*, size_t) {}
EXPORT void __tsan_write_range(void*, size_t) {}

// --- for the tests ---
EXPORT int count() { return int(kernels.size()); }
EXPORT const sim_kernel* kernel(int index) { return kernels[index]; }
EXPORT const char* taken_down() { return log_text.c_str(); }
EXPORT void forget() {
    kernels.clear();
    log_text.clear();
    shared_bytes = 0;
}
EXPORT void run(const sim_kernel* kernel, const char* arguments, unsigned width, unsigned grid, int in_loop) {
    static char shared[200000], dynamic[200000];
    for (unsigned block = 0; block < grid; block++) {
        sim_block = {{block, 0, 0}, {width, 1, 1}, {grid, 1, 1}, shared, dynamic, sizeof dynamic};
        if (in_loop) {
            kernel->loop(arguments);
        } else {
            for (unsigned x = 0; x < width; x++) kernel->enter(arguments, x, 0, 0);
        }
    }
}
}
