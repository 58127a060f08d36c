// Idea:     A thread computes one element after another, with a step of a whole grid: the result is correct
//           for any grid, and the lanes of a warp access neighbours in memory. Dense operands need no
//           computation of offsets.
// Contract: as 01.
// Launch:   block 256, grid min(cdiv(n, 256), 4096), no shared memory.
// Cost:     as 01, without a division for each axis and element if all operands are dense.
// Next:     Each load moves one element: 03 moves 16 bytes with each instruction.
#include "elementwise/functions.cuh"
#include "elementwise/layout.cuh"

#define KERNEL(name, arity, result, formula)                                                             \
    extern "C" __global__ void name(void* out, const void* a, const void* b, const void* c,              \
                                    elementwise::Numbers numbers, int64 n, elementwise::Layout layout) { \
        using namespace elementwise;                                                                     \
        int64 step = (int64)gridDim.x * blockDim.x;                                                      \
        for (int64 i = (int64)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {                 \
            Offsets at = layout.flat ? Offsets{i, {i, i, i}} : offsets<arity>(i, layout);                \
            [[maybe_unused]] number x = operand(0, a, at, layout, numbers);                              \
            [[maybe_unused]] number y = arity > 1 ? operand(1, b, at, layout, numbers) : number();       \
            [[maybe_unused]] number z = arity > 2 ? operand(2, c, at, layout, numbers) : number();       \
            ((result*)out)[at.out] = (result)(formula);                                                  \
        }                                                                                                \
    }
#include "elementwise/kinds.cuh"
#include "elementwise/formulas.cuh"
#include "elementwise/end.cuh"
