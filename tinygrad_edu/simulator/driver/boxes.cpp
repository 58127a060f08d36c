// Copies of boxes: rows of bytes with a pitch, in slices (cuMemcpy2D*, cuMemcpy3D*).
#include <cstring>
#include <memory>
#include <vector>

#include "checks.h"
#include "contexts.h"
#include "memory.h"
#include "transfer.h"

namespace sim {
namespace {

// One end of a copy: the start of its first row, and the distances to the next row and the next slice.
struct End {
    bool device = false;
    uintptr_t first = 0;
    size_t pitch = 0, slice = 0;
};

struct Size {
    size_t width = 0, height = 0, depth = 0;
    bool empty() const { return !width || !height || !depth; }
};

// The range from the first byte of the first row to the last byte of the last row.
size_t extent(const End& end, const Size& size) {
    return size.empty() ? 0 : (size.depth - 1) * end.slice + (size.height - 1) * end.pitch + size.width;
}

CUresult check(const End& end, const Size& size, const char* side, const char* call) {
    return (end.device ? check_device_side : check_host_side)(end.first, extent(end, size), side, call);
}

struct Given {  // one end as the caller describes it
    CUmemorytype type;
    const void* host;
    CUdeviceptr device;
    size_t x, y, z, pitch, height;
};

CUresult read_end(const Given& given, const Size& size, const char* side, const char* call, End* end) {
    uintptr_t base = given.device;
    switch (given.type) {
        case CU_MEMORYTYPE_HOST: base = uintptr_t(given.host); break;
        case CU_MEMORYTYPE_DEVICE: end->device = true; break;
        case CU_MEMORYTYPE_UNIFIED: end->device = is_pinned(base, 1); break;
        case CU_MEMORYTYPE_ARRAY:
            return fail(
                CUDA_ERROR_NOT_SUPPORTED,
                format("%s: the %s is a CUDA array. The simulator has no arrays, textures and surfaces.",
                       call, side));
        default:
            return fail(
                CUDA_ERROR_INVALID_VALUE,
                format("%s: the %s has no memory type: call set_src_host or set_src_device, and set_dst_host "
                       "or set_dst_device.",
                       call, side));
    }
    bool rows = size.height > 1 || size.depth > 1 || given.y || given.z;
    if (rows && given.pitch < size.width + given.x)
        return fail(CUDA_ERROR_INVALID_VALUE,
                    format("%s: the pitch of the %s is %zu bytes, less than a row: %zu from x = %zu on.",
                           call, side, given.pitch, size.width, given.x));
    bool slices = size.depth > 1 || given.z;
    if (slices && given.height < size.height + given.y)
        return fail(CUDA_ERROR_INVALID_VALUE,
                    format("%s: a slice of the %s has %zu rows, fewer than %zu from y = %zu on.", call, side,
                           given.height, size.height, given.y));
    constexpr size_t LARGEST = size_t(1) << 47;  // what a process can address
    __int128 most = __int128(given.pitch) * (slices ? given.height : 1) * (given.z + size.depth) +
                    __int128(given.pitch) * (given.y + size.height) + size.width + given.x;
    if (most > LARGEST)
        return fail(CUDA_ERROR_INVALID_VALUE, format("%s: the %s would not fit into memory.", call, side));
    end->pitch = given.pitch;
    end->slice = given.pitch * given.height;
    end->first = base + given.z * end->slice + given.y * end->pitch + given.x;
    return check(*end, size, side, call);
}

CUresult copy_rows(const End& to, const End& from, const Size& size, const char* call) {
    if (CUresult bad = check(to, size, "destination", call)) return bad;
    if (CUresult bad = check(from, size, "source", call)) return bad;
    for (size_t z = 0; z < size.depth; ++z)
        for (size_t y = 0; y < size.height; ++y)
            if (CUresult bad =
                    copy_bytes(to.first + z * to.slice + y * to.pitch, to.device,
                               from.first + z * from.slice + y * from.pitch, from.device, size.width, call))
                return bad;
    return CUDA_SUCCESS;
}

enum class When { now, in_stream };

CUresult copy(const char* call, const Given& given_to, const Given& given_from, const Size& size, When when,
              CUstream stream) {
    if (size.empty()) return CUDA_SUCCESS;
    End to, from;
    if (CUresult bad = read_end(given_from, size, "source", call, &from)) return bad;
    if (CUresult bad = read_end(given_to, size, "destination", call, &to)) return bad;
    bool inside = to.device && from.device;
    auto work = [=] { return copy_rows(to, from, size, call); };
    if (when == When::now && !inside) return run_now(work);
    // The rules are those for contiguous copies; see copies.cpp.
    size_t bytes = extent(from, size);
    if (!from.device && is_deferred() && !is_pinned(from.first, bytes)) {
        auto begin = reinterpret_cast<const char*>(from.first);
        auto staged = std::make_shared<std::vector<char>>(begin, begin + bytes);
        End kept = from;
        kept.first = uintptr_t(staged->data());
        if (CUresult bad = submit(stream, [=] { return (void)staged, copy_rows(to, kept, size, call); }))
            return bad;
    } else if (CUresult bad = submit(stream, work)) {
        return bad;
    }
    return to.device || is_pinned(to.first, extent(to, size)) ? CUDA_SUCCESS : finish_stream(stream);
}

template <class T>
Given source_of(const T& c, size_t z, size_t height) {
    return {c.srcMemoryType, c.srcHost, c.srcDevice, c.srcXInBytes, c.srcY, z, c.srcPitch, height};
}

template <class T>
Given destination_of(const T& c, size_t z, size_t height) {
    return {c.dstMemoryType, c.dstHost, c.dstDevice, c.dstXInBytes, c.dstY, z, c.dstPitch, height};
}

CUresult copy_2d(const char* call, const CUDA_MEMCPY2D* c, When when, CUstream stream) {
    if (!c) return fail(CUDA_ERROR_INVALID_VALUE, std::string(call) + ": the description is a null pointer.");
    return copy(call, destination_of(*c, 0, 0), source_of(*c, 0, 0), {c->WidthInBytes, c->Height, 1}, when,
                stream);
}

template <class T>
CUresult copy_3d(const char* call, const T* c, When when, CUstream stream) {
    if (!c) return fail(CUDA_ERROR_INVALID_VALUE, std::string(call) + ": the description is a null pointer.");
    if (c->srcLOD || c->dstLOD)
        return fail(CUDA_ERROR_INVALID_VALUE, std::string(call) + ": the level of detail must be 0.");
    return copy(call, destination_of(*c, c->dstZ, c->dstHeight), source_of(*c, c->srcZ, c->srcHeight),
                {c->WidthInBytes, c->Height, c->Depth}, when, stream);
}

CUresult copy_3d_peer(const char* call, const CUDA_MEMCPY3D_PEER* c, When when, CUstream stream) {
    if (c && !(is_alive(c->srcContext) && is_alive(c->dstContext)))
        return fail(CUDA_ERROR_INVALID_CONTEXT,
                    std::string(call) + ": one of the contexts is not a living one.");
    return copy_3d(call, c, when, stream);
}

}  // namespace
}  // namespace sim

using namespace sim;

SIM_EXPORT CUresult cuMemcpy2D_v2(const CUDA_MEMCPY2D* c) {
    SIM_NEEDS_CONTEXT;
    return copy_2d("cuMemcpy2D", c, When::now, nullptr);
}

SIM_EXPORT CUresult cuMemcpy2DUnaligned_v2(const CUDA_MEMCPY2D* c) {
    SIM_NEEDS_CONTEXT;
    return copy_2d("cuMemcpy2DUnaligned", c, When::now, nullptr);
}

SIM_EXPORT CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D* c, CUstream stream) {
    SIM_NEEDS_CONTEXT;
    return copy_2d("cuMemcpy2DAsync", c, When::in_stream, stream);
}

SIM_EXPORT CUresult cuMemcpy3D_v2(const CUDA_MEMCPY3D* c) {
    SIM_NEEDS_CONTEXT;
    return copy_3d("cuMemcpy3D", c, When::now, nullptr);
}

SIM_EXPORT CUresult cuMemcpy3DAsync_v2(const CUDA_MEMCPY3D* c, CUstream stream) {
    SIM_NEEDS_CONTEXT;
    return copy_3d("cuMemcpy3DAsync", c, When::in_stream, stream);
}

SIM_EXPORT CUresult cuMemcpy3DPeer(const CUDA_MEMCPY3D_PEER* c) {
    SIM_NEEDS_CONTEXT;
    return copy_3d_peer("cuMemcpy3DPeer", c, When::now, nullptr);
}

SIM_EXPORT CUresult cuMemcpy3DPeerAsync(const CUDA_MEMCPY3D_PEER* c, CUstream stream) {
    SIM_NEEDS_CONTEXT;
    return copy_3d_peer("cuMemcpy3DPeerAsync", c, When::in_stream, stream);
}
