"""Softmax and log-softmax along an axis, and the gradient of each; one kernel for each of the four."""

from __future__ import annotations

import math
import struct

import numpy as np

from tinygrad_edu.backend.cuda.device.array import DeviceArray, merged
from tinygrad_edu.backend.cuda.device.device import Device
from tinygrad_edu.backend.cuda.device.kernels import Case, Ladder, Rung, blocks
from tinygrad_edu.backend.cuda.families.hosts import fused

AXES, THREADS, SHORT = 8, 256, 1024  # as in kernels/softmax/
WARP_HOLDS = {
    4: 1024,
    8: 256,
}  # {itemsize: most elements of a row that a warp holds}, as in 05_vector_rows.cu
_LAYOUT = struct.Struct(f"{4 * AXES + 3}qii")
_FORMAT = f"PPPqq{_LAYOUT.size}s"
_BLOCK = (THREADS, 1, 1)


def _grid_by_warps(rows: int, n: int, columns: int, itemsize: int) -> tuple[int, int, int]:
    per_block = THREADS if columns else THREADS // 32 if n <= SHORT else 1
    return (blocks(rows, per_block), 1, 1)


def _grid_by_registers(rows: int, n: int, columns: int, itemsize: int) -> tuple[int, int, int]:
    per_block = THREADS if columns else THREADS // 32 if n <= WARP_HOLDS[itemsize] else 1
    return (blocks(rows, per_block), 1, 1)


LADDER = Ladder(
    family="softmax",
    unit="rows",
    production="05_vector_rows",
    extra=("registers.cuh",),
    symbols=dict.fromkeys(("softmax", "log_softmax", "softmax_grad", "log_softmax_grad"), _FORMAT),
    rungs=(
        Rung("01_three_pass", block=_BLOCK, grid=lambda rows, *_: (blocks(rows, THREADS), 1, 1)),
        Rung("02_shared_row", block=_BLOCK, grid=lambda rows, *_: (blocks(rows, 1), 1, 1)),
        Rung("03_online", block=_BLOCK, grid=lambda rows, *_: (blocks(rows, 1), 1, 1)),
        Rung("04_warp_per_row", block=_BLOCK, grid=_grid_by_warps),
        Rung("05_vector_rows", block=_BLOCK, grid=_grid_by_registers),
    ),
)


def rows_along(axis: int, *arrays: DeviceArray | None) -> tuple[bytes, int, int, int] | None:
    """(struct Layout, rows, n, columns) of arrays of one shape; None if too many axes remain."""
    first = arrays[0]
    assert first is not None
    axis %= first.ndim
    others = [a for a in range(first.ndim) if a != axis]
    strides = [a.steps if a is not None else (0,) * first.ndim for a in arrays]
    shape, steps = merged(
        tuple(first.shape[a] for a in others), *(tuple(s[a] for a in others) for s in strides)
    )
    if len(shape) > AXES:
        return None
    rest = [0] * (AXES - len(shape))
    rows, n = math.prod(shape), first.shape[axis]
    columns = int(bool(steps[1]) and steps[1][-1] == 1 and strides[1][axis] != 1 and shape[-1] >= 8)
    packed = _LAYOUT.pack(
        *shape,
        *rest,
        *(v for step in steps for v in (*step, *rest)),
        *(s[axis] for s in strides),
        len(shape),
        columns,
    )
    return packed, rows, n, columns


def run(device: Device, symbol: str, x: DeviceArray, y: DeviceArray | None, axis: int) -> DeviceArray:
    """Launch the kernel `symbol`. Integers become float64, as in NumPy."""
    dtype = x.dtype if y is None else np.result_type(x.dtype, y.dtype)
    dtype = dtype if dtype.kind == "f" else np.dtype(np.float64)
    x = x if x.dtype == dtype else device.copy(x, dtype=dtype)
    y = y if y is None or y.dtype == dtype else device.copy(y, dtype=dtype)
    out = device.empty(x.shape, dtype)
    if not out.size:
        return out
    key = ("softmax", dtype, x.shape, x.strides, y and y.strides, axis)
    parameters = device.plans.get(key)
    if parameters is None:
        parameters = rows_along(axis, out, x, y)
        if parameters is None:
            return run(device, symbol, device.copy(x), y and device.copy(y), axis)
        device.plans.remember(key, parameters)
    packed, rows, n, columns = parameters
    device.kernel("softmax", symbol, dtype).launch(
        (rows, n, columns, dtype.itemsize),
        out.pointer,
        x.pointer,
        y.pointer if y is not None else 0,
        rows,
        n,
        packed,
    )
    return out


@fused("softmax")
def softmax(device: Device, x: DeviceArray, *, axis: int) -> DeviceArray:
    """exp(x) / sum(exp(x)) along `axis`."""
    return run(device, "softmax", x, None, axis)


@fused("log_softmax")
def log_softmax(device: Device, x: DeviceArray, *, axis: int) -> DeviceArray:
    """x - log(sum(exp(x))) along `axis`."""
    return run(device, "log_softmax", x, None, axis)


@fused("softmax_grad")
def softmax_grad(device: Device, g: DeviceArray, out: DeviceArray, *, axis: int) -> DeviceArray:
    """(g - sum(g * out)) * out."""
    return run(device, "softmax_grad", g, out, axis)


@fused("log_softmax_grad")
def log_softmax_grad(device: Device, g: DeviceArray, out: DeviceArray, *, axis: int) -> DeviceArray:
    """g - exp(out) * sum(g)."""
    return run(device, "log_softmax_grad", g, out, axis)


def _expected(x: np.ndarray) -> np.ndarray:
    e = np.exp(x.astype(np.float64) - x.max(1, keepdims=True))
    result: np.ndarray = e / e.sum(1, keepdims=True)
    return result


def _case(rows: int, n: int) -> Case:
    return Case(
        title=f"softmax of {rows:,} rows of {n:,} float32",
        arrays=lambda: (np.random.default_rng(0).standard_normal((rows, n)).astype(np.float32),),
        run=lambda device, x: softmax(device, x, axis=1),
        expect=_expected,
        bytes=8 * rows * n,
        flops=5 * rows * n,
        tolerance=1e-5,
    )


CASES = {"count": _case(64, 512), "time": _case(65536, 1024)}
