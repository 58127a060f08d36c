// Reports of accesses to device or shared memory that are not allowed.
#include <algorithm>

#include "access.h"
#include "status.h"

namespace sim {

using namespace shadow;

namespace {

// The block of this memory. It may have ended just now; then it is not the worker's `block` any more.
const Launch& launch() { return *view.worker->resident.launch; }

[[noreturn]] void report(const Access& access, CUresult code, const std::string& title,
                         std::vector<std::string> facts, const std::string& advice) {
    settle_unwritten_of(view.worker->thread->index);
    facts.insert(facts.begin(), {say(locate(access.site)), say_access(access)});
    stop_launch(code, compose(title, launch(), facts, advice));
}

struct Variable {
    std::string name;
    uintptr_t begin, end;
};

// The variable of shared memory that contains the address, else the nearest one.
Variable nearest_variable(uintptr_t address) {
    const Block& block = view.worker->resident;
    std::vector<Variable> all;
    for (const SharedVariable* v : launch().shared) {
        const uintptr_t begin = reinterpret_cast<uintptr_t>(block.view.shared) + v->offset;
        all.push_back({"shared variable " + v->name, begin, begin + v->bytes});
    }
    const uintptr_t dynamic = reinterpret_cast<uintptr_t>(block.view.dynamic_shared);
    if (launch().dynamic_bytes != 0 || all.empty() || address >= dynamic)
        all.push_back({"dynamic shared memory", dynamic, dynamic + launch().dynamic_bytes});
    auto distance = [address](const Variable& v) {
        return address < v.begin ? v.begin - address : address < v.end ? 0 : address - v.end + 1;
    };
    return *std::min_element(all.begin(), all.end(),
                             [&](const Variable& a, const Variable& b) { return distance(a) < distance(b); });
}

std::string place_in(const Variable& v, uintptr_t address, size_t bytes) {
    const size_t size = v.end - v.begin;
    const std::string whole = format("%s (%zu bytes)", v.name.c_str(), size);
    if (address < v.begin) return format("%zu bytes before the beginning of ", v.begin - address) + whole;
    if (address >= v.end)
        return address == v.end ? "just past the end of " + whole
                                : format("%zu bytes past the end of ", address - v.end) + whole;
    const size_t offset = address - v.begin;
    std::string text = offset % bytes == 0 ? format("%s, element offset %zu", v.name.c_str(), offset / bytes)
                                           : format("%s, byte offset %zu", v.name.c_str(), offset);
    if (address + bytes > v.end) text += format(", across the end of its %zu bytes", size);
    return text;
}

struct Copy {
    uintptr_t to;
    size_t bytes;
    unsigned thread;
    sim_place place;
};
std::vector<Copy> copies;  // under way in the running block

}  // namespace

Location locate(const Site& site) { return site.pc != 0 ? locate(site.pc) : locate(site.place); }

std::string say_running() {
    const Worker& w = *view.worker;
    return say_thread(*w.block->launch, w.block->linear, w.thread->index);
}

std::string say_target(uintptr_t address, size_t bytes) {
    if (is_shared(address)) return place_in(nearest_variable(address), address, bytes);
    const Allocation* in = find(address);
    if (in != nullptr && in->live && address - in->begin < in->bytes && bytes != 0 &&
        (address - in->begin) % bytes == 0)
        return format("element offset %zu: ", (address - in->begin) / bytes) + describe_address(address);
    return describe_address(address);
}

std::string say_access(const Access& access) {
    return format("%s %s %zu %s: ", say_running().c_str(), verb(access.is_write), access.bytes,
                  access.bytes == 1 ? "byte" : "bytes") +
           say_target(access.address, access.bytes);
}

void report_forbidden(const Access& access) {
    const std::string action = access.is_write ? "write to" : "read of";
    for (const Copy& copy : copies) {
        if (access.address + access.bytes <= copy.to || copy.to + copy.bytes <= access.address) continue;
        report(access, CUDA_ERROR_LAUNCH_FAILED, "Memory used while an asynchronous copy fills it",
               {say_thread(launch(), view.worker->block->linear, copy.thread) +
                " began the copy and has not waited for it: " + say(locate(copy.place))},
               "wait first (__pipeline_wait_prior, or wait of the group), "
               "then __syncthreads() when other threads read what was copied.");
    }
    if (is_shared(access.address)) {
        const bool none =
            launch().dynamic_bytes == 0 &&
            access.address >= reinterpret_cast<uintptr_t>(view.worker->block->view.dynamic_shared);
        report(access, CUDA_ERROR_ILLEGAL_ADDRESS, "Out-of-bounds " + action + " shared memory", {},
               none ? "an extern __shared__ array is as large as the launch says: give it, "
                      "shared=BYTES in PyCUDA."
                    : "check the index against the size of the array. A GPU does not stop here: "
                      "it reads or overwrites whatever variable is next.");
    }
    const Allocation* in = find(access.address);
    const bool inside = in != nullptr && access.address - in->begin < in->bytes;
    if (inside && !in->live)
        report(access, CUDA_ERROR_ILLEGAL_ADDRESS, "Use of freed memory", {},
               "keep the array alive until the kernel has finished: in Python, hold a reference to it.");
    if (inside && access.is_write && access.address + access.bytes <= in->begin + in->bytes)
        report(access, CUDA_ERROR_ILLEGAL_ADDRESS, "Write to __constant__ memory", {},
               "kernels can only read __constant__ variables. Set them from the host (module.get_global and "
               "drv.memcpy_htod), or make the variable __device__.");
    report(access, CUDA_ERROR_ILLEGAL_ADDRESS, "Out-of-bounds " + action + " global memory", {},
           "check the index against the size of the array before the access: if (i < n) ... "
           "The last block of a grid often has more threads than there are elements left.");
}

void report_misaligned(const Access& access, size_t alignment, const std::string& type) {
    report(access, CUDA_ERROR_MISALIGNED_ADDRESS,
           "Misaligned " + std::string(access.is_write ? "write" : "read"),
           {format("the address 0x%zx is not a multiple of %zu, which %s needs",
                   static_cast<size_t>(access.address), alignment, type.c_str())},
           format("make every index a multiple of the vector's width, or read single elements. "
                  "Memory from mem_alloc begins at a multiple of 256; offsets added to "
                  "it must be multiples of %zu.",
                  alignment));
}

void copy_begins(const Pending& copy) {
    copies.push_back(
        {reinterpret_cast<uintptr_t>(copy.to), copy.bytes, view.worker->thread->index, copy.place});
}

void copy_ends(const Pending& copy) {
    for (size_t i = 0; i < copies.size(); i++)
        if (copies[i].to == reinterpret_cast<uintptr_t>(copy.to) &&
            copies[i].thread == view.worker->thread->index) {
            copies.erase(copies.begin() + static_cast<std::ptrdiff_t>(i));
            return;
        }
}

void forget_copies() { copies.clear(); }

}  // namespace sim
