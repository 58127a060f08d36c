// C = A B: A is m x k, B is k x n, C is m x n, all of float and row-major. A thread computes one element of C.
// bare_matmul.py runs it, on a GPU or on none.
__global__ void matmul(const float* a, const float* b, float* c, int m, int n, int k) {
    int row = blockIdx.x * blockDim.x + threadIdx.x;
    int column = blockIdx.y * blockDim.y + threadIdx.y;
    if (row >= m || column >= n) return;  // the last blocks reach over the edge of C
    float sum = 0;
    for (int i = 0; i < k; i++) sum += a[row * k + i] * b[i * n + column];
    c[row * n + column] = sum;
}
