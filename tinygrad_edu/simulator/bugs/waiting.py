"""Planted errors of threads that wait for one another, and of launches."""

from __future__ import annotations

from tinygrad_edu.simulator.bugs.planted import Planted, Raw, X, Y

# fmt: off
MEETINGS = [
    Planted("barriers in both branches",
            "The two branches have a barrier each, and half of the threads wait at either.",
            ("Divergent barrier|Deadlock",), """
__global__ void k(const float *x, float *y) {
    int t = threadIdx.x;
-   if (t % 2 == 0) {
-       y[t] = x[t];
-       __syncthreads();                        // OTHER
-   } else {
-       y[t] = -x[t];
-       __syncthreads();                        // BUG
-   }
+   y[t] = t % 2 == 0 ? x[t] : -x[t];
+   __syncthreads();
}
"""),
    Planted("barrier in a loop of different lengths",
            "Some threads go through the loop, and its barrier, more often than others.",
            ("Divergent barrier|Deadlock",), """
__global__ void k(const float *x, float *y) {
    int t = threadIdx.x;
-   for (int i = 0; i < 1 + t / 32; i++) {
-       y[t] += x[t];
-       __syncthreads();                        // BUG
-   }
+   for (int i = 0; i < 2; i++) {
+       if (i < 1 + t / 32) y[t] += x[t];
+       __syncthreads();
+   }
    if (t < 64) __syncthreads();                // OTHER
}
"""),
    Planted("mask without the lane itself",
            "A lane calls a warp function whose mask does not name it.",
            ("Wrong mask",), """
__global__ void k(const float *x, float *y) {
    int t = threadIdx.x;
-   y[t] = __ballot_sync(0x0000ffff, x[t] > 3);         // BUG
+   y[t] = __ballot_sync(0xffffffff, x[t] > 3);
}
""", block=32, tells=("0x0000ffff",)),
    Planted("lane of the mask that waits elsewhere",
            "The mask names all lanes, and half of them wait at another place.",
            ("Deadlock",), """
__global__ void k(const float *x, float *y) {
    int t = threadIdx.x;
    float v = x[t];
-   if (t < 16) v += __shfl_xor_sync(0xffffffff, v, 1);         // BUG
+   if (t < 16) v += __shfl_xor_sync(0x0000ffff, v, 1);
    __syncthreads();
    y[t] = v;
}
""", block=32, tells=("0xffffffff",)),
    Planted("shuffle from a lane outside of the mask",
            "A lane asks for the number of one that takes no part.",
            ("Shuffle from a lane that takes no part",), """
__global__ void k(const float *x, float *y) {
    int t = threadIdx.x;
    if (t < 16) {
-       y[t] = __shfl_sync(0x0000ffff, x[t], 20);       // BUG
+       y[t] = __shfl_sync(0x0000ffff, x[t], 10);
    }
}
""", block=32, tells=("lane 20",)),
]
# fmt: on

# fmt: off
LAUNCHES = [
    Planted("an argument too wide",
            "The kernel takes a float, and is given 8 bytes.",
            ("Wrong arguments",), """
__global__ void k(const float *x, float *y, float a) {
    y[threadIdx.x] = a * x[threadIdx.x];
}
""", (X, Y, Raw("float64", 2)), (X, Y, Raw("float32", 2)), tells=("np.float32",), locates=False),
    Planted("an argument missing",
            "The kernel takes three arguments, and is given two.",
            ("Wrong arguments",), """
__global__ void k(const float *x, float *y, int n) {
    if (threadIdx.x < n) y[threadIdx.x] = x[threadIdx.x];
}
""", (X, Y), (X, Y, 64), locates=False),
]
# fmt: on

ORDER = MEETINGS + LAUNCHES
