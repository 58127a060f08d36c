// Idea:     One thread for each line keeps a running total.
// Contract: out[i] = in[0] + ... + in[i] along each of `lines` lines (or the product). With `exclusive`,
//           in[i] itself is not included; `backwards` starts at the end. The input has any layout and dtype.
//           n >= 1. The order of additions depends on the sizes alone.
// Launch:   block 256, grid min(cdiv(lines, 256), 2^31 - 1), no shared memory.
// Cost:     reads and writes each element once. Few lines use only few threads; if lines are dense,
//           neighbouring threads access addresses one line apart.
// Next:     02 gives a line to a block, which scans 256 elements at a time in shared memory.
#include "scan/layout.cuh"

namespace scanning {

template <typename Rule>
__device__ __forceinline__ void scan_lines(number* out, const void* in, int64 lines, int64 n,
                                           const Layout& layout, int exclusive, int backwards) {
    int64 step = (int64)gridDim.x * blockDim.x;
    for (int64 i = (int64)blockIdx.x * blockDim.x + threadIdx.x; i < lines; i += step) {
        Line line = line_at(i, layout);
        typename Rule::Total total = Rule::start();
        for (int64 k = 0; k < n; k++) {
            int64 at = backwards ? n - 1 - k : k;
            number x = load<number>(in, line.in + at * layout.step_in, layout.dtype);
            typename Rule::Total next = Rule::carry(total, x);
            out[line.out + at * layout.step_out] = (number)(exclusive ? total : next);
            total = next;
        }
    }
}

}  // namespace scanning
#include "scan/kernels.cuh"
