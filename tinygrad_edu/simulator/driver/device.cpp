// cuInit, and the devices: their names, sizes and features.
#include <pthread.h>
#include <strings.h>

#include <atomic>
#include <cstring>
#include <mutex>

#include "attributes.h"
#include "contexts.h"
#include "core.h"
#include "device.h"
#include "memory.h"

namespace sim {
namespace {

std::atomic<bool> initialised{false}, forked{false};
constexpr const char* BUS = "0000:%02x:00.0";  // of device number %x

void in_the_child() {
    if (initialised) forked = true;
}

CUresult copy_text(const char* call, const char* text, char* out, int length) {
    if (!out || length <= 0)
        return fail(CUDA_ERROR_INVALID_VALUE, plain_name(call) + ": no room for the answer.");
    strncpy(out, text, length - 1);
    out[length - 1] = '\0';
    return CUDA_SUCCESS;
}

}  // namespace

CUresult need_driver(const char* call) {
    if (forked)
        return fail(CUDA_ERROR_NOT_INITIALIZED,
                    plain_name(call) +
                        ": this process was forked after CUDA had been initialised, and the child "
                        "of a fork has no driver, here as on hardware. Start processes with "
                        "multiprocessing.get_context('spawn').");
    if (!initialised)
        return fail(
            CUDA_ERROR_NOT_INITIALIZED,
            plain_name(call) + ": cuInit was not called. `import pycuda.autoinit`, or pycuda.driver.init().");
    return CUDA_SUCCESS;
}

CUresult need_device(const char* call, CUdevice device) {
    if (CUresult bad = need_driver(call)) return bad;
    if (device < 0 || device >= settings.devices)
        return fail(
            CUDA_ERROR_INVALID_DEVICE,
            plain_name(call) + format(": there is no device %d. The simulator has %s; "
                                      "sim.configure(devices=...) gives it more.",
                                      device,
                                      settings.devices == 1
                                          ? "one, number 0"
                                          : format("%d, from number 0 on", settings.devices).c_str()));
    return CUDA_SUCCESS;
}

std::map<int, size_t> default_limits() {
    return {{CU_LIMIT_STACK_SIZE, 1024},
            {CU_LIMIT_PRINTF_FIFO_SIZE, 1 << 20},
            {CU_LIMIT_MALLOC_HEAP_SIZE, 8 << 20},
            {CU_LIMIT_DEV_RUNTIME_SYNC_DEPTH, 2},
            {CU_LIMIT_DEV_RUNTIME_PENDING_LAUNCH_COUNT, 2048},
            {CU_LIMIT_MAX_L2_FETCH_GRANULARITY, 64},
            {CU_LIMIT_PERSISTING_L2_CACHE_SIZE, 0}};
}

}  // namespace sim

using namespace sim;

SIM_EXPORT CUresult cuInit(unsigned flags) {
    if (flags) return fail(CUDA_ERROR_INVALID_VALUE, "cuInit: flags must be 0.");
    if (forked) return need_driver(__func__);
    static std::once_flag once;
    std::call_once(once, [] { pthread_atfork(nullptr, nullptr, in_the_child); });
    initialised = true;
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuDriverGetVersion(int* version) {
    SIM_NEEDS_POINTER(version);
    *version = DRIVER_VERSION;
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuDeviceGetCount(int* count) {
    if (CUresult bad = need_driver(__func__)) return bad;
    SIM_NEEDS_POINTER(count);
    *count = settings.devices;
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuDeviceGet(CUdevice* device, int ordinal) {
    if (CUresult bad = need_device(__func__, ordinal)) return bad;
    SIM_NEEDS_POINTER(device);
    *device = ordinal;
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuDeviceGetName(char* name, int length, CUdevice device) {
    if (CUresult bad = need_device(__func__, device)) return bad;
    return copy_text(__func__, DEVICE_NAME, name, length);
}

SIM_EXPORT CUresult cuDeviceGetPCIBusId(char* name, int length, CUdevice device) {
    if (CUresult bad = need_device(__func__, device)) return bad;
    return copy_text(__func__, format(BUS, device).c_str(), name, length);
}

SIM_EXPORT CUresult cuDeviceGetByPCIBusId(CUdevice* device, const char* name) {
    if (CUresult bad = need_driver(__func__)) return bad;
    SIM_NEEDS_POINTER(device);
    for (int i = 0; i < settings.devices; i++)
        if (name && !strcasecmp(name, format(BUS, i).c_str())) {
            *device = i;
            return CUDA_SUCCESS;
        }
    return fail(CUDA_ERROR_INVALID_DEVICE,
                format("cuDeviceGetByPCIBusId: there is no device at \"%s\". The simulator's first "
                       "device says it is at \"%s\".",
                       name ? name : "", format(BUS, 0).c_str()));
}

SIM_EXPORT CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice device) {
    if (CUresult bad = need_device(__func__, device)) return bad;
    SIM_NEEDS_POINTER(bytes);
    *bytes = memory_total();
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuDeviceComputeCapability(int* major, int* minor, CUdevice device) {
    if (CUresult bad = need_device(__func__, device)) return bad;
    SIM_NEEDS_POINTER(major);
    SIM_NEEDS_POINTER(minor);
    *major = CAPABILITY_MAJOR;
    *minor = CAPABILITY_MINOR;
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuDeviceGetAttribute(int* value, int attribute, CUdevice device) {
    if (CUresult bad = need_device(__func__, device)) return bad;
    SIM_NEEDS_POINTER(value);
    switch (attribute) {
#define SIM_ATTRIBUTE(name, number, answer) \
    case number: *value = answer; return CUDA_SUCCESS;
        SIM_ATTRIBUTES(SIM_ATTRIBUTE)
#undef SIM_ATTRIBUTE
    }
    if (attribute < 1 || attribute >= SIM_ATTRIBUTES_END)
        return fail(CUDA_ERROR_INVALID_VALUE,
                    format("cuDeviceGetAttribute: there is no attribute %d.", attribute));
    *value = 0;
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuDeviceCanAccessPeer(int* can, CUdevice device, CUdevice peer) {
    if (CUresult bad = need_device(__func__, device)) return bad;
    if (CUresult bad = need_device(__func__, peer)) return bad;
    SIM_NEEDS_POINTER(can);
    *can = 0;  // a device is not its own peer, and the simulator's have no link between them
    return CUDA_SUCCESS;
}
