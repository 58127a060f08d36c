// Every result code of the driver API: name, number, and the text if no better text is known.
#pragma once

// clang-format off
#define SIM_RESULTS(X) \
    X(CUDA_SUCCESS, 0, "no error") \
    X(CUDA_ERROR_INVALID_VALUE, 1, "an argument is outside of what the call accepts") \
    X(CUDA_ERROR_OUT_OF_MEMORY, 2, "not enough memory is left") \
    X(CUDA_ERROR_NOT_INITIALIZED, 3, "cuInit was not called") \
    X(CUDA_ERROR_DEINITIALIZED, 4, "the driver is shutting down") \
    X(CUDA_ERROR_PROFILER_DISABLED, 5, "the profiler is disabled") \
    X(CUDA_ERROR_PROFILER_NOT_INITIALIZED, 6, "the profiler was not initialised") \
    X(CUDA_ERROR_PROFILER_ALREADY_STARTED, 7, "the profiler is already running") \
    X(CUDA_ERROR_PROFILER_ALREADY_STOPPED, 8, "the profiler is already stopped") \
    X(CUDA_ERROR_STUB_LIBRARY, 34, "this library is a stub to link with, not a driver") \
    X(CUDA_ERROR_CALL_REQUIRES_NEWER_DRIVER, 36, "the call needs a newer driver") \
    X(CUDA_ERROR_DEVICE_UNAVAILABLE, 46, "the device is in use or unavailable") \
    X(CUDA_ERROR_NO_DEVICE, 100, "there is no CUDA device") \
    X(CUDA_ERROR_INVALID_DEVICE, 101, "there is no device of this number") \
    X(CUDA_ERROR_DEVICE_NOT_LICENSED, 102, "the device has no licence") \
    X(CUDA_ERROR_INVALID_IMAGE, 200, "the module's image is not valid") \
    X(CUDA_ERROR_INVALID_CONTEXT, 201, "no context is current, or it is not a valid one") \
    X(CUDA_ERROR_CONTEXT_ALREADY_CURRENT, 202, "the context is already current") \
    X(CUDA_ERROR_MAP_FAILED, 205, "mapping failed") \
    X(CUDA_ERROR_UNMAP_FAILED, 206, "unmapping failed") \
    X(CUDA_ERROR_ARRAY_IS_MAPPED, 207, "the array is mapped") \
    X(CUDA_ERROR_ALREADY_MAPPED, 208, "the resource is already mapped") \
    X(CUDA_ERROR_NO_BINARY_FOR_GPU, 209, "the module has no code for this device") \
    X(CUDA_ERROR_ALREADY_ACQUIRED, 210, "the resource is already acquired") \
    X(CUDA_ERROR_NOT_MAPPED, 211, "the resource is not mapped") \
    X(CUDA_ERROR_NOT_MAPPED_AS_ARRAY, 212, "the resource is not mapped as an array") \
    X(CUDA_ERROR_NOT_MAPPED_AS_POINTER, 213, "the resource is not mapped as a pointer") \
    X(CUDA_ERROR_ECC_UNCORRECTABLE, 214, "a memory error that could not be corrected") \
    X(CUDA_ERROR_UNSUPPORTED_LIMIT, 215, "the device does not know this limit") \
    X(CUDA_ERROR_CONTEXT_ALREADY_IN_USE, 216, "the context is in use by another thread") \
    X(CUDA_ERROR_PEER_ACCESS_UNSUPPORTED, 217, "these devices cannot reach each other's memory") \
    X(CUDA_ERROR_INVALID_PTX, 218, "the PTX is not valid") \
    X(CUDA_ERROR_INVALID_GRAPHICS_CONTEXT, 219, "the graphics context is not valid") \
    X(CUDA_ERROR_NVLINK_UNCORRECTABLE, 220, "an NVLink error that could not be corrected") \
    X(CUDA_ERROR_JIT_COMPILER_NOT_FOUND, 221, "the PTX compiler was not found") \
    X(CUDA_ERROR_UNSUPPORTED_PTX_VERSION, 222, "the PTX is of an unknown version") \
    X(CUDA_ERROR_JIT_COMPILATION_DISABLED, 223, "compiling PTX is disabled") \
    X(CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY, 224, "this execution affinity is not supported") \
    X(CUDA_ERROR_UNSUPPORTED_DEVSIDE_SYNC, 225, "cudaDeviceSynchronize in a kernel is not supported") \
    X(CUDA_ERROR_CONTAINED, 226, "a memory error stopped the process, the device is well") \
    X(CUDA_ERROR_INVALID_SOURCE, 300, "the kernel's source or image is not valid") \
    X(CUDA_ERROR_FILE_NOT_FOUND, 301, "the file was not found") \
    X(CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND, 302, "a symbol of a shared object was not found") \
    X(CUDA_ERROR_SHARED_OBJECT_INIT_FAILED, 303, "a shared object could not be loaded") \
    X(CUDA_ERROR_OPERATING_SYSTEM, 304, "a call to the operating system failed") \
    X(CUDA_ERROR_INVALID_HANDLE, 400, "the handle is not a valid one, or was destroyed") \
    X(CUDA_ERROR_ILLEGAL_STATE, 401, "a resource is in the wrong state for this call") \
    X(CUDA_ERROR_LOSSY_QUERY, 402, "the answer would leave something out") \
    X(CUDA_ERROR_NOT_FOUND, 500, "nothing of this name was found") \
    X(CUDA_ERROR_NOT_READY, 600, "work given earlier is not finished") \
    X(CUDA_ERROR_ILLEGAL_ADDRESS, 700, "a kernel used an address that is not its own") \
    X(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, 701, "the launch asks for more than a multiprocessor has") \
    X(CUDA_ERROR_LAUNCH_TIMEOUT, 702, "a kernel ran for too long") \
    X(CUDA_ERROR_LAUNCH_INCOMPATIBLE_TEXTURING, 703, "the texturing mode does not fit the launch") \
    X(CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED, 704, "peer access is already enabled") \
    X(CUDA_ERROR_PEER_ACCESS_NOT_ENABLED, 705, "peer access is not enabled") \
    X(CUDA_ERROR_PRIMARY_CONTEXT_ACTIVE, 708, "the primary context is already in use") \
    X(CUDA_ERROR_CONTEXT_IS_DESTROYED, 709, "the context was destroyed") \
    X(CUDA_ERROR_ASSERT, 710, "an assert in a kernel failed") \
    X(CUDA_ERROR_TOO_MANY_PEERS, 711, "no more peers can be enabled") \
    X(CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED, 712, "the host memory is already registered") \
    X(CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED, 713, "the host memory is not registered") \
    X(CUDA_ERROR_HARDWARE_STACK_ERROR, 714, "a kernel's stack overflowed or was damaged") \
    X(CUDA_ERROR_ILLEGAL_INSTRUCTION, 715, "a kernel met an illegal instruction") \
    X(CUDA_ERROR_MISALIGNED_ADDRESS, 716, "a kernel used an address that is not aligned") \
    X(CUDA_ERROR_INVALID_ADDRESS_SPACE, 717, "an instruction met an address of the wrong memory space") \
    X(CUDA_ERROR_INVALID_PC, 718, "a kernel jumped to where there is no code") \
    X(CUDA_ERROR_LAUNCH_FAILED, 719, "a kernel failed") \
    X(CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE, 720, "the grid of a cooperative launch is too large") \
    X(CUDA_ERROR_TENSOR_MEMORY_LEAK, 721, "a kernel ended with tensor memory in use") \
    X(CUDA_ERROR_NOT_PERMITTED, 800, "the operation is not permitted") \
    X(CUDA_ERROR_NOT_SUPPORTED, 801, "the operation is not supported here") \
    X(CUDA_ERROR_SYSTEM_NOT_READY, 802, "the system is not ready") \
    X(CUDA_ERROR_SYSTEM_DRIVER_MISMATCH, 803, "the parts of the driver do not fit together") \
    X(CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE, 804, "forward compatibility is not possible here") \
    X(CUDA_ERROR_MPS_CONNECTION_FAILED, 805, "no connection to the MPS control daemon") \
    X(CUDA_ERROR_MPS_RPC_FAILURE, 806, "a call to the MPS server failed") \
    X(CUDA_ERROR_MPS_SERVER_NOT_READY, 807, "the MPS server is not ready") \
    X(CUDA_ERROR_MPS_MAX_CLIENTS_REACHED, 808, "the MPS server has too many clients") \
    X(CUDA_ERROR_MPS_MAX_CONNECTIONS_REACHED, 809, "the MPS server has too many connections") \
    X(CUDA_ERROR_MPS_CLIENT_TERMINATED, 810, "the MPS client was ended by the server") \
    X(CUDA_ERROR_CDP_NOT_SUPPORTED, 811, "kernels cannot launch kernels here") \
    X(CUDA_ERROR_CDP_VERSION_MISMATCH, 812, "two versions of dynamic parallelism do not fit together") \
    X(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, 900, "the call cannot be captured") \
    X(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, 901, "the capture is void after an earlier error") \
    X(CUDA_ERROR_STREAM_CAPTURE_MERGE, 902, "two captures would be merged") \
    X(CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, 903, "the capture was not begun in this stream") \
    X(CUDA_ERROR_STREAM_CAPTURE_UNJOINED, 904, "a forked stream did not rejoin the capture") \
    X(CUDA_ERROR_STREAM_CAPTURE_ISOLATION, 905, "a dependency would cross the capture's border") \
    X(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, 906, "the legacy stream would depend on a capture") \
    X(CUDA_ERROR_CAPTURED_EVENT, 907, "the event was recorded in a capture") \
    X(CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD, 908, "the capture was begun by another thread") \
    X(CUDA_ERROR_TIMEOUT, 909, "the wait took too long") \
    X(CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE, 910, "the graph differs too much to be updated") \
    X(CUDA_ERROR_EXTERNAL_DEVICE, 911, "an external device failed") \
    X(CUDA_ERROR_INVALID_CLUSTER_SIZE, 912, "the cluster is not of a valid size") \
    X(CUDA_ERROR_FUNCTION_NOT_LOADED, 913, "the function is not loaded") \
    X(CUDA_ERROR_INVALID_RESOURCE_TYPE, 914, "the resource is of the wrong type") \
    X(CUDA_ERROR_INVALID_RESOURCE_CONFIGURATION, 915, "the resources are not configured for this") \
    X(CUDA_ERROR_KEY_ROTATION, 916, "the device is changing its keys") \
    X(CUDA_ERROR_UNKNOWN, 999, "an unknown error")
// clang-format on
