// What a kernel does to the process: bad addresses, endless loops, exhausted stacks. A signal handler leaves
// the kernel's stack for the worker's own, and the launch ends with a report; the process lives.
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <mutex>

#include "checks.h"
#include "fibers.h"
#include "memory.h"
#include "report.h"
#include "status.h"
#include "workers.h"

namespace sim {

std::atomic<bool> interrupted{false};

int stop_signal() { return SIGRTMIN + 7; }

namespace {

constexpr int CAUGHT[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
struct sigaction before[NSIG];
struct sigaction before_interrupt;

// Not ours: let whoever was there before us have it, as if we were not there.
void pass_on(int signal, siginfo_t* info, void* context) {
    const struct sigaction& old = before[signal];
    if ((old.sa_flags & SA_SIGINFO) != 0 && old.sa_sigaction != nullptr) {
        old.sa_sigaction(signal, info, context);
    } else if (old.sa_handler == SIG_DFL) {
        sigaction(signal, &old, nullptr);
        raise(signal);
    } else if (old.sa_handler != SIG_IGN) {
        old.sa_handler(signal);
    }
}

void on_fault(int signal, siginfo_t* info, void* context) {
    Worker* w = worker;
    if (w == nullptr || w->block == nullptr || w->base.stack == nullptr) {
        if (signal != stop_signal()) pass_on(signal, info, context);
        return;
    }
    auto* machine = &static_cast<ucontext_t*>(context)->uc_mcontext;
    w->fault.signal = signal;
    w->fault.code = info->si_code;
    w->fault.address = reinterpret_cast<uintptr_t>(info->si_addr);
    w->fault.pc = static_cast<uintptr_t>(machine->gregs[REG_RIP]);
    w->fault.stack_pointer = static_cast<uintptr_t>(machine->gregs[REG_RSP]);
    w->resident.launch->stopped.store(true, std::memory_order_relaxed);
    // Go on where the worker switched to the fiber. The kernel restores the signal mask when this returns.
    machine->gregs[REG_RSP] = reinterpret_cast<greg_t>(w->base.stack);
    machine->gregs[REG_RBP] = reinterpret_cast<greg_t>(w->base.frame);
    machine->gregs[REG_RIP] = reinterpret_cast<greg_t>(w->base.resume);
}

void on_interrupt(int signal, siginfo_t* info, void* context) {
    interrupted.store(true);
    stop_busy_workers();
    if ((before_interrupt.sa_flags & SA_SIGINFO) != 0) before_interrupt.sa_sigaction(signal, info, context);
    else if (before_interrupt.sa_handler != SIG_DFL && before_interrupt.sa_handler != SIG_IGN)
        before_interrupt.sa_handler(signal);
}

// Handlers may be replaced by others after us (faulthandler, a debugger): look again at every launch.
void install_handlers() {
    static std::mutex mutex;
    std::lock_guard<std::mutex> lock(mutex);
    struct sigaction ours{}, now{};
    ours.sa_sigaction = on_fault;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&ours.sa_mask);
    for (int signal : CAUGHT) {
        sigaction(signal, nullptr, &now);
        if ((now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_fault) continue;
        before[signal] = now;
        sigaction(signal, &ours, nullptr);
    }
    static bool once = false;
    if (once) return;
    once = true;
    sigaction(stop_signal(), &ours, nullptr);
    sigaction(SIGINT, nullptr, &before_interrupt);
    const bool has_handler =
        (before_interrupt.sa_flags & SA_SIGINFO) != 0 ||
        (before_interrupt.sa_handler != SIG_DFL && before_interrupt.sa_handler != SIG_IGN);
    if (!has_handler) return;  // Ctrl-C ends the process, as it should
    struct sigaction interrupt = before_interrupt;
    interrupt.sa_flags |= SA_SIGINFO;
    interrupt.sa_sigaction = on_interrupt;
    sigaction(SIGINT, &interrupt, nullptr);
}

}  // namespace

void arm_faults(Worker& w) {
    w.fault = Fault{};
    w.os_thread = pthread_self();
    install_handlers();
    static thread_local bool has_stack = false;
    if (has_stack) return;
    has_stack = true;
    stack_t stack{};
    sigaltstack(nullptr, &stack);
    constexpr size_t bytes = 64 * 1024;
    if ((stack.ss_flags & SS_DISABLE) == 0 && stack.ss_size >= bytes / 2) return;
    stack = {};
    stack.ss_sp = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    stack.ss_size = bytes;
    if (stack.ss_sp != MAP_FAILED) sigaltstack(&stack, nullptr);
}

void report_fault(Worker& w, Launch& launch) {
    const Fault fault = w.fault;
    if (fault.signal == 0) return;
    w.fault = Fault{};
    const Block& block = w.resident;
    std::vector<std::string> facts;
    const Location location = locate(fault.pc + 1);  // it expects the address a call returns to
    if (location.line != 0) facts.push_back(say(location));
    facts.push_back(w.thread != nullptr
                        ? say_thread(launch, block.linear, w.thread->index)
                        : "in " + launch.where(&block, nullptr) + " (the check mode also names the thread)");
    if (fault.signal == stop_signal()) {
        if (interrupted.exchange(false)) {
            note_stop(launch, CUDA_ERROR_LAUNCH_FAILED,
                      compose("Interrupted", launch, facts, "nothing: the kernel was stopped from outside."));
            return;
        }
        if (launch.mode == Mode::check) checks::settle_reads(block);
        facts.push_back(format("the block ran for more than %g seconds", settings.time_limit));
        note_stop(
            launch, CUDA_ERROR_LAUNCH_TIMEOUT,
            compose(
                "Endless kernel", launch, facts,
                "look for a loop that never ends, or for a wait on a block that has not begun: blocks run "
                "in any order and need not run together. If it is only slow, allow it more time: "
                "sim.configure(time_limit=...)."));
        return;
    }
    if (fault.signal == SIGFPE) {
        note_stop(
            launch, CUDA_ERROR_LAUNCH_FAILED,
            compose(
                "Integer division by zero", launch, facts,
                "test the divisor first. A GPU does not stop here: it goes on with a meaningless number."));
        return;
    }
    if (fault.signal == SIGILL) {
        note_stop(launch, CUDA_ERROR_ILLEGAL_INSTRUCTION,
                  compose("Illegal instruction", launch, facts,
                          "look for a function that ends without return, or __builtin_unreachable()."));
        return;
    }
    if (in_guard_page(w, fault.address)) {
        note_stop(
            launch, CUDA_ERROR_LAUNCH_FAILED,
            compose("Stack overflow", launch, facts,
                    format("make local arrays smaller or recursion shallower: a thread has %zu KB here.",
                           STACK_BYTES / 1024)));
        return;
    }
    // A vector load from an address that is no multiple of its size traps without telling the address.
    const bool told = fault.address != 0 || fault.code == SEGV_MAPERR;
    facts.push_back(told ? "the address is " + describe_address(fault.address)
                         : "the address is misaligned for a vector access, or no address at all");
    note_stop(
        launch, told ? CUDA_ERROR_ILLEGAL_ADDRESS : CUDA_ERROR_MISALIGNED_ADDRESS,
        compose(
            "Illegal address", launch, facts,
            "check the index against the size of the array, and that every pointer came from device memory. "
            "Run it under the checker (with sim.check(): or tinygrad-edu simulate --check) to see the first "
            "wrong access, its line and thread."));
}

}  // namespace sim
