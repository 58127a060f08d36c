// Fibers: separate stacks, and switches between them.
#pragma once
#include "core.h"

namespace sim {

// Switch from `from` to `to`: three words are saved and three loaded. It is inlined into its caller, where
// the compiler saves the other registers that it needs. So the frame of a barrier is one cache line.
__attribute__((always_inline)) inline void switch_context(Context& from, const Context& to) {
    Context* save = &from;
    const Context* load = &to;
    asm volatile(
        "leaq 1f(%%rip), %%rax\n\t"
        "movq %%rsp, (%%rdi)\n\t"
        "movq %%rax, 8(%%rdi)\n\t"
        "movq %%rbp, 16(%%rdi)\n\t"
        "movq (%%rsi), %%rsp\n\t"
        "movq 16(%%rsi), %%rbp\n\t"
        "jmpq *8(%%rsi)\n"
        "1:"
        : "+D"(save), "+S"(load)
        :
        : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1",
          "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
          "xmm14", "xmm15", "memory", "cc");
}

// The same, if `from` is never continued.
[[noreturn]] __attribute__((always_inline)) inline void leave_for(const Context& to) {
    Context nobody;
    switch_context(nobody, to);
    __builtin_unreachable();
}

// Reserve the address space for a worker's stacks, once; false if that fails.
bool make_stacks(Worker& worker);
// A fiber of this worker that starts in `entry` (which never returns) at the first switch to it.
Fiber* take_fiber(Worker& worker, void (*entry)());
inline void give_fiber(Worker& worker, Fiber* fiber) { worker.free_fibers.push_back(fiber); }
// Called after each launch: all fibers are free again.
void reclaim_fibers(Worker& worker);
// Whether `address` is in the guard of one of this worker's stacks.
bool in_stack_guard(const Worker& worker, uintptr_t address);

}  // namespace sim
