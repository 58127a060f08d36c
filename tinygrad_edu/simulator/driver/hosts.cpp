// Memory that host and device share: pinned, registered and managed; and cuMemAlloc and related functions.
//
// Host and device use the same addresses (unified addressing), so a device pointer to pinned memory is the
// host pointer.
#include <mutex>

#include "contexts.h"
#include "space.h"
#include "streams.h"
#include "transfer.h"

namespace sim {
namespace {

struct Registry {
    std::mutex lock;
    std::map<uintptr_t, Registered> of;
};

Registry& registry() {
    static Registry* everything = new Registry;  // never destroyed: see errors.cpp
    return *everything;
}

std::map<uintptr_t, unsigned>& host_flags() {  // of cuMemHostAlloc; guarded by the registry's lock
    static auto* flags = new std::map<uintptr_t, unsigned>;
    return *flags;
}

CUresult give(const char* call, CUdeviceptr* pointer, size_t bytes, Kind kind) {
    std::string name = plain_name(call);
    if (!bytes)
        return fail(CUDA_ERROR_INVALID_VALUE,
                    name + ": 0 bytes were asked for; the least is 1. Is an array empty?");
    uintptr_t address = allocate(bytes, kind);
    if (!address)
        return fail(
            CUDA_ERROR_OUT_OF_MEMORY,
            format("%s: %zu bytes were asked for, and %zu of the device's %zu are free. Free what is no "
                   "longer used, or give the simulated device more: sim.configure(memory=...). (Linux also "
                   "limits a process to about 30000 allocations at a time.)",
                   name.c_str(), bytes, memory_free(), memory_total()));
    *pointer = address;
    return CUDA_SUCCESS;
}

// Earlier work may still use the memory, so it runs first.
CUresult take_back(const char* call, uintptr_t address, bool pinned) {
    std::string name = plain_name(call);
    const Allocation* a = find(address);
    bool begins = a && a->begin == address;
    if (begins && a->live && a->kind == Kind::module_variable)
        return fail(CUDA_ERROR_INVALID_VALUE,
                    name + ": " + a->name + " is a variable of a module and goes with it.");
    if (begins && a->live && (a->kind == Kind::pinned) != pinned)
        return fail(CUDA_ERROR_INVALID_VALUE,
                    name + (pinned ? ": this is device memory; cuMemFree frees it (in PyCUDA, .free())."
                                   : ": this is pinned host memory; cuMemFreeHost frees it."));
    if (begins && !a->live)
        return fail(CUDA_ERROR_INVALID_VALUE, name + format(": freed twice. %#zx is ", size_t(address)) +
                                                  describe_address(address) + ".");
    if (!begins)
        return fail(
            CUDA_ERROR_INVALID_VALUE,
            name + format(": only the beginning of an allocation can be freed. %#zx is ", size_t(address)) +
                describe_address(address) + ".");
    CUresult result = finish_all();
    release(address);
    return result;
}

}  // namespace

bool registered_at(uintptr_t address, uintptr_t* begin, Registered* found) {
    std::lock_guard<std::mutex> guard(registry().lock);
    auto after = registry().of.upper_bound(address);
    if (after == registry().of.begin()) return false;
    --after;
    if (address - after->first >= after->second.bytes) return false;
    *begin = after->first;
    *found = after->second;
    return true;
}

bool is_registered_host(uintptr_t address, size_t bytes) {
    uintptr_t begin;
    Registered host;
    return registered_at(address, &begin, &host) && bytes <= host.bytes - (address - begin);
}

bool is_pinned(uintptr_t address, size_t bytes) {
    return in_device_range(address) || is_registered_host(address, bytes);
}

}  // namespace sim

using namespace sim;

SIM_EXPORT CUresult cuMemAlloc_v2(CUdeviceptr* pointer, size_t bytes) {
    SIM_NEEDS_CONTEXT;
    SIM_NEEDS_POINTER(pointer);
    return give(__func__, pointer, bytes, Kind::device);
}

SIM_EXPORT CUresult cuMemAllocPitch_v2(CUdeviceptr* pointer, size_t* pitch, size_t width, size_t height,
                                       unsigned element) {
    SIM_NEEDS_CONTEXT;
    SIM_NEEDS_POINTER(pointer);
    SIM_NEEDS_POINTER(pitch);
    if (element != 4 && element != 8 && element != 16)
        return fail(CUDA_ERROR_INVALID_VALUE,
                    format("cuMemAllocPitch: an element of %u bytes; it must be 4, 8 or 16.", element));
    constexpr size_t UNIT = 512;
    if (!width || !height || width > SIZE_MAX - UNIT || (width + UNIT) > SIZE_MAX / height)
        return fail(CUDA_ERROR_INVALID_VALUE,
                    format("cuMemAllocPitch: %zu rows of %zu bytes cannot be.", height, width));
    *pitch = (width + UNIT - 1) / UNIT * UNIT;
    return give(__func__, pointer, *pitch * height, Kind::device);
}

SIM_EXPORT CUresult cuMemAllocManaged(CUdeviceptr* pointer, size_t bytes, unsigned flags) {
    SIM_NEEDS_CONTEXT;
    SIM_NEEDS_POINTER(pointer);
    if (flags != CU_MEM_ATTACH_GLOBAL && flags != CU_MEM_ATTACH_HOST)
        return fail(CUDA_ERROR_INVALID_VALUE, "cuMemAllocManaged: flags must be GLOBAL or HOST.");
    return give(__func__, pointer, bytes, Kind::managed);
}

SIM_EXPORT CUresult cuMemFree_v2(CUdeviceptr pointer) {
    SIM_NEEDS_CONTEXT;
    if (!pointer) return CUDA_SUCCESS;  // as free() does
    return take_back(__func__, pointer, false);
}

SIM_EXPORT CUresult cuMemGetInfo_v2(size_t* free, size_t* total) {
    SIM_NEEDS_CONTEXT;
    SIM_NEEDS_POINTER(free);
    SIM_NEEDS_POINTER(total);
    *free = memory_free();
    *total = memory_total();
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuMemGetAddressRange_v2(CUdeviceptr* base, size_t* size, CUdeviceptr pointer) {
    SIM_NEEDS_CONTEXT;
    const Allocation* a = holds(pointer, 1);
    if (!a)
        return fail(CUDA_ERROR_NOT_FOUND,
                    format("cuMemGetAddressRange: %#llx is ", pointer) + describe_address(pointer) + ".");
    if (base) *base = a->begin;
    if (size) *size = a->bytes;
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuMemHostAlloc(void** pointer, size_t bytes, unsigned flags) {
    SIM_NEEDS_CONTEXT;
    SIM_NEEDS_POINTER(pointer);
    if (flags & ~7u)
        return fail(CUDA_ERROR_INVALID_VALUE, format("cuMemHostAlloc: %#x is no set of flags.", flags));
    CUdeviceptr address;
    if (CUresult bad = give(__func__, &address, bytes, Kind::pinned)) return bad;
    *pointer = reinterpret_cast<void*>(address);
    std::lock_guard<std::mutex> guard(registry().lock);
    host_flags()[address] = flags | CU_MEMHOSTALLOC_DEVICEMAP;  // with unified addressing all of it is mapped
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuMemFreeHost(void* pointer) {
    SIM_NEEDS_CONTEXT;
    CUresult result = take_back(__func__, uintptr_t(pointer), true);
    std::lock_guard<std::mutex> guard(registry().lock);
    if (!holds(uintptr_t(pointer), 1)) host_flags().erase(uintptr_t(pointer));
    return result;
}

SIM_EXPORT CUresult cuMemHostGetFlags(unsigned* flags, void* pointer) {
    SIM_NEEDS_CONTEXT;
    SIM_NEEDS_POINTER(flags);
    std::lock_guard<std::mutex> guard(registry().lock);
    auto found = host_flags().find(uintptr_t(pointer));
    if (found == host_flags().end())
        return fail(CUDA_ERROR_INVALID_VALUE,
                    "cuMemHostGetFlags: this is no pointer that cuMemHostAlloc returned.");
    *flags = found->second;
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr* device, void* host, unsigned flags) {
    SIM_NEEDS_CONTEXT;
    SIM_NEEDS_POINTER(device);
    if (flags) return fail(CUDA_ERROR_INVALID_VALUE, "cuMemHostGetDevicePointer: flags must be 0.");
    const Allocation* a = holds(uintptr_t(host), 1);
    if (!is_registered_host(uintptr_t(host), 1) && !(a && a->kind == Kind::pinned))
        return fail(
            CUDA_ERROR_INVALID_VALUE,
            format("cuMemHostGetDevicePointer: %p is neither pinned (pagelocked_empty) nor registered "
                   "(register_host_memory). It is ",
                   host) +
                describe_address(uintptr_t(host)) + ".");
    *device = uintptr_t(host);
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuMemHostRegister_v2(void* pointer, size_t bytes, unsigned flags) {
    SIM_NEEDS_CONTEXT;
    uintptr_t address = uintptr_t(pointer);
    if (address < PAGE || !bytes || (flags & ~15u) || in_device_range(address))
        return fail(
            CUDA_ERROR_INVALID_VALUE,
            format("cuMemHostRegister: %zu bytes at %p with flags %#x cannot be registered; ordinary host "
                   "memory of at least 1 byte can.",
                   bytes, pointer, flags));
    std::lock_guard<std::mutex> guard(registry().lock);
    auto after = registry().of.lower_bound(address + bytes);
    if (after != registry().of.begin() && (--after)->first + after->second.bytes > address)
        return fail(
            CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED,
            format("cuMemHostRegister: part of the %zu bytes at %p is registered already.", bytes, pointer));
    registry().of[address] = {bytes, flags, current_context()};
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuMemHostUnregister(void* pointer) {
    SIM_NEEDS_CONTEXT;
    CUresult result = finish_all();
    std::lock_guard<std::mutex> guard(registry().lock);
    if (!registry().of.erase(uintptr_t(pointer)))
        return fail(
            CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED,
            format(
                "cuMemHostUnregister: %p was not registered, or is not where the registered memory begins.",
                pointer));
    return result;
}

SIM_EXPORT CUresult cuPointerGetAttribute(void* answer, CUpointer_attribute attribute, CUdeviceptr pointer) {
    SIM_NEEDS_CONTEXT;
    SIM_NEEDS_POINTER(answer);
    const Allocation* a = holds(pointer, 1);
    bool registered = is_registered_host(pointer, 1);
    if (!a && !registered)
        return fail(CUDA_ERROR_INVALID_VALUE,
                    format("cuPointerGetAttribute: %#llx is ", pointer) + describe_address(pointer) + ".");
    bool host = registered || a->kind == Kind::pinned;
    if (attribute == CU_POINTER_ATTRIBUTE_CONTEXT) *static_cast<void**>(answer) = a ? a->context : nullptr;
    else if (attribute == CU_POINTER_ATTRIBUTE_MEMORY_TYPE)
        *static_cast<unsigned*>(answer) = host ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE;
    else if (attribute == CU_POINTER_ATTRIBUTE_DEVICE_POINTER ||
             (attribute == CU_POINTER_ATTRIBUTE_HOST_POINTER && (host || a->kind == Kind::managed)))
        *static_cast<CUdeviceptr*>(answer) = pointer;
    else return fail(CUDA_ERROR_INVALID_VALUE, "cuPointerGetAttribute: this memory has no such attribute.");
    return CUDA_SUCCESS;
}
