// Idea:     One thread for each element of the result reads its index, and copies the element.
// Contract: out is dense (n); input and index have any strides. layout.row elements at the end of the shape
//           share an index. An index out of range is reported, and zero is stored. n >= 1.
// Launch:   block 256, grid min(cdiv(n, 256), 65536), no shared memory.
// Cost:     reads an index and an element, and writes an element. The limit is bandwidth; scattered reads do
//           not use whole sectors.
// Next:     In rows of an embedding, every element reads the same index again. 02 reads it once for each row.
#include "gather/layout.cuh"

extern "C" __global__ void __launch_bounds__(256, 2)
    gather(number* __restrict__ out, const number* __restrict__ in, const void* __restrict__ index,
           int64* fault, int64 n, int64 call, gathering::Layout layout) {
    using namespace gathering;
    int64 step = (int64)gridDim.x * blockDim.x;
    for (int64 i = (int64)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
        Offsets at = offsets(i, layout.axes, layout);
        int64 place = place_of(index, at.index, layout, fault, call, true);
        out[i] = place < 0 ? number(0) : in[at.in + place * layout.axis_step];
    }
}
ONE_HOT
#undef ONE_HOT
