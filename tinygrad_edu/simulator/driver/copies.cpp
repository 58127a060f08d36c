// Contiguous copies and fills: cuMemcpy*, cuMemset*. Copies of boxes are in boxes.cpp.
//
// If a call returns before its work is done, memory may be read later. The rules are those of hardware:
// pageable host memory is read at the call, and written before the call returns; pinned memory is read and
// written when the work runs; and a copy inside the device, or a fill, never makes the program wait.
#include <memory>
#include <vector>

#include "contexts.h"
#include "memory.h"
#include "streams.h"
#include "transfer.h"

namespace sim {

CUresult run_now(Work work) {
    if (CUresult bad = submit(nullptr, std::move(work))) return bad;
    return finish_legacy();
}

namespace {

CUresult to_device(const char* call, uintptr_t to, uintptr_t from, size_t bytes, CUstream stream, bool wait) {
    if (CUresult bad = check_device_side(to, bytes, "destination", call)) return bad;
    if (CUresult bad = check_host_side(from, bytes, "source", call)) return bad;
    if (wait) return run_now([=] { return copy_bytes(to, true, from, false, bytes, call); });
    if (!is_deferred() || is_pinned(from, bytes))
        return submit(stream, [=] { return copy_bytes(to, true, from, false, bytes, call); });
    auto begin = reinterpret_cast<const char*>(from);
    auto staged = std::make_shared<std::vector<char>>(begin, begin + bytes);
    return submit(stream,
                  [=] { return copy_bytes(to, true, uintptr_t(staged->data()), false, bytes, call); });
}

CUresult to_host(const char* call, uintptr_t to, uintptr_t from, size_t bytes, CUstream stream, bool wait) {
    if (CUresult bad = check_host_side(to, bytes, "destination", call)) return bad;
    if (CUresult bad = check_device_side(from, bytes, "source", call)) return bad;
    auto work = [=] { return copy_bytes(to, false, from, true, bytes, call); };
    if (wait) return run_now(work);
    if (CUresult bad = submit(stream, work)) return bad;
    return is_pinned(to, bytes) ? CUDA_SUCCESS : finish_stream(stream);
}

CUresult inside(const char* call, uintptr_t to, uintptr_t from, size_t bytes, CUstream stream) {
    if (CUresult bad = check_device_side(to, bytes, "destination", call)) return bad;
    if (CUresult bad = check_device_side(from, bytes, "source", call)) return bad;
    return submit(stream, [=] { return copy_bytes(to, true, from, true, bytes, call); });
}

// Rows of elements, contiguous or with a `pitch` in bytes.
template <class T>
CUresult fill(const char* call, uintptr_t to, size_t pitch, T value, size_t width, size_t height,
              CUstream stream) {
    if (height > 1 && pitch < width * sizeof(T))
        return fail(CUDA_ERROR_INVALID_VALUE, format("%s: a pitch of %zu bytes is less than a row of %zu.",
                                                     call, pitch, width * sizeof(T)));
    if (height > 1 && pitch % sizeof(T))
        return fail(
            CUDA_ERROR_INVALID_VALUE,
            format("%s: the pitch, %zu bytes, is no multiple of the element's %zu.", call, pitch, sizeof(T)));
    if (!width || !height) return CUDA_SUCCESS;
    if (to % sizeof(T))
        return fail(CUDA_ERROR_INVALID_VALUE,
                    format("%s: the destination, %#zx, is no multiple of the element's %zu bytes.", call,
                           size_t(to), sizeof(T)));
    if (width > DEVICE_SPAN || height > DEVICE_SPAN)
        return fail(CUDA_ERROR_INVALID_VALUE,
                    format("%s: %zu elements do not exist.", call, std::max(width, height)));
    size_t bytes = pitch * (height - 1) + width * sizeof(T);
    if (CUresult bad = check_device_side(to, bytes, "destination", call)) return bad;
    return submit(stream, [=]() -> CUresult {
        for (size_t row = 0; row < height; ++row)
            if (CUresult bad = fill_bytes(to + row * pitch, &value, sizeof(T), width, call)) return bad;
        return CUDA_SUCCESS;
    });
}

CUresult need_peer(const char* call, CUcontext to, CUcontext from) {
    if (is_alive(to) && is_alive(from)) return CUDA_SUCCESS;
    return fail(CUDA_ERROR_INVALID_CONTEXT, std::string(call) + ": one of the contexts is not a living one.");
}

}  // namespace
}  // namespace sim

using namespace sim;

SIM_EXPORT CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void* from, size_t bytes) {
    SIM_NEEDS_CONTEXT;
    return to_device("cuMemcpyHtoD", to, uintptr_t(from), bytes, nullptr, true);
}

SIM_EXPORT CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void* from, size_t bytes, CUstream stream) {
    SIM_NEEDS_CONTEXT;
    return to_device("cuMemcpyHtoDAsync", to, uintptr_t(from), bytes, stream, false);
}

SIM_EXPORT CUresult cuMemcpyDtoH_v2(void* to, CUdeviceptr from, size_t bytes) {
    SIM_NEEDS_CONTEXT;
    return to_host("cuMemcpyDtoH", uintptr_t(to), from, bytes, nullptr, true);
}

SIM_EXPORT CUresult cuMemcpyDtoHAsync_v2(void* to, CUdeviceptr from, size_t bytes, CUstream stream) {
    SIM_NEEDS_CONTEXT;
    return to_host("cuMemcpyDtoHAsync", uintptr_t(to), from, bytes, stream, false);
}

SIM_EXPORT CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
    SIM_NEEDS_CONTEXT;
    return inside("cuMemcpyDtoD", to, from, bytes, nullptr);
}

SIM_EXPORT CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
    SIM_NEEDS_CONTEXT;
    return inside("cuMemcpyDtoDAsync", to, from, bytes, stream);
}

SIM_EXPORT CUresult cuMemcpyPeer(CUdeviceptr to, CUcontext to_context, CUdeviceptr from,
                                 CUcontext from_context, size_t bytes) {
    SIM_NEEDS_CONTEXT;
    if (CUresult bad = need_peer("cuMemcpyPeer", to_context, from_context)) return bad;
    return inside("cuMemcpyPeer", to, from, bytes, nullptr);
}

SIM_EXPORT CUresult cuMemcpyPeerAsync(CUdeviceptr to, CUcontext to_context, CUdeviceptr from,
                                      CUcontext from_context, size_t bytes, CUstream stream) {
    SIM_NEEDS_CONTEXT;
    if (CUresult bad = need_peer("cuMemcpyPeerAsync", to_context, from_context)) return bad;
    return inside("cuMemcpyPeerAsync", to, from, bytes, stream);
}

// The four fills for one element width: plain and asynchronous, contiguous and in rows.
#define SIM_FILLS(name, row_name, T)                                                                        \
    SIM_EXPORT CUresult name##_v2(CUdeviceptr to, T value, size_t count) {                                  \
        SIM_NEEDS_CONTEXT;                                                                                  \
        return fill<T>(#name, to, 0, value, count, 1, nullptr);                                             \
    }                                                                                                       \
    SIM_EXPORT CUresult name##Async(CUdeviceptr to, T value, size_t count, CUstream stream) {               \
        SIM_NEEDS_CONTEXT;                                                                                  \
        return fill<T>(#name "Async", to, 0, value, count, 1, stream);                                      \
    }                                                                                                       \
    SIM_EXPORT CUresult row_name##_v2(CUdeviceptr to, size_t pitch, T value, size_t width, size_t height) { \
        SIM_NEEDS_CONTEXT;                                                                                  \
        return fill<T>(#row_name, to, pitch, value, width, height, nullptr);                                \
    }                                                                                                       \
    SIM_EXPORT CUresult row_name##Async(CUdeviceptr to, size_t pitch, T value, size_t width, size_t height, \
                                        CUstream stream) {                                                  \
        SIM_NEEDS_CONTEXT;                                                                                  \
        return fill<T>(#row_name "Async", to, pitch, value, width, height, stream);                         \
    }

SIM_FILLS(cuMemsetD8, cuMemsetD2D8, unsigned char)
SIM_FILLS(cuMemsetD16, cuMemsetD2D16, unsigned short)
SIM_FILLS(cuMemsetD32, cuMemsetD2D32, unsigned)
