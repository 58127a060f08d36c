"""Scans: running sums and products along an axis, and products of all other elements."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np

from tinygrad_edu.backend.cuda.device.array import CODES, DeviceArray, dense_strides, merged
from tinygrad_edu.backend.cuda.device.device import Device
from tinygrad_edu.backend.cuda.device.kernels import Case, Ladder, Rung, blocks
from tinygrad_edu.backend.cuda.families.hosts import fused
from tinygrad_edu.shapes import Shape, inverse_permutation

AXES, THREADS = 8, 256  # as in kernels/scan/layout.cuh
_LAYOUT = struct.Struct(f"{3 * AXES + 2}qii")
_FORMAT = f"PPqq{_LAYOUT.size}sii"
_BLOCK = (THREADS, 1, 1)
LADDER = Ladder(
    family="scan",
    unit="rows",
    production="04_vector_tiles",
    symbols={"scan_sum": _FORMAT, "scan_product": _FORMAT},
    rungs=(
        Rung("01_thread_per_line", block=_BLOCK, grid=lambda lines, columns: (blocks(lines, THREADS), 1, 1)),
        Rung("02_block_scan", block=_BLOCK, grid=lambda lines, columns: (blocks(lines, 1), 1, 1)),
        Rung("03_warp_scan", block=_BLOCK, grid=lambda lines, columns: (blocks(lines, 1), 1, 1)),
        Rung(
            "04_vector_tiles",
            block=_BLOCK,
            grid=lambda lines, columns: (blocks(lines, 32 if columns else 1), 1, 1),
        ),
    ),
)


def scan(
    device: Device,
    symbol: str,
    x: DeviceArray,
    axis: int,
    dtype: np.dtype[Any],
    *,
    exclusive: bool = False,
    backwards: bool = False,
) -> DeviceArray:
    """A running sum or product along `axis`, in `dtype`, as a dense array."""
    out = device.empty(x.shape, dtype)
    if not out.size:
        return out
    others = [a for a in range(x.ndim) if a != axis]
    out_steps, source_steps = out.steps, x.steps
    shape, (lines_to, lines_in) = merged(
        tuple(x.shape[a] for a in others),
        tuple(out_steps[a] for a in others),
        tuple(source_steps[a] for a in others),
    )
    if len(shape) > AXES:
        return scan(device, symbol, device.copy(x), axis, dtype, exclusive=exclusive, backwards=backwards)
    rest = [0] * (AXES - len(shape))
    packed = _LAYOUT.pack(
        *shape,
        *rest,
        *lines_in,
        *rest,
        *lines_to,
        *rest,
        source_steps[axis],
        out_steps[axis],
        len(shape),
        CODES[x.dtype],
    )
    lines, n = math.prod(shape), x.shape[axis]
    columns = (
        bool(shape) and lines_in[-1] == lines_to[-1] == 1 and source_steps[axis] != 1
    )  # as in 04_vector_tiles
    device.kernel("scan", symbol, dtype).launch(
        (lines, columns), out.pointer, x.pointer, lines, n, packed, exclusive, backwards
    )
    return out


def _total_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of NumPy's running totals: int64 for integers."""
    return dtype if dtype.kind == "f" else np.dtype(np.int64)


@fused("cumsum")
def cumsum(device: Device, x: DeviceArray, *, axis: int) -> DeviceArray:
    """Running sums along `axis`."""
    return scan(device, "scan_sum", x, axis, _total_dtype(x.dtype))


@fused("cumprod")
def cumprod(device: Device, x: DeviceArray, *, axis: int) -> DeviceArray:
    """Running products along `axis`."""
    return scan(device, "scan_product", x, axis, _total_dtype(x.dtype))


@fused("prod_others")
def prod_others(device: Device, x: DeviceArray, *, axes: Shape) -> DeviceArray:
    """For each element the product of all others along `axes`: all before it times all after it."""
    kept = tuple(a for a in range(x.ndim) if a not in axes)
    order = (*kept, *axes)
    transposed = device.view(x, tuple(x.shape[a] for a in order), tuple(x.strides[a] for a in order), 0)
    line = device.reshaped(transposed, (*(x.shape[a] for a in kept), math.prod(x.shape[a] for a in axes)))
    last, dtype = line.ndim - 1, _total_dtype(x.dtype) if x.dtype.kind != "f" else x.dtype
    before, after = (
        scan(device, "scan_product", line, last, dtype, exclusive=True, backwards=b) for b in (False, True)
    )
    out = device.empty(line.shape, dtype)
    device.apply("mul", (before, after), out, dtype)
    shape = tuple(x.shape[a] for a in order)
    back = inverse_permutation(order)
    strides = dense_strides(shape, out.itemsize)
    return device.view(out, tuple(shape[a] for a in back), tuple(strides[a] for a in back), 0)


def _case(rows: int, n: int) -> Case:
    return Case(
        title=f"running sums of {rows:,} rows of {n:,} float32",
        arrays=lambda: (np.random.default_rng(0).random((rows, n), np.float32),),
        run=lambda device, x: cumsum(device, x, axis=1),
        expect=lambda x: x.cumsum(1, dtype=np.float64),
        bytes=8 * rows * n,
        flops=rows * n,
        tolerance=1e-4,
    )


CASES = {"count": _case(8, 4096), "time": _case(4096, 16384)}
