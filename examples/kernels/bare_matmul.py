"""A matrix product, C = A B: a thread for each element of C, by the kernel in bare_matmul.cu.

python examples/kernels/bare_matmul.py                             on a GPU, with PyCUDA as it is
tinygrad-edu simulate --check examples/kernels/bare_matmul.py      anywhere: the same program, no GPU
"""

from pathlib import Path

import numpy as np
import pycuda.autoinit  # noqa: F401 - makes a context
import pycuda.driver as cuda
from pycuda.compiler import SourceModule

text = Path(__file__).with_suffix(".cu").read_text(encoding="utf-8")
matmul = SourceModule(text).get_function("matmul")

m, k, n, side = 100, 50, 70, 16  # 100 and 70 are no multiples of 16: some threads have no element
rng = np.random.default_rng(0)
a = rng.standard_normal((m, k), dtype=np.float32)
b = rng.standard_normal((k, n), dtype=np.float32)
c = np.empty((m, n), np.float32)

down, across = (m + side - 1) // side, (n + side - 1) // side  # blocks that cover C, rounded up
matmul(
    *(cuda.In(a), cuda.In(b), cuda.Out(c)),
    *(np.int32(m), np.int32(n), np.int32(k)),
    block=(side, side, 1),
    grid=(down, across),
)

# Rounding after each of k products and k additions moves an element by k eps (|A| |B|) at most.
exact = a.astype(np.float64) @ b
bound = k * np.finfo(np.float32).eps * (np.abs(a) @ np.abs(b))
assert np.all(np.abs(c - exact) <= bound)
print(
    f"({m} x {k}) times ({k} x {n}) by {down} x {across} blocks of {side} x {side} threads "
    f"on {cuda.Device(0).name()}: as NumPy's, but for rounding"
)
