// The OS threads that run blocks. The launching thread is one of them; the others sleep between launches.
#include "workers.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "block.h"
#include "checks.h"
#include "fibers.h"
#include "interrupts.h"
#include "profile.h"
#include "report.h"
#include "status.h"

namespace sim {

__thread Worker* worker __attribute__((tls_model("initial-exec"))) = nullptr;
std::atomic<Worker*> all_workers[MAX_WORKERS];

namespace {

// A launch with fewer threads is over before another core has woken up.
constexpr uint64_t WORTH_SHARING = 4096;

struct Pool {
    std::mutex mutex;
    std::condition_variable start, finish;
    Launch* launch = nullptr;  // the one that helpers may join
    uint64_t number = 0;       // of that launch
    unsigned joined = 0, helpers = 0;
    bool watched = false;
    pid_t process = 0;  // a forked child inherits this struct, but not the threads
    std::mutex one_launch;
};
Pool* pool = nullptr;
std::mutex pool_mutex;

Pool& get_pool() {
    std::lock_guard<std::mutex> lock(pool_mutex);
    if (pool == nullptr || pool->process != getpid()) {
        pool = new Pool;  // never freed: sleeping threads hold on to it until the process ends
        pool->process = getpid();
    }
    return *pool;
}

Worker* worker_number(unsigned number) {
    Worker* made = all_workers[number].load();
    if (made == nullptr) {
        made = new Worker;
        all_workers[number].store(made);
    }
    return made;
}

// Shared memory between pages without access.
char* make_arena() {
    constexpr size_t guard = 64 * 1024;
    void* memory = mmap(nullptr, SHARED_ARENA + 2 * guard, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return nullptr;
    char* arena = static_cast<char*>(memory) + guard;
    return mprotect(arena, SHARED_ARENA, PROT_READ | PROT_WRITE) == 0 ? arena : nullptr;
}

void work(Worker& w, Launch& launch) {
    if (w.shared == nullptr) w.shared = make_arena();
    if (w.shared == nullptr || !make_stacks(w)) {
        note_stop(launch, CUDA_ERROR_OUT_OF_MEMORY,
                  "no address space is left for the stacks of a block's threads");
        return;
    }
    arm_faults(w);
    Block& block = w.resident;
    set_up_block(w, launch);
    w.random = launch.seed * 0x2545f4914f6cdd1d + launch.serial - settings.ordered_at;
    launch.code->reach();
    worker = &w;
    w.overdue.store(false);
    w.busy.store(true);
    const bool plain = launch.mode == Mode::plain;
    if (plain && launch.code->loop != nullptr && launch.order == Order::forward) {
        run_loops(w, launch);
    } else {
        while (next_block(w, launch)) {
            if (launch.mode == Mode::check) checks::block_begins(block);
            if (launch.mode == Mode::profile) profile::block_begins(block);
            run_threads(w);
            if (launch.stopped) break;
            if (launch.mode == Mode::check) checks::block_ends(block);
            if (launch.mode == Mode::profile) profile::block_ends(block);
        }
    }
    w.busy.store(false);
    report_fault(w, launch);
    w.thread = nullptr;
    worker = nullptr;
    if (launch.stopped) reclaim_fibers(w);
}

void help(Pool& p, unsigned number) {
    Worker& w = *worker_number(number);
    uint64_t seen = 0;
    std::unique_lock<std::mutex> lock(p.mutex);
    for (;;) {
        p.start.wait(lock, [&] { return p.launch != nullptr && p.number != seen; });
        seen = p.number;
        Launch& launch = *p.launch;
        p.joined++;
        lock.unlock();
        work(w, launch);
        lock.lock();
        if (--p.joined == 0) p.finish.notify_all();
    }
}

// The seconds that a worker has computed; other programs do not affect it. 0 if the worker does not exist any
// more.
double computed(const Worker& w) {
    timespec now{};
    return clock_gettime(w.clock, &now) == 0 ? now.tv_sec + now.tv_nsec * 1e-9 : 0;
}

// Checks regularly whether each busy worker has started another block since the last check, and how long it
// has computed since then; a worker that sleeps in a block has a longer limit. A worker that must stop is
// signalled until it does; see on_fault in faults.cpp.
void watch() {
    using clock = std::chrono::steady_clock;
    constexpr double ASLEEP = 10;
    uint64_t seen[MAX_WORKERS] = {};
    clock::time_point since[MAX_WORKERS];
    double before[MAX_WORKERS] = {};
    bool waits = false;
    for (;;) {
        std::this_thread::sleep_for(std::chrono::milliseconds(waits ? 2 : 50));
        waits = false;
        const clock::time_point now = clock::now();
        for (unsigned i = 0; i < MAX_WORKERS; i++) {
            Worker* w = all_workers[i].load();
            if (w == nullptr) continue;
            const uint64_t progress = w->progress.load(std::memory_order_relaxed);
            if (!w->busy.load() || progress != seen[i]) {
                seen[i] = progress;
                since[i] = now;
                before[i] = computed(*w);
            } else if (computed(*w) - before[i] > settings.time_limit ||
                       std::chrono::duration<double>(now - since[i]).count() > ASLEEP * settings.time_limit) {
                w->overdue.store(true);
            }
            if (!w->busy.load() || (!is_interrupted() && !w->overdue.load())) continue;
            waits = true;
            pthread_kill(w->os_thread, stop_signal());
        }
    }
}

unsigned workers_wanted() {
    const unsigned wanted = settings.workers != 0 ? settings.workers : std::thread::hardware_concurrency();
    return wanted == 0 ? 1 : wanted > MAX_WORKERS ? MAX_WORKERS : wanted;
}

}  // namespace

void stop_busy_workers() {
    for (auto& slot : all_workers) {
        Worker* w = slot.load();
        if (w != nullptr && w->busy.load()) pthread_kill(w->os_thread, stop_signal());
    }
}

void note_stop(Launch& launch, CUresult code, const std::string& report) {
    static std::mutex mutex;
    std::lock_guard<std::mutex> lock(mutex);
    launch.stopped.store(true);
    if (launch.result != CUDA_SUCCESS) return;
    launch.result = code;
    launch.report = report;
}

void stop_launch(CUresult code, const std::string& report) {
    Worker& w = *worker;
    note_stop(*w.resident.launch, code, report);
    leave_for(w.base);
}

CUresult run(Launch& launch) {
    Pool& p = get_pool();
    Interruptible interruptible;
    std::lock_guard<std::mutex> one(p.one_launch);
    if (is_interrupted())  // while it waited for another thread's launch
        return answer_interrupted(
            compose("Interrupted", launch, {}, "nothing: the kernel was stopped before it began."));
    if (!p.watched) {
        p.watched = true;
        std::thread(watch).detach();
    }
    set_home(launch.kernel->module);
    checks::launch_begins(launch);
    if (launch.mode == Mode::profile) profile::launch_begins(launch);
    const unsigned wanted = workers_wanted();
    const uint64_t threads = launch.block_count * launch.size.x * launch.size.y * launch.size.z;
    const bool share =
        launch.mode == Mode::plain && wanted > 1 && launch.block_count > 1 && threads >= WORTH_SHARING;
    if (share) {
        std::lock_guard<std::mutex> lock(p.mutex);
        while (p.helpers + 1 < wanted) {
            p.helpers++;
            std::thread(help, std::ref(p), p.helpers).detach();
        }
        p.launch = &launch;
        p.number++;
        p.start.notify_all();
    }
    work(*worker_number(0), launch);
    if (share) {
        std::unique_lock<std::mutex> lock(p.mutex);
        p.launch = nullptr;  // whoever has not woken up by now is not needed
        p.finish.wait(lock, [&] { return p.joined == 0; });
    }
    set_home(nullptr);
    if (launch.mode == Mode::profile) profile::launch_ends(launch);
    checks::launch_ends(launch);
    if (launch.result == CUDA_SUCCESS) return CUDA_SUCCESS;
    return launch.interrupted ? answer_interrupted(launch.report) : fail(launch.result, launch.report);
}

}  // namespace sim

__thread sim_block_view sim_block;
