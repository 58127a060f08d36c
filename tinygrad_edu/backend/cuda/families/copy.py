"""Copies between layouts of one dtype: memory to memory, element by element, or through tiles."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.backend.cuda.array import DeviceArray, merged
from tinygrad_edu.backend.cuda.families import fused
from tinygrad_edu.backend.cuda.kernels import Case, Ladder, Rung, blocks
from tinygrad_edu.shapes import Shape

if TYPE_CHECKING:
    from tinygrad_edu.backend.cuda.backend import Cuda

AXES, TILE = 8, 32  # as in kernels/copy/layout.cuh
_LAYOUT = struct.Struct(f"{3 * AXES}qiiii")
_BITS: dict[int, np.dtype[Any]] = {1: np.dtype(np.uint8), 4: np.dtype(np.int32), 8: np.dtype(np.int64)}


def _tiles(n: int, tiles: int) -> tuple[int, int, int]:
    """A block a tile, or a block 256 elements where nothing is gained by tiles."""
    return (min(tiles, 2**31 - 1) if tiles else blocks(n, 256, 1 << 16), 1, 1)


LADDER = Ladder(
    family="copy",
    symbols={"copy": f"PPqq{_LAYOUT.size}s"},
    unit="moves",
    production="03_padded_tile",
    rungs=(
        Rung("01_strided", block=(256, 1, 1), grid=lambda n, tiles: (blocks(n, 256, 1 << 16), 1, 1)),
        Rung("02_tile", block=(256, 1, 1), grid=_tiles),
        Rung("03_padded_tile", block=(256, 1, 1), grid=_tiles),
    ),
)


def plan(shape: Shape, out: Shape, source: Shape) -> tuple[bytes, int] | None:
    """The struct Layout, and the number of tiles (0: no transposition); strides in elements.

    The last two axes of the layout are those of the tiles: first the one that the source runs along, last the
    one that the result runs along.
    """
    sizes, (to, come) = merged(shape, out, source)
    if len(sizes) > AXES:
        return None
    along = [a for a, step in enumerate(come) if abs(step) == 1]
    last = [a for a, step in enumerate(to) if abs(step) == 1]
    tiles = 0
    if along and last and along[-1] != last[-1] and sizes[along[-1]] > 1 and sizes[last[-1]] > 1:
        order = [a for a in range(len(sizes)) if a not in (along[-1], last[-1])] + [along[-1], last[-1]]
        sizes, to, come = ([values[a] for a in order] for values in (sizes, to, come))
        tiles = math.prod(sizes[:-2]) * -(-sizes[-2] // TILE) * -(-sizes[-1] // TILE)
    rest = [0] * (AXES - len(sizes))
    return _LAYOUT.pack(*sizes, *rest, *to, *rest, *come, *rest, len(sizes), int(tiles > 0), 0, 0), tiles


def copy_into(device: Cuda, x: DeviceArray, out: DeviceArray) -> None:
    """out[...] = x, both of one shape and dtype, in any strides."""
    if not out.size:
        return
    if x.contiguous and out.contiguous:
        if x.pointer != out.pointer:
            device.context.between(out.pointer, x.pointer, out.nbytes)
        return
    size, plans = x.dtype.itemsize, device.plans
    key = ("copy", size, x.shape, x.strides, out.strides)
    made = plans.get(key)
    if made is None:
        made = plan(x.shape, tuple(s // size for s in out.strides), tuple(s // size for s in x.strides))
        if made is None:  # more axes than kernels have: a copy for each place on the first
            for i in range(x.shape[0]):
                copy_into(
                    device, *(device.view(a, a.shape[1:], a.strides[1:], i * a.strides[0]) for a in (x, out))
                )
            return
        plans[key] = made
    packed, tiles = made
    device.kernel("copy", "copy", _BITS[size]).launch(
        (out.size, tiles), out.pointer, x.pointer, out.size, tiles, packed
    )


# -- ops that only move elements -----------------------------------------------------------------------------


@fused("concat")
def concat(device: Cuda, *xs: DeviceArray, axis: int) -> DeviceArray:
    """The arrays one after another along `axis`, each copied, and cast, into its part of the result."""
    shapes = [x.shape for x in xs]
    ndim = len(shapes[0])
    if any(
        len(s) != ndim or s[:axis] != shapes[0][:axis] or s[axis + 1 :] != shapes[0][axis + 1 :]
        for s in shapes
    ):
        raise ValueError(f"all shapes must be equal but along axis {axis}: {', '.join(map(str, shapes))}")
    shape = (*shapes[0][:axis], sum(s[axis] for s in shapes), *shapes[0][axis + 1 :])
    out = device.empty(shape, np.result_type(*(x.dtype for x in xs)))
    start = 0
    for x in xs:
        device.copy(
            x,
            out=part(
                device,
                out,
                tuple(slice(start, start + n) if a == axis else slice(None) for a, n in enumerate(x.shape)),
            ),
        )
        start += x.shape[axis]
    return out


@fused("pad")
def pad(device: Cuda, x: DeviceArray, *, widths: Any, value: float = 0.0) -> DeviceArray:
    """x inside a border of `value`."""
    shape = tuple(before + n + after for n, (before, after) in zip(x.shape, widths, strict=True))
    out = device.full(shape, x.dtype, np.asarray(value, x.dtype).item())
    inside = tuple(slice(before, before + n) for n, (before, _) in zip(x.shape, widths, strict=True))
    device.copy(x, out=part(device, out, inside))
    return out


@fused("unslice")
def unslice(device: Cuda, x: DeviceArray, *, shape: Shape, key: Any) -> DeviceArray:
    """Zeros of `shape` with x where `key` points."""
    out = device.zeros(shape, x.dtype)
    target = part(device, out, key)
    device.copy(device.broadcast(x, target.shape), out=target)
    return out


@fused("roll")
def roll(device: Cuda, x: DeviceArray, *, shifts: tuple[int, ...], axes: tuple[int, ...]) -> DeviceArray:
    """Elements moved along axes, those that leave at one end coming in at the other."""
    shift = dict.fromkeys(range(len(x.shape)), 0)
    for by, axis in zip(shifts, axes, strict=True):
        shift[axis % len(x.shape)] += by
    out = device.empty(x.shape, x.dtype)
    pieces: list[list[tuple[slice, slice]]] = []
    for axis, n in enumerate(x.shape):
        by = shift[axis] % n if n else 0
        halves = [(slice(0, n - by), slice(by, n)), (slice(n - by, n), slice(0, by))]
        pieces.append(halves if by else halves[:1])
    chosen: list[tuple[tuple[slice, ...], tuple[slice, ...]]] = [((), ())]
    for halves in pieces:
        chosen = [((*a, here), (*b, there)) for a, b in chosen for here, there in halves]
    for here, there in chosen:
        device.copy(part(device, x, here), out=part(device, out, there))
    return out


def part(device: Cuda, x: DeviceArray, key: Any) -> DeviceArray:
    """x[key] as a view, for a key of slices, numbers, ellipsis and None; NumPy finds it on a stand-in."""
    keys = key if isinstance(key, tuple) else (key,)
    if any(k is Ellipsis for k in keys) is False:
        keys = (*keys, ...)
    stand_in = np.lib.stride_tricks.as_strided(np.empty(1, np.uint8), x.shape, x.strides, writeable=False)
    seen = stand_in[keys]
    offset = seen.__array_interface__["data"][0] - stand_in.__array_interface__["data"][0]
    return device.view(x, seen.shape, seen.strides, offset if seen.size else 0)


def _transposed(device: Cuda, x: DeviceArray) -> DeviceArray:
    return device.copy(device.view(x, x.shape[::-1], x.strides[::-1], 0))


def _case(n: int) -> Case:
    return Case(
        title=f"transpose of {n:,} x {n:,} float32",
        run=_transposed,
        flops=0,
        tolerance=0.0,
        arrays=lambda: (np.arange(n * n, dtype=np.float32).reshape(n, n),),
        expect=lambda x: x.T,
        bytes=8 * n * n,
    )


CASES = {"count": _case(256), "time": _case(8192)}
