// Defines two kernels for each line of formulas.cuh: reduce_<name>, by the rung's function `reduce_rows`, and
// reduce_<name>_join, the second pass over partial states. Each rung includes it last.
#ifndef RESIDENT
#define RESIDENT 2  // blocks that a multiprocessor should hold at once
#endif
#define REDUCTION(name, State_, Result_, start_, add_, join_, finish_)                                 \
    namespace reducing {                                                                               \
    struct name##_rule {                                                                               \
        typedef State_ State;                                                                          \
        typedef Result_ Result;                                                                        \
        static __device__ __forceinline__ State start() { return start_; }                             \
        static __device__ __forceinline__ State add(State s, number x, [[maybe_unused]] int64 place) { \
            return add_;                                                                               \
        }                                                                                              \
        static __device__ __forceinline__ State join(State s, State t) { return join_; }               \
        static __device__ __forceinline__ Result finish(State s) { return finish_; }                   \
    };                                                                                                 \
    }                                                                                                  \
    extern "C" __global__ void __launch_bounds__(256, RESIDENT)                                        \
        reduce_##name(void* out, const void* in, void* partial, int64 rows, int64 n, int64 splits,     \
                      reducing::Layout layout) {                                                       \
        typedef reducing::name##_rule R;                                                               \
        reducing::reduce_rows<R>((R::Result*)out, in, (R::State*)partial, rows, n, splits, layout);    \
    }                                                                                                  \
    extern "C" __global__ void __launch_bounds__(256, RESIDENT)                                        \
        reduce_##name##_join(void* out, const void* partial, int64 rows, int64 splits) {               \
        typedef reducing::name##_rule R;                                                               \
        reducing::join_partials<R>((R::Result*)out, (const R::State*)partial, rows, splits);           \
    }
#define FLOATING_float32 1
#define FLOATING_float64 1
#define FLOATING_OF(type) FLOATING_##type
#define FLOATING(type) FLOATING_OF(type)
#if FLOATING(SCALAR)
#define FLOAT_REDUCTION REDUCTION
#else
#define FLOAT_REDUCTION(...)
#endif

#include "reduce/formulas.cuh"

#undef REDUCTION
#undef RESIDENT
#undef FLOAT_REDUCTION
#undef FLOATING
#undef FLOATING_OF
#undef FLOATING_float32
#undef FLOATING_float64
