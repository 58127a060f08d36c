"""The layout parameters of the kernels `copy` and `elementwise`, and a cache of launch parameters."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np

from tinygrad_edu.backend.cuda.device.array import CODES, DeviceArray, merged
from tinygrad_edu.shapes import Shape, broadcast_strides

AXES = 8  # as in kernels/copy/layout.cuh and kernels/elementwise/layout.cuh
TILE = 32  # as in kernels/copy/layout.cuh
OPERANDS = 3  # as in kernels/elementwise/layout.cuh
COPY = struct.Struct(f"{3 * AXES}qiiii")
FORMULA = struct.Struct(f"{AXES * (2 + OPERANDS)}q{OPERANDS}iiii")
MOST_PLANS = 4096


class Plans:
    """A cache of launch parameters: merging axes and packing strides takes longer than a launch."""

    __slots__ = ("_plans", "get")

    def __init__(self) -> None:
        self._plans: dict[Any, Any] = {}
        self.get = self._plans.get  # returns None for a layout without a plan

    def remember(self, layout: Any, plan: Any) -> None:
        """Add `plan` to the cache, unless it is full."""
        if len(self._plans) < MOST_PLANS:
            self._plans[layout] = plan


def copy_layout(shape: Shape, out: Shape, source: Shape) -> tuple[bytes, int] | None:
    """(struct Layout, number of tiles); 0 tiles if it is no transposition. Strides are in elements.

    None if more axes remain after merging than the kernels support. With tiles, the last two axes of the
    layout are those of a tile: in the first of them the source has stride 1, in the last the result.
    """
    sizes, (to, source_steps) = merged(shape, out, source)
    if len(sizes) > AXES:
        return None
    along = [a for a, step in enumerate(source_steps) if abs(step) == 1]
    last = [a for a, step in enumerate(to) if abs(step) == 1]
    tiles = 0
    if along and last and along[-1] != last[-1] and sizes[along[-1]] > 1 and sizes[last[-1]] > 1:
        order = [a for a in range(len(sizes)) if a not in (along[-1], last[-1])] + [along[-1], last[-1]]
        sizes, to, source_steps = ([values[a] for a in order] for values in (sizes, to, source_steps))
        tiles = math.prod(sizes[:-2]) * -(-sizes[-2] // TILE) * -(-sizes[-1] // TILE)
    rest = [0] * (AXES - len(sizes))
    return COPY.pack(*sizes, *rest, *to, *rest, *source_steps, *rest, len(sizes), int(tiles > 0), 0, 0), tiles


def formula_layout(out: DeviceArray, arrays: tuple[Any, ...], number: np.dtype[Any]) -> bytes | None:
    """The struct Layout of a call whose operands, arrays or single numbers, broadcast to out.shape.

    None if more axes remain after merging than the kernels support.
    """
    steps = [out.steps]
    steps += [broadcast_strides(a.shape, a.steps, out.shape) for a in arrays if isinstance(a, DeviceArray)]
    sizes, places = merged(out.shape, *steps)
    if len(sizes) > AXES:
        return None
    remaining = iter(places[1:])
    flat = places[0] in ([], [1])
    numbers, codes = [*sizes, *[0] * (AXES - len(sizes)), *places[0], *[0] * (AXES - len(sizes))], []
    for k in range(OPERANDS):
        a = arrays[k] if k < len(arrays) else None
        if isinstance(a, DeviceArray):
            place = next(remaining)
            numbers += [*place, *[0] * (AXES - len(sizes))]
            codes.append(CODES[a.dtype])
            flat = flat and place in ([], [1]) and a.dtype == number
        else:
            numbers += [0] * AXES
            codes.append(0)
    return FORMULA.pack(*numbers, *codes, len(sizes), int(flat), 0)
