// Idea:     One thread for each result adds its products, and loads each factor from where it is stored.
// Contract: x (n, c, up to 3 axes), weight (o, c / groups, sizes), y, all dense, any stride, padding,
//           dilation and groups; the function and its gradients by x and by weight, each a sum in a fixed
//           order. Sizes >= 1.
// Launch:   block 256, grid (cdiv(rows * columns, 256), min(groups, 65535)), no shared memory.
// Cost:     2 FLOP and two loads for each product. Each element of x is loaded once for each output channel
//           and each window that contains it.
// Next:     02 loads a tile of both factors once for 256 results.
#include "convolution/problem.cuh"

namespace convolving {

template <typename Product>
__device__ __forceinline__ void multiply(const Problem& p) {
    int64 rows = Product::rows(p), columns = Product::columns(p), depth = Product::depth(p);
    int64 t = (int64)blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= rows * columns) return;
    for (int64 g = blockIdx.y; g < p.groups; g += gridDim.y) {
        number sum = 0;
        for (int64 k = 0; k < depth; k++)
            sum += Product::a(p, g, t / columns, k) * Product::b(p, g, k, t % columns);
        Product::put(p, g, t / columns, t % columns, sum);
    }
}

}  // namespace convolving
#include "convolution/kernels.cuh"
