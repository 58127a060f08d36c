// Idea:     One thread for each number computes the step of the generator that contains its word, and uses
//           that word.
// Contract: out is dense (n) in `dtype`. Number i comes from word i of the stream, for any grid: uniform,
//           normal, integer, 0 or 1 with probability p, or the word itself. n >= 1.
// Launch:   block 256, grid min(cdiv(n, 256), 65536), no shared memory.
// Cost:     writes each number once; 40 multiplications of 64 bits for each step, of which three quarters are
//           not used. The limit is arithmetic.
// Next:     In 02 a thread uses all four words of its step.
#include "random/philox.cuh"

extern "C" __global__ void __launch_bounds__(256, 2)
    random_numbers(void* out, randomness::Stream stream, int64 n, int64 low, float64 p, int32 kind,
                   int32 dtype) {
    using namespace randomness;
    int64 step = (int64)gridDim.x * blockDim.x;
    for (int64 i = (int64)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
        Words words = philox(stream, i / 4);
        store_at(out, i, bits_of(i, words.at[i % 4], words.at[(i % 4) ^ 1], kind, dtype, p, low), dtype);
    }
}
