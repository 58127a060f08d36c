"""Reductions: over any axes of an array in any layout; partial results are joined in a fixed order."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.backend.cuda.array import CODES, DeviceArray, merged
from tinygrad_edu.backend.cuda.families import reduction
from tinygrad_edu.backend.cuda.kernels import Case, Ladder, Rung, blocks
from tinygrad_edu.errors import DeviceError
from tinygrad_edu.shapes import Shape

if TYPE_CHECKING:
    from tinygrad_edu.backend.cuda.backend import Cuda

AXES, THREADS, SHORT = 8, 256, 1024  # as in kernels/reduce/
PART, ENOUGH = 2048, 2048  # elements a block should have at least; blocks that fill any GPU
_LAYOUT = struct.Struct(f"{4 * AXES}qiiii")
_STATE = 16  # bytes of the largest state
_KEEPS = {"any", "all", "argmax", "argmin"}  # computed in the input's type, whatever the result's
_NAMES = ("sum", "prod", "max", "min", "any", "all", "argmax", "argmin", "logsumexp", "norm2")
_NEEDS_ONE = {"max", "min", "argmax", "argmin"}


def _row_each(rows: int, n: int, columns: int, splits: int) -> tuple[int, int, int]:
    return (blocks(rows, 1), 1, 1)


def _shaped(rows: int, n: int, columns: int, splits: int) -> tuple[int, int, int]:
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
        Rung("02_shared_tree", block=_BLOCK, grid=_row_each),
        Rung("03_warp_shuffle", block=_BLOCK, grid=_row_each),
        Rung("04_two_pass", block=_BLOCK, grid=_shaped),
        Rung("05_vector_loads", block=_BLOCK, grid=_shaped),
    ),
)
_SHAPED = {"04_two_pass", "05_vector_loads"}


def plan(
    shape: Shape, strides: Shape, axes: Shape, itemsize: int, code: int
) -> tuple[bytes, int, int, int] | None:
    """(struct Layout, rows, n, columns); None when more axes are left than kernels have."""
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


def apart(ndim: int, axes: Shape) -> Shape:
    """An order of axes: those that stay, then `axes`."""
    return (*(a for a in range(ndim) if a not in axes), *axes)


def splits_for(rows: int, n: int, columns: int) -> int:
    """How many blocks share a row: by the sizes alone, so that every GPU adds in the same order."""
    if n <= PART:
        return 1
    alone = -(-rows // 32) if columns else rows
    return max(1, min(-(-n // PART), ENOUGH // max(alone, 1)))


def reduce(device: Cuda, name: str, x: DeviceArray, axes: Shape, dtype: np.dtype[Any]) -> DeviceArray:
    """The reduction `name` over `axes`, which stay at size 1."""
    out = device.empty(tuple(1 if a in axes else n for a, n in enumerate(x.shape)), dtype)
    if not out.size:
        return out
    number = x.dtype if name in _KEEPS else dtype
    key = ("reduce", x.shape, x.strides, x.dtype, axes)
    made = device.plans.get(key)
    if made is None:
        made = plan(x.shape, x.strides, axes, x.itemsize, CODES[x.dtype])
        if made is None:  # side by side, the axes that stay are one, and so are those that go
            order = apart(x.ndim, axes)
            last = tuple(range(x.ndim - len(axes), x.ndim))
            made_dense = reduce(device, name, device.copy(device.permuted(x, order)), last, dtype)
            return device.reshaped(made_dense, out.shape)
        device.plans[key] = made
    packed, rows, n, columns = made
    kernel = device.kernel("reduce", f"reduce_{name}", number)
    splits = splits_for(rows, n, columns) if kernel.rung.name in _SHAPED else 1
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
    def host(device: Cuda, x: DeviceArray, axes: Shape, dtype: np.dtype[Any]) -> DeviceArray:
        if name in _NEEDS_ONE and math.prod(x.shape[a] for a in axes) == 0:
            raise ValueError(
                "the input has no elements along the reduced axes, and no value stands for none; "
                "check the size first"
            )
        if len(axes) != 1 and name in ("argmax", "argmin"):
            raise DeviceError(f"{name} works along one axis, not {axes}")
        return reduce(device, name, x, axes, dtype)


for _name in _NAMES:
    _register(_name)


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
