"""Convolution and its two gradients, as matrix products whose large operand is never stored."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np

from tinygrad_edu.backend.cuda.device.array import DeviceArray
from tinygrad_edu.backend.cuda.device.device import Device
from tinygrad_edu.backend.cuda.device.kernels import Case, Ladder, Rung, blocks
from tinygrad_edu.backend.cuda.families.hosts import fused
from tinygrad_edu.errors import DeviceError, ShapeError, wrong
from tinygrad_edu.shapes import Shape

AXES = 3  # as in kernels/convolution/problem.cuh
_PROBLEM = struct.Struct(f"PPP{4 + 6 * AXES}q")
_BLOCK = (256, 1, 1)


def _tiles(side: int) -> Any:
    return lambda rows, columns, groups: (-(-rows // side) * -(-columns // side), min(groups, 65535), 1)


LADDER = Ladder(
    family="convolution",
    unit="convolution",
    production="03_implicit_gemm",
    symbols=dict.fromkeys(("convolution", "convolution_input", "convolution_weight"), f"{_PROBLEM.size}s"),
    rungs=(
        Rung(
            "01_direct",
            block=_BLOCK,
            grid=lambda rows, columns, groups: (blocks(rows * columns, 256), min(groups, 65535), 1),
        ),
        Rung("02_shared_tiles", block=_BLOCK, grid=_tiles(16)),
        Rung("03_implicit_gemm", block=_BLOCK, grid=_tiles(64)),
    ),
)


def _rung_for(symbol: str, rows: int, columns: int) -> str | None:
    """The rung for a product of so many rows and columns in each group; None for the production rung.

    A group of few channels, as in a depthwise convolution, has few rows, and most threads of a 64 x 64 tile
    would have no result. Then a thread for each result is faster; its sum is short. The gradient by the
    weights has few results with long sums, which tiles read better.
    """
    return "01_direct" if symbol != "convolution_weight" and rows <= 4 and columns >= 4096 else None


def _run(
    device: Device,
    symbol: str,
    out: Shape,
    left: DeviceArray,
    right: DeviceArray,
    x: Shape,
    weight: Shape,
    strides: Shape,
    padding: Shape,
    dilations: Shape,
    groups: int,
) -> DeviceArray:
    """Launch one of the three products. `x` and `weight` are the shapes of the convolution's operands."""
    axes = len(x) - 2
    if axes > AXES:
        raise wrong(DeviceError, symbol, f"{axes} spatial axes", f"kernels have {AXES}")
    if len(x) != len(weight) or x[1] != weight[1] * groups or weight[0] % groups:
        raise wrong(
            ShapeError,
            None,
            f"x {x} has {x[1]} channels; weight {weight} with groups={groups} is for {weight[1] * groups}, "
            f"and its {weight[0]} outputs must divide by groups",
        )
    counts = tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, p, d, k, s in zip(x[2:], padding, dilations, weight[2:], strides, strict=True)
    )
    if min(counts) < 1:
        raise wrong(
            ShapeError,
            None,
            f"windows of {weight[2:]} do not fit into {x[2:]} with padding {padding}",
            "use smaller ones or more padding",
        )
    out = out or (x[0], weight[0], *counts)
    dtype = np.result_type(left.dtype, right.dtype)
    left, right = (
        device.contiguous(a if a.dtype == dtype else device.copy(a, dtype=dtype)) for a in (left, right)
    )
    result = device.empty(out, dtype)
    if not result.size or not left.size or not right.size:
        return device.zeros(out, dtype)
    rest = (1,) * (AXES - axes)
    none = (0,) * (AXES - axes)
    window, places, elements = math.prod(weight[2:]), math.prod(counts), math.prod(x[2:])
    sizes = {
        "convolution": (weight[0] // groups, x[0] * places),
        "convolution_input": (x[1] // groups, x[0] * elements),
        "convolution_weight": (weight[0] // groups, x[1] // groups * window),
    }[symbol]
    device.kernel("convolution", symbol, dtype, _rung_for(symbol, *sizes)).launch(
        (*sizes, groups),
        _PROBLEM.pack(
            result.pointer,
            left.pointer,
            right.pointer,
            x[0],
            x[1],
            weight[0],
            groups,
            *rest,
            *x[2:],
            *rest,
            *weight[2:],
            *rest,
            *counts,
            *rest,
            *strides,
            *none,
            *padding,
            *rest,
            *dilations,
        ),
    )
    return result


@fused("convolution")
def convolution(device: Device, x: DeviceArray, weight: DeviceArray, **how: Any) -> DeviceArray:
    """(N, C, spatial...) with (O, C / groups, sizes...) -> (N, O, counts...)."""
    return _run(device, "convolution", (), x, weight, x.shape, weight.shape, **how)


@fused("convolution_input")
def convolution_input(
    device: Device, seed: DeviceArray, weight: DeviceArray, *, shape: Shape, **how: Any
) -> DeviceArray:
    """The gradient by x, of `shape`."""
    return _run(device, "convolution_input", shape, seed, weight, shape, weight.shape, **how)


@fused("convolution_weight")
def convolution_weight(
    device: Device, seed: DeviceArray, x: DeviceArray, *, shape: Shape, **how: Any
) -> DeviceArray:
    """The gradient by weight, of `shape`."""
    return _run(device, "convolution_weight", shape, seed, x, x.shape, shape, **how)


def _case(n: int, channels: int, side: int) -> Case:
    how = {"strides": (1, 1), "padding": (1, 1), "dilations": (1, 1), "groups": 1}

    def arrays() -> tuple[np.ndarray[Any, Any], ...]:
        rng = np.random.default_rng(0)
        return (
            rng.standard_normal((n, channels, side, side), np.float32),
            rng.standard_normal((channels, channels, 3, 3), np.float32),
        )

    def expect(x: np.ndarray[Any, Any], weight: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        wide = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (1, 1), (1, 1)))
        return np.asarray(
            sum(
                np.einsum("oc,nchw->nohw", weight[:, :, i, j], wide[:, :, i : i + side, j : j + side])
                for i in range(3)
                for j in range(3)
            )
        )

    values = n * channels * side * side
    return Case(
        title=f"3 x 3 on {n} x {channels} x {side} x {side}, {channels} outputs, float32",
        arrays=arrays,
        run=lambda device, x, weight: convolution(device, x, weight, **how),
        expect=expect,
        bytes=4 * (2 * values + 9 * channels**2),
        flops=18 * channels * values,
        tolerance=1e-4,
    )


CASES = {"count": _case(1, 64, 16), "time": _case(32, 128, 56)}
