// Fibers: see fibers.h. The stacks are one reservation, committed by the kernel page by page as they are used.
#include "fibers.h"

#include <sys/mman.h>

#include <cstring>

namespace sim {

asm(R"(
    .text
    .globl sim_switch_fiber
    .type sim_switch_fiber, @function
sim_switch_fiber:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size sim_switch_fiber, . - sim_switch_fiber
    .globl sim_resume
    .type sim_resume, @function
sim_resume:
    movq %rdi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size sim_resume, . - sim_resume
)");

namespace {

constexpr size_t PAGE = 4096;

}  // namespace

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
        mprotect(low, PAGE, PROT_NONE);
        fiber->stack = low + PAGE;
    }
    // Stacks that all begin at the same offset of a page would fight for the same few sets of the cache.
    char* top = low + STACK_BYTES - (fiber->number % 256) * 64;
    void** stack = reinterpret_cast<void**>(top);
    *--stack = nullptr;                         // the return address of entry, which never returns
    *--stack = reinterpret_cast<void*>(entry);  // leaves the stack as a call would: 8 below a multiple of 16
    stack -= 6;
    memset(stack, 0, 6 * sizeof(void*));
    fiber->stack_pointer = stack;
    return fiber;
}

void reclaim_fibers(Worker& worker) {
    worker.free_fibers.clear();
    for (unsigned i = static_cast<unsigned>(worker.fibers.size()); i-- > 0;)
        worker.free_fibers.push_back(&worker.fibers[i]);
}

bool in_guard_page(const Worker& worker, uintptr_t address) {
    uintptr_t offset = address - reinterpret_cast<uintptr_t>(worker.stacks);
    return worker.stacks != nullptr && offset < STACK_BYTES * MAX_THREADS && offset % STACK_BYTES < PAGE;
}

}  // namespace sim
