"""Matrix products of transposed, strided and batched operands without a copy; the linear layer."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np

from tinygrad_edu.backend import precision
from tinygrad_edu.backend.cuda.device.array import DeviceArray, merged
from tinygrad_edu.backend.cuda.device.device import Device
from tinygrad_edu.backend.cuda.device.kernels import Case, Geometry, Ladder, Rung, blocks
from tinygrad_edu.backend.cuda.families.hosts import fused
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.shapes import broadcast_shapes, broadcast_strides

BATCH_AXES = 4  # as in kernels/matmul/problem.cuh
_PROBLEM = struct.Struct(f"PPPP7q{3 * BATCH_AXES}qqq")
FILLED = 264  # the blocks that keep a large GPU busy: two for each of 132 multiprocessors


def _grid_of_tiles(bm: int, bn: int) -> Geometry:
    """The grid of blocks that compute bm x bn elements each; bm / 2 x bn / 2 for elements of 8 bytes."""

    def grid(m: int, n: int, k: int, batches: int, splits: int, size: int) -> tuple[int, int, int]:
        high, wide = (bm, bn) if size < 8 else (bm // 2, bn // 2)
        return (-(-m // high) * -(-n // wide), splits, min(batches, 65535))

    return grid


def _grid_of_fixed_tiles(bm: int, bn: int) -> Geometry:
    def grid(m: int, n: int, k: int, batches: int, splits: int, size: int) -> tuple[int, int, int]:
        return (-(-m // bm) * -(-n // bn), splits, min(batches, 65535))

    return grid


LADDER = Ladder(
    family="matmul",
    unit="matmul",
    production="08_double_buffer",
    symbols={"matmul": f"{_PROBLEM.size}s", "matmul_combine": "PPPqqq"},
    second={"matmul_combine": 256},
    rungs=(
        Rung("01_naive", block=(16, 16, 1), grid=_grid_of_fixed_tiles(16, 16)),
        Rung("02_coalesced", block=(16, 16, 1), grid=_grid_of_fixed_tiles(16, 16)),
        Rung("03_shared_tiles", block=(1024, 1, 1), grid=_grid_of_fixed_tiles(32, 32)),
        Rung("04_register_column", block=(512, 1, 1), grid=_grid_of_fixed_tiles(64, 64)),
        Rung("05_register_tile", block=(256, 1, 1), grid=_grid_of_tiles(128, 128)),
        Rung("06_vector_loads", block=(256, 1, 1), grid=_grid_of_tiles(128, 128)),
        Rung("07_warp_tiles", block=(256, 1, 1), grid=_grid_of_tiles(128, 128)),
        Rung(
            "08_double_buffer",
            block=(256, 1, 1),
            grid=_grid_of_tiles(128, 128),
            defines={"WARPS_M": 2, "WARPS_N": 4},
        ),
        Rung(
            "08_double_buffer_small",
            block=(64, 1, 1),
            grid=_grid_of_tiles(64, 64),
            file="08_double_buffer",
            defines={"WARPS_M": 1, "WARPS_N": 2},
        ),
        Rung("09_tensor_cores", block=(256, 1, 1), grid=_grid_of_tiles(128, 128)),
    ),
)
_INTEGER_RUNG = "03_shared_tiles"  # exact for integers; integer products are rarely a bottleneck


def _rung_for(dtype: np.dtype[Any], m: int, n: int, batches: int) -> str:
    """The name of the rung, which depends on dtype, sizes and precision alone."""
    if dtype.kind != "f":
        return _INTEGER_RUNG
    if dtype == np.float32 and precision.get_matmul_precision() == "high":
        return "09_tensor_cores"
    tile = 128 if dtype.itemsize == 4 else 64
    large = -(-m // tile) * -(-n // tile) * batches
    return "08_double_buffer" if large >= FILLED // 2 else "08_double_buffer_small"


def _splits(blocks_: int, k: int) -> int:
    """The number of parts to split k into, so that few tiles fill a GPU; a part has at least 256 terms."""
    return max(1, min(FILLED // max(blocks_, 1), k // 256, 32))


def matmul(device: Device, x: DeviceArray, y: DeviceArray, bias: DeviceArray | None = None) -> DeviceArray:
    """(..., M, K) @ (..., K, N), plus `bias` (N,); batch axes broadcast. No operand is copied."""
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-2]:
        raise wrong(
            ShapeError,
            None,
            f"the last axis of x {x.shape} must equal the last but one of y {y.shape}",
            "for x @ y.T use y.mT",
        )
    dtype = x.dtype if x.dtype == y.dtype else np.result_type(x.dtype, y.dtype)
    x, y = (a if a.dtype == dtype else device.copy(a, dtype=dtype) for a in (x, y))
    m, k, n = x.shape[-2], x.shape[-1], y.shape[-1]
    batch = x.shape[:-2] if x.shape[:-2] == y.shape[:-2] else broadcast_shapes(x.shape[:-2], y.shape[:-2])
    out = device.empty((*batch, m, n), dtype)
    if not out.size:
        return out
    if not k:
        device.fill(out, 0)
        if bias is not None:
            device.copy(device.broadcast(bias, out.shape), out=out)
        return out
    size, batches = dtype.itemsize, math.prod(batch)
    (*lead_x, row_x, column_x), (*lead_y, row_y, column_y) = x.steps, y.steps
    shape, steps = merged(
        batch,
        broadcast_strides(x.shape[:-2], tuple(lead_x), batch),
        broadcast_strides(y.shape[:-2], tuple(lead_y), batch),
    )
    if len(shape) > BATCH_AXES:
        return matmul(
            device,
            device.copy(device.broadcast(x, (*batch, m, k))),
            device.copy(device.broadcast(y, (*batch, k, n))),
            bias,
        )
    kernel = device.kernel("matmul", "matmul", dtype, _rung_for(dtype, m, n, batches))
    grid: Any = kernel.rung.grid
    splits = _splits(grid(m, n, k, batches, 1, size)[0] * batches, k)
    bias_pointer = bias.pointer if bias is not None else 0
    partial = device.empty((splits, *out.shape), dtype) if splits > 1 else out
    rest = [0] * (BATCH_AXES - len(shape))
    kernel.launch(
        (m, n, k, batches, splits, size),
        _PROBLEM.pack(
            partial.pointer,
            x.pointer,
            y.pointer,
            bias_pointer,
            m,
            n,
            k,
            row_x,
            column_x,
            row_y,
            column_y,
            *[1] * len(rest),
            *shape,
            *(v for step in steps for v in (*rest, *step)),
            batches,
            splits,
        ),
    )
    if splits > 1:
        device.kernel("matmul", "matmul_combine", dtype, kernel.rung.name).launch_on(
            (blocks(out.size, LADDER.second["matmul_combine"], 4096), 1, 1),
            (LADDER.second["matmul_combine"], 1, 1),
            out.pointer,
            partial.pointer,
            bias_pointer,
            out.size,
            n,
            splits,
        )
    return out


@fused("linear")
def linear(device: Device, x: DeviceArray, weight: DeviceArray, bias: DeviceArray) -> DeviceArray:
    """x W^T + b. The kernel adds a bias of shape (out,) when it stores; a larger bias is added afterwards."""
    out, columns = weight.shape
    dtype = np.result_type(x.dtype, weight.dtype, bias.dtype)
    x, weight, bias = (a if a.dtype == dtype else device.copy(a, dtype=dtype) for a in (x, weight, bias))
    row: DeviceArray | None = None
    if math.prod(bias.shape[:-1]) == 1:
        row = bias if bias.ndim == 1 else device.reshaped(bias, bias.shape[-1:])
        row = device.contiguous(row if row.shape == (out,) else device.broadcast(row, (out,)))
    rows = math.prod(x.shape[:-1])
    flat = x if x.ndim == 2 else device.reshaped(x, (rows, columns))
    transposed = device.view(weight, (columns, out), weight.strides[::-1], 0)
    result = matmul(device, flat, transposed, row)
    result = result if x.ndim == 2 else device.reshaped(result, (*x.shape[:-1], out))
    if row is not None:
        return result
    total = device.empty(result.shape, dtype)
    device.apply("add", (result, bias), total, dtype)
    return total


def _case(n: int) -> Case:
    def arrays() -> tuple[np.ndarray[Any, Any], ...]:
        rng = np.random.default_rng(0)
        return tuple(rng.standard_normal((n, n), np.float32) for _ in range(2))

    return Case(
        title=f"{n:,} x {n:,} by {n:,} x {n:,}, float32",
        arrays=arrays,
        run=matmul,
        expect=lambda x, y: x.astype(np.float64) @ y,
        bytes=12 * n * n,
        flops=2 * n**3,
        tolerance=1e-3,
    )


CASES = {"count": _case(128), "time": _case(4096)}
