// Idea:     Forward, one thread for each window loops over its elements. Backward, one thread for each
//           element tests each window that contains it, whether the element is the largest there. No two
//           threads add to the same element, so no atomics are needed.
// Contract: x (images, up to 3 axes) dense; windows without padding, with any size and stride. The gradient
//           of a window is divided evenly among its largest elements if several are equal. Sums have a fixed
//           order. n >= 1 results.
// Launch:   block 256, grid min(cdiv(n, 256), 65536), no shared memory.
// Cost:     forward reads a window for each result; neighbouring threads find most of it in the cache.
//           Backward loops over every window that contains an element: with stride 1, the square of the
//           window's size.
// Next:     Backward could store the largest element of each window and their number in a first step, instead
//           of finding them again for each element.
#include "pooling/layout.cuh"

extern "C" __global__ void __launch_bounds__(256, 2)
    max_pool(number* __restrict__ out, const number* __restrict__ x, int64 n, pooling::Windows w) {
    using namespace pooling;
    int64 step = (int64)gridDim.x * blockDim.x;
    for (int64 i = (int64)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
        int64 first[AXES];
        split(i % w.places(), w.count, first);
        for (int axis = 0; axis < AXES; axis++) first[axis] *= w.stride[axis];
        out[i] = top_of(x + i / w.places() * w.elements(), w, first).value;
    }
}

// The mean of u over the elements of each window of x that have its largest value.
extern "C" __global__ void __launch_bounds__(256, 2)
    max_pool_read(number* __restrict__ out, const number* __restrict__ u, const number* __restrict__ x,
                  int64 n, pooling::Windows w) {
    using namespace pooling;
    int64 step = (int64)gridDim.x * blockDim.x;
    for (int64 i = (int64)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
        int64 first[AXES], image = i / w.places() * w.elements();
        split(i % w.places(), w.count, first);
        for (int axis = 0; axis < AXES; axis++) first[axis] *= w.stride[axis];
        Top top = top_of(x + image, w, first);
        number sum = 0;
        each_element(w, first, [&](int64 at) {
            if (top.is(x[image + at])) sum += u[image + at];
        });
        out[i] = sum / (number)top.ties;
    }
}

// The gradient of each of the n elements of x: its share of the seed of each window where it is the largest.
extern "C" __global__ void __launch_bounds__(256, 2)
    max_pool_spread(number* __restrict__ out, const number* __restrict__ seed, const number* __restrict__ x,
                    int64 n, pooling::Windows w) {
    using namespace pooling;
    int64 step = (int64)gridDim.x * blockDim.x;
    for (int64 i = (int64)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
        int64 at[AXES], low[AXES], high[AXES], image = i / w.elements();
        split(i % w.elements(), w.spatial, at);
        for (int axis = 0; axis < AXES; axis++) {  // the windows from low to high contain position `at`
            int64 before = at[axis] - w.size[axis] + 1, last = at[axis] / w.stride[axis];
            low[axis] = before > 0 ? (before + w.stride[axis] - 1) / w.stride[axis] : 0;
            high[axis] = last < w.count[axis] ? last : w.count[axis] - 1;
        }
        number sum = 0, mine = x[i];
        for (int64 a = low[0]; a <= high[0]; a++)
            for (int64 b = low[1]; b <= high[1]; b++)
                for (int64 c = low[2]; c <= high[2]; c++) {
                    int64 first[AXES] = {a * w.stride[0], b * w.stride[1], c * w.stride[2]};
                    Top top = top_of(x + image * w.elements(), w, first);
                    if (top.is(mine))
                        sum += seed[image * w.places() + (a * w.count[1] + b) * w.count[2] + c] /
                               (number)top.ties;
                }
        out[i] = sum;
    }
}
