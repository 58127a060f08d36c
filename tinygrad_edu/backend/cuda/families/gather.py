"""Reading at indices: along an axis, rows of a table, any NumPy key; one-hot rows."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from tinygrad_edu.backend.cuda.device.array import CODES, DeviceArray, merged
from tinygrad_edu.backend.cuda.device.device import BITS, Device
from tinygrad_edu.backend.cuda.device.kernels import Case, Ladder, Rung, blocks
from tinygrad_edu.backend.cuda.families.hosts import fused
from tinygrad_edu.errors import DeviceError, wrong
from tinygrad_edu.shapes import Shape, broadcast_shapes, broadcast_strides

AXES, THREADS, WIDE = 8, 256, 16  # as in kernels/gather/
_LAYOUT = struct.Struct(f"{3 * AXES + 3}qii")
_BLOCK = (THREADS, 1, 1)
RANGE = "index {value} is out of range for an axis of size {size}"


def _elements(n: int, row: int) -> tuple[int, int, int]:
    return (blocks(n, THREADS, 1 << 16), 1, 1)


def _rows(n: int, row: int) -> tuple[int, int, int]:
    return (blocks(n // row, THREADS // 32, 1 << 16), 1, 1) if row >= WIDE else _elements(n, row)


LADDER = Ladder(
    family="gather",
    unit="moves",
    production="03_vector_rows",
    symbols={"gather": f"PPPPqq{_LAYOUT.size}s", "one_hot": "PPPqqqi"},
    rungs=(
        Rung("01_thread_per_element", block=_BLOCK, grid=_elements),
        Rung("02_warp_per_row", block=_BLOCK, grid=_rows),
        Rung("03_vector_rows", block=_BLOCK, grid=_rows),
    ),
)


def check_kind(index: DeviceArray) -> None:
    """Raise TypeError if the index is not of an integer dtype."""
    if index.dtype.kind not in "iu":
        raise wrong(
            TypeError,
            None,
            f"an index must hold integers, not {index.dtype}",
            "a mask goes in brackets: x[mask]",
        )


def _run(
    device: Device,
    op: str,
    x: DeviceArray,
    index: DeviceArray,
    shape: Shape,
    in_steps: Shape,
    index_steps: Shape,
    axis_step: int,
    size: int,
    call: int | None = None,
) -> DeviceArray:
    """Gather into an array of `shape`; `in_steps` and `index_steps` are strides of x and index along it."""
    out = device.empty(shape, x.dtype)
    if not out.size:
        return out
    sizes, (source_steps, look_steps) = merged(shape, in_steps, index_steps)
    if len(sizes) > AXES:
        raise wrong(DeviceError, op, f"{len(sizes)} axes that do not merge", f"kernels have {AXES}")
    row = sizes[-1] if sizes and look_steps[-1] == 0 and source_steps[-1] == 1 else 1
    rest = [0] * (AXES - len(sizes))
    packed = _LAYOUT.pack(
        *sizes,
        *rest,
        *source_steps,
        *rest,
        *look_steps,
        *rest,
        axis_step,
        size,
        row,
        len(sizes),
        CODES[index.dtype],
    )
    call = device.faults.register_call(op, RANGE) if call is None else call
    device.kernel("gather", "gather", BITS[x.itemsize]).launch(
        (out.size, row), out.pointer, x.pointer, index.pointer, device.faults.pointer, out.size, call, packed
    )
    return out


@fused("gather")
def gather(device: Device, x: DeviceArray, index: DeviceArray, axis: int) -> DeviceArray:
    """out[..., i, ...] = x[..., index[..., i, ...], ...]: NumPy's take_along_axis."""
    check_kind(index)
    axis %= x.ndim
    x, index = (device.contiguous(a) if a.ndim > AXES else a for a in (x, index))
    outer_shape = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    shape = broadcast_shapes(outer_shape, index.shape)
    source_steps = broadcast_strides(outer_shape, x.steps, shape)  # 0 along `axis`, where the size is 1
    return _run(
        device,
        "gather",
        x,
        index,
        shape,
        source_steps,
        broadcast_strides(index.shape, index.steps, shape),
        x.steps[axis],
        x.shape[axis],
    )


def refuse_negative(device: Device, op: str, x: DeviceArray) -> None:
    """Report a ValueError for a negative number in x, by a gather that only checks its indices."""
    if x.dtype.kind != "i" or not x.size:
        return
    x = device.contiguous(x) if x.ndim > AXES else x
    zero_steps = (0,) * x.ndim
    call = device.faults.register_call(
        op,
        "whole numbers have no negative powers, and an exponent is {value}; make one of them float",
        ValueError,
    )
    _run(device, op, device.zeros((1,), np.uint8), x, x.shape, zero_steps, x.steps, 0, 2**63 - 1, call)


@fused("take_rows")
def take_rows(device: Device, weight: DeviceArray, index: DeviceArray) -> DeviceArray:
    """Rows of `weight`, one for each element of the index."""
    check_kind(index)
    width = weight.shape[1:]
    if 0 in width:  # no kernel runs, so nothing else checks the indices
        places = device.numpy(index).reshape(-1)
        for place in places[(places < 0) | (places >= weight.shape[0])][:1]:
            raise wrong(IndexError, "take_rows", RANGE.format(value=place, size=weight.shape[0]))
    in_steps = (0,) * index.ndim + weight.steps[1:]
    look_steps = index.steps + (0,) * len(width)
    return _run(
        device,
        "take_rows",
        weight,
        index,
        (*index.shape, *width),
        in_steps,
        look_steps,
        weight.steps[0],
        weight.shape[0],
    )


def rows_of(key: Any, rows: int) -> Any:
    """The row indices, made >= 0, of a key that is one integer array; None for other keys."""
    parts = key if isinstance(key, tuple) else (key,)
    if len(parts) != 1 or not isinstance(parts[0], np.ndarray) or parts[0].dtype.kind not in "iu":
        return None
    index = parts[0].astype(np.int64)
    if index.size and (index.min() < -rows or index.max() >= rows):
        bad = index[(index < -rows) | (index >= rows)][0]
        raise wrong(IndexError, None, f"index {bad} is out of bounds for axis 0 with size {rows}")
    return np.where(index < 0, index + rows, index)


def offsets_of(shape: Shape, key: Any) -> np.ndarray[Any, Any]:
    """The offsets of x[key] in a dense x of `shape`, in elements. NumPy checks the key."""
    found: Any = None
    step = 1
    for axis in range(len(shape) - 1, -1, -1):
        line = np.arange(shape[axis]).reshape((-1,) + (1,) * (len(shape) - 1 - axis))
        part = np.broadcast_to(line * step, shape)[key]
        found = part if found is None else found + part
        step *= shape[axis]
    return np.asarray(np.zeros((), np.int64)[key] if found is None else found, np.int64)


@fused("index")
def index(device: Device, x: DeviceArray, *, key: Any) -> DeviceArray:
    """x[key] for any key of NumPy; arrays in the key are host arrays."""
    rows = rows_of(key, x.shape[0]) if x.ndim else None
    if rows is not None:
        return take_rows(device, x, device.asarray(rows))
    places = offsets_of(x.shape, key)
    x = device.contiguous(x)
    flat = device.view(x, (x.size,), (x.itemsize,), 0)
    return (
        gather(device, flat, device.asarray(places.reshape(-1)), 0)
        if places.ndim == 1
        else device.reshaped(gather(device, flat, device.asarray(places.reshape(-1)), 0), places.shape)
    )


@fused("one_hot")
def one_hot(device: Device, x: DeviceArray, *, classes: int, dtype: Any = np.float32) -> DeviceArray:
    """Rows of zeros, with a 1 at the index in x."""
    check_kind(x)
    out = device.empty((*x.shape, classes), np.dtype(dtype))
    x = device.contiguous(x)
    if out.size:
        device.kernel("gather", "one_hot", out.dtype).launch(
            (out.size, 1),
            out.pointer,
            x.pointer,
            device.faults.pointer,
            x.size,
            classes,
            device.faults.register_call("one_hot", RANGE),
            CODES[x.dtype],
        )
    elif x.size and not classes:
        raise wrong(IndexError, "one_hot", "no class 0 among 0 classes")
    return out


def _case(rows: int, width: int, taken: int) -> Case:
    def arrays() -> tuple[np.ndarray[Any, Any], ...]:
        rng = np.random.default_rng(0)
        return rng.standard_normal((rows, width), np.float32), rng.integers(0, rows, taken)

    return Case(
        title=f"{taken:,} of {rows:,} rows of {width:,} float32",
        arrays=arrays,
        run=take_rows,
        expect=lambda weight, places: weight[places],
        bytes=8 * taken * width + 8 * taken,
        flops=0,
        tolerance=0.0,
    )


CASES = {"count": _case(512, 128, 256), "time": _case(1 << 18, 512, 1 << 17)}
