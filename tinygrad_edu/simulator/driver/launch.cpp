// cuLaunchKernel and its old forms. Everything is checked before the first thread runs.
#include "launch.h"

#include <atomic>
#include <cstring>
#include <memory>

#include "core.h"
#include "interrupts.h"
#include "memory.h"
#include "status.h"
#include "streams.h"

namespace sim {

namespace {

std::atomic<uint64_t> launches{0};

std::string parameters_of(const sim_kernel& code) {
    std::string text;
    for (unsigned i = 0; i < code.parameter_count; i++) {
        const sim_parameter& p = code.parameters[i];
        text += format("%sparameter %u %u bytes at %u", i == 0 ? "" : ", ", i + 1, p.bytes, p.offset);
    }
    return text.empty() ? "none" : text;
}

CUresult collect_arguments(Launch& launch, void** values, void** extra) {
    const sim_kernel& code = *launch.code;
    launch.arguments.assign(code.parameter_bytes + 16, 0);
    if (values != nullptr) {
        for (unsigned i = 0; i < code.parameter_count; i++)
            memcpy(launch.arguments.data() + code.parameters[i].offset, values[i], code.parameters[i].bytes);
        return CUDA_SUCCESS;
    }
    const char* buffer = nullptr;
    size_t bytes = 0;
    for (unsigned i = 0; extra != nullptr && extra[i] != CU_LAUNCH_PARAM_END; i += 2) {
        if (extra[i] == CU_LAUNCH_PARAM_BUFFER_POINTER) buffer = static_cast<const char*>(extra[i + 1]);
        if (extra[i] == CU_LAUNCH_PARAM_BUFFER_SIZE) bytes = *static_cast<const size_t*>(extra[i + 1]);
    }
    if (bytes != code.parameter_bytes) {
        return fail(
            CUDA_ERROR_INVALID_VALUE,
            format(
                "Wrong arguments for kernel %s: its %u parameters take %u bytes, %zu were given\n"
                "  it is declared %s%s\n"
                "  where each lies: %s\n"
                "  What to do: pass one argument for each parameter, of its type: np.int32(n) for an int, "
                "np.float32(a) for a float, np.float64(a) for a double; for a pointer a gpuarray, an "
                "allocation, or cuda.In, Out, InOut(array), never a NumPy array itself. PyCUDA packs structs "
                "and vectors such as float4 without alignment: put the widest parameters first.",
                launch.kernel->name.c_str(), code.parameter_count, code.parameter_bytes, bytes,
                launch.kernel->name.c_str(), code.signature, parameters_of(code).c_str()));
    }
    if (bytes != 0) memcpy(launch.arguments.data(), buffer, bytes);
    return CUDA_SUCCESS;
}

CUresult too_large(const Kernel& kernel, const std::string& what) {
    return fail(CUDA_ERROR_INVALID_VALUE, "Kernel " + kernel.name + " cannot be launched: " + what);
}

CUresult look_at_shape(const Kernel& kernel, const Launch& launch) {
    const sim_uint3 &b = launch.size, &g = launch.grid;
    if (b.x == 0 || b.y == 0 || b.z == 0 || g.x == 0 || g.y == 0 || g.z == 0)
        return too_large(kernel,
                         format("no size may be 0, the block is (%u, %u, %u), the grid (%u, %u, %u). For an "
                                "empty array do not launch at all.",
                                b.x, b.y, b.z, g.x, g.y, g.z));
    const uint64_t threads = uint64_t(b.x) * b.y * b.z;
    if (b.x > 1024 || b.y > 1024 || b.z > 64 || threads > MAX_THREADS)
        return too_large(kernel,
                         format("the block (%u, %u, %u) has %llu threads; the limits are (1024, 1024, "
                                "64) and 1024 in all.",
                                b.x, b.y, b.z, static_cast<unsigned long long>(threads)));
    if (launch.code->max_threads != 0 && threads > launch.code->max_threads)
        return too_large(kernel, format("the block has %llu threads, its __launch_bounds__ says at most %u.",
                                        static_cast<unsigned long long>(threads), launch.code->max_threads));
    if (g.x > 2147483647u || g.y > 65535 || g.z > 65535)
        return too_large(
            kernel,
            format("the grid (%u, %u, %u) is past the limits (2147483647, 65535, 65535).", g.x, g.y, g.z));
    const size_t fixed = kernel.static_shared(launch.mode);
    const size_t limit = kernel.dynamic_limit > 48 * 1024 ? kernel.dynamic_limit : 48 * 1024 - fixed;
    if (fixed > 48 * 1024)
        return too_large(kernel,
                         format("its __shared__ variables take %zu bytes, a block has 49152. For more, use "
                                "dynamic shared memory and raise its limit.",
                                fixed));
    if (launch.dynamic_bytes > limit)
        return too_large(
            kernel, format("%u bytes of dynamic shared memory and %zu of its own variables are more than "
                           "the %zu bytes a block has. Raise the limit with kernel.set_attribute(drv."
                           "function_attribute.MAX_DYNAMIC_SHARED_SIZE_BYTES, n), up to 227 KB in all.",
                           launch.dynamic_bytes, fixed, limit + fixed));
    return CUDA_SUCCESS;
}

}  // namespace

std::string Launch::where(const Block* block, const Thread* thread) const {
    const sim_uint3 b = block->view.block_index;
    std::string text = format("block (%u, %u, %u)", b.x, b.y, b.z);
    if (thread == nullptr) return text;
    const sim_uint3 t = block->thread_id(thread->index);
    return text + format(", thread (%u, %u, %u)", t.x, t.y, t.z);
}

CUresult launch_kernel(CUfunction function, sim_uint3 grid, sim_uint3 size, unsigned dynamic_bytes,
                       CUstream stream, void** values, void** extra) {
    if (function == nullptr) return fail(CUDA_ERROR_INVALID_HANDLE, "cuLaunchKernel: no function given");
    Interruptible interruptible;
    watch_keyboard();
    Kernel& kernel = *reinterpret_cast<Kernel*>(function);
    auto launch = std::make_shared<Launch>();
    launch->kernel = &kernel;
    launch->mode = settings.mode;
    launch->variant = kernel.module->variant(settings.mode);
    if (launch->variant == nullptr)
        return is_interrupted() ? answer_interrupted(last_report()) : CUDA_ERROR_INVALID_IMAGE;
    launch->code = kernel.in[static_cast<int>(settings.mode)];
    launch->order = settings.order;
    launch->seed = settings.seed;
    launch->grid = grid;
    launch->size = size;
    launch->dynamic_bytes = dynamic_bytes;
    launch->block_count = uint64_t(grid.x) * grid.y * grid.z;
    launch->shared = kernel.shared_variables(settings.mode);
    launch->serial = ++launches;
    if (CUresult bad = look_at_shape(kernel, *launch)) return bad;
    if (CUresult bad = collect_arguments(*launch, values, extra)) return bad;
    return submit(stream, [launch] { return run(*launch); });
}

uint64_t launch_count() { return launches; }

}  // namespace sim

using namespace sim;

SIM_EXPORT CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                                   unsigned block_x, unsigned block_y, unsigned block_z,
                                   unsigned dynamic_bytes, CUstream stream, void** values, void** extra) {
    return launch_kernel(function, {grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, dynamic_bytes,
                         stream, values, extra);
}

// The forms from before CUDA 4: size and arguments are first set on the function.

SIM_EXPORT CUresult cuFuncSetBlockShape(CUfunction function, int x, int y, int z) {
    if (function == nullptr || x < 1 || y < 1 || z < 1)
        return fail(CUDA_ERROR_INVALID_VALUE,
                    format("cuFuncSetBlockShape: (%d, %d, %d) is no size of a block", x, y, z));
    Kernel& kernel = *reinterpret_cast<Kernel*>(function);
    kernel.set_block[0] = static_cast<unsigned>(x);
    kernel.set_block[1] = static_cast<unsigned>(y);
    kernel.set_block[2] = static_cast<unsigned>(z);
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuFuncSetSharedSize(CUfunction function, unsigned bytes) {
    reinterpret_cast<Kernel*>(function)->set_shared = bytes;
    return CUDA_SUCCESS;
}

static CUresult set_argument(CUfunction function, int offset, const void* value, size_t bytes) {
    std::vector<char>& buffer = reinterpret_cast<Kernel*>(function)->set_arguments;
    if (offset < 0 || offset + bytes > 32764)
        return fail(CUDA_ERROR_INVALID_VALUE,
                    format("cuParamSet: offset %d is outside of the parameters", offset));
    if (buffer.size() < offset + bytes) buffer.resize(offset + bytes);
    memcpy(buffer.data() + offset, value, bytes);
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuParamSetSize(CUfunction function, unsigned bytes) {
    reinterpret_cast<Kernel*>(function)->set_arguments.resize(bytes);
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuParamSeti(CUfunction function, int offset, unsigned value) {
    return set_argument(function, offset, &value, sizeof value);
}

SIM_EXPORT CUresult cuParamSetf(CUfunction function, int offset, float value) {
    return set_argument(function, offset, &value, sizeof value);
}

SIM_EXPORT CUresult cuParamSetv(CUfunction function, int offset, void* value, unsigned bytes) {
    return set_argument(function, offset, value, bytes);
}

SIM_EXPORT CUresult cuLaunchGridAsync(CUfunction function, int width, int height, CUstream stream) {
    Kernel& kernel = *reinterpret_cast<Kernel*>(function);
    size_t bytes = kernel.set_arguments.size();
    void* extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, kernel.set_arguments.data(), CU_LAUNCH_PARAM_BUFFER_SIZE,
                     &bytes, CU_LAUNCH_PARAM_END};
    return launch_kernel(function, {static_cast<unsigned>(width), static_cast<unsigned>(height), 1},
                         {kernel.set_block[0], kernel.set_block[1], kernel.set_block[2]},
                         static_cast<unsigned>(kernel.set_shared), stream, nullptr, extra);
}

SIM_EXPORT CUresult cuLaunchGrid(CUfunction function, int width, int height) {
    return cuLaunchGridAsync(function, width, height, nullptr);
}

SIM_EXPORT CUresult cuLaunch(CUfunction function) { return cuLaunchGrid(function, 1, 1); }
