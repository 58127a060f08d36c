// Contexts: who owns memory, modules and streams, and which of them a thread of the program works in.
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
    CUstream legacy = nullptr;      // its default stream
    std::vector<CUstream> streams;  // all, the default one first; streams.cpp keeps this list
};

namespace sim {

// CUDA_SUCCESS after cuInit. A forked child has no driver, here as on hardware.
CUresult need_driver(const char* call);
// CUDA_SUCCESS when the calling thread works in a living context.
CUresult need_context(const char* call);
CUresult need_device(const char* call, CUdevice device);

CUcontext current_context();  // of the calling thread; null when there is none
CUdevice current_device();    // of that context; 0 when there is none
bool is_alive(CUcontext context);
std::vector<CUcontext> living_contexts();

// "cuMemAlloc" for "cuMemAlloc_v2": as the user knows a call.
std::string plain_name(const char* call);

// Streams of a context, made and unmade with it (streams.cpp).
void begin_streams(CUcontext context);
void end_streams(CUcontext context);

}  // namespace sim

// The first lines of an entry of the API.
#define SIM_NEEDS_CONTEXT \
    if (CUresult bad = ::sim::need_context(__func__)) return bad
#define SIM_NEEDS_POINTER(pointer)               \
    if (!(pointer))                              \
    return ::sim::fail(CUDA_ERROR_INVALID_VALUE, \
                       ::sim::plain_name(__func__) + ": the pointer for the answer (" #pointer ") is null")
