// cuFunc*: the attributes of a kernel.
#include "memory.h"
#include "modules.h"
#include "status.h"

using namespace sim;

namespace {

Kernel* kernel_of(CUfunction function) { return reinterpret_cast<Kernel*>(function); }

CUresult no_function(const char* call) {
    return fail(CUDA_ERROR_INVALID_HANDLE, format("%s: no function given", call));
}

}  // namespace

SIM_EXPORT CUresult cuFuncGetAttribute(int* value, CUfunction_attribute attribute, CUfunction function) {
    if (function == nullptr || value == nullptr) return no_function("cuFuncGetAttribute");
    Kernel& kernel = *kernel_of(function);
    const sim_kernel* code = kernel.in[static_cast<int>(kernel.module->first)];
    switch (attribute) {
        case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
            *value = code->max_threads != 0 ? static_cast<int>(code->max_threads) : 1024;
            break;
        case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES:
            *value = static_cast<int>(kernel.static_shared(kernel.module->first));
            break;
        case CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES: {
            size_t bytes = 0;
            for (const auto& [name, global] : kernel.module->globals)
                if (global.kind == "__constant__") bytes += global.bytes;
            *value = static_cast<int>(bytes);
            break;
        }
        // g++ does not know the registers and local memory of a GPU, so these are typical values.
        case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES: *value = 0; break;
        case CU_FUNC_ATTRIBUTE_NUM_REGS: *value = 32; break;
        case CU_FUNC_ATTRIBUTE_PTX_VERSION:
        case CU_FUNC_ATTRIBUTE_BINARY_VERSION: *value = 90; break;
        case CU_FUNC_ATTRIBUTE_CACHE_MODE_CA: *value = 0; break;
        case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
            *value = static_cast<int>(kernel.dynamic_limit);
            break;
        case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT: *value = -1; break;
        default:
            return fail(CUDA_ERROR_INVALID_VALUE, format("cuFuncGetAttribute: attribute %d is not known here",
                                                         static_cast<int>(attribute)));
    }
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuFuncSetAttribute(CUfunction function, CUfunction_attribute attribute, int value) {
    if (function == nullptr) return no_function("cuFuncSetAttribute");
    Kernel& kernel = *kernel_of(function);
    if (attribute == CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT) return CUDA_SUCCESS;
    if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES)
        return fail(CUDA_ERROR_INVALID_VALUE,
                    format("cuFuncSetAttribute: attribute %d cannot be set", static_cast<int>(attribute)));
    const size_t used = kernel.static_shared(kernel.module->first), most = 227 * 1024 - used;
    if (value < 0 || static_cast<size_t>(value) > most)
        return fail(
            CUDA_ERROR_INVALID_VALUE,
            format("cuFuncSetAttribute: %d bytes of dynamic shared memory asked for; kernel %s can have 0 to "
                   "%zu (227 KB less the %zu bytes of its own variables)",
                   value, kernel.name.c_str(), most, used));
    kernel.dynamic_limit = static_cast<size_t>(value);
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuFuncSetCacheConfig(CUfunction function, CUfunc_cache) {
    return function == nullptr ? no_function("cuFuncSetCacheConfig")
                               : CUDA_SUCCESS;  // there is no cache to set
}

SIM_EXPORT CUresult cuFuncSetSharedMemConfig(CUfunction function, CUsharedconfig) {
    return function == nullptr ? no_function("cuFuncSetSharedMemConfig") : CUDA_SUCCESS;
}
