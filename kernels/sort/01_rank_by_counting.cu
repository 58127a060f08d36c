// Idea:     An element's rank is the number of elements that belong before it. A thread for each counts them.
// Contract: places[rank] of each of `lines` dense lines of n elements. `keys` and `spare` (lines * n each)
//           are not used here; phase 0 does everything.
// Launch:   block 256, grid min(cdiv(lines * n, 256), 65536), no shared memory; one launch.
// Cost:     n comparisons an element, n^2 a line.
// Next:     02 merges sorted runs that double in length: log2(n) steps of n comparisons each.
#include "sort/layout.cuh"

extern "C" __global__ void __launch_bounds__(256, 2)
    argsort(int64* __restrict__ places, const number* __restrict__ in, const int64* __restrict__ from,
            int64 lines, int64 n, int64 run) {
    using namespace sorting;
    int64 step = (int64)gridDim.x * blockDim.x;
    for (int64 t = (int64)blockIdx.x * blockDim.x + threadIdx.x; t < lines * n; t += step) {
        const number* line = in + t / n * n;
        int64 i = t % n, rank = 0;
        for (int64 j = 0; j < n; j++) rank += before(Item{line[j], j}, Item{line[i], i});
        places[t / n * n + rank] = i;
    }
}
