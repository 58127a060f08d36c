// malloc, free, memcpy and memset inside a kernel.
//
// The functions of the C library are not instrumented, so the checker would not see their accesses. renames.h
// replaces them by these, which first report the memory that they will access.
#pragma once
#include "builtins.h"

#if defined(__SANITIZE_THREAD__)
#define SIM_TOUCHES(address, bytes, is_write) \
    if (bytes) sim_access(address, bytes, is_write, place)
#else
#define SIM_TOUCHES(address, bytes, is_write) static_cast<void>(place)
#endif

SIM_AT_CALLER void* sim_memcpy(void* to, const void* from, size_t bytes, SIM_PLACE) {
    SIM_TOUCHES(from, bytes, 0);
    SIM_TOUCHES(to, bytes, 1);
    return __builtin_memcpy(to, from, bytes);
}
SIM_AT_CALLER void* sim_memmove(void* to, const void* from, size_t bytes, SIM_PLACE) {
    SIM_TOUCHES(from, bytes, 0);
    SIM_TOUCHES(to, bytes, 1);
    return __builtin_memmove(to, from, bytes);
}
SIM_AT_CALLER void* sim_memset(void* to, int value, size_t bytes, SIM_PLACE) {
    SIM_TOUCHES(to, bytes, 1);
    return __builtin_memset(to, value, bytes);
}
SIM_AT_CALLER int sim_memcmp(const void* one, const void* other, size_t bytes, SIM_PLACE) {
    SIM_TOUCHES(one, bytes, 0);
    SIM_TOUCHES(other, bytes, 0);
    return __builtin_memcmp(one, other, bytes);
}

// `new (&tile[t]) V(make())` constructs V in its final memory, and g++ inserts no callback: the result of
// make() is written there without a copy. So all of a new object counts as written. (The library has its own
// version for `void*`.)
#if defined(__SANITIZE_THREAD__)
template <class T>
SIM_AT_CALLER void* operator new(size_t bytes, T* where, SIM_PLACE) {
    SIM_TOUCHES(where, bytes, 1);
    return where;
}
template <class T>
SIM_AT_CALLER void* operator new[](size_t bytes, T* where, SIM_PLACE) {
    SIM_TOUCHES(where, bytes, 1);
    return where;
}
#endif
#undef SIM_TOUCHES

// Memory allocated in a kernel is ordinary device memory: it exists after the launch, and the checker knows
// its bounds.
inline void* sim_malloc(size_t bytes) { return sim_heap_allocate(bytes); }
inline void* sim_calloc(size_t count, size_t bytes) {
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total)) return nullptr;
    void* const memory = sim_heap_allocate(total);
    return memory ? sim_memset(memory, 0, total) : nullptr;
}
inline void sim_free(void* memory, SIM_PLACE) {
    if (memory && !sim_heap_release(memory))
        sim_stop(719,
                 "free() in a kernel of an address that malloc() in a kernel did not return, or that was "
                 "freed before. Memory from the host (cuMemAlloc, gpuarray) is freed by the host.",
                 place);
}
