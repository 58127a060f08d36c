// Idea:     The rank of an element is the number of elements that come before it. One thread for each element
//           counts them.
// Contract: places[rank] for each of `lines` dense lines of n elements. `keys` and `spare` (lines * n each)
//           are not used here; phase 0 does all of the work.
// Launch:   block 256, grid min(cdiv(lines * n, 256), 65536), no shared memory; one launch.
// Cost:     n comparisons per element, n^2 per line.
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
