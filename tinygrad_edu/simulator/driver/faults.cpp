// Errors of kernels that affect the process: bad addresses, endless loops, exhausted stacks. A signal handler
// switches from the kernel's stack to the worker's own, and the launch ends with a report; the process
// continues.
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <atomic>
#include <mutex>

#include "checks.h"
#include "fibers.h"
#include "interrupts.h"
#include "memory.h"
#include "report.h"
#include "status.h"
#include "workers.h"

namespace sim {

int stop_signal() { return SIGRTMIN + 7; }

namespace {

void on_fault(int signal, siginfo_t* info, void* context);

constexpr int CAUGHT[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
struct sigaction before[NSIG];

// The signal was not caused by a kernel, so it is passed to the previous handler.
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

// A kernel that is told to stop holds no lock while its own code runs. In other code, such as printf or the
// driver, it may hold one, and it may be there most of the time. Then the code of its module is made not
// executable, so that it faults when it returns from the call. `home` is set while a launch runs; there is
// one at a time.
std::atomic<const Module*> home{nullptr};
std::atomic<bool> was_closed{false};

bool is_at_home(uintptr_t pc) {
    const Module* module = home.load();
    if (module == nullptr) return false;
    for (const auto& variant : module->variants)
        if (variant != nullptr && pc >= variant->text_begin && pc < variant->text_end) return true;
    return false;
}

void protect_home(int protection) {
    constexpr uintptr_t page = 4096;
    for (const auto& variant : home.load()->variants) {
        if (variant == nullptr) continue;
        const uintptr_t begin = variant->text_begin / page * page;
        mprotect(reinterpret_cast<void*>(begin), variant->text_end - begin, protection);
    }
}
void open_home() { protect_home(PROT_READ | PROT_EXEC); }
void close_home() {
    was_closed.store(true);
    protect_home(PROT_READ);
}

// Without this, the process would be killed by the fault after the return.
bool catches_faults() {
    struct sigaction now{};
    sigaction(SIGSEGV, nullptr, &now);
    return (now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_fault;
}

void on_fault(int signal, siginfo_t* info, void* context) {
    Worker* w = worker;
    auto* machine = &static_cast<ucontext_t*>(context)->uc_mcontext;
    uintptr_t pc = static_cast<uintptr_t>(machine->gregs[REG_RIP]);
    const bool runs = w != nullptr && w->block != nullptr && w->base.stack != nullptr;
    const bool must_stop = runs && (is_interrupted() || w->overdue.load());
    if (signal == SIGSEGV && reinterpret_cast<uintptr_t>(info->si_addr) == pc && is_at_home(pc)) {
        if (!must_stop) return open_home();  // another worker was meant: try again
        signal = stop_signal();
        // The place at which it stopped: the call from which it returns, unless a thread was about to start.
        if (pc != reinterpret_cast<uintptr_t>(w->resident.launch->code->enter)) pc--;
    } else if (signal == stop_signal() && (!must_stop || !is_at_home(pc))) {
        if (must_stop && catches_faults()) close_home();
        return;  // or it was meant for what ran before
    } else if (!runs) {
        return pass_on(signal, info, context);
    }
    w->fault.signal = signal;
    w->fault.code = info->si_code;
    w->fault.address = reinterpret_cast<uintptr_t>(info->si_addr);
    w->fault.pc = pc;
    w->fault.stack_pointer = static_cast<uintptr_t>(machine->gregs[REG_RSP]);
    w->resident.launch->stopped.store(true, std::memory_order_relaxed);
    // Continue where the worker switched to the fiber. The kernel of the system restores the signal mask at
    // this return.
    machine->gregs[REG_RSP] = reinterpret_cast<greg_t>(w->base.stack);
    machine->gregs[REG_RBP] = reinterpret_cast<greg_t>(w->base.frame);
    machine->gregs[REG_RIP] = reinterpret_cast<greg_t>(w->base.resume);
}

// Others may replace the handlers later (faulthandler, a debugger). So each launch checks one of the signals,
// in turn, since a check costs a system call.
void install_handlers() {
    static std::mutex mutex;
    std::lock_guard<std::mutex> lock(mutex);
    struct sigaction ours{}, now{};
    ours.sa_sigaction = on_fault;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&ours.sa_mask);
    static unsigned looks = 0;
    constexpr unsigned signals = sizeof CAUGHT / sizeof *CAUGHT;
    const bool first = looks == 0;
    for (unsigned i = 0; i < (first ? signals : 1); i++) {
        const int signal = CAUGHT[looks++ % signals];
        sigaction(signal, nullptr, &now);
        if ((now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_fault) continue;
        before[signal] = now;
        sigaction(signal, &ours, nullptr);
    }
    if (first) sigaction(stop_signal(), &ours, nullptr);
}

}  // namespace

void set_home(const Module* module) {
    if (was_closed.exchange(false)) open_home();
    home.store(module);
}

void arm_faults(Worker& w) {
    w.fault = Fault{};
    w.os_thread = pthread_self();
    pthread_getcpuclockid(w.os_thread, &w.clock);
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
    // Code that g++ moves out of the loop over threads may have no line.
    facts.push_back(location.line != 0 ? say(location)
                                       : "somewhere in the kernel of " + say(locate(launch.code->place)));
    facts.push_back(w.thread != nullptr
                        ? say_thread(launch, block.linear, w.thread->index)
                        : "in " + launch.where(&block, nullptr) + " (the check mode also names the thread)");
    if (fault.signal == stop_signal()) {
        if (is_interrupted()) {
            launch.interrupted = true;
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
    if (in_stack_guard(w, fault.address)) {
        note_stop(
            launch, CUDA_ERROR_LAUNCH_FAILED,
            compose("Stack overflow", launch, facts,
                    format("make local arrays smaller or recursion shallower: a thread has %zu KB here.",
                           (STACK_BYTES - STACK_GUARD) / 1024)));
        return;
    }
    // A vector load from an address that is not a multiple of its size causes a fault without the address.
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
