"""Sorting: the indices of the sorted elements; equal elements keep their order."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.backend.cuda.device.array import DeviceArray
from tinygrad_edu.backend.cuda.device.device import Device
from tinygrad_edu.backend.cuda.device.kernels import Case, Ladder, Rung, blocks
from tinygrad_edu.backend.cuda.families.hosts import fused

THREADS = RUN = 256  # as in kernels/sort/
_BLOCK = (THREADS, 1, 1)
_INT64 = np.dtype(np.int64)


def _elements(count: int, run: int) -> tuple[int, int, int]:
    return (blocks(count, THREADS, 1 << 16), 1, 1)


LADDER = Ladder(
    family="sort",
    unit="sort",
    production="02_merge_runs",
    symbols={"argsort": "PPPqqq"},
    rungs=(
        Rung("01_rank_by_counting", block=_BLOCK, grid=_elements),
        Rung("02_merge_runs", block=_BLOCK, grid=_elements),
    ),
)


def sorted_places(device: Device, lines: DeviceArray) -> DeviceArray:
    """For a dense (lines, n) array: the indices that sort each line, int64 (lines, n)."""
    count, n = lines.shape
    places = device.empty(lines.shape, _INT64)
    if not places.size:
        return places
    kernel = device.kernel("sort", "argsort", lines.dtype)
    second_buffer = (
        device.empty(lines.shape, _INT64) if kernel.rung.name != "01_rank_by_counting" and n > RUN else places
    )
    kernel.launch((count * n, 0), places.pointer, lines.pointer, second_buffer.pointer, count, n, 0)
    run = RUN
    while second_buffer is not places and run < n:
        places, second_buffer = second_buffer, places
        kernel.launch((count * n, run), places.pointer, lines.pointer, second_buffer.pointer, count, n, run)
        run *= 2
    return places


@fused("argsort")
def argsort(
    device: Device, x: DeviceArray, *, axis: int, descending: bool = False, first: int | None = None
) -> DeviceArray:
    """The indices of the sorted elements along `axis`, or the `first` of them.

    For descending order it reverses before and after.
    """
    axis %= x.ndim
    order = (*(a for a in range(x.ndim) if a != axis), axis)
    n, step = x.shape[axis], x.strides[axis]
    transposed = device.view(x, tuple(x.shape[a] for a in order), tuple(x.strides[a] for a in order), 0)
    if descending and n:
        transposed = device.view(
            transposed, transposed.shape, (*transposed.strides[:-1], -step), (n - 1) * step
        )
    lines = x.size // n if n else 0
    places = sorted_places(device, device.reshaped(transposed, (lines, n)))
    if descending and n:
        flipped = device.view(places, places.shape, (places.strides[0], -8), 8 * (n - 1))
        places = device.empty(places.shape, _INT64)
        device.apply("sub", (n - 1, flipped), places, _INT64)
    shape = transposed.shape
    result = device.reshaped(places, shape)
    if first is not None:
        shape = (*shape[:-1], min(first, n))
    back = [order.index(a) for a in range(x.ndim)]
    return device.view(result, tuple(shape[a] for a in back), tuple(result.strides[a] for a in back), 0)


def _case(n: int) -> Case:
    return Case(
        title=f"places that sort {n:,} float32",
        arrays=lambda: (np.random.default_rng(0).standard_normal(n).astype(np.float32),),
        run=lambda device, x: argsort(device, x, axis=0),
        expect=lambda x: np.argsort(x, kind="stable"),
        bytes=12 * n,
        flops=0,
        tolerance=0.0,
    )


CASES: dict[str, Any] = {"count": _case(2048), "time": _case(1 << 22)}
