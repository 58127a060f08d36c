// Stacks of fibers: one reservation for each worker; the system commits pages at their first use.
#include "fibers.h"

#include <sys/mman.h>

namespace sim {

bool make_stacks(Worker& worker) {
    if (worker.stacks != nullptr) return true;
    void* memory = mmap(nullptr, STACK_BYTES * MAX_THREADS, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return false;
    worker.stacks = static_cast<char*>(memory);
    worker.fibers.resize(MAX_THREADS);
    for (unsigned i = 0; i < MAX_THREADS; i++) worker.fibers[i].number = static_cast<uint16_t>(i);
    worker.free_fibers.reserve(MAX_THREADS);
    reclaim_fibers(worker);
    return true;
}

Fiber* take_fiber(Worker& worker, void (*entry)()) {
    Fiber* fiber = worker.free_fibers.back();
    worker.free_fibers.pop_back();
    char* low = worker.stacks + fiber->number * STACK_BYTES;
    if (fiber->stack == nullptr) {
        mprotect(low, STACK_GUARD, PROT_NONE);
        fiber->stack = low + STACK_GUARD;
    }
    // If all stacks began at the same offset of a page, they would use the same few sets of the cache.
    char* top = low + STACK_BYTES - (fiber->number % 256) * 64;
    void** stack = reinterpret_cast<void**>(top);
    *--stack =
        nullptr;  // the return address of entry, which never returns; 8 below a multiple of 16, as a call
    fiber->start = {stack, reinterpret_cast<void*>(entry), nullptr};
    return fiber;
}

void reclaim_fibers(Worker& worker) {
    worker.free_fibers.clear();
    for (unsigned i = static_cast<unsigned>(worker.fibers.size()); i-- > 0;)
        worker.free_fibers.push_back(&worker.fibers[i]);
}

bool in_stack_guard(const Worker& worker, uintptr_t address) {
    uintptr_t offset = address - reinterpret_cast<uintptr_t>(worker.stacks);
    return worker.stacks != nullptr && offset < STACK_BYTES * MAX_THREADS &&
           offset % STACK_BYTES < STACK_GUARD;
}

}  // namespace sim
