"""Elementwise ops: one kernel a formula, operands of any dtype and strides, or single numbers."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.backend.cuda.array import CODES, DeviceArray, merged
from tinygrad_edu.backend.cuda.families import fused
from tinygrad_edu.backend.cuda.families.gather import refuse_negative
from tinygrad_edu.backend.cuda.kernels import Case, Ladder, Rung, blocks
from tinygrad_edu.backend.protocol import Kernel
from tinygrad_edu.errors import DeviceError
from tinygrad_edu.shapes import Shape

if TYPE_CHECKING:
    from tinygrad_edu.backend.cuda.backend import Cuda

AXES, OPERANDS = 8, 3  # as in kernels/elementwise/layout.cuh
THREADS, MOST_BLOCKS = 256, 4096
_LAYOUT = struct.Struct(f"{AXES * (2 + OPERANDS)}q{OPERANDS}iiii")
_FORMAT = f"PPPP{8 * OPERANDS}sq{_LAYOUT.size}s"
_BOOL, _INT64 = np.dtype(bool), np.dtype(np.int64)


class _EveryFormula(dict[str, str]):
    """Each line of formulas.cuh is a symbol, and all have the same parameters."""

    def __missing__(self, symbol: str) -> str:
        return _FORMAT


def _packs(n: int, itemsize: int) -> tuple[int, int, int]:
    return (blocks(n, THREADS * (4 if itemsize <= 4 else 2), MOST_BLOCKS), 1, 1)


LADDER = Ladder(
    family="elementwise",
    symbols=_EveryFormula(),
    unit="elementwise",
    production="03_vector_loads",
    rungs=(
        Rung("01_thread_per_element", block=(THREADS, 1, 1), grid=lambda n, size: (blocks(n, THREADS), 1, 1)),
        Rung(
            "02_grid_stride",
            block=(THREADS, 1, 1),
            grid=lambda n, size: (blocks(n, THREADS, MOST_BLOCKS), 1, 1),
        ),
        Rung("03_vector_loads", block=(THREADS, 1, 1), grid=_packs),
    ),
)


def computed_in(dtype: np.dtype[Any], arrays: tuple[Any, ...]) -> np.dtype[Any]:
    """The type that the formula is worked out in: the result's, or for a bool what the inputs promote to."""
    if dtype != _BOOL:
        return dtype
    found = np.result_type(*(a.dtype if isinstance(a, DeviceArray) else type(a)(1) for a in arrays))
    if any(type(a) is int and not _holds(found, a) for a in arrays):
        return _INT64  # NumPy compares a uint8 with 300 or -1 as numbers, not wrapped
    return found


def _holds(dtype: np.dtype[Any], number: int) -> bool:
    """Whether `dtype` has the whole number, or is no type of whole numbers."""
    return dtype.kind not in "iu" or np.iinfo(dtype).min <= number <= np.iinfo(dtype).max


def layout(shape: Shape, out: DeviceArray, arrays: tuple[Any, ...], number: np.dtype[Any]) -> bytes | None:
    """The struct Layout of a call; None when it needs more axes than the kernels have."""
    ndim = len(shape)
    steps = [tuple(s // out.dtype.itemsize for s in out.strides)]
    for a in arrays:
        if isinstance(a, DeviceArray):
            lead = ndim - len(a.shape)
            steps.append(
                (0,) * lead
                + tuple(
                    0 if n == 1 and full != 1 else s // a.dtype.itemsize
                    for n, s, full in zip(a.shape, a.strides, shape[lead:], strict=True)
                )
            )
    sizes, places = merged(shape, *steps)
    if len(sizes) > AXES:
        return None
    found = iter(places[1:])
    flat = places[0] in ([], [1])
    numbers, codes = [*sizes, *[0] * (AXES - len(sizes)), *places[0], *[0] * (AXES - len(sizes))], []
    for k in range(OPERANDS):
        a = arrays[k] if k < len(arrays) else None
        if isinstance(a, DeviceArray):
            place = next(found)
            numbers += [*place, *[0] * (AXES - len(sizes))]
            codes.append(CODES[a.dtype])
            flat = flat and place in ([], [1]) and a.dtype == number
        else:
            numbers += [0] * AXES
            codes.append(0)
    return _LAYOUT.pack(*numbers, *codes, len(sizes), int(flat), 0)


def run(device: Cuda, name: str, arrays: tuple[Any, ...], out: DeviceArray, number: np.dtype[Any]) -> None:
    """Launch the formula `name`, worked out in `number`, over operands that broadcast to out.shape."""
    if not out.size:
        return
    layouts = [(a.dtype, a.shape, a.strides) if isinstance(a, DeviceArray) else None for a in arrays]
    key = (name, number, out.shape, out.strides, out.dtype, *layouts)
    packed = device.plans.get(key)
    if packed is None:
        packed = layout(out.shape, out, arrays, number)
        if packed is None:
            arrays = tuple(
                device.copy(device.broadcast(a, out.shape)) if isinstance(a, DeviceArray) else a
                for a in arrays
            )
            packed = layout(out.shape, out, arrays, number)
            if packed is None:
                raise DeviceError(
                    f"{name}: the result of shape {out.shape} and strides {out.strides} has "
                    f"more than {AXES} axes that do not merge; make it contiguous"
                )
        else:
            device.plans[key] = packed
    pointers, values = [0, 0, 0], [0, 0, 0]
    for k, a in enumerate(arrays):
        if isinstance(a, DeviceArray):
            pointers[k] = a.pointer
        else:
            values[k] = a
    numbers = struct.pack("3d", *values) if number.kind == "f" else struct.pack("3q", *map(int, values))
    kernel = device.kernel("elementwise", f"map_{name}", number)
    kernel.launch((out.size, number.itemsize), out.pointer, *pointers, numbers, out.size, packed)


def map_(
    device: Cuda,
    op: Kernel,
    arrays: tuple[Any, ...],
    shape: Shape,
    dtype: np.dtype[Any],
    params: dict[str, Any],
) -> DeviceArray:
    """The backend's `map`: inputs broadcast to `shape`, parameters are operands after them."""
    out = device.empty(shape, dtype)
    if params:
        arrays = (*arrays, *_operands(op, params, dtype))
    if len(arrays) > OPERANDS:
        raise DeviceError(f"{op.name}: kernels take {OPERANDS} inputs and parameters, this has {len(arrays)}")
    if op.name == "where":  # 0.5 is true, though the int 0 is not
        arrays = (_truth(device, arrays[0]), *arrays[1:])
    number = dtype if op.name == "where" else computed_in(dtype, arrays)
    if number == _INT64 and any(type(a) is int and not _holds(_INT64, a) for a in arrays):
        one = op.numpy(*(np.ones((), a.dtype) if isinstance(a, DeviceArray) else a for a in arrays))
        return device.full(shape, dtype, bool(one))  # a comparison, and no int64 changes its outcome
    if op.name == "pow" and number.kind == "i" and isinstance(arrays[1], DeviceArray):
        refuse_negative(device, "pow", arrays[1])
    run(device, op.name, arrays, out, number)
    return out


def _truth(device: Cuda, condition: Any) -> Any:
    if not isinstance(condition, DeviceArray):
        return bool(condition)
    return condition if condition.dtype == _BOOL else device.copy(condition, dtype=_BOOL)


def _operands(op: Any, params: dict[str, Any], dtype: np.dtype[Any]) -> list[Any]:
    """Parameters in the order of the declaration; a bound that is missing, or beyond the dtype, bounds
    nothing."""
    found = []
    for name in getattr(op, "params", params):
        value = params[name]
        if value is None:
            if dtype.kind == "f":
                value = -np.inf if name == "low" else np.inf
            else:
                value = np.iinfo(dtype).min if name == "low" else np.iinfo(dtype).max
        elif dtype.kind in "iu":
            value = min(max(value, np.iinfo(dtype).min), np.iinfo(dtype).max)
        found.append(value)
    return found


@fused("cast")
def cast(device: Cuda, x: DeviceArray, *, dtype: Any) -> DeviceArray:
    """The same numbers in another dtype; in the same, a copy, which knows how to turn tiles."""
    if x.dtype == dtype:
        return device.copy(x)
    out = device.empty(x.shape, np.dtype(dtype))
    run(device, "cast", (x,), out, out.dtype)
    return out


def _multiply(device: Cuda, x: DeviceArray, y: DeviceArray) -> DeviceArray:
    out = device.empty(x.shape, x.dtype)
    run(device, "mul", (x, y), out, x.dtype)
    return out


def _exact(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.multiply(x, y, dtype=np.float64)


def _case(n: int) -> Case:
    return Case(
        title=f"x * y, {n:,} float32",
        arrays=lambda: tuple(np.random.default_rng(seed).random(n, np.float32) for seed in (0, 1)),
        run=_multiply,
        expect=_exact,
        bytes=12 * n,
        flops=n,
        tolerance=1e-6,
    )


CASES = {"count": _case(1 << 16), "time": _case(1 << 26)}
