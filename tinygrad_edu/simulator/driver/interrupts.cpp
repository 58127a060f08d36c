// Ctrl-C while a kernel runs, or while one is compiled.
//
// Python notes a signal and handles it after the call returns, so a long kernel must be stopped here. The
// call then succeeds, and Python at once raises KeyboardInterrupt. This is so for Python's own handler. A
// program with another handler may only note the signal and continue. So the first Ctrl-C stops nothing
// there, and a second one during the same work stops it with an error.
#include "interrupts.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <mutex>

#include "status.h"
#include "workers.h"

namespace sim {

namespace {

std::atomic<int> running{0}, presses{0};
std::atomic<bool> interrupted{false};
std::atomic<bool> raises{false};  // the handler behind ours raises KeyboardInterrupt in the main thread
std::atomic<int (*)()> ask_raises{nullptr};
struct sigaction behind;

void on_interrupt(int signal, siginfo_t* info, void* context) {
    if (running.load() > 0 && (presses.fetch_add(1) > 0 || raises.load())) {
        interrupted.store(true);
        stop_busy_workers();
    }
    if ((behind.sa_flags & SA_SIGINFO) != 0) behind.sa_sigaction(signal, info, context);
    else behind.sa_handler(signal);
}

bool is_ours(const struct sigaction& action) {
    return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == on_interrupt;
}

}  // namespace

Interruptible::Interruptible() {
    if (running.fetch_add(1) > 0) return;
    presses.store(0);
    interrupted.store(false);
}

Interruptible::~Interruptible() { running.fetch_sub(1); }

bool is_interrupted() { return interrupted.load(std::memory_order_relaxed); }

CUresult answer_interrupted(const std::string& report) {
    const bool main_thread = syscall(SYS_gettid) == getpid();
    return raises.load() && main_thread ? CUDA_SUCCESS : fail(CUDA_ERROR_LAUNCH_FAILED, report);
}

// If another handler is set, it replaces this one. So if this one is installed, nothing has changed since
// Python was asked.
void watch_keyboard() {
    struct sigaction now{};
    sigaction(SIGINT, nullptr, &now);
    if (is_ours(now)) return;
    const bool has_handler =
        (now.sa_flags & SA_SIGINFO) != 0 || (now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN);
    if (!has_handler) return;  // Ctrl-C ends the process, or does nothing, as it should
    auto ask = ask_raises.load();
    const int answer = ask != nullptr ? ask() : 0;
    static std::mutex mutex;
    std::lock_guard<std::mutex> lock(mutex);
    sigaction(SIGINT, nullptr, &now);
    if (!is_ours(now)) {
        raises.store(answer != 0);
        behind = now;
        struct sigaction ours = now;
        ours.sa_flags |= SA_SIGINFO;
        ours.sa_sigaction = on_interrupt;
        sigaction(SIGINT, &ours, nullptr);
    }
    if (answer < 0) raise(SIGINT);  // it came while Python answered, where nothing can be raised
}

}  // namespace sim

// `callback` returns whether Python's present handler of SIGINT raises KeyboardInterrupt; -1 if it just did.
SIM_EXPORT void sim_set_raises(int (*callback)()) { sim::ask_raises = callback; }
