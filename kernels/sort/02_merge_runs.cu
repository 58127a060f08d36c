// Idea:     Sorted runs are merged in pairs until one is left. The rank of an element in the merged run is
//           its rank in its own run, which is known, plus its rank in the other run, found by bisection. The
//           first launch sorts runs of 256 in shared memory, by counting.
// Contract: as 01, in several launches: run = 0 sorts runs of 256; then run = 256, 512, ... merges `from`
//           into `places`, which are exchanged after each launch.
// Launch:   block 256; run = 0: grid min(lines * cdiv(n, 256), 65536), 256 elements of static shared memory;
//           else grid min(cdiv(lines * n, 256), 65536).
// Cost:     log2(n / 256) launches that read and write each index once, and bisect: about log2(n)^2 / 2
//           comparisons per element, with scattered addresses in the later launches.
// Next:     A radix sort of 4 bits at a time has a fixed number of passes for any n.
#include "sort/layout.cuh"

extern "C" __global__ void __launch_bounds__(256, 2)
    argsort(int64* __restrict__ places, const number* __restrict__ in, const int64* __restrict__ from,
            int64 lines, int64 n, int64 run) {
    using namespace sorting;
    constexpr int RUN = 256;
    if (run == 0) {
        __shared__ number keys[RUN];
        int64 runs = (n + RUN - 1) / RUN;
        for (int64 b = blockIdx.x; b < lines * runs; b += gridDim.x) {
            int64 line = b / runs * n, first = b % runs * RUN;
            int length = n - first < RUN ? (int)(n - first) : RUN, i = threadIdx.x, rank = 0;
            if (i < length) keys[i] = in[line + first + i];
            __syncthreads();
            if (i < length) {
                for (int j = 0; j < length; j++) rank += before(Item{keys[j], j}, Item{keys[i], i});
                places[line + first + rank] = first + i;
            }
            __syncthreads();  // before the next run
        }
        return;
    }
    int64 step = (int64)gridDim.x * blockDim.x;
    for (int64 t = (int64)blockIdx.x * blockDim.x + threadIdx.x; t < lines * n; t += step) {
        int64 line = t / n * n, i = t % n, pair = i / (2 * run) * (2 * run);
        bool second = i - pair >= run;
        int64 low = second ? pair : pair + run, high = low + run;  // the other run
        if (low > n) low = n;
        if (high > n) high = n;
        int64 start = low;
        Item mine = {in[line + from[line + i]], from[line + i]};
        while (low < high) {
            int64 middle = (low + high) / 2;
            int64 place = from[line + middle];
            if (before(Item{in[line + place], place}, mine)) low = middle + 1;
            else high = middle;
        }
        int64 own = i - (second ? pair + run : pair);
        places[line + pair + own + (low - start)] = mine.place;
    }
}
