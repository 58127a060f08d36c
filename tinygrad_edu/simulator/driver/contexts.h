// Contexts, which own memory, modules and streams; and the current context of each thread.
#pragma once
#include <map>
#include <vector>

#include "status.h"

struct CUctx_st {
    CUdevice device = 0;
    unsigned flags = 0;
    int users = 1;  // cuCtxAttach and cuDevicePrimaryCtxRetain add one
    bool primary = false;
    std::map<int, size_t> limits;
    CUfunc_cache cache = CU_FUNC_CACHE_PREFER_NONE;
    CUsharedconfig banks = CU_SHARED_MEM_CONFIG_FOUR_BYTE_BANK_SIZE;
    CUstream legacy = nullptr;      // the default stream
    std::vector<CUstream> streams;  // all streams, the default one first; streams.cpp updates this list
};

namespace sim {

// CUDA_SUCCESS after cuInit. A forked child process has no driver, here as on hardware.
CUresult need_driver(const char* call);
// CUDA_SUCCESS if the calling thread has a current context that exists.
CUresult need_context(const char* call);
CUresult need_device(const char* call, CUdevice device);

CUcontext current_context();  // the current context of the calling thread; null if there is none
CUdevice current_device();    // the device of the current context; 0 if there is none
bool is_alive(CUcontext context);
std::vector<CUcontext> living_contexts();

// The name of a call as the user knows it: "cuMemAlloc" for "cuMemAlloc_v2".
std::string plain_name(const char* call);

// The streams of a context, created and destroyed with it (streams.cpp).
void begin_streams(CUcontext context);
void end_streams(CUcontext context);

}  // namespace sim

// The first lines of an API function.
#define SIM_NEEDS_CONTEXT \
    if (CUresult bad = ::sim::need_context(__func__)) return bad
#define SIM_NEEDS_POINTER(pointer)               \
    if (!(pointer))                              \
    return ::sim::fail(CUDA_ERROR_INVALID_VALUE, \
                       ::sim::plain_name(__func__) + ": the pointer for the answer (" #pointer ") is null")
