// Idea:     Each thread adds 4 neighbouring elements; the lanes scan their totals by 5 shuffles; one value of
//           each warp goes through shared memory. 1024 elements need 2 barriers.
// Contract: as 01.
// Launch:   block 256, grid min(lines, 2^31 - 1), 8 elements of static shared memory.
// Cost:     as 01: about 2 additions per element. If lines are dense, the 4 elements of a thread are
//           contiguous, so each of the four loads and stores of a warp accesses all 16 sectors: four times
//           the minimum.
// Next:     04 moves whole sectors, and loads the next tile while it computes on this one.
#include "scan/layout.cuh"

namespace scanning {

constexpr int EACH = 4;

template <typename Rule>
__device__ __forceinline__ void scan_lines(number* out, const void* in, int64 lines, int64 n,
                                           const Layout& layout, int exclusive, int backwards) {
    __shared__ number totals[WARPS];
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    for (int64 i = blockIdx.x; i < lines; i += gridDim.x) {
        Line line = line_at(i, layout);
        typename Rule::Total carried = Rule::start();
        for (int64 first = 0; first < n; first += THREADS * EACH) {
            number x[EACH], total = Rule::start();
            for (int e = 0; e < EACH; e++) {
                int64 k = first + threadIdx.x * EACH + e, at = backwards ? n - 1 - k : k;
                x[e] = k < n ? load<number>(in, line.in + at * layout.step_in, layout.dtype) : Rule::start();
                total = Rule::join(total, x[e]);
            }
            number upto = total;  // of the lanes up to this one, inclusive
            for (int distance = 1; distance < 32; distance *= 2) {
                number before = __shfl_up_sync(ALL, upto, distance);
                if (lane >= distance) upto = Rule::join(before, upto);
            }
            if (lane == 31) totals[warp] = upto;
            number below = __shfl_up_sync(ALL, upto, 1);
            __syncthreads();
            number before = (number)carried;  // of all elements before those of this thread
            for (int w = 0; w < warp; w++) before = Rule::join(before, totals[w]);
            if (lane > 0) before = Rule::join(before, below);
            for (int e = 0; e < EACH; e++) {
                int64 k = first + threadIdx.x * EACH + e, at = backwards ? n - 1 - k : k;
                number next = Rule::join(before, x[e]);
                if (k < n) out[line.out + at * layout.step_out] = exclusive ? before : next;
                before = next;
            }
            for (int w = 0; w < WARPS; w++) carried = Rule::carry(carried, totals[w]);
            __syncthreads();  // before the next tile
        }
    }
}

}  // namespace scanning
#include "scan/kernels.cuh"
