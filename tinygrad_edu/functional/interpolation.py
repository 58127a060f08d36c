"""Interpolation: signals and images with another number of elements along their last axes.

Element i of a result with m elements along an axis of n lies at the coordinate s (i + 1/2) - 1/2 of x, with
s = n / m, as if elements were areas; with `align_corners` at s i with s = (n - 1) / (m - 1), as if they were
points. The result there is a sum of the 1, 2 or 4 nearest elements with weights; with several axes, one axis
after the other. The weights of the cubic are those of Keys with a = -3/4.
Source: Keys, "Cubic convolution interpolation for digital image processing", IEEE TASSP 29 (1981).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.adaptive import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from tinygrad_edu.functional.creation import as_tensor
from tinygrad_edu.functional.indexing import index_select
from tinygrad_edu.functional.movement import apart, repeat
from tinygrad_edu.functional.pooling import real_dtype
from tinygrad_edu.scalars import integer, integers, is_one, number

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["interpolate"]

_AREA = (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)
AXES = {"nearest": (1, 2, 3), "nearest-exact": (1, 2, 3), "area": (1, 2, 3), "linear": (1,),
        "bilinear": (2,), "bicubic": (2,), "trilinear": (3,)}  # fmt: skip
_CUBIC = -0.75


def interpolate(
    x: Tensor,
    size: int | Sequence[int] | None = None,
    *,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """x (batch, channels, ...) with the given `size` of its other axes, or their sizes times `scale_factor`.

    mode "nearest" (or "nearest-exact", which rounds from the middle of an element), "linear" of one axis,
    "bilinear" or "bicubic" of two, "trilinear" of three, or "area", the means of windows. `align_corners`,
    for the linear and cubic ones, puts the first and last elements of both at the same coordinates. A number
    is for all axes. Raises ValueError unless exactly one of size and scale_factor is given.
    """
    x = given = as_tensor(x)
    axes = x.ndim - 2
    if mode not in AXES:
        raise wrong(ValueError, "interpolate", f"mode={mode!r} must be one of {', '.join(map(repr, AXES))}")
    if axes not in AXES[mode]:
        raise wrong(
            ShapeError,
            "interpolate",
            f"mode={mode!r} needs x of (batch, channels, ...) with {' or '.join(map(str, AXES[mode]))} more "
            "axes",
            inputs=(x,),
        )
    smooth = mode in ("linear", "bilinear", "bicubic", "trilinear")
    if align_corners is not None and not smooth:
        raise wrong(
            ValueError, "interpolate", f"align_corners has no meaning with mode={mode!r}", "leave it out"
        )
    spatial = x.shape[2:]
    sizes, scales = target(spatial, size, scale_factor)
    if 0 in spatial:
        raise wrong(ShapeError, "interpolate", "there is nothing to interpolate", inputs=(x,))
    if mode == "area":
        return _AREA[axes - 1](x, sizes)
    for axis, (n, m, scale) in enumerate(zip(spatial, sizes, scales, strict=True), 2):
        step = n / m if scale is None else 1.0 / scale
        if not smooth:
            x = _nearest(x, axis, m, step, mode == "nearest-exact")
            continue
        if align_corners:
            step = (n - 1) / (m - 1) if m > 1 else 0.0
        at = np.arange(m) * step if align_corners else step * (np.arange(m) + 0.5) - 0.5
        x = _weighted(x, axis, at, mode == "bicubic")
    return apart(x, given)


def target(
    spatial: tuple[int, ...], size: Any, scale_factor: Any
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """The sizes of the result, and for each axis the factor that was given, or None."""
    axes = len(spatial)
    if (size is None) == (scale_factor is None):
        raise wrong(
            ValueError,
            "interpolate",
            f"size={size} and scale_factor={scale_factor}: exactly one of them must be given",
        )
    if size is not None:
        sizes = integers(size, "interpolate: size") * (axes if is_one(size) else 1)
        sizes = tuple(integer(n, "interpolate: size", least=1) for n in sizes)
        if len(sizes) != axes:
            raise wrong(ValueError, "interpolate", f"size={size} must be an integer, or {axes} of them")
        return sizes, (None,) * axes
    several = isinstance(scale_factor, list | tuple)
    given = list(scale_factor) if several else [scale_factor] * axes
    scales = tuple(float(number(s, "interpolate: scale_factor")) for s in given)
    sizes = tuple(math.floor(n * s) if 0 < s < math.inf else 0 for n, s in zip(spatial, scales, strict=False))
    if len(scales) != axes or min(sizes, default=1) < 1:
        raise wrong(
            ValueError,
            "interpolate",
            f"scale_factor={scale_factor} of {spatial} must be a number > 0, or {axes} of them, that leave "
            "at least one element on each axis",
        )
    return sizes, scales


def _nearest(x: Tensor, axis: int, count: int, step: float, from_middle: bool) -> Tensor:
    """Elements of x along one axis, chosen by coordinates in single precision, as PyTorch rounds them."""
    n = x.shape[axis]
    kind = real_dtype(x)
    at = (np.arange(count, dtype=kind) + kind.type(0.5 if from_middle else 0.0)) * kind.type(step)
    places = np.minimum(np.floor(at.astype(np.float32)).astype(np.int64), n - 1)
    factor = count // n
    if count == n * factor and (places == np.arange(count) // factor).all():
        return x if factor == 1 else repeat(x, factor, axis)
    return index_select(x, places, axis)


def _weighted(x: Tensor, axis: int, at: Any, cubic: bool) -> Tensor:
    """The elements of x around the coordinates `at` of one axis, summed with their weights."""
    n = x.shape[axis]
    at = at if cubic else np.maximum(at, 0.0)
    first = np.floor(at)
    t = at - first
    first = first.astype(np.int64)
    if cubic:
        places = [first + k for k in (-1, 0, 1, 2)]
        weights = [_far(1 + t), _near(t), _near(1 - t), _far(2 - t)]
    else:
        first = np.minimum(first, n - 1)
        places, weights = [first, first + 1], [1 - t, t]
    out: Any = None
    for place, weight in zip(places, weights, strict=True):
        if not weight.any():
            continue  # so that an element that does not count does not make NaN either
        taken = index_select(x, np.clip(place, 0, n - 1), axis)
        shaped = weight.astype(real_dtype(x)).reshape((-1,) + (1,) * (x.ndim - axis - 1))
        part = taken * as_tensor(shaped, x)
        out = part if out is None else out + part
    return out


def _near(d: Any) -> Any:
    """The weight of an element at the distance d <= 1."""
    return ((_CUBIC + 2) * d - (_CUBIC + 3)) * d * d + 1


def _far(d: Any) -> Any:
    """The weight of an element at the distance 1 <= d <= 2."""
    return ((_CUBIC * d - 5 * _CUBIC) * d + 8 * _CUBIC) * d - 4 * _CUBIC
