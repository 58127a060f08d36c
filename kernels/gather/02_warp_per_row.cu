// Idea:     One warp for each row of elements that share an index and are contiguous: it reads the index
//           once, and neighbouring lanes read and write neighbouring elements.
// Contract: as 01.
// Launch:   block 256, grid min(cdiv(n / row, 8), 65536) for rows of 16 or more elements, else as 01; no
//           shared memory.
// Cost:     as 01, with one index for each row, and whole sectors on both sides.
// Next:     03 moves 16 bytes with each load.
#include "gather/layout.cuh"

extern "C" __global__ void __launch_bounds__(256, 2)
    gather(number* __restrict__ out, const number* __restrict__ in, const void* __restrict__ index,
           int64* fault, int64 n, int64 call, gathering::Layout layout) {
    using namespace gathering;
    if (layout.row < 16) {
        int64 step = (int64)gridDim.x * blockDim.x;
        for (int64 i = (int64)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
            Offsets at = offsets(i, layout.axes, layout);
            int64 place = place_of(index, at.index, layout, fault, call, true);
            out[i] = place < 0 ? number(0) : in[at.in + place * layout.axis_step];
        }
        return;
    }
    int lane = threadIdx.x % 32;
    int64 rows = n / layout.row, step = (int64)gridDim.x * 8;
    for (int64 r = (int64)blockIdx.x * 8 + threadIdx.x / 32; r < rows; r += step) {
        Offsets at = offsets(r * layout.row, layout.axes, layout);
        int64 place = place_of(index, at.index, layout, fault, call, lane == 0);
        const number* from = in + at.in + place * layout.axis_step;
        number* to = out + r * layout.row;
        for (int64 i = lane; i < layout.row; i += 32) to[i] = place < 0 ? number(0) : from[i];
    }
}
ONE_HOT
#undef ONE_HOT
