// Idea:     A block scans its line 256 elements at a time: in step s, each thread adds the value of the
//           thread 2^s positions before it (Hillis and Steele 1986). After 8 steps the tile is complete, and
//           its last total is carried to the next tile.
// Contract: as 01.
// Launch:   block 256, grid min(lines, 2^31 - 1), 256 elements of static shared memory.
// Cost:     as 01, in whole sectors if lines are dense; 8 additions per element instead of one, and 16
//           barriers per tile.
// Next:     03 scans within warps by shuffles, and each thread first adds several elements itself.
#include "scan/layout.cuh"

namespace scanning {

template <typename Rule>
__device__ __forceinline__ void scan_lines(number* out, const void* in, int64 lines, int64 n,
                                           const Layout& layout, int exclusive, int backwards) {
    __shared__ number tile[THREADS];
    int t = threadIdx.x;
    for (int64 i = blockIdx.x; i < lines; i += gridDim.x) {
        Line line = line_at(i, layout);
        typename Rule::Total carried = Rule::start();
        for (int64 first = 0; first < n; first += THREADS) {
            int64 k = first + t, at = backwards ? n - 1 - k : k;
            number mine =
                k < n ? load<number>(in, line.in + at * layout.step_in, layout.dtype) : Rule::start();
            tile[t] = mine;
            for (int distance = 1; distance < THREADS; distance *= 2) {
                __syncthreads();
                number before = t >= distance ? tile[t - distance] : Rule::start();
                __syncthreads();
                mine = Rule::join(before, mine);
                tile[t] = mine;
            }
            __syncthreads();
            if (k < n) {
                number before = t > 0 ? tile[t - 1] : Rule::start();
                out[line.out + at * layout.step_out] =
                    (number)Rule::carry(carried, exclusive ? before : mine);
            }
            carried = Rule::carry(carried, tile[THREADS - 1]);
            __syncthreads();  // before the next tile
        }
    }
}

}  // namespace scanning
#include "scan/kernels.cuh"
