"""Reductions over any axes of an array in any layout. Partial results are combined in a fixed order."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np

from tinygrad_edu.backend.cuda.device.array import CODES, DeviceArray, merged
from tinygrad_edu.backend.cuda.device.device import Device
from tinygrad_edu.backend.cuda.device.kernels import Case, Ladder, Rung, blocks
from tinygrad_edu.backend.cuda.families.hosts import fused, reduction
from tinygrad_edu.errors import DeviceError, wrong
from tinygrad_edu.shapes import Shape

AXES, THREADS, SHORT = 8, 256, 1024  # as in kernels/reduce/
LEAST_ELEMENTS, MOST_BLOCKS = 2048, 2048  # elements that a block has at least; blocks that keep any GPU busy
RUN = 1024  # most elements that a thread adds to one running sum
_LAYOUT = struct.Struct(f"{4 * AXES}qiiii")
_STATE = 16  # bytes of the largest partial result
# Computed in the dtype of the input, not in that of the result.
_IN_INPUT_DTYPE = {"any", "all", "argmax", "argmin"}
_NAMES = ("sum", "prod", "max", "min", "any", "all", "argmax", "argmin", "logsumexp", "norm2")
_BOOL = np.dtype(np.bool_)
_NEEDS_ELEMENTS = {"max", "min", "argmax", "argmin"}


def _block_per_row(rows: int, n: int, columns: int, splits: int) -> tuple[int, int, int]:
    return (blocks(rows, 1), 1, 1)


def _grid_by_shape(rows: int, n: int, columns: int, splits: int) -> tuple[int, int, int]:
    if columns:
        return (blocks(-(-rows // 32) * splits, 1), 1, 1)
    if n <= SHORT and splits == 1:
        return (blocks(rows, 8), 1, 1)
    return (blocks(rows * splits, 1), 1, 1)


_BLOCK = (THREADS, 1, 1)
LADDER = Ladder(
    family="reduce",
    unit="rows",
    production="05_vector_loads",
    symbols={f"reduce_{name}": f"PPPqqq{_LAYOUT.size}s" for name in _NAMES}
    | {f"reduce_{name}_join": "PPqq" for name in _NAMES},
    rungs=(
        Rung("01_thread_per_row", block=_BLOCK, grid=lambda rows, *_: (blocks(rows, THREADS), 1, 1)),
        Rung("02_shared_tree", block=_BLOCK, grid=_block_per_row),
        Rung("03_warp_shuffle", block=_BLOCK, grid=_block_per_row),
        Rung("04_two_pass", block=_BLOCK, grid=_grid_by_shape),
        Rung("05_vector_loads", block=_BLOCK, grid=_grid_by_shape),
    ),
)
_CAN_SPLIT = {"04_two_pass", "05_vector_loads"}


def plan(
    shape: Shape, strides: Shape, axes: Shape, itemsize: int, code: int
) -> tuple[bytes, int, int, int] | None:
    """(struct Layout, rows, n, columns); None if more axes remain than the kernels support."""
    kept = [a for a in range(len(shape)) if a not in axes]
    (kept_shape, (kept_stride,)), (shape_, (stride,)) = (
        merged(tuple(shape[a] for a in which), tuple(strides[a] // itemsize for a in which))
        for which in (kept, axes)
    )
    if len(kept_shape) > AXES or len(shape_) > AXES:
        return None
    rows, n = math.prod(kept_shape), math.prod(shape_)
    columns = int(
        bool(kept_stride)
        and kept_stride[-1] == 1
        and kept_shape[-1] >= 8
        and not (stride and abs(stride[-1]) <= 1)
    )

    def padded(values: list[int]) -> list[int]:
        return [*values, *[0] * (AXES - len(values))]

    packed = _LAYOUT.pack(
        *padded(kept_shape),
        *padded(kept_stride),
        *padded(shape_),
        *padded(stride),
        len(kept_shape),
        len(shape_),
        code,
        columns,
    )
    return packed, rows, n, columns


def axes_last(ndim: int, axes: Shape) -> Shape:
    """An order of all axes: those that are not in `axes` first."""
    return (*(a for a in range(ndim) if a not in axes), *axes)


def splits_for(rows: int, n: int, columns: int) -> int:
    """The number of blocks for one row. It depends on sizes alone, so every GPU adds in the same order."""
    if n <= LEAST_ELEMENTS:
        return 1
    blocks_without_split = -(-rows // 32) if columns else rows
    most = RUN * (8 if columns else THREADS)
    return max(1, min(-(-n // LEAST_ELEMENTS), MOST_BLOCKS // max(blocks_without_split, 1)), -(-n // most))


def reduce(device: Device, name: str, x: DeviceArray, axes: Shape, dtype: np.dtype[Any]) -> DeviceArray:
    """The reduction `name` over `axes`, which stay at size 1."""
    out = device.empty(tuple(1 if a in axes else n for a, n in enumerate(x.shape)), dtype)
    if not out.size:
        return out
    number = x.dtype if name in _IN_INPUT_DTYPE else dtype
    key = ("reduce", x.shape, x.strides, x.dtype, axes)
    parameters = device.plans.get(key)
    if parameters is None:
        parameters = plan(x.shape, x.strides, axes, x.itemsize, CODES[x.dtype])
        if parameters is None:  # in this order the kept axes merge into one, and the reduced axes into one
            order = axes_last(x.ndim, axes)
            last = tuple(range(x.ndim - len(axes), x.ndim))
            made_dense = reduce(device, name, device.copy(device.permuted(x, order)), last, dtype)
            return device.reshaped(made_dense, out.shape)
        device.plans.remember(key, parameters)
    packed, rows, n, columns = parameters
    kernel = device.kernel("reduce", f"reduce_{name}", number)
    splits = splits_for(rows, n, columns) if kernel.rung.name in _CAN_SPLIT else 1
    partial = device.empty((rows * splits * _STATE,), np.dtype(np.uint8)) if splits > 1 else None
    kernel.launch(
        (rows, n, columns, splits),
        out.pointer,
        x.pointer,
        partial.pointer if partial else 0,
        rows,
        n,
        splits,
        packed,
    )
    if partial is not None:
        join = device.kernel("reduce", f"reduce_{name}_join", number)
        join.launch_on(
            (blocks(rows, THREADS // 32), 1, 1), _BLOCK, out.pointer, partial.pointer, rows, splits
        )
    return out


def _register(name: str) -> None:
    @reduction(name)
    def host(device: Device, x: DeviceArray, axes: Shape, dtype: np.dtype[Any]) -> DeviceArray:
        if name in _NEEDS_ELEMENTS and math.prod(x.shape[a] for a in axes) == 0:
            raise wrong(
                ValueError,
                None,
                "the input has no elements along the reduced axes, and no value stands for none",
                "check the size first",
            )
        if len(axes) != 1 and name in ("argmax", "argmin"):
            raise wrong(DeviceError, None, f"{name} works along one axis, not {axes}")
        return reduce(device, name, x, axes, dtype)


for _name in _NAMES:
    _register(_name)


@fused("norm_p")
def norm_p(device: Device, x: DeviceArray, *, axes: Shape, ord: float) -> DeviceArray:
    """The p-norm: a power sum of the elements divided by the largest, its root, times the largest."""
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)

    def mapped(name: str, *arrays: Any, shape: Shape, kind: np.dtype[Any] = dtype) -> DeviceArray:
        out = device.empty(shape, kind)
        device.apply(name, arrays, out, dtype)
        return out

    if math.prod(x.shape[a] for a in axes) == 0:
        return reduce(device, "sum", x, axes, dtype)
    size = mapped("abs", x, shape=x.shape)
    top = reduce(device, "max", size, axes, dtype)
    small = top.shape
    is_finite = mapped(
        "logical_and",
        mapped("greater", top, 0.0, shape=small, kind=_BOOL),
        mapped("isfinite", top, shape=small, kind=_BOOL),
        shape=small,
        kind=_BOOL,
    )
    top = mapped("where", is_finite, top, 1.0, shape=small)
    powers = mapped("pow", mapped("div", size, top, shape=x.shape), ord, shape=x.shape)
    total = reduce(device, "sum", powers, axes, dtype)
    return mapped("mul", mapped("pow", total, 1 / ord, shape=small), top, shape=small)


def _case(rows: int, n: int) -> Case:
    return Case(
        title=f"sum of each of {rows:,} rows of {n:,} float32",
        arrays=lambda: (np.random.default_rng(0).standard_normal((rows, n)).astype(np.float32),),
        run=lambda device, x: reduce(device, "sum", x, (1,), x.dtype),
        expect=lambda x: x.sum(1, keepdims=True, dtype=np.float64),
        bytes=4 * (rows * n + rows),
        flops=rows * n,
        tolerance=1e-3,
    )


CASES = {"count": _case(16, 4096), "time": _case(4096, 16384)}
