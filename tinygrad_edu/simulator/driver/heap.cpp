// malloc and free in kernels. The memory is device memory, so that the checker knows its bounds.
#include "core.h"
#include "memory.h"

// Null if no memory is left, as on a GPU.
extern "C" void* sim_heap_allocate(size_t bytes) {
    if (bytes == 0) return nullptr;
    return reinterpret_cast<void*>(sim::allocate(bytes, sim::Kind::device, "the heap of kernels"));
}

// 1 if it was the beginning of live memory.
extern "C" int sim_heap_release(void* address) {
    return sim::release(reinterpret_cast<uintptr_t>(address)) ? 1 : 0;
}
