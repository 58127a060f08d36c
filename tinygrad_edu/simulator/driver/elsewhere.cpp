// Addresses outside of device and shared memory: which of them a kernel may use, and a description of the
// others.
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "access.h"
#include "status.h"

namespace sim {

namespace {

struct Region {
    uintptr_t begin, end;
    bool writable;
};
// The regions that this launch has used, the latest first: parameters, built-in variables, tables of the
// module.
std::vector<Region> regions;

struct Search {
    uintptr_t address;
    uintptr_t module;  // load address of the kernel's module
    bool found = false;
    Region region{};
};

int look_at_object(dl_phdr_info* object, size_t, void* data) {
    Search& search = *static_cast<Search*>(data);
    for (int i = 0; i < object->dlpi_phnum && !search.found; i++) {
        const auto& part = object->dlpi_phdr[i];
        uintptr_t begin = 0;
        if (part.p_type == PT_LOAD) begin = object->dlpi_addr + part.p_vaddr;
        else if (part.p_type == PT_TLS) begin = reinterpret_cast<uintptr_t>(object->dlpi_tls_data);
        if (begin == 0 || search.address - begin >= part.p_memsz) continue;
        search.found = true;
        // In other libraries a kernel reads at most tables and stdout.
        const bool own = object->dlpi_addr == search.module;
        search.region = {begin, begin + part.p_memsz, own && (part.p_flags & PF_W) != 0};
        if (part.p_type == PT_TLS) search.region.writable = true;
    }
    return search.found;
}

bool is_mapped(uintptr_t address) {
    const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    unsigned char ignored;
    return mincore(reinterpret_cast<void*>(address & ~(page - 1)), 1, &ignored) == 0;
}

std::string facts_of(const Access& access) {
    return format("%s %s %zu bytes at address 0x%zx", say_running().c_str(), verb(access.is_write),
                  access.bytes, static_cast<size_t>(access.address));
}

[[noreturn]] void report(const Access& access, CUresult code, const char* title, const std::string& fact,
                         const char* advice) {
    settle_unwritten_of(shadow::view.worker->thread->index);
    stop_launch(code, compose(title, *shadow::view.worker->block->launch,
                              {say(locate(access.site)), facts_of(access), fact}, advice));
}

// The thread whose local memory contains the address; "" if it is not a stack of this block. A fiber is used
// by the next thread after one has returned.
std::string owner_of_stack(const Worker& w, uintptr_t address) {
    for (unsigned i = 0; i < w.block->threads; i++) {
        const Thread& thread = w.block->thread[i];
        if (thread.state == State::unstarted || thread.state == State::done) continue;
        if (address - reinterpret_cast<uintptr_t>(w.fibers[thread.fiber].stack) < STACK_BYTES)
            return say_thread(*w.block->launch, w.block->linear, i);
    }
    for (const Fiber& fiber : w.fibers)
        if (address - reinterpret_cast<uintptr_t>(fiber.stack) < STACK_BYTES)
            return "a thread that has returned";
    return "";
}

}  // namespace

void forget_elsewhere() { regions.clear(); }

void look_elsewhere(const Access& access) {
    const Worker& w = *shadow::view.worker;
    const uintptr_t address = access.address;
    if (address - reinterpret_cast<uintptr_t>(w.fiber->stack) < STACK_BYTES) return;
    for (size_t i = 0; i < regions.size(); i++) {
        const Region r = regions[i];
        if (address < r.begin || address + access.bytes > r.end || (access.is_write && !r.writable)) continue;
        if (i != 0) std::swap(regions[0], regions[i]);
        return;
    }
    const Launch& launch = *w.block->launch;
    const uintptr_t arguments = reinterpret_cast<uintptr_t>(launch.arguments.data());
    if (address - arguments < launch.arguments.size()) {
        regions.insert(regions.begin(), {arguments, arguments + launch.arguments.size(), true});
        return;
    }
    Search search{address, launch.variant->base, false, {}};
    dl_iterate_phdr(look_at_object, &search);
    if (search.found) {
        if (!access.is_write || search.region.writable) {
            regions.insert(regions.begin(), search.region);
            return;
        }
        report(access, CUDA_ERROR_ILLEGAL_ADDRESS, "Write to read-only data",
               "this is a constant of the program",
               "copy the constant (a string, a const table) to memory of your own before you change it.");
    }
    if (address < 65536)
        report(access, CUDA_ERROR_ILLEGAL_ADDRESS, "Null pointer",
               "the pointer is null, or an index was added to a null pointer",
               "pass memory from drv.mem_alloc or gpuarray, and test pointers that may be null before use.");
    const std::string owner = owner_of_stack(w, address);
    if (!owner.empty())
        report(access, CUDA_ERROR_ILLEGAL_ADDRESS, "Use of another thread's local memory",
               "it is a local variable of " + owner,
               "local variables belong to one thread: share through __shared__ or global memory. "
               "A GPU would read its own variable at that address instead.");
    if (is_registered_host(address, access.bytes)) return;
    if (is_mapped(address))
        report(access, CUDA_ERROR_ILLEGAL_ADDRESS, "Host pointer used as device pointer",
               "this address lies in the memory of the host (Python, NumPy), which a kernel cannot reach",
               "copy the array to the device first (gpuarray.to_gpu, drv.memcpy_htod) "
               "and pass the device address.");
    report(access, CUDA_ERROR_ILLEGAL_ADDRESS, "Wild pointer",
           "there is no memory at this address, on device or host",
           "look whether the pointer was set, and passed in full: a pointer takes 8 bytes (np.uintp, "
           "np.uint64), not 4.");
}

}  // namespace sim
