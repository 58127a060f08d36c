"""Elementwise ops: one kernel per formula; the operands are arrays of any dtype and strides, or numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.backend.cuda.device.array import DeviceArray
from tinygrad_edu.backend.cuda.device.device import Device
from tinygrad_edu.backend.cuda.device.kernels import Case, Ladder, Rung, blocks
from tinygrad_edu.backend.cuda.device.layouts import FORMULA, OPERANDS
from tinygrad_edu.backend.cuda.families.gather import refuse_negative
from tinygrad_edu.backend.cuda.families.hosts import fused
from tinygrad_edu.backend.protocol import Primitive
from tinygrad_edu.errors import DeviceError, wrong
from tinygrad_edu.shapes import Shape

THREADS, MOST_BLOCKS = 256, 4096
_FORMAT = f"PPPP{8 * OPERANDS}sq{FORMULA.size}s"
_BOOL, _INT64 = np.dtype(bool), np.dtype(np.int64)


class _FormulaSymbols(dict[str, str]):
    """The symbols of the ladder: each line of formulas.cuh is one, and all have the same parameters."""

    def __missing__(self, symbol: str) -> str:
        return _FORMAT


def _vector_grid(n: int, itemsize: int) -> tuple[int, int, int]:
    return (blocks(n, THREADS * (4 if itemsize <= 4 else 2), MOST_BLOCKS), 1, 1)


LADDER = Ladder(
    family="elementwise",
    symbols=_FormulaSymbols(),
    unit="elementwise",
    production="03_vector_loads",
    rungs=(
        Rung("01_thread_per_element", block=(THREADS, 1, 1), grid=lambda n, size: (blocks(n, THREADS), 1, 1)),
        Rung(
            "02_grid_stride",
            block=(THREADS, 1, 1),
            grid=lambda n, size: (blocks(n, THREADS, MOST_BLOCKS), 1, 1),
        ),
        Rung("03_vector_loads", block=(THREADS, 1, 1), grid=_vector_grid),
    ),
)


def compute_dtype(dtype: np.dtype[Any], arrays: tuple[Any, ...]) -> np.dtype[Any]:
    """The dtype of the computation: that of the result; for a bool result, that of the promoted inputs."""
    if dtype != _BOOL:
        return dtype
    result = np.result_type(*(a.dtype if isinstance(a, DeviceArray) else type(a)(1) for a in arrays))
    if any(type(a) is int and not _can_represent(result, a) for a in arrays):
        return _INT64  # NumPy compares a uint8 with 300 or -1 without overflow
    return result


def _can_represent(dtype: np.dtype[Any], number: int) -> bool:
    """Whether `dtype` can hold the integer; True for a dtype that is not an integer type."""
    return dtype.kind not in "iu" or np.iinfo(dtype).min <= number <= np.iinfo(dtype).max


def map_(
    device: Device,
    op: Primitive,
    arrays: tuple[Any, ...],
    shape: Shape,
    dtype: np.dtype[Any],
    params: dict[str, Any],
) -> DeviceArray:
    """The backend's `map`: inputs broadcast to `shape`; parameters are passed as further operands."""
    if op.name == "cast":
        return cast(device, arrays[0], dtype)
    return _compute_into(device, op, arrays, device.empty(shape, dtype), params)


def write(device: Device, op: Primitive, arrays: tuple[Any, ...], out: DeviceArray) -> None:
    """The backend's `write`: it puts the result into `out`, which may be an operand.

    An operand that is another view of the same memory is copied first. Else the kernel could overwrite an
    element before it reads that element.
    """
    arrays = tuple(
        device.copy(a)
        if isinstance(a, DeviceArray) and a.memory is out.memory and not _is_same_view(a, out)
        else a
        for a in arrays
    )
    result = _compute_into(device, op, arrays, out, {})
    if result is not out:
        device.copy(result, out=out)


def _is_same_view(a: DeviceArray, b: DeviceArray) -> bool:
    return (a.pointer, a.shape, a.strides) == (b.pointer, b.shape, b.strides)


def _compute_into(
    device: Device, op: Primitive, arrays: tuple[Any, ...], out: DeviceArray, params: dict[str, Any]
) -> DeviceArray:
    """Compute the op of operands that broadcast to `out`.

    The result is written to `out` and `out` is returned; but if the result is a constant, it is a new array.
    """
    dtype = out.dtype
    if params:
        arrays = (*arrays, *_operands(op, params, dtype))
    if len(arrays) > OPERANDS:
        raise wrong(
            DeviceError, op.name, f"kernels take {OPERANDS} inputs and parameters, this has {len(arrays)}"
        )
    if op.name == "where":  # as in NumPy, 0.5 is true
        arrays = (_as_bool(device, arrays[0]), *arrays[1:])
    number = dtype if op.name == "where" else compute_dtype(dtype, arrays)
    if number == _INT64 and any(type(a) is int and not _can_represent(_INT64, a) for a in arrays):
        one = op.numpy(*(np.ones((), a.dtype) if isinstance(a, DeviceArray) else a for a in arrays))
        return device.full(
            out.shape, dtype, bool(one)
        )  # a comparison with a number that is beyond every int64
    if op.name == "pow" and number.kind == "i" and isinstance(arrays[1], DeviceArray):
        refuse_negative(device, "pow", arrays[1])
    device.apply(op.name, arrays, out, number)
    return out


def _as_bool(device: Device, condition: Any) -> Any:
    if not isinstance(condition, DeviceArray):
        return bool(condition)
    return condition if condition.dtype == _BOOL else device.copy(condition, dtype=_BOOL)


def _operands(op: Any, params: dict[str, Any], dtype: np.dtype[Any]) -> list[Any]:
    """The parameters in declared order. A bound that is None, or beyond the dtype, becomes its limit."""
    result = []
    for name in getattr(op, "params", params):
        value = params[name]
        if value is None:
            if dtype.kind == "f":
                value = -np.inf if name == "low" else np.inf
            else:
                value = np.iinfo(dtype).min if name == "low" else np.iinfo(dtype).max
        elif dtype.kind in "iu":
            value = min(max(value, np.iinfo(dtype).min), np.iinfo(dtype).max)
        result.append(value)
    return result


def cast(device: Device, x: DeviceArray, dtype: np.dtype[Any]) -> DeviceArray:
    """x in another dtype. For the same dtype it is a copy, whose kernels are faster at transposing."""
    if x.dtype == dtype:
        return device.copy(x)
    out = device.empty(x.shape, dtype)
    device.apply("cast", (x,), out, dtype)
    return out


@fused("full")
def full(device: Device, *, shape: Shape, number: Any, dtype: np.dtype[Any]) -> DeviceArray:
    """An array of a constant."""
    return device.full(shape, dtype, number)


def _multiply(device: Device, x: DeviceArray, y: DeviceArray) -> DeviceArray:
    out = device.empty(x.shape, x.dtype)
    device.apply("mul", (x, y), out, x.dtype)
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
