// Idea:     A thread for each place of the result asks which windows cover it, and adds up their elements.
//           Turned around - a thread a window, adding to places - threads would need atomics, and the sum
//           another order every run.
// Contract: out dense (n), the source of any strides; up to 3 sliding axes (of size 1 where there are fewer)
//           and 8 others. Sums in the order of a window's elements. n >= 1.
// Launch:   block 256, grid min(cdiv(n, 256), 65536), no shared memory.
// Cost:     reads each element of the windows once, writes each place once, and asks for every element of a
//           window whether it falls here: with a stride, most do not.
// Next:     Only every stride-th element can fall onto a place: the loops could start there and step over the
//           others.
#include "fold/layout.cuh"

extern "C" __global__ void __launch_bounds__(256, 2)
    fold(number* __restrict__ out, const number* __restrict__ in, int64 n, folding::Layout layout) {
    using namespace folding;
    int64 step = (int64)gridDim.x * blockDim.x;
    for (int64 t = (int64)blockIdx.x * blockDim.x + threadIdx.x; t < n; t += step) {
        int64 i = t, x[SPATIAL], base = 0;
        for (int axis = SPATIAL - 1; axis >= 0; axis--) {
            x[axis] = i % layout.shape[axis];
            i /= layout.shape[axis];
        }
        for (int axis = layout.lead_axes - 1; axis >= 0; axis--) {
            base += i % layout.lead[axis] * layout.lead_in[axis];
            i /= layout.lead[axis];
        }
        out[t] = covered(in, base, x, layout);
    }
}
