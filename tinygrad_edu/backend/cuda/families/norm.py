"""Standardization over any axes, as in layer norm and batch norm, and its gradient."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np

from tinygrad_edu.backend.cuda.device.array import DeviceArray, merged
from tinygrad_edu.backend.cuda.device.device import Device
from tinygrad_edu.backend.cuda.device.kernels import Case, Ladder, Rung, blocks
from tinygrad_edu.backend.cuda.families.hosts import fused
from tinygrad_edu.backend.cuda.families.reduce import axes_last
from tinygrad_edu.shapes import Shape, inverse_permutation

AXES, THREADS, SHORT = 8, 256, 1024  # as in kernels/norm/
WARP_KEEPS = 32 * 128  # most bytes of a row that a warp keeps in registers, as in kernels/registers.cuh
_LAYOUT = struct.Struct(f"{8 * AXES}qiiii")
_FORMAT = f"PPPqqd{_LAYOUT.size}s"
_BLOCK = (THREADS, 1, 1)


def _grid_by_shape(groups: int, n: int, columns: int, itemsize: int) -> tuple[int, int, int]:
    return (blocks(groups, 32 if columns else THREADS // 32 if n <= SHORT else 1), 1, 1)


def _grid_by_registers(groups: int, n: int, columns: int, itemsize: int) -> tuple[int, int, int]:
    return (blocks(groups, 32 if columns else THREADS // 32 if n * itemsize <= WARP_KEEPS else 1), 1, 1)


LADDER = Ladder(
    family="norm",
    unit="rows",
    production="04_registers",
    extra=("registers.cuh",),
    symbols={"standardize": _FORMAT, "standardize_grad": _FORMAT},
    rungs=(
        Rung("01_thread_per_group", block=_BLOCK, grid=lambda groups, *_: (blocks(groups, THREADS), 1, 1)),
        Rung("02_block_per_group", block=_BLOCK, grid=lambda groups, *_: (blocks(groups, 1), 1, 1)),
        Rung("03_warp_per_group", block=_BLOCK, grid=_grid_by_shape),
        Rung("04_registers", block=_BLOCK, grid=_grid_by_registers),
    ),
)


def _plan(out: DeviceArray, x: DeviceArray, seed: DeviceArray | None, axes: Shape) -> Any:
    """(struct Layout, groups, n, columns); None if more axes remain than the kernels support."""
    strides = [a.steps if a is not None else (0,) * x.ndim for a in (out, x, seed)]
    values: list[int] = []
    found = []
    for which in ([a for a in range(x.ndim) if a not in axes], list(axes)):
        shape, steps = merged(
            tuple(x.shape[a] for a in which), *(tuple(s[a] for a in which) for s in strides)
        )
        if len(shape) > AXES:
            return None
        for numbers in (shape, *steps):
            values += [*numbers, *[0] * (AXES - len(shape))]
        found.append((shape, steps))
    (kept, kept_steps), (inner, inner_steps) = found
    columns = int(
        bool(kept)
        and kept_steps[1][-1] == 1
        and kept[-1] >= 8
        and not (inner and abs(inner_steps[1][-1]) <= 1)
    )
    packed = _LAYOUT.pack(*values, len(kept), len(inner), columns, 0)
    return packed, math.prod(kept), math.prod(inner), columns


def run(
    device: Device, symbol: str, x: DeviceArray, seed: DeviceArray | None, axes: Shape, eps: float
) -> DeviceArray:
    """Launch the kernel `symbol`. Integers become float64, as in NumPy."""
    axes = tuple(a % x.ndim for a in axes)
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)
    if seed is not None:
        dtype = np.result_type(dtype, seed.dtype)
        seed = seed if seed.dtype == dtype else device.copy(seed, dtype=dtype)
    x = x if x.dtype == dtype else device.copy(x, dtype=dtype)
    out = device.empty(x.shape, dtype)
    if not out.size:
        return out
    key = ("norm", dtype, x.shape, x.strides, seed and seed.strides, axes)
    parameters = device.plans.get(key)
    if parameters is None:
        parameters = _plan(out, x, seed, axes)
        if parameters is None:
            order = axes_last(x.ndim, axes)
            x = device.copy(device.permuted(x, order))
            seed = seed and device.copy(device.permuted(seed, order))
            out = run(device, symbol, x, seed, tuple(range(x.ndim - len(axes), x.ndim)), eps)
            return device.permuted(out, inverse_permutation(order))
        device.plans.remember(key, parameters)
    packed, groups, n, columns = parameters
    device.kernel("norm", symbol, dtype).launch(
        (groups, n, columns, dtype.itemsize),
        out.pointer,
        x.pointer,
        seed.pointer if seed is not None else 0,
        groups,
        n,
        eps,
        packed,
    )
    return out


@fused("standardize")
def standardize(device: Device, x: DeviceArray, *, axes: Shape, eps: float = 1e-5) -> DeviceArray:
    """(x - mean) / sqrt(variance + eps) over `axes`."""
    return run(device, "standardize", x, None, axes, eps)


@fused("standardize_grad")
def standardize_grad(
    device: Device, seed: DeviceArray, x: DeviceArray, *, axes: Shape, eps: float = 1e-5
) -> DeviceArray:
    """The gradient of `standardize` at x, for the incoming gradient `seed`."""
    return run(device, "standardize_grad", x, seed, axes, eps)


def _expected(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    wide = x.astype(np.float64)
    result: np.ndarray[Any, Any] = (wide - wide.mean(1, keepdims=True)) / np.sqrt(
        wide.var(1, keepdims=True) + 1e-5
    )
    return result


def _case(rows: int, n: int) -> Case:
    return Case(
        title=f"layer norm of {rows:,} rows of {n:,} float32",
        arrays=lambda: (np.random.default_rng(0).standard_normal((rows, n)).astype(np.float32),),
        run=lambda device, x: standardize(device, x, axes=(1,)),
        expect=_expected,
        bytes=8 * rows * n,
        flops=6 * rows * n,
        tolerance=1e-4,
    )


CASES = {"count": _case(64, 512), "time": _case(65536, 1024)}
