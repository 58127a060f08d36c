"""Borders, other sizes, and images rearranged."""

from __future__ import annotations

import warnings
from typing import Any

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import torch_function

__all__ = ["pad", "interpolate", "upsample", "upsample_nearest", "upsample_bilinear", "pixel_shuffle",
           "pixel_unshuffle", "channel_shuffle", "native_channel_shuffle", "affine_grid"]  # fmt: skip


@torch_function
def pad(input: Any, pad: Any, mode: str = "constant", value: float | None = None) -> Any:
    """A border: `pad` has (before, after) of the last axis, then of the one before it, ...

    A negative width of a constant border takes elements away. mode is "constant", "reflect", "replicate" or
    "circular".
    """
    widths = [int(n) for n in pad]
    if len(widths) % 2 or len(widths) > 2 * input.ndim:
        raise wrong(
            RuntimeError,
            "pad",
            f"Padding length must be even and at most twice the number of dimensions, but got "
            f"{len(widths)} for {input.ndim}",
            inputs=(input,),
        )
    pairs = [(0, 0)] * (input.ndim - len(widths) // 2) + [
        (widths[i], widths[i + 1]) for i in reversed(range(0, len(widths), 2))
    ]
    if mode == "constant":
        if any(n < 0 for n in widths):
            input = _cut(input, pairs)
            pairs = [(max(0, a), max(0, b)) for a, b in pairs]
        return te.pad(input, pairs, 0.0 if value is None else value)
    if mode not in ("reflect", "replicate", "circular"):
        raise wrong(RuntimeError, "pad", f"Unrecognised padding mode {mode}")
    if value is not None and value != 0:
        raise ValueError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if len(widths) // 2 not in (input.ndim - 1, input.ndim - 2):
        raise wrong(
            RuntimeError,
            "pad",
            "Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now",
            inputs=(input,),
        )
    return te.pad(input, pairs, mode=mode)


def _cut(x: Any, pairs: list[tuple[int, int]]) -> Any:
    """x without the elements that negative widths take away."""
    for axis, (before, after) in enumerate(pairs):
        start, stop = max(0, -before), x.shape[axis] - max(0, -after)
        if start > stop:
            raise wrong(
                RuntimeError,
                "pad",
                f"the padding {(before, after)} of axis {axis} leaves less than nothing of {x.shape[axis]}",
                inputs=(x,),
            )
        x = x[(*[slice(None)] * axis, slice(start, stop))]
    return x


_SMOOTH = ("linear", "bilinear", "bicubic", "trilinear")


@torch_function
def interpolate(
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Any:
    """(batch, channels, ...) with the given `size` of its other axes, or their sizes times `scale_factor`."""
    if antialias:
        raise wrong(
            RuntimeError, "interpolate", "antialias=True is not here", "average with F.avg_pool2d first"
        )
    if mode not in _SMOOTH and align_corners is not None:
        raise ValueError(f"align_corners option can only be set with one of the modes {_SMOOTH}")
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is None and scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    if recompute_scale_factor and scale_factor is not None:
        factors = (
            scale_factor if isinstance(scale_factor, (tuple, list)) else (scale_factor,) * (input.ndim - 2)
        )
        size = tuple(int(n * f) for n, f in zip(input.shape[2:], factors, strict=True))
        scale_factor = None
    return te.interpolate(input, size, scale_factor=scale_factor, mode=mode, align_corners=align_corners)


def upsample(
    input: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: Any = None
) -> Any:
    """`interpolate`, by its old name."""
    warnings.warn("nn.functional.upsample is the old name of nn.functional.interpolate", stacklevel=2)
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Any, size: Any = None, scale_factor: Any = None) -> Any:
    """`interpolate` with the nearest elements."""
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(input: Any, size: Any = None, scale_factor: Any = None) -> Any:
    """`interpolate` of images, with the first and last elements at the corners."""
    return interpolate(input, size, scale_factor, "bilinear", True)


@torch_function
def pixel_shuffle(input: Any, upscale_factor: int) -> Any:
    """(..., C r r, H, W) -> (..., C, H r, W r) for the factor r."""
    return te.pixel_shuffle(input, upscale_factor)


@torch_function
def pixel_unshuffle(input: Any, downscale_factor: int) -> Any:
    """(..., C, H r, W r) -> (..., C r r, H, W) for the factor r."""
    return te.pixel_unshuffle(input, downscale_factor)


@torch_function
def channel_shuffle(input: Any, groups: int) -> Any:
    """(batch, channels, ...) with the channels of the groups in turn."""
    x = input
    if x.ndim < 3 or groups <= 0 or x.shape[1] % groups:
        raise wrong(
            RuntimeError,
            "channel_shuffle",
            f"x must be (batch, channels, ...) with channels that divide by {groups}",
            inputs=(x,),
        )
    parts = te.reshape(x, (x.shape[0], groups, x.shape[1] // groups, -1))
    return te.reshape(te.permute_dims(parts, (0, 2, 1, 3)), x.shape)


native_channel_shuffle = channel_shuffle


@torch_function
def affine_grid(theta: Any, size: Any, align_corners: bool | None = None) -> Any:
    """The coordinates that an affine map gives to the pixels of images of that size.

    theta (N, 2, 3) and size (N, C, H, W) -> (N, H, W, 2), or (N, 3, 4) and five sizes -> (N, D, H, W, 3).
    """
    axes = len(size) - 2
    if axes not in (2, 3) or theta.shape != (size[0], axes, axes + 1):
        raise ValueError(f"Expected a batch of affine matrices for size {tuple(size)}. Got {theta.shape}.")
    spatial = tuple(int(n) for n in size[2:])
    lines = []
    for i, n in enumerate(reversed(spatial)):  # x first
        line = te.linspace(-1.0, 1.0, n, dtype=theta.dtype, device=theta.device) if n > 1 else te.zeros(
            1, dtype=theta.dtype, device=theta.device)  # fmt: skip
        line = line if align_corners else line * ((n - 1) / n)
        shape = [1] * axes
        shape[axes - 1 - i] = n
        lines.append(te.expand(te.reshape(line, tuple(shape)), spatial))
    base = te.reshape(te.stack([*lines, te.ones_like(lines[0])], -1), (1, -1, axes + 1))
    rows = te.expand(base, (int(size[0]), *base.shape[1:]))
    return te.reshape(te.matmul(rows, te.matrix_transpose(theta)), (int(size[0]), *spatial, axes))
