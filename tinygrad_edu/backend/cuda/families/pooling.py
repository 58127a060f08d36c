"""Max pooling, and its two adjoints."""

from __future__ import annotations

import struct

import numpy as np

from tinygrad_edu.backend.cuda.device.array import DeviceArray
from tinygrad_edu.backend.cuda.device.device import Device
from tinygrad_edu.backend.cuda.device.kernels import Case, Ladder, Rung, blocks
from tinygrad_edu.backend.cuda.families.hosts import fused
from tinygrad_edu.errors import DeviceError, wrong
from tinygrad_edu.shapes import Shape

AXES = 3  # as in kernels/pooling/layout.cuh
_WINDOWS = struct.Struct(f"{4 * AXES}q")
_TWO = f"PPPq{_WINDOWS.size}s"
LADDER = Ladder(
    family="pooling",
    unit="convolution",
    production="01_thread_per_window",
    symbols={"max_pool": f"PPq{_WINDOWS.size}s", "max_pool_read": _TWO, "max_pool_spread": _TWO},
    rungs=(Rung("01_thread_per_window", block=(256, 1, 1), grid=lambda n: (blocks(n, 256, 1 << 16), 1, 1)),),
)


def _windows(op: str, x: Shape, sizes: Shape, strides: Shape) -> tuple[Shape, bytes]:
    """(shape of the result, struct Windows). Raises ValueError if no window fits."""
    k = len(sizes)
    if k > AXES:
        raise wrong(DeviceError, op, f"windows along {k} axes", f"kernels have {AXES}")
    spatial = x[len(x) - k :]
    if any(size > n for size, n in zip(sizes, spatial, strict=True)):
        raise wrong(ValueError, None, f"windows of {sizes} do not fit into the last axes of {x}", "pad first")
    counts = tuple((n - size) // s + 1 for n, size, s in zip(spatial, sizes, strides, strict=True))
    rest = (1,) * (AXES - k)
    return (*x[: len(x) - k], *counts), _WINDOWS.pack(
        *rest, *spatial, *rest, *sizes, *rest, *counts, *rest, *strides
    )


@fused("max_pool")
def max_pool(device: Device, x: DeviceArray, *, sizes: Shape, strides: Shape) -> DeviceArray:
    """The largest element of each window of the last axes."""
    shape, packed = _windows("max_pool", x.shape, sizes, strides)
    out, x = device.empty(shape, x.dtype), device.contiguous(x)
    if out.size:
        device.kernel("pooling", "max_pool", x.dtype).launch(
            (out.size,), out.pointer, x.pointer, out.size, packed
        )
    return out


def _adjoint(
    device: Device, op: str, other: DeviceArray, x: DeviceArray, shape: Shape, packed: bytes
) -> DeviceArray:
    dtype = np.result_type(other.dtype, x.dtype)
    other, x = (device.contiguous(a if a.dtype == dtype else device.copy(a, dtype=dtype)) for a in (other, x))
    out = device.empty(shape, dtype)
    if out.size:
        device.kernel("pooling", op, dtype).launch(
            (out.size,), out.pointer, other.pointer, x.pointer, out.size, packed
        )
    return out


@fused("max_pool_spread")
def max_pool_spread(
    device: Device, seed: DeviceArray, x: DeviceArray, *, sizes: Shape, strides: Shape
) -> DeviceArray:
    """The gradient by x: each element gets a share of the seed of each window where it is the largest."""
    _, packed = _windows("max_pool_spread", x.shape, sizes, strides)
    return _adjoint(device, "max_pool_spread", seed, x, x.shape, packed)


@fused("max_pool_read")
def max_pool_read(
    device: Device, u: DeviceArray, x: DeviceArray, *, sizes: Shape, strides: Shape
) -> DeviceArray:
    """The mean of u over the elements of each window of x that have its largest value."""
    shape, packed = _windows("max_pool_read", x.shape, sizes, strides)
    return _adjoint(device, "max_pool_read", u, x, shape, packed)


def _case(images: int, side: int) -> Case:
    values = images * side * side
    return Case(
        title=f"2 x 2 of {images:,} images of {side} x {side} float32",
        flops=0,
        tolerance=0.0,
        arrays=lambda: (np.random.default_rng(0).random((images, side, side), np.float32),),
        run=lambda device, x: max_pool(device, x, sizes=(2, 2), strides=(2, 2)),
        expect=lambda x: x.reshape(images, side // 2, 2, side // 2, 2).max((2, 4)),
        bytes=5 * values,
    )


CASES = {"count": _case(4, 64), "time": _case(4096, 112)}
