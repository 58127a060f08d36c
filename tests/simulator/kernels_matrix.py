"""Matrices: transposes, products in tiles of shared memory, of registers and of wmma, stencils with a rim."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.simulator.differential import SEEDS, THREADS, Device, Family, Out, blocks_for, small

SIDE = st.integers(1, 70)

MATRIX = Family(r"""
#include <cuda_fp16.h>
#include <mma.h>

// A tile goes through shared memory, so that reads and writes both go along rows. PAD moves the columns of
// the tile to other banks.
template <class T, int TILE, int PAD> __device__ void transpose(const T *x, T *y, int rows, int columns) {
    __shared__ T tile[TILE][TILE + PAD];
    int column = blockIdx.x * TILE + threadIdx.x, row = blockIdx.y * TILE + threadIdx.y;
    for (int j = 0; j < TILE; j += blockDim.y)
        if (threadIdx.y + j < TILE && row + j < rows && column < columns)
            tile[threadIdx.y + j][threadIdx.x] = x[(row + j) * columns + column];
    __syncthreads();
    column = blockIdx.y * TILE + threadIdx.x;
    row = blockIdx.x * TILE + threadIdx.y;
    for (int j = 0; j < TILE; j += blockDim.y)
        if (threadIdx.y + j < TILE && row + j < columns && column < rows)
            y[(row + j) * rows + column] = tile[threadIdx.x][threadIdx.y + j];
}

template <class T> __device__ void product(const T *a, const T *b, T *c, int rows, int inner, int columns) {
    int row = blockIdx.y * blockDim.y + threadIdx.y, column = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows || column >= columns) return;
    T sum = 0;
    for (int k = 0; k < inner; k++) sum += a[row * inner + k] * b[k * columns + column];
    c[row * columns + column] = sum;
}

template <class T, int TILE>
__device__ void product_tiled(const T *a, const T *b, T *c, int rows, int inner, int columns) {
    __shared__ T left[TILE][TILE], right[TILE][TILE];
    int row = blockIdx.y * TILE + threadIdx.y, column = blockIdx.x * TILE + threadIdx.x;
    T sum = 0;
    for (int first = 0; first < inner; first += TILE) {
        int along = first + threadIdx.x, down = first + threadIdx.y;
        left[threadIdx.y][threadIdx.x] = row < rows && along < inner ? a[row * inner + along] : T(0);
        right[threadIdx.y][threadIdx.x] = T(0);
        if (down < inner && column < columns) right[threadIdx.y][threadIdx.x] = b[down * columns + column];
        __syncthreads();
#pragma unroll
        for (int k = 0; k < TILE; k++) sum += left[threadIdx.y][k] * right[k][threadIdx.x];
        __syncthreads();
    }
    if (row < rows && column < columns) c[row * columns + column] = sum;
}

#define PRODUCTS(T) \
    __global__ void naive_##T(const T *a, const T *b, T *c, int m, int k, int n) { \
        product<T>(a, b, c, m, k, n); \
    } \
    TILED(T, 8) TILED(T, 16) TILED(T, 32)
#define TILED(T, TILE) \
    __global__ void __launch_bounds__(TILE * TILE) \
    tiled_##T##_##TILE(const T *a, const T *b, T *c, int m, int k, int n) { \
        product_tiled<T, TILE>(a, b, c, m, k, n); \
    }
#define TRANSPOSES(T) \
    __global__ void plain_##T(const T *x, T *y, int rows, int columns) { \
        int column = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y; \
        if (row < rows && column < columns) y[column * rows + row] = x[row * columns + column]; \
    } \
    __global__ void tile_##T(const T *x, T *y, int m, int n) { transpose<T, 16, 0>(x, y, m, n); } \
    __global__ void padded_##T(const T *x, T *y, int m, int n) { transpose<T, 32, 1>(x, y, m, n); }
extern "C" {
PRODUCTS(float)
PRODUCTS(double)
TRANSPOSES(float)
TRANSPOSES(short)
TRANSPOSES(float4)

// 64 threads, each with 4 by 4 sums in registers; 8 steps of the inner index at a time.
__global__ void registers(const float *a, const float *b, float *c, int rows, int inner, int columns) {
    __shared__ float left[8][32], right[8][32];
    int across = threadIdx.x % 8 * 4, down = threadIdx.x / 8 * 4;
    int row = blockIdx.y * 32, column = blockIdx.x * 32;
    float sums[4][4] = {}, of_left[4], of_right[4];
    for (int first = 0; first < inner; first += 8) {
        for (int i = threadIdx.x; i < 256; i += 64) {
            int k = i % 8, r = i / 8;
            left[k][r] = row + r < rows && first + k < inner ? a[(row + r) * inner + first + k] : 0;
        }
        for (int i = threadIdx.x; i < 256; i += 64) {
            int k = i / 32, r = i % 32, from = (first + k) * columns + column + r;
            right[k][r] = column + r < columns && first + k < inner ? b[from] : 0;
        }
        __syncthreads();
        for (int k = 0; k < 8; k++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                of_left[i] = left[k][down + i];
                of_right[i] = right[k][across + i];
            }
#pragma unroll
            for (int i = 0; i < 16; i++) sums[i / 4][i % 4] += of_left[i / 4] * of_right[i % 4];
        }
        __syncthreads();
    }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            if (row + down + i < rows && column + across + j < columns)
                c[(row + down + i) * columns + column + across + j] = sums[i][j];
}

// Each warp of a block has a tile of 16 by 16; a strip of `a` is shared by all of them.
__global__ void matrix_cores(const half *a, const half *b, float *c, int rows, int inner, int columns) {
    using namespace nvcuda;
    __shared__ __align__(32) half strip[16 * 16];
    int row = blockIdx.y * 16, column = (blockIdx.x * blockDim.y + threadIdx.y) * 16;
    wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::row_major> left;
    wmma::fragment<wmma::matrix_b, 16, 16, 16, half, wmma::row_major> right;
    wmma::fragment<wmma::accumulator, 16, 16, 16, float> sum;
    wmma::fill_fragment(sum, 0.0f);
    for (int first = 0; first < inner; first += 16) {
        for (int i = threadIdx.y * 32 + threadIdx.x; i < 256; i += blockDim.y * 32)
            strip[i] = a[(row + i / 16) * inner + first + i % 16];
        __syncthreads();
        if (column < columns) {
            wmma::load_matrix_sync(left, strip, 16);
            wmma::load_matrix_sync(right, b + first * columns + column, columns);
            wmma::mma_sync(sum, left, right, sum);
        }
        __syncthreads();
    }
    if (column < columns)
        wmma::store_matrix_sync(c + row * columns + column, sum, columns, wmma::mem_row_major);
}

// Weighted sums of 2 * radius + 1 neighbours; past the ends are zeros. The weights are in constant memory.
__constant__ float weights[17];
__global__ void stencil_of_row(const float *x, float *y, int n, int radius) {
    extern __shared__ float near[];
    int first = blockIdx.x * blockDim.x - radius;
    for (int i = threadIdx.x; i < blockDim.x + 2 * radius; i += blockDim.x)
        near[i] = first + i >= 0 && first + i < n ? x[first + i] : 0;
    __syncthreads();
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= n) return;
    float sum = 0;
    for (int i = 0; i <= 2 * radius; i++) sum += weights[i] * near[threadIdx.x + i];
    y[at] = sum;
}

// A step of heat: threads at the edge of a block also fetch the rim.
#define WIDTH 16
#define HEIGHT 8
__global__ void stencil_of_plane(const float *x, float *y, int rows, int columns) {
    __shared__ float near[HEIGHT + 2][WIDTH + 2];
    int column = blockIdx.x * WIDTH + threadIdx.x, row = blockIdx.y * HEIGHT + threadIdx.y;
    int tx = threadIdx.x + 1, ty = threadIdx.y + 1;
    auto at = [=](int r, int c) {
        return r >= 0 && r < rows && c >= 0 && c < columns ? x[r * columns + c] : 0.0f;
    };
    near[ty][tx] = at(row, column);
    if (threadIdx.x == 0) near[ty][0] = at(row, column - 1);
    if (threadIdx.x == WIDTH - 1) near[ty][WIDTH + 1] = at(row, column + 1);
    if (threadIdx.y == 0) near[0][tx] = at(row - 1, column);
    if (threadIdx.y == HEIGHT - 1) near[HEIGHT + 1][tx] = at(row + 1, column);
    __syncthreads();
    if (row < rows && column < columns)
        y[row * columns + column] = near[ty - 1][tx] + near[ty + 1][tx] + near[ty][tx - 1] + near[ty][tx + 1]
                                    - 4 * near[ty][tx];
}
}
""")
DTYPES = {"float": np.dtype(np.float32), "short": np.dtype(np.int16), "float4": np.dtype((np.float32, 4))}


@MATRIX.problem(
    {"rows": 17, "columns": 35, "strips": 4, "width": 5, "seed": 1},
    {"rows": 1, "columns": 3, "strips": 7, "width": 16, "seed": 1},
    rows=SIDE,
    columns=SIDE,
    strips=st.integers(1, 32),
    width=st.integers(1, 32),
    seed=SEEDS,
)
def transposes(device: Device, rows: int, columns: int, strips: int, width: int, seed: int) -> None:
    for name, dtype in DTYPES.items():
        x = small(seed, (rows, columns, *dtype.shape), dtype.base)
        for kind, side, block in (
            ("plain", (width, strips), (width, strips)),
            ("tile", (16, 16), (16, strips)),
            ("padded", (32, 32), (32, strips)),
        ):
            y = np.empty((columns, rows, *dtype.shape), dtype.base)
            grid = blocks_for(columns, side[0]), blocks_for(rows, side[1])
            device(f"{kind}_{name}", x, Out(y), rows, columns, block=block, grid=grid)
            np.testing.assert_array_equal(y, x.swapaxes(0, 1), err_msg=f"{kind}_{name}")


@MATRIX.problem(
    {"m": 9, "k": 19, "n": 17, "seed": 1},
    {"m": 1, "k": 5, "n": 33, "seed": 1},
    m=SIDE,
    k=SIDE,
    n=SIDE,
    seed=SEEDS,
)
def products(device: Device, m: int, k: int, n: int, seed: int) -> None:
    for name, dtype in (("float", np.float32), ("double", np.float64)):
        a, b = small(seed, (m, k), dtype), small(seed + 1, (k, n), dtype)
        launches = {f"naive_{name}": (16, (16, 16))}
        launches |= {f"tiled_{name}_{tile}": (tile, (tile, tile)) for tile in (8, 16, 32)}
        if name == "float":
            launches["registers"] = (32, (64,))
        for kernel, (side, block) in launches.items():
            c = np.empty((m, n), dtype)
            grid = blocks_for(n, side), blocks_for(m, side)
            device(kernel, a, b, Out(c), m, k, n, block=block, grid=grid)
            np.testing.assert_array_equal(c, a @ b, err_msg=kernel)


@MATRIX.problem(
    {"tiles": (1, 2, 3), "warps": 2, "seed": 1},
    {"tiles": (2, 1, 1), "warps": 1, "seed": 1},
    tiles=st.tuples(*[st.integers(1, 4)] * 3),
    warps=st.integers(1, 5),
    seed=SEEDS,
)
def products_of_matrix_cores(device: Device, tiles: tuple[int, int, int], warps: int, seed: int) -> None:
    m, k, n = (16 * many for many in tiles)
    a, b = small(seed, (m, k), np.float16), small(seed + 1, (k, n), np.float16)
    c, grid = np.empty((m, n), np.float32), (blocks_for(tiles[2], warps), tiles[0])
    device("matrix_cores", a, b, Out(c), m, k, n, block=(32, warps), grid=grid)
    np.testing.assert_array_equal(c, a.astype(np.float32) @ b.astype(np.float32))


@MATRIX.problem(
    {"n": 100, "radius": 3, "threads": 33, "seed": 1},
    {"n": 5, "radius": 8, "threads": 4, "seed": 1},
    {"n": 70, "radius": 0, "threads": 64, "seed": 1},
    n=st.integers(1, 3000),
    radius=st.integers(0, 8),
    threads=THREADS,
    seed=SEEDS,
)
def stencil_of_row(device: Device, n: int, radius: int, threads: int, seed: int) -> None:
    x, weights, y = small(seed, n, np.float32), small(seed + 1, 17, np.float32), np.empty(n, np.float32)
    address, size = device.module.get_global("weights")
    assert size == weights.nbytes
    device.driver.memcpy_htod(address, weights)
    device(
        "stencil_of_row",
        x,
        Out(y),
        n,
        radius,
        block=threads,
        grid=blocks_for(n, threads),
        shared=4 * (threads + 2 * radius),
    )
    expected = np.convolve(x, weights[: 2 * radius + 1][::-1])[radius : radius + n]
    np.testing.assert_array_equal(y, expected)


@MATRIX.problem(
    {"rows": 11, "columns": 19, "seed": 1},
    {"rows": 1, "columns": 1, "seed": 1},
    rows=SIDE,
    columns=SIDE,
    seed=SEEDS,
)
def stencil_of_plane(device: Device, rows: int, columns: int, seed: int) -> None:
    x, y = small(seed, (rows, columns), np.float32), np.empty((rows, columns), np.float32)
    device(
        "stencil_of_plane",
        x,
        Out(y),
        rows,
        columns,
        block=(16, 8),
        grid=(blocks_for(columns, 16), blocks_for(rows, 8)),
    )
    padded = np.pad(x, 1)
    expected = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:] - 4 * x
    np.testing.assert_array_equal(y, expected)
