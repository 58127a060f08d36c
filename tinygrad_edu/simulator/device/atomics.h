// Atomic functions, for every type and scope that CUDA has. cuda::atomic and cuda::std are not there.
//
// They are atomic between the OS threads that run blocks. sim_atomic comes first: the checker learns of the
// access, and a thread that spins on a lock lets the others run. The operation itself is hidden from the
// checker, which would take it for an ordinary access.
#pragma once
#include "bfloat16.h"
#include "builtins.h"
#include "half.h"
#include "vector_types.h"

namespace sim {

SIM_AT_CALLER void before_atomic(const void* address, size_t bytes, int kind, sim_place place) {
    SIM_SWITCH(sim_atomic(address, bytes, kind, place));
}

// Replace *address by change(*address), for types that the CPU has no instruction for. Bits: an unsigned
// integer of the same size. The comparison is one of bits, so a NaN does not keep it trying forever.
template <class Bits, class T, class Change>
SIM_UNSEEN T replace(T* address, Change change) {
    static_assert(sizeof(Bits) == sizeof(T));
    Bits* where = reinterpret_cast<Bits*>(address);
    Bits before = __atomic_load_n(where, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(where, &before, same_bits<Bits>(change(same_bits<T>(before))), true,
                                        __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
    }
    return same_bits<T>(before);
}

}  // namespace sim

// With the three scopes: atomicX of the device, atomicX_block, atomicX_system.
#define SIM_SCOPES(ONE, ...) ONE(, 1, __VA_ARGS__) ONE(_block, 0, __VA_ARGS__) ONE(_system, 2, __VA_ARGS__)
#define SIM_EXCHANGE_SCOPES(ONE, ...) \
    ONE(, 1 | SIM_EXCHANGES, __VA_ARGS__) \
    ONE(_block, 0 | SIM_EXCHANGES, __VA_ARGS__) \
    ONE(_system, 2 | SIM_EXCHANGES, __VA_ARGS__)

// One x86 instruction, or a loop that g++ makes.
#define SIM_DIRECT(suffix, scope, name, T, builtin) \
    SIM_UNSEEN T name##suffix(T* address, T value, SIM_PLACE) { \
        sim::before_atomic(address, sizeof(T), scope, place); \
        return builtin(address, value, __ATOMIC_SEQ_CST); \
    }
#define SIM_CHANGED(suffix, scope, name, T, Bits, expression) \
    SIM_UNSEEN T name##suffix(T* address, T value, SIM_PLACE) { \
        sim::before_atomic(address, sizeof(T), scope, place); \
        return sim::replace<Bits>(address, [value](T old) SIM_NOT_SEEN -> T { \
            return expression; \
        }); \
    }
#define SIM_COMPARE(suffix, scope, T) \
    SIM_UNSEEN T atomicCAS##suffix(T* address, T compare, T value, SIM_PLACE) { \
        sim::before_atomic(address, sizeof(T), scope | SIM_COMPARES, place); \
        __atomic_compare_exchange_n(address, &compare, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
        return compare; \
    }

SIM_SCOPES(SIM_DIRECT, atomicAdd, int, __atomic_fetch_add)
SIM_SCOPES(SIM_DIRECT, atomicAdd, unsigned, __atomic_fetch_add)
SIM_SCOPES(SIM_DIRECT, atomicAdd, unsigned long long, __atomic_fetch_add)
SIM_SCOPES(SIM_CHANGED, atomicAdd, float, uint32_t, old + value)
SIM_SCOPES(SIM_CHANGED, atomicAdd, double, uint64_t, old + value)
SIM_SCOPES(SIM_CHANGED, atomicAdd, __half, uint16_t, __hadd(old, value))
SIM_SCOPES(SIM_CHANGED, atomicAdd, __half2, uint32_t, __hadd2(old, value))
SIM_SCOPES(SIM_CHANGED, atomicAdd, __nv_bfloat16, uint16_t, __hadd(old, value))
SIM_SCOPES(SIM_CHANGED, atomicAdd, __nv_bfloat162, uint32_t, __hadd2(old, value))
SIM_SCOPES(SIM_DIRECT, atomicSub, int, __atomic_fetch_sub)
SIM_SCOPES(SIM_DIRECT, atomicSub, unsigned, __atomic_fetch_sub)

#define SIM_INTEGERS(T, Bits) \
    SIM_SCOPES(SIM_CHANGED, atomicMin, T, Bits, value < old ? value : old) \
    SIM_SCOPES(SIM_CHANGED, atomicMax, T, Bits, value > old ? value : old) \
    SIM_SCOPES(SIM_DIRECT, atomicAnd, T, __atomic_fetch_and) \
    SIM_SCOPES(SIM_DIRECT, atomicOr, T, __atomic_fetch_or) \
    SIM_SCOPES(SIM_DIRECT, atomicXor, T, __atomic_fetch_xor)
SIM_INTEGERS(int, uint32_t) SIM_INTEGERS(unsigned, uint32_t)
SIM_INTEGERS(long long, uint64_t) SIM_INTEGERS(unsigned long long, uint64_t)
#undef SIM_INTEGERS

// Count up from 0 to `value` and begin anew; count down from `value` to 0 and begin anew.
SIM_SCOPES(SIM_CHANGED, atomicInc, unsigned, uint32_t, old >= value ? 0 : old + 1)
SIM_SCOPES(SIM_CHANGED, atomicDec, unsigned, uint32_t, old == 0 || old > value ? value : old - 1)

SIM_EXCHANGE_SCOPES(SIM_DIRECT, atomicExch, int, __atomic_exchange_n)
SIM_EXCHANGE_SCOPES(SIM_DIRECT, atomicExch, unsigned, __atomic_exchange_n)
SIM_EXCHANGE_SCOPES(SIM_DIRECT, atomicExch, unsigned long long, __atomic_exchange_n)
SIM_EXCHANGE_SCOPES(SIM_CHANGED, atomicExch, float, uint32_t, (void(old), value))

SIM_SCOPES(SIM_COMPARE, int) SIM_SCOPES(SIM_COMPARE, unsigned)
SIM_SCOPES(SIM_COMPARE, unsigned long long) SIM_SCOPES(SIM_COMPARE, unsigned short)

// float2 and float4: each element by itself is atomic, as on the hardware.
#define SIM_ELEMENTS(suffix, scope, T, count) \
    SIM_UNSEEN T atomicAdd##suffix(T* address, T value, SIM_PLACE) { \
        sim::before_atomic(address, sizeof(T), scope, place); \
        T before; \
        for (int i = 0; i < count; i++) { \
            float term = (&value.x)[i]; \
            (&before.x)[i] = sim::replace<uint32_t>( \
                &address->x + i, \
                [term](float old) SIM_NOT_SEEN { return old + term; }); \
        } \
        return before; \
    }
SIM_SCOPES(SIM_ELEMENTS, float2, 2) SIM_SCOPES(SIM_ELEMENTS, float4, 4)

// 16 bytes of any type: compared by their bits.
namespace sim {
template <class T>
using Sixteen = std::enable_if_t<sizeof(T) == 16 && alignof(T) >= 16, T>;

template <class T>
SIM_UNSEEN __attribute__((target("cx16"))) T exchange_16(T* address, const T* compare, T value) {
    typedef unsigned __int128 Bits;
    Bits* where = reinterpret_cast<Bits*>(address);
    Bits wanted = compare ? same_bits<Bits>(*compare) : __sync_val_compare_and_swap(where, Bits(0), Bits(0));
    for (;;) {
        Bits before = __sync_val_compare_and_swap(where, wanted, same_bits<Bits>(value));
        if (compare || before == wanted) return same_bits<T>(before);
        wanted = before;
    }
}
}  // namespace sim
#define SIM_SIXTEEN(suffix, scope, T) \
    template <class T> \
    SIM_UNSEEN sim::Sixteen<T> atomicExch##suffix(T* address, T value, SIM_PLACE) { \
        sim::before_atomic(address, sizeof(T), scope | SIM_EXCHANGES, place); \
        return sim::exchange_16<T>(address, nullptr, value); \
    } \
    template <class T> \
    SIM_UNSEEN sim::Sixteen<T> atomicCAS##suffix(T* address, T compare, T value, SIM_PLACE) { \
        sim::before_atomic(address, sizeof(T), scope | SIM_COMPARES, place); \
        return sim::exchange_16<T>(address, &compare, value); \
    }
SIM_SCOPES(SIM_SIXTEEN, T)

#undef SIM_SIXTEEN
#undef SIM_ELEMENTS
#undef SIM_COMPARE
#undef SIM_CHANGED
#undef SIM_DIRECT
#undef SIM_SCOPES
#undef SIM_EXCHANGE_SCOPES
