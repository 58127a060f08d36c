"""Copies between layouts of one dtype, element by element or through tiles; ops that only move elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.backend.cuda.device import layouts
from tinygrad_edu.backend.cuda.device.array import DeviceArray
from tinygrad_edu.backend.cuda.device.device import Device
from tinygrad_edu.backend.cuda.device.kernels import Case, Ladder, Rung, blocks
from tinygrad_edu.backend.cuda.families.hosts import fused
from tinygrad_edu.errors import wrong
from tinygrad_edu.shapes import Shape


def _grid_of_tiles(n: int, tiles: int) -> tuple[int, int, int]:
    """One block per tile; one block per 256 elements where tiles would not help."""
    return (min(tiles, 2**31 - 1) if tiles else blocks(n, 256, 1 << 16), 1, 1)


LADDER = Ladder(
    family="copy",
    symbols={"copy": f"PPqq{layouts.COPY.size}s"},
    unit="moves",
    production="03_padded_tile",
    rungs=(
        Rung("01_strided", block=(256, 1, 1), grid=lambda n, tiles: (blocks(n, 256, 1 << 16), 1, 1)),
        Rung("02_tile", block=(256, 1, 1), grid=_grid_of_tiles),
        Rung("03_padded_tile", block=(256, 1, 1), grid=_grid_of_tiles),
    ),
)


# -- ops that only move elements -----------------------------------------------------------------------------


@fused("concat")
def concat(device: Device, *xs: DeviceArray, axis: int) -> DeviceArray:
    """Join arrays along `axis`: each is copied, and cast, into its part of the result."""
    shapes = [x.shape for x in xs]
    ndim = len(shapes[0])
    if any(
        len(s) != ndim or s[:axis] != shapes[0][:axis] or s[axis + 1 :] != shapes[0][axis + 1 :]
        for s in shapes
    ):
        raise wrong(
            ValueError, None, f"all shapes must be equal but along axis {axis}: {', '.join(map(str, shapes))}"
        )
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
def pad(device: Device, x: DeviceArray, *, widths: Any, value: float = 0.0) -> DeviceArray:
    """x inside a border of `value`."""
    shape = tuple(before + n + after for n, (before, after) in zip(x.shape, widths, strict=True))
    out = device.full(shape, x.dtype, np.asarray(value, x.dtype).item())
    inside = tuple(slice(before, before + n) for n, (before, _) in zip(x.shape, widths, strict=True))
    device.copy(x, out=part(device, out, inside))
    return out


@fused("unslice")
def unslice(device: Device, x: DeviceArray, *, shape: Shape, key: Any) -> DeviceArray:
    """Zeros of `shape` with x written to the positions of `key`."""
    out = device.zeros(shape, x.dtype)
    target = part(device, out, key)
    device.copy(device.broadcast(x, target.shape), out=target)
    return out


@fused("roll")
def roll(device: Device, x: DeviceArray, *, shifts: tuple[int, ...], axes: tuple[int, ...]) -> DeviceArray:
    """Elements shifted along axes; those that leave at one end enter at the other end."""
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


def put(device: Device, out: DeviceArray, key: Any, source: Any) -> None:
    """`out[key] = source`: through a view, or through the host if the key has index arrays."""
    keys = key if isinstance(key, tuple) else (key,)
    given = device.asarray(np.asarray(source, out.dtype)) if not isinstance(source, DeviceArray) else source
    if any(isinstance(k, (np.ndarray, list, bool, np.bool_)) for k in keys):
        host = np.array(device.numpy(out))
        host[key] = device.numpy(given)
        device.copy(device.asarray(host), out=out)
        return
    target = part(device, out, key)
    if given.memory is out.memory:  # read all of it before the first write
        given = device.copy(given)
    device.copy(device.broadcast(given, target.shape), out=target)


def part(device: Device, x: DeviceArray, key: Any) -> DeviceArray:
    """x[key] as a view, for a key of slices, integers, ellipsis and None; NumPy computes its strides."""
    keys = key if isinstance(key, tuple) else (key,)
    if any(k is Ellipsis for k in keys) is False:
        keys = (*keys, ...)
    sample = np.lib.stride_tricks.as_strided(np.empty(1, np.uint8), x.shape, x.strides, writeable=False)
    sample_view = sample[keys]
    offset = sample_view.__array_interface__["data"][0] - sample.__array_interface__["data"][0]
    return device.view(x, sample_view.shape, sample_view.strides, offset if sample_view.size else 0)


def _transposed(device: Device, x: DeviceArray) -> DeviceArray:
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
