// Idea:     One thread for each step of the generator stores all four numbers of the step.
// Contract: as 01.
// Launch:   block 256, grid min(cdiv(n, 1024), 65536), no shared memory.
// Cost:     as 01 with a quarter of the arithmetic. The four stores of a warp write to the same sectors.
// Next:     Each store of a warp fills a quarter of its sectors: 03 stores the four numbers with one
//           instruction of 16 bytes.
#include "random/philox.cuh"

extern "C" __global__ void __launch_bounds__(256, 2)
    random_numbers(void* out, randomness::Stream stream, int64 n, int64 low, float64 p, int32 kind,
                   int32 dtype) {
    using namespace randomness;
    int64 grid = (int64)gridDim.x * blockDim.x, steps = (n + 3) / 4;
    for (int64 s = (int64)blockIdx.x * blockDim.x + threadIdx.x; s < steps; s += grid) {
        Words words = philox(stream, s);
#pragma unroll
        for (int w = 0; w < 4; w++)
            if (s * 4 + w < n)
                store_at(out, s * 4 + w, bits_of(w, words.at[w], words.at[w ^ 1], kind, dtype, p, low),
                         dtype);
    }
}
