"""Windows added back to the positions that they were taken from."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from tinygrad_edu.backend.cuda.device.array import DeviceArray, merged
from tinygrad_edu.backend.cuda.device.device import Device
from tinygrad_edu.backend.cuda.device.kernels import Case, Ladder, Rung, blocks
from tinygrad_edu.backend.cuda.families.hosts import fused
from tinygrad_edu.shapes import Shape

AXES, SPATIAL = 8, 3  # as in kernels/fold/layout.cuh
_LAYOUT = struct.Struct(f"{2 * AXES + 7 * SPATIAL}qii")
LADDER = Ladder(
    family="fold",
    unit="fold",
    production="01_thread_per_place",
    symbols={"fold": f"PPq{_LAYOUT.size}s"},
    rungs=(Rung("01_thread_per_place", block=(256, 1, 1), grid=lambda n: (blocks(n, 256, 1 << 16), 1, 1)),),
)


@fused("fold")
def fold(
    device: Device, x: DeviceArray, *, shape: Shape, sizes: Shape, strides: Shape, dilations: Shape
) -> DeviceArray:
    """(lead..., counts..., sizes...) summed into (lead..., spatial...)."""
    k = len(sizes)
    lead = len(shape) - k
    if k > SPATIAL:  # first along all window axes but the first, then along the first
        n = lead + k
        x = device.permuted(x, (*range(lead), lead, n, *range(lead + 1, n), *range(n + 1, n + k)))
        inner = (*shape[:lead], x.shape[lead], sizes[0], *shape[lead + 1 :])
        x = fold(device, x, shape=inner, sizes=sizes[1:], strides=strides[1:], dilations=dilations[1:])
        x = device.permuted(x, (*range(lead), *range(lead + 2, x.ndim), lead, lead + 1))
        transposed = (*shape[:lead], *shape[lead + 1 :], shape[lead])
        out = fold(device, x, shape=transposed, sizes=sizes[:1], strides=strides[:1], dilations=dilations[:1])
        return device.permuted(out, (*range(lead), out.ndim - 1, *range(lead, out.ndim - 1)))
    out = device.empty(shape, x.dtype)
    if not out.size:
        return out
    if not x.size:
        return device.zeros(shape, x.dtype)
    steps = x.steps
    sizes_lead, (source_steps,) = merged(tuple(shape[:lead]), tuple(steps[:lead]))
    if len(sizes_lead) > AXES:
        return fold(device, device.copy(x), shape=shape, sizes=sizes, strides=strides, dilations=dilations)

    def last(values: Any, fill: int) -> list[int]:
        return [*[fill] * (SPATIAL - k), *values]

    rest = [0] * (AXES - len(sizes_lead))
    packed = _LAYOUT.pack(
        *sizes_lead,
        *rest,
        *source_steps,
        *rest,
        *last(shape[lead:], 1),
        *last(x.shape[lead : lead + k], 1),
        *last(steps[lead : lead + k], 0),
        *last(sizes, 1),
        *last(steps[lead + k :], 0),
        *last(strides, 1),
        *last(dilations, 1),
        len(sizes_lead),
        0,
    )
    device.kernel("fold", "fold", x.dtype).launch((out.size,), out.pointer, x.pointer, out.size, packed)
    return out


def _expected(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    out = np.zeros((x.shape[0], x.shape[1] + x.shape[2] - 1))
    for k in range(x.shape[2]):
        out[:, k : k + x.shape[1]] += x[:, :, k]
    return out


def _case(rows: int, count: int) -> Case:
    return Case(
        title=f"{rows:,} rows of {count:,} windows of 3, stride 1, float32",
        arrays=lambda: (np.random.default_rng(0).random((rows, count, 3), np.float32),),
        run=lambda device, x: fold(
            device, x, shape=(rows, count + 2), sizes=(3,), strides=(1,), dilations=(1,)
        ),
        expect=_expected,
        bytes=16 * rows * count,
        flops=3 * rows * count,
        tolerance=1e-5,
    )


CASES = {"count": _case(32, 256), "time": _case(16384, 1024)}
