// Reads of memory that was not written. They are stored first, and reported when it is certain that there was
// no race (access.h).
#include "access.h"
#include "status.h"

namespace sim {

using namespace shadow;

namespace {

struct Unwritten {
    bool is_set = false;
    unsigned thread = 0;
    Site site;
    std::string who;
};
Unwritten of_shared, of_global;

std::string told(const Launch& launch, const Unwritten& read, bool shared) {
    return compose(
        std::string("Read of uninitialised ") + (shared ? "shared" : "global") + " memory", launch,
        {say(locate(read.site)), read.who,
         shared ? "no thread of this block had written it" : "neither the host nor a kernel had written it"},
        shared ? "shared memory begins as garbage in every block: write all that is read, "
                 "the padding at the edges included, then __syncthreads()."
               : "memory from mem_alloc and gpuarray.empty begins as garbage: fill it (gpuarray.zeros, "
                 "memset, a copy) or let a kernel write it first.");
}

}  // namespace

void note_unwritten(const Access& access) {
    Unwritten& read = is_shared(access.address) ? of_shared : of_global;
    if (read.is_set) return;
    read = {true, view.worker->thread->index, access.site, say_access(access)};
}

void settle_unwritten(Launch& launch, bool shared, bool inside) {
    Unwritten& read = shared ? of_shared : of_global;
    if (!read.is_set) return;
    read.is_set = false;
    const std::string text = told(launch, read, shared);
    if (inside) stop_launch(CUDA_ERROR_LAUNCH_FAILED, text);
    note_stop(launch, CUDA_ERROR_LAUNCH_FAILED, text);
}

void settle_unwritten_of(unsigned thread) {
    Launch& launch = *view.worker->block->launch;
    if (of_shared.thread == thread) settle_unwritten(launch, true, true);
    if (of_global.thread == thread) settle_unwritten(launch, false, true);
}

void forget_unwritten() { of_shared.is_set = of_global.is_set = false; }

}  // namespace sim
