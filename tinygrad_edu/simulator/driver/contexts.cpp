// Contexts, and the stack of contexts of each thread of the program.
//
// A context here owns memory, streams and settings, and belongs to a device.
// Handles are looked up in the list of existing contexts before use, so a destroyed one gives an error
// instead of a crash.
#include "contexts.h"

#include <algorithm>
#include <mutex>
#include <set>

#include "device.h"
#include "memory.h"
#include "streams.h"

namespace sim {
namespace {

struct All {
    std::mutex lock;
    std::set<CUcontext> living;
    std::map<CUdevice, CUcontext> primary;
};

All& all() {
    static All* contexts = new All;  // never destroyed: see errors.cpp
    return *contexts;
}

std::vector<CUcontext>& stack() {
    static thread_local std::vector<CUcontext> contexts;
    return contexts;
}

CUcontext create(unsigned flags, CUdevice device) {
    auto context = new CUctx_st;
    context->device = device;
    context->flags = flags;
    context->limits = default_limits();
    begin_streams(context);
    std::lock_guard<std::mutex> guard(all().lock);
    all().living.insert(context);
    return context;
}

// Memory and streams are destroyed with their context; the remaining work of the streams runs first, as on
// hardware.
CUresult destroy(CUcontext context) {
    stack().push_back(context);  // work that is left runs in it
    CUresult result = finish_all();
    std::vector<CUcontext>& mine = stack();
    mine.erase(std::remove(mine.begin(), mine.end(), context), mine.end());
    {
        std::lock_guard<std::mutex> guard(all().lock);
        all().living.erase(context);
        if (context->primary) all().primary.erase(context->device);
    }
    end_streams(context);
    release_all_of(context);
    delete context;
    return result;
}

CUresult not_alive(const char* call) {
    return fail(CUDA_ERROR_INVALID_CONTEXT,
                plain_name(call) +
                    ": this is not a living context: it was detached or destroyed before, or is "
                    "not a context at all.");
}

}  // namespace

std::string plain_name(const char* call) {
    std::string name = call;
    size_t end = name.rfind("_v");
    return end == std::string::npos ? name : name.substr(0, end);
}

CUcontext current_context() { return stack().empty() ? nullptr : stack().back(); }

CUdevice current_device() {
    CUcontext context = current_context();
    return context && is_alive(context) ? context->device : 0;
}

bool is_alive(CUcontext context) {
    std::lock_guard<std::mutex> guard(all().lock);
    return all().living.count(context);
}

std::vector<CUcontext> living_contexts() {
    std::lock_guard<std::mutex> guard(all().lock);
    return {all().living.begin(), all().living.end()};
}

CUresult need_context(const char* call) {
    if (CUresult bad = need_driver(call)) return bad;
    if (stack().empty())
        return fail(CUDA_ERROR_INVALID_CONTEXT,
                    plain_name(call) +
                        ": no context is current in this thread. `import pycuda.autoinit` makes "
                        "one for the main thread; every other thread has to push one of its own "
                        "(context.push() at its start, context.pop() at its end).");
    if (!is_alive(stack().back()))
        return fail(CUDA_ERROR_CONTEXT_IS_DESTROYED,
                    plain_name(call) +
                        ": the context that is current in this thread was destroyed by another. "
                        "Join the threads that use a context before you detach it.");
    return CUDA_SUCCESS;
}

}  // namespace sim

using namespace sim;

SIM_EXPORT CUresult cuCtxCreate_v2(CUcontext* context, unsigned flags, CUdevice device) {
    if (CUresult bad = need_device(__func__, device)) return bad;
    SIM_NEEDS_POINTER(context);
    if (flags & ~unsigned(CU_CTX_FLAGS_MASK))
        return fail(CUDA_ERROR_INVALID_VALUE, format("cuCtxCreate: %#x is no set of context flags.", flags));
    *context = create(flags, device);
    stack().push_back(*context);
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuCtxCreate_v4(CUcontext* context, void* parameters, unsigned flags, CUdevice device) {
    if (parameters)
        return fail(CUDA_ERROR_NOT_SUPPORTED,
                    "cuCtxCreate: the simulator has no execution affinity and no shared graphics contexts; "
                    "pass null as ctxCreateParams.");
    return cuCtxCreate_v2(context, flags, device);
}

SIM_EXPORT CUresult cuCtxDestroy_v2(CUcontext context) {
    if (CUresult bad = need_driver(__func__)) return bad;
    if (!is_alive(context)) return not_alive(__func__);
    if (context->primary)
        return fail(CUDA_ERROR_INVALID_CONTEXT,
                    "cuCtxDestroy: the primary context is not destroyed but released "
                    "(cuDevicePrimaryCtxRelease).");
    return destroy(context);
}

SIM_EXPORT CUresult cuCtxAttach(CUcontext* context, unsigned flags) {
    SIM_NEEDS_CONTEXT;
    SIM_NEEDS_POINTER(context);
    if (flags) return fail(CUDA_ERROR_INVALID_VALUE, "cuCtxAttach: flags must be 0.");
    *context = current_context();
    ++(*context)->users;
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuCtxDetach(CUcontext context) {
    SIM_NEEDS_CONTEXT;
    if (!is_alive(context)) return not_alive(__func__);
    if (context != current_context())
        return fail(
            CUDA_ERROR_INVALID_CONTEXT,
            "cuCtxDetach: only the context that is current in this thread can be detached. Push it first.");
    if (--context->users) return CUDA_SUCCESS;
    return destroy(context);
}

SIM_EXPORT CUresult cuCtxPushCurrent_v2(CUcontext context) {
    if (CUresult bad = need_driver(__func__)) return bad;
    if (!is_alive(context)) return not_alive(__func__);
    stack().push_back(context);
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuCtxPopCurrent_v2(CUcontext* context) {
    if (CUresult bad = need_driver(__func__)) return bad;
    if (stack().empty())
        return fail(CUDA_ERROR_INVALID_CONTEXT,
                    "cuCtxPopCurrent: this thread's stack of contexts is empty: more pops than pushes.");
    if (context) *context = stack().back();
    stack().pop_back();
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuCtxGetCurrent(CUcontext* context) {
    if (CUresult bad = need_driver(__func__)) return bad;
    SIM_NEEDS_POINTER(context);
    *context = current_context();
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuCtxSetCurrent(CUcontext context) {
    if (CUresult bad = need_driver(__func__)) return bad;
    if (context && !is_alive(context)) return not_alive(__func__);
    if (!stack().empty()) stack().pop_back();
    if (context) stack().push_back(context);
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuCtxGetDevice(CUdevice* device) {
    SIM_NEEDS_CONTEXT;
    SIM_NEEDS_POINTER(device);
    *device = current_device();
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuCtxGetApiVersion(CUcontext context, unsigned* version) {
    if (CUresult bad = need_driver(__func__)) return bad;
    SIM_NEEDS_POINTER(version);
    if (!context) SIM_NEEDS_CONTEXT;
    if (context && !is_alive(context)) return not_alive(__func__);
    *version = 3020;  // what contexts have said since CUDA 3.2
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuCtxSynchronize() {
    SIM_NEEDS_CONTEXT;
    return finish_all();
}

SIM_EXPORT CUresult cuCtxGetLimit(size_t* value, CUlimit limit) {
    SIM_NEEDS_CONTEXT;
    SIM_NEEDS_POINTER(value);
    const auto& limits = current_context()->limits;
    auto found = limits.find(limit);
    if (found == limits.end())
        return fail(CUDA_ERROR_UNSUPPORTED_LIMIT, format("cuCtxGetLimit: there is no limit %d.", int(limit)));
    *value = found->second;
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuCtxSetLimit(CUlimit limit, size_t value) {
    SIM_NEEDS_CONTEXT;
    auto& limits = current_context()->limits;
    auto found = limits.find(limit);
    if (found == limits.end())
        return fail(CUDA_ERROR_UNSUPPORTED_LIMIT, format("cuCtxSetLimit: there is no limit %d.", int(limit)));
    found->second = value;
    return CUDA_SUCCESS;
}

// The following settings are for caches and banks of hardware. They are stored, so that a program reads back
// what it wrote.
SIM_EXPORT CUresult cuCtxGetCacheConfig(CUfunc_cache* config) {
    SIM_NEEDS_CONTEXT;
    SIM_NEEDS_POINTER(config);
    *config = current_context()->cache;
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuCtxSetCacheConfig(CUfunc_cache config) {
    SIM_NEEDS_CONTEXT;
    if (config < CU_FUNC_CACHE_PREFER_NONE || config > CU_FUNC_CACHE_PREFER_EQUAL)
        return fail(CUDA_ERROR_INVALID_VALUE,
                    format("cuCtxSetCacheConfig: there is no preference %d.", int(config)));
    current_context()->cache = config;
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuCtxGetSharedMemConfig(CUsharedconfig* config) {
    SIM_NEEDS_CONTEXT;
    SIM_NEEDS_POINTER(config);
    *config = current_context()->banks;
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuCtxSetSharedMemConfig(CUsharedconfig config) {
    SIM_NEEDS_CONTEXT;
    if (config < CU_SHARED_MEM_CONFIG_DEFAULT_BANK_SIZE || config > CU_SHARED_MEM_CONFIG_EIGHT_BYTE_BANK_SIZE)
        return fail(CUDA_ERROR_INVALID_VALUE,
                    format("cuCtxSetSharedMemConfig: there is no size %d.", int(config)));
    // Banks have been four bytes wide since compute capability 5.0, for every setting.
    current_context()->banks = CU_SHARED_MEM_CONFIG_FOUR_BYTE_BANK_SIZE;
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device) {
    if (CUresult bad = need_device(__func__, device)) return bad;
    SIM_NEEDS_POINTER(context);
    static std::mutex one_at_a_time;
    std::lock_guard<std::mutex> guard(one_at_a_time);
    CUcontext& primary = all().primary[device];
    if (primary) {
        ++primary->users;
    } else {
        primary = create(CU_CTX_SCHED_AUTO, device);
        primary->primary = true;
    }
    *context = primary;
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
    if (CUresult bad = need_device(__func__, device)) return bad;
    auto found = all().primary.find(device);
    CUcontext primary = found == all().primary.end() ? nullptr : found->second;
    if (!primary)
        return fail(
            CUDA_ERROR_INVALID_CONTEXT,
            "cuDevicePrimaryCtxRelease: the primary context is not retained: more releases than retains.");
    if (--primary->users) return CUDA_SUCCESS;
    return destroy(primary);
}
