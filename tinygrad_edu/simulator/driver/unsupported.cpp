// API functions that PyCUDA links with, and that have no meaning here or are not supported: each returns an
// error with its reason.
//
// Without them PyCUDA could not be loaded. On x86-64 the caller removes its arguments, so a function without
// parameters can be called with any.
#include "contexts.h"

namespace sim {
namespace {

constexpr const char* ARRAYS =
    "the simulator has no CUDA arrays, textures and surfaces. Use ordinary device memory and index it in "
    "the kernel; const __restrict__ pointers and __ldg reach the same cache on hardware";
constexpr const char* LINKING =
    "the simulator does not link device code. Put all of it into one source, with #include, "
    "and use SourceModule";
constexpr const char* PROCESSES =
    "the simulator cannot share device memory or events between processes. Send the data "
    "itself: copy it to the host";
constexpr const char* PEERS =
    "the simulator's devices have no link between them, so no peer's memory can be reached; copy instead";

CUresult refuse(const char* call, CUresult code, const char* why) {
    return fail(code, plain_name(call) + ": " + why + ".");
}

}  // namespace
}  // namespace sim

#define SIM_REFUSE(name, code, why) \
    SIM_EXPORT CUresult name() { return ::sim::refuse(#name, code, ::sim::why); }

#define SIM_ARRAYS(name) SIM_REFUSE(name, CUDA_ERROR_NOT_SUPPORTED, ARRAYS)
SIM_ARRAYS(cuArray3DCreate_v2)
SIM_ARRAYS(cuArray3DGetDescriptor_v2)
SIM_ARRAYS(cuArrayCreate_v2)
SIM_ARRAYS(cuArrayDestroy)
SIM_ARRAYS(cuArrayGetDescriptor_v2)
SIM_ARRAYS(cuMemcpyAtoA_v2)
SIM_ARRAYS(cuMemcpyAtoD_v2)
SIM_ARRAYS(cuMemcpyAtoH_v2)
SIM_ARRAYS(cuMemcpyDtoA_v2)
SIM_ARRAYS(cuMemcpyHtoA_v2)
SIM_ARRAYS(cuModuleGetSurfRef)
SIM_ARRAYS(cuModuleGetTexRef)
SIM_ARRAYS(cuParamSetTexRef)
SIM_ARRAYS(cuSurfRefGetArray)
SIM_ARRAYS(cuSurfRefSetArray)
SIM_ARRAYS(cuTexRefCreate)
SIM_ARRAYS(cuTexRefDestroy)
SIM_ARRAYS(cuTexRefGetAddressMode)
SIM_ARRAYS(cuTexRefGetAddress_v2)
SIM_ARRAYS(cuTexRefGetArray)
SIM_ARRAYS(cuTexRefGetFilterMode)
SIM_ARRAYS(cuTexRefGetFlags)
SIM_ARRAYS(cuTexRefGetFormat)
SIM_ARRAYS(cuTexRefSetAddress2D_v3)
SIM_ARRAYS(cuTexRefSetAddressMode)
SIM_ARRAYS(cuTexRefSetAddress_v2)
SIM_ARRAYS(cuTexRefSetArray)
SIM_ARRAYS(cuTexRefSetFilterMode)
SIM_ARRAYS(cuTexRefSetFlags)
SIM_ARRAYS(cuTexRefSetFormat)

#define SIM_LINKING(name) SIM_REFUSE(name, CUDA_ERROR_NOT_SUPPORTED, LINKING)
SIM_LINKING(cuLinkAddData_v2)
SIM_LINKING(cuLinkAddFile_v2)
SIM_LINKING(cuLinkComplete)
SIM_LINKING(cuLinkCreate_v2)
SIM_LINKING(cuLinkDestroy)

#define SIM_PROCESSES(name) SIM_REFUSE(name, CUDA_ERROR_NOT_SUPPORTED, PROCESSES)
SIM_PROCESSES(cuIpcCloseMemHandle)
SIM_PROCESSES(cuIpcGetEventHandle)
SIM_PROCESSES(cuIpcGetMemHandle)
SIM_PROCESSES(cuIpcOpenEventHandle)
SIM_PROCESSES(cuIpcOpenMemHandle_v2)

SIM_REFUSE(cuCtxEnablePeerAccess, CUDA_ERROR_PEER_ACCESS_UNSUPPORTED, PEERS)
SIM_REFUSE(cuCtxDisablePeerAccess, CUDA_ERROR_PEER_ACCESS_NOT_ENABLED, PEERS)

// These control tools and caches that do not exist here; a program that calls them is still correct, so they
// succeed.
SIM_EXPORT CUresult cuProfilerInitialize() { return CUDA_SUCCESS; }
SIM_EXPORT CUresult cuProfilerStart() { return CUDA_SUCCESS; }
SIM_EXPORT CUresult cuProfilerStop() { return CUDA_SUCCESS; }
SIM_EXPORT CUresult cuStreamAttachMemAsync() { return CUDA_SUCCESS; }
