// Idea:     `order` is a stable sort of each line of the index: the entries of one target are a run, in the
//           order of the source. One thread for each element of the target finds its run by bisection, and
//           adds it.
// Contract: as 01; order (lines, places) has the sorting permutation of each line.
// Launch:   as 01, after the sort.
// Cost:     reads each element of the source once, writes each element of the target once, and bisects with
//           log2(places) steps. A target with a long run is the work of one thread for each column.
// Next:     A block could add a long run, in parts of fixed length.
#include "scatter/layout.cuh"

extern "C" __global__ void __launch_bounds__(256, 2)
    scatter_add(number* __restrict__ out, const number* __restrict__ source, const void* __restrict__ index,
                const int64* __restrict__ order, int64* fault, int64 call, scattering::Shape s) {
    using namespace scattering;
    check_places(index, s, fault, call);
    int64 step = (int64)gridDim.x * blockDim.x, n = s.outer * s.size * s.width;
    for (int64 i = (int64)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
        int64 w = i % s.width, mine = i / s.width % s.size, o = i / s.width / s.size, line = line_of(s, o, w);
        int64 low = 0, high = s.places;
        while (low < high) {
            int64 middle = (low + high) / 2;
            if (load<int64>(index, line + order[line + middle], s.dtype) < mine) low = middle + 1;
            else high = middle;
        }
        Sum sum;
        for (; low < s.places; low++) {
            int64 k = order[line + low];
            if (load<int64>(index, line + k, s.dtype) != mine) break;
            sum.add(source[(o * s.places + k) * s.width + w]);
        }
        out[i] = sum.result();
    }
}
