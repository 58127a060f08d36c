// Idea:     One thread for each element of the target loops over all indices in order, and adds the values
//           for its element. No other thread writes this element, so no atomics are needed, and the order of
//           additions is that of the source.
// Contract: source (outer, places, width), index (lines, places), target (outer, size, width), all dense. An
//           index out of range is reported and skipped. `order` is not used here. All sizes >= 1, but places
//           may be 0.
// Launch:   block 256, grid min(cdiv(outer * size * width, 256), 65536), no shared memory.
// Cost:     for every element of the target, all indices are read: size times the necessary work.
// Next:     02 sorts the indices first; then those of one target are found by bisection.
#include "scatter/layout.cuh"

extern "C" __global__ void __launch_bounds__(256, 2)
    scatter_add(number* __restrict__ out, const number* __restrict__ source, const void* __restrict__ index,
                const int64* __restrict__ order, int64* fault, int64 call, scattering::Shape s) {
    using namespace scattering;
    check_places(index, s, fault, call);
    int64 step = (int64)gridDim.x * blockDim.x, n = s.outer * s.size * s.width;
    for (int64 i = (int64)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
        int64 w = i % s.width, mine = i / s.width % s.size, o = i / s.width / s.size, line = line_of(s, o, w);
        Sum sum;
        for (int64 k = 0; k < s.places; k++)
            if (load<int64>(index, line + k, s.dtype) == mine)
                sum.add(source[(o * s.places + k) * s.width + w]);
        out[i] = sum.result();
    }
}
