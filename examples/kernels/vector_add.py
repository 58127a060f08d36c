"""The first CUDA kernel: c = a + b for a million numbers, a thread for each, 256 threads a block.

python examples/kernels/vector_add.py               on a GPU, with PyCUDA as it is
python examples/kernels/vector_add.py --simulate    anywhere: the same kernel, the same PyCUDA, no GPU
"""

import sys

import numpy as np

if "--simulate" in sys.argv:
    import tinygrad_edu.simulator

    tinygrad_edu.simulator.install()  # before pycuda is imported

try:
    import pycuda.autoinit  # noqa: F401 - makes a context
except ImportError as error:
    raise SystemExit(f"{error}\nWithout a GPU: tinygrad-edu simulator setup, once, then --simulate") from None
import pycuda.driver as cuda
from pycuda.compiler import SourceModule

module = SourceModule("""
__global__ void add(const double *a, const double *b, double *c, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;      // this thread's place in the whole grid
    if (i < n) c[i] = a[i] + b[i];                      // the last block has threads to spare
}
""")
add = module.get_function("add")

n, threads = 1_000_000, 256
blocks = (n + threads - 1) // threads  # rounded up: 3907
rng = np.random.default_rng(0)
a, b = rng.standard_normal(n), rng.standard_normal(n)  # float64, as the kernel's double
c = np.empty_like(a)

add(cuda.In(a), cuda.In(b), cuda.Out(c), np.int32(n), block=(threads, 1, 1), grid=(blocks, 1))

assert np.array_equal(c, a + b)
print(f"{n} additions by {blocks} blocks of {threads} threads on {cuda.Device(0).name()}: all as NumPy's")
