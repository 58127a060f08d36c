// Idea:     One thread for each element of the result.
// Contract: out has `n` elements, with any strides but without overlap. Operands have any dtype and strides
//           (0 on axes where they repeat), or are single numbers. n >= 1.
// Launch:   block 256, grid cdiv(n, 256), no shared memory.
// Cost:     reads each input and writes each result once. With a few FLOP per element, the limit is
//           bandwidth.
// Next:     A large array needs a million blocks with little work each: in 02 a fixed grid loops over the
//           array.
#include "elementwise/functions.cuh"
#include "elementwise/layout.cuh"

#define KERNEL(name, arity, result, formula)                                                             \
    extern "C" __global__ void name(void* out, const void* a, const void* b, const void* c,              \
                                    elementwise::Numbers numbers, int64 n, elementwise::Layout layout) { \
        using namespace elementwise;                                                                     \
        int64 i = (int64)blockIdx.x * blockDim.x + threadIdx.x;                                          \
        if (i >= n) return;                                                                              \
        Offsets at = offsets<arity>(i, layout);                                                          \
        [[maybe_unused]] number x = operand(0, a, at, layout, numbers);                                  \
        [[maybe_unused]] number y = arity > 1 ? operand(1, b, at, layout, numbers) : number();           \
        [[maybe_unused]] number z = arity > 2 ? operand(2, c, at, layout, numbers) : number();           \
        ((result*)out)[at.out] = (result)(formula);                                                      \
    }
#include "elementwise/kinds.cuh"
#include "elementwise/formulas.cuh"
#include "elementwise/end.cuh"
