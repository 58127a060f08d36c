"""Adding at indices, in the order of the source: every run gives the same bits."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np

from tinygrad_edu.backend.cuda.device.array import CODES, DeviceArray
from tinygrad_edu.backend.cuda.device.device import Device
from tinygrad_edu.backend.cuda.device.kernels import Case, Ladder, Rung, blocks
from tinygrad_edu.backend.cuda.families.gather import RANGE, check_kind, offsets_of, rows_of
from tinygrad_edu.backend.cuda.families.hosts import fused
from tinygrad_edu.backend.cuda.families.sort import sorted_places
from tinygrad_edu.errors import wrong
from tinygrad_edu.shapes import Shape

_SHAPE = struct.Struct("4qii")
_BLOCK = (256, 1, 1)


def _targets(n: int) -> tuple[int, int, int]:
    return (blocks(n, 256, 1 << 16), 1, 1)


LADDER = Ladder(
    family="scatter",
    unit="scatter",
    production="02_sorted_runs",
    symbols={"scatter_add": f"PPPPPq{_SHAPE.size}s"},
    rungs=(
        Rung("01_thread_per_target", block=_BLOCK, grid=_targets),
        Rung("02_sorted_runs", block=_BLOCK, grid=_targets),
    ),
)


def _run(
    device: Device,
    op: str,
    shape: Shape,
    lines: DeviceArray,
    source: DeviceArray,
    sizes: tuple[int, int, int, int],
    shared: bool,
) -> DeviceArray:
    """Launch the kernel. `sizes` is (outer, places, width, size of the target's axis).

    `lines`, the indices, is dense with shape (lines, places); `source` is dense with shape (outer, places,
    width).
    """
    out = device.empty(shape, source.dtype)
    if not out.size:
        if lines.size and not sizes[3]:
            raise wrong(IndexError, op, "an index into an axis of size 0")
        return out
    kernel = device.kernel("scatter", "scatter_add", source.dtype)
    order = sorted_places(device, lines) if kernel.rung.name == "02_sorted_runs" else lines
    kernel.launch(
        (out.size,),
        out.pointer,
        source.pointer,
        lines.pointer,
        order.pointer,
        device.faults.pointer,
        device.faults.register_call(op, RANGE),
        _SHAPE.pack(*sizes, CODES[lines.dtype], int(shared)),
    )
    return out


def scatter_add(
    device: Device, shape: Shape, index: DeviceArray, source: DeviceArray, axis: int
) -> DeviceArray:
    """Zeros of `shape` with `source` added where `gather` along `axis` would have read."""
    check_kind(index)
    axis %= index.ndim
    if source.shape != index.shape:
        source = device.broadcast(source, index.shape)
    outer, places = math.prod(source.shape[:axis]), source.shape[axis]
    width, size = math.prod(source.shape[axis + 1 :]), shape[axis]
    if tuple(shape) != (*source.shape[:axis], size, *source.shape[axis + 1 :]):
        out = device.zeros(shape, source.dtype)  # the source covers only a part of the target
        part = (*source.shape[:axis], size, *source.shape[axis + 1 :])
        device.copy(
            scatter_add(device, part, index, source, axis), out=device.view(out, part, out.strides, 0)
        )
        return out
    transposed = device.view(
        index,
        (*index.shape[:axis], *index.shape[axis + 1 :], places),
        (*index.strides[:axis], *index.strides[axis + 1 :], index.strides[axis]),
        0,
    )
    lines = device.reshaped(transposed, (outer * width, places))
    return _run(
        device, "scatter_add", shape, lines, device.contiguous(source), (outer, places, width, size), False
    )


@fused("add_rows")
def add_rows(device: Device, source: DeviceArray, index: DeviceArray, *, rows: int) -> DeviceArray:
    """(rows, width): the sums of the rows of `source` that have the same index."""
    check_kind(index)
    width = source.shape[index.ndim :]
    places = index.size
    lines = device.reshaped(index, (1, places))
    return _run(
        device,
        "add_rows",
        (rows, *width),
        lines,
        device.contiguous(source),
        (1, places, math.prod(width), rows),
        True,
    )


@fused("index_add")
def index_add(device: Device, source: DeviceArray, *, shape: Shape, key: Any) -> DeviceArray:
    """Zeros of `shape` with `source` added at `key`; arrays in the key are host arrays."""
    rows = rows_of(key, shape[0]) if shape else None
    if rows is not None:
        full = (*rows.shape, *shape[1:])
        source = source if source.shape == full else device.broadcast(source, full)
        return add_rows(device, source, device.asarray(rows), rows=shape[0])
    places = offsets_of(shape, key)
    source = source if source.shape == places.shape else device.broadcast(source, places.shape)
    lines = device.asarray(places.reshape(1, -1))
    return _run(
        device,
        "index_add",
        shape,
        lines,
        device.contiguous(source),
        (1, places.size, 1, math.prod(shape)),
        True,
    )


def _case(rows: int, width: int, taken: int) -> Case:
    def arrays() -> tuple[np.ndarray[Any, Any], ...]:
        rng = np.random.default_rng(0)
        return rng.standard_normal((taken, width)).astype(np.float32), rng.integers(0, rows, taken)

    def expect(source: np.ndarray[Any, Any], places: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        out = np.zeros((rows, source.shape[1]))
        np.add.at(out, places, source.astype(np.float64))
        return out

    return Case(
        title=f"{taken:,} rows of {width:,} float32 added to {rows:,}",
        arrays=arrays,
        run=lambda device, source, places: add_rows(device, source, places, rows=rows),
        expect=expect,
        bytes=4 * width * (taken + rows) + 8 * taken,
        flops=taken * width,
        tolerance=1e-4,
    )


CASES = {"count": _case(64, 32, 128), "time": _case(1 << 14, 512, 1 << 17)}
