// The __atomic builtins of g++ in an instrumented kernel: the operation, and a call of the checker. CUDA's
// own atomics (such as atomicAdd) are in device/atomics.h.
#include "checks.h"
#include "touch.h"

using namespace sim;

namespace {

// A memory order stronger than relaxed is treated as a fence before the operation.
void tell(const volatile void* address, size_t bytes, int order, void* pc, bool compares = false) {
    if (watching != Mode::check || shadow::view.worker == nullptr) return;
    if (order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST) checks::fence(2);
    shadow::Site site;
    site.pc = reinterpret_cast<uintptr_t>(pc);
    site.is_atomic = true;
    const uintptr_t at = reinterpret_cast<uintptr_t>(address);
    checks::visit(at, bytes, true, false, false, shadow::encode(site));
    if (compares) races::compared(at, bytes);
    races::atomic(at, 2);
}

}  // namespace

#define PC __builtin_return_address(0)
#define FETCH(bits, T, name)                                                              \
    SIM_EXPORT T __tsan_atomic##bits##_fetch_##name(volatile T* at, T value, int order) { \
        tell(at, sizeof(T), order, PC);                                                   \
        return __atomic_fetch_##name(at, value, __ATOMIC_SEQ_CST);                        \
    }
#define COMPARE(bits, T, strength)                                                                          \
    SIM_EXPORT int __tsan_atomic##bits##_compare_exchange_##strength(volatile T* at, T* expected, T value,  \
                                                                     int order, int) {                      \
        tell(at, sizeof(T), order, PC, true);                                                               \
        return __atomic_compare_exchange_n(at, expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
    }
#define ATOMICS(bits, T)                                                                                    \
    SIM_EXPORT T __tsan_atomic##bits##_load(const volatile T* at, int order) {                              \
        tell(at, sizeof(T), order == __ATOMIC_SEQ_CST ? __ATOMIC_ACQUIRE : order, PC);                      \
        return __atomic_load_n(at, __ATOMIC_SEQ_CST);                                                       \
    }                                                                                                       \
    SIM_EXPORT void __tsan_atomic##bits##_store(volatile T* at, T value, int order) {                       \
        tell(at, sizeof(T), order, PC);                                                                     \
        __atomic_store_n(at, value, __ATOMIC_SEQ_CST);                                                      \
    }                                                                                                       \
    SIM_EXPORT T __tsan_atomic##bits##_exchange(volatile T* at, T value, int order) {                       \
        tell(at, sizeof(T), order, PC);                                                                     \
        return __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST);                                            \
    }                                                                                                       \
    SIM_EXPORT T __tsan_atomic##bits##_compare_exchange_val(volatile T* at, T expected, T value, int order, \
                                                            int) {                                          \
        tell(at, sizeof(T), order, PC, true);                                                               \
        __atomic_compare_exchange_n(at, &expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);       \
        return expected;                                                                                    \
    }                                                                                                       \
    COMPARE(bits, T, strong)                                                                                \
    COMPARE(bits, T, weak)                                                                                  \
    FETCH(bits, T, add)                                                                                     \
    FETCH(bits, T, sub)                                                                                     \
    FETCH(bits, T, and)                                                                                     \
    FETCH(bits, T, or)                                                                                      \
    FETCH(bits, T, xor)                                                                                     \
    FETCH(bits, T, nand)
ATOMICS(8, uint8_t)
ATOMICS(16, uint16_t)
ATOMICS(32, uint32_t)
ATOMICS(64, uint64_t)

SIM_EXPORT void __tsan_atomic_thread_fence(int) {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (watching == Mode::check) checks::fence(2);
}
SIM_EXPORT void __tsan_atomic_signal_fence(int) { __atomic_signal_fence(__ATOMIC_SEQ_CST); }
