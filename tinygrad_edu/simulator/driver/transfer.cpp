// Copies and fills are checked and done here, and only here.
#include <algorithm>
#include <cstring>

#include "checks.h"
#include "memory.h"
#include "status.h"
#include "transfer.h"

namespace sim {

CUresult check_device_side(uintptr_t address, size_t bytes, const char* side, const char* what) {
    if (!bytes || holds(address, bytes) || is_registered_host(address, bytes)) return CUDA_SUCCESS;
    std::string text =
        format("%s: the %s is not %zu bytes of device memory. %#zx is ", what, side, bytes, size_t(address)) +
        describe_address(address) + ".";
    const Allocation* a = holds(address, 1);
    if (a)
        text += format(
            " From there on it has %zu bytes.\n"
            "  What to do: compare sizes, shape and dtype: NumPy makes float64 and int64, 8 bytes each.",
            a->bytes - (address - a->begin));
    else if (!in_device_range(address) && address >= 4096)
        text +=
            " Were source and destination given in the wrong order? In Python, pass "
            "x.gpudata or x.ptr, not x.";
    return fail(CUDA_ERROR_INVALID_VALUE, text);
}

CUresult check_host_side(uintptr_t address, size_t bytes, const char* side, const char* what) {
    if (!bytes) return CUDA_SUCCESS;
    if (address < 4096)
        return fail(CUDA_ERROR_INVALID_VALUE,
                    format("%s: the %s on the host is a null pointer.", what, side));
    if (!in_device_range(address)) return CUDA_SUCCESS;
    // Pinned and managed memory is host memory too; memory from cuMemAlloc is not.
    const Allocation* a = holds(address, bytes);
    if (a && (a->kind == Kind::pinned || a->kind == Kind::managed)) return CUDA_SUCCESS;
    return fail(
        CUDA_ERROR_INVALID_VALUE,
        format("%s: the %s is not %zu bytes of host memory. %#zx is ", what, side, bytes, size_t(address)) +
            describe_address(address) + ". Were source and destination given in the wrong order?");
}

CUresult copy_bytes(uintptr_t to, bool to_device, uintptr_t from, bool from_device, size_t bytes,
                    const char* what) {
    auto check = [&](bool device) { return device ? check_device_side : check_host_side; };
    if (CUresult bad = check(to_device)(to, bytes, "destination", what)) return bad;
    if (CUresult bad = check(from_device)(from, bytes, "source", what)) return bad;
    if (!bytes) return CUDA_SUCCESS;
    memmove(reinterpret_cast<void*>(to), reinterpret_cast<const void*>(from), bytes);
    if (!in_device_range(to)) return CUDA_SUCCESS;
    if (in_device_range(from)) checks::host_copied(to, from, bytes);
    else checks::host_wrote(to, bytes);
    return CUDA_SUCCESS;
}

CUresult fill_bytes(uintptr_t to, const void* pattern, size_t pattern_bytes, size_t count, const char* what) {
    if (to % pattern_bytes)
        return fail(CUDA_ERROR_INVALID_VALUE,
                    format("%s: %#zx is not a multiple of %zu, the size of what is to be written.", what,
                           size_t(to), pattern_bytes));
    if (count > SIZE_MAX / pattern_bytes)
        return fail(CUDA_ERROR_INVALID_VALUE, format("%s: %zu elements do not exist.", what, count));
    size_t bytes = count * pattern_bytes;
    if (CUresult bad = check_device_side(to, bytes, "destination", what)) return bad;
    if (!bytes) return CUDA_SUCCESS;
    char* at = reinterpret_cast<char*>(to);
    if (pattern_bytes == 1) {
        memset(at, *static_cast<const unsigned char*>(pattern), bytes);
    } else {
        // The part that is filled is the pattern of the next step, which is twice as long.
        memcpy(at, pattern, pattern_bytes);
        for (size_t done = pattern_bytes; done < bytes; done *= 2)
            memcpy(at + done, at, std::min(done, bytes - done));
    }
    if (in_device_range(to)) checks::host_wrote(to, bytes);
    return CUDA_SUCCESS;
}

}  // namespace sim
