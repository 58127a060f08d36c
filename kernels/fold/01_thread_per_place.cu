// Idea:     One thread for each element of the result finds the windows that cover it, and adds their
//           elements. With one thread for each window, the threads would need atomics, and the order of the
//           sum would change in every run.
// Contract: out dense (n), the source with any strides; up to 3 sliding axes (of size 1 if there are fewer)
//           and 8 others. Sums are in the order of the elements of a window. n >= 1.
// Launch:   block 256, grid min(cdiv(n, 256), 65536), no shared memory.
// Cost:     reads each element of the windows once, writes each element of the result once, and tests for
//           each element of a window whether it belongs to this result: with a stride, most do not.
// Next:     Only every stride-th element of a window can belong to a result: the loops could start at the
//           first one and skip the others.
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
