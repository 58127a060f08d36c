"""Resizes and rearranges images: pixel shuffles, windows as columns, and axes split in several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.convolution import Sizes, each_axis
from tinygrad_edu.functional.creation import as_tensor
from tinygrad_edu.functional.movement import apart, permute_dims, reshape, sliding_windows
from tinygrad_edu.functional.padding import pad
from tinygrad_edu.ops import movement as _m
from tinygrad_edu.scalars import integer, integers
from tinygrad_edu.shapes import normalize_axis

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["fold", "pixel_shuffle", "pixel_unshuffle", "unflatten", "unfold"]


def unflatten(x: Tensor, axis: int, sizes: Sequence[int]) -> Tensor:
    """x with one axis split into several of the given sizes, one of which may be -1: `flatten` undone."""
    x = as_tensor(x)
    at, parts = normalize_axis(axis, x.ndim), integers(sizes, "unflatten: sizes")
    known = math.prod(n for n in parts if n != -1)
    free = parts.count(-1)
    if not parts or free > 1 or min(parts) < -1 or (x.shape[at] % known if free and known else 0):
        fits = False
    else:
        fits = bool(known) if free else known == x.shape[at]
    if not fits:
        raise wrong(
            ShapeError,
            "unflatten",
            f"sizes {parts} do not multiply to {x.shape[at]}, the size of axis {axis} of {x.shape}",
            inputs=(x,),
        )
    whole = tuple(x.shape[at] // known if n == -1 else n for n in parts)
    return _m.reshape(x, shape=(*x.shape[:at], *whole, *x.shape[at + 1 :]))


def pixel_shuffle(x: Tensor, factor: int) -> Tensor:
    """Channels moved into pixels: (..., C r r, H, W) -> (..., C, H r, W r) for the factor r.

    y[c, h r + i, w r + j] = x[c r r + i r + j, h, w]. Raises ShapeError if the channels do not divide.
    Source: Shi and others, "Real-time single image and video super-resolution using an efficient sub-pixel
    convolutional neural network", CVPR 2016.
    """
    x, r = as_tensor(x), integer(factor, "pixel_shuffle: factor", least=1)
    if x.ndim < 3 or x.shape[-3] % (r * r):
        raise wrong(
            ShapeError,
            "pixel_shuffle",
            f"x must be (..., channels, H, W) with channels that divide by factor^2 = {r * r}",
            inputs=(x,),
        )
    *lead, channels, h, w = x.shape
    parts = reshape(x, (*lead, channels // (r * r), r, r, h, w))
    n = len(lead)
    moved = permute_dims(parts, (*range(n + 1), n + 3, n + 1, n + 4, n + 2))
    return apart(reshape(moved, (*lead, channels // (r * r), h * r, w * r)), x)


def pixel_unshuffle(x: Tensor, factor: int) -> Tensor:
    """Pixels moved into channels: (..., C, H r, W r) -> (..., C r r, H, W); `pixel_shuffle` undone."""
    x, r = as_tensor(x), integer(factor, "pixel_unshuffle: factor", least=1)
    if x.ndim < 3 or x.shape[-2] % r or x.shape[-1] % r:
        raise wrong(
            ShapeError,
            "pixel_unshuffle",
            f"x must be (..., channels, H, W) with H and W that divide by factor={r}",
            inputs=(x,),
        )
    *lead, channels, h, w = x.shape
    parts = reshape(x, (*lead, channels, h // r, r, w // r, r))
    n = len(lead)
    moved = permute_dims(parts, (*range(n + 1), n + 2, n + 4, n + 1, n + 3))
    return apart(reshape(moved, (*lead, channels * r * r, h // r, w // r)), x)


def unfold(x: Tensor, size: Sizes, *, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1) -> Tensor:
    """Every window of images as a column: (N, C, H, W) -> (N, C h w, count), for windows of (h, w).

    A convolution is the product of its weights, as rows, with these columns. Raises ShapeError if x has not
    4 axes, ValueError if no window fits.
    """
    x = as_tensor(x)
    if x.ndim != 4:
        raise wrong(ShapeError, "unfold", "x must be (batch, channels, H, W)", inputs=(x,))
    sizes, edges = each_axis("size", size, 2), each_axis("padding", padding, 2, 0)
    strides, dilations = each_axis("stride", stride, 2), each_axis("dilation", dilation, 2)
    if any(edges):
        x = pad(x, [(0, 0), (0, 0), *((p, p) for p in edges)])
    seen = sliding_windows(x, sizes, stride=strides, dilation=dilations)
    n, c, *counts = seen.shape[:4]
    columns = permute_dims(seen, (0, 1, 4, 5, 2, 3))
    return apart(reshape(columns, (n, c * math.prod(sizes), math.prod(counts))), x)


def fold(
    x: Tensor, output_size: Sizes, size: Sizes, *, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
) -> Tensor:
    """Columns summed where their windows were: (N, C h w, count) -> (N, C, H, W), the adjoint of `unfold`.

    Elements of several windows are added. Raises ShapeError if the columns are not those of the windows of
    `output_size`.
    """
    x = as_tensor(x)
    spatial, sizes = each_axis("output_size", output_size, 2), each_axis("size", size, 2)
    edges, strides = each_axis("padding", padding, 2, 0), each_axis("stride", stride, 2)
    dilations = each_axis("dilation", dilation, 2)
    counts = tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, p, d, k, s in zip(spatial, edges, dilations, sizes, strides, strict=True)
    )
    area, places = math.prod(sizes), math.prod(counts)
    if x.ndim != 3 or min(counts) < 1 or x.shape[1] % area or x.shape[2] != places:
        raise wrong(
            ShapeError,
            "fold",
            f"x must be (batch, channels * {area}, {places if min(counts) > 0 else 0}): "
            f"output_size={spatial} has {counts} windows of {sizes}",
            inputs=(x,),
        )
    n, c = x.shape[0], x.shape[1] // area
    parts = permute_dims(reshape(x, (n, c, *sizes, *counts)), (0, 1, 4, 5, 2, 3))
    full = (n, c, *(m + 2 * p for m, p in zip(spatial, edges, strict=True)))
    out = _m.fold(parts, shape=full, sizes=sizes, strides=strides, dilations=dilations)
    if not any(edges):
        return out
    inside = tuple(slice(p, p + m) for p, m in zip(edges, spatial, strict=True))
    return _m.slice_(out, key=(slice(None), slice(None), *inside))
