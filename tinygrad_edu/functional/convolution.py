"""Convolution and pooling of signals (batch, channels, length) and images (batch, channels, H, W)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.creation import as_tensor, operands
from tinygrad_edu.functional.movement import pad, sliding_windows
from tinygrad_edu.functional.reduction import mean
from tinygrad_edu.ops import convolution as _c
from tinygrad_edu.ops import pooling as _p
from tinygrad_edu.scalars import integer, integers, is_one

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["avg_pool2d", "conv1d", "conv2d", "max_pool2d"]

Sizes = int | Sequence[int]


def each_axis(name: str, value: Sizes, axes: int, least: int = 1) -> tuple[int, ...]:
    """One number for all axes, or one per axis, as a tuple. ValueError for a wrong count or below `least`."""
    found = integers(value, name)
    if is_one(value):
        found *= axes
    if len(found) != axes or min(found) < least:
        raise wrong(ValueError, None, f"{name}={value!r} must be an integer >= {least}, or {axes} of them")
    return found


def _conv(
    axes: int,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
) -> Tensor:
    x, weight = operands((x, weight))
    name = f"conv{axes}d"
    if x.ndim != axes + 2 or weight.ndim != axes + 2:
        raise wrong(
            ShapeError,
            name,
            f"x and weight must have {axes + 2} axes: (batch, channels, ...) and "
            "(out, channels / groups, ...)",
            inputs=(x, weight),
        )
    out = _c.convolution(
        x,
        weight,
        strides=each_axis("stride", stride, axes),
        padding=each_axis("padding", padding, axes, 0),
        dilations=each_axis("dilation", dilation, axes),
        groups=integer(groups, "groups", least=1),
    )
    return out if bias is None else out + as_tensor(bias, out).reshape((-1,) + (1,) * axes)


def conv1d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """x (batch, channels, length), weight (out, channels / groups, size), bias (out,) -> (batch, out, count).

    count = (length + 2 padding - dilation (size - 1) - 1) // stride + 1. Raises ShapeError for shapes that
    do not fit together, or if no window fits.
    """
    return _conv(1, x, weight, bias, stride, padding, dilation, groups)


def conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """x (batch, channels, H, W), weight (out, channels / groups, h, w), bias (out,) -> (batch, out, H', W').

    `stride`, `padding` and `dilation` are a number or two; see `conv1d`.
    """
    return _conv(2, x, weight, bias, stride, padding, dilation, groups)


def _bordered(
    x: Tensor, size: Sizes, stride: Sizes | None, padding: Sizes, border: float
) -> tuple[Tensor, tuple[int, ...], tuple[int, ...]]:
    """x with its padding, the sizes of the windows, and their strides."""
    x = as_tensor(x)
    if x.ndim < 3:
        raise wrong(ShapeError, None, "x must be (..., channels, H, W)", inputs=(x,))
    sizes, edges = each_axis("size", size, 2), each_axis("padding", padding, 2, 0)
    if any(2 * p > s for p, s in zip(edges, sizes, strict=True)):
        raise wrong(
            ValueError,
            None,
            f"padding={padding!r} must be at most half of size={size!r}: a window would hold nothing else",
        )
    if any(edges):
        x = pad(x, [(0, 0)] * (x.ndim - 2) + [(p, p) for p in edges], value=border)
    return x, sizes, sizes if stride is None else each_axis("stride", stride, 2)


def max_pool2d(x: Tensor, size: Sizes, *, stride: Sizes | None = None, padding: Sizes = 0) -> Tensor:
    """The largest of each window: (..., H, W) -> (..., H', W'); the stride is the size unless given.

    Elements that tie for the largest share the gradient evenly.
    """
    x, sizes, strides = _bordered(x, size, stride, padding, float("-inf"))
    return _p.max_pool(x, sizes=sizes, strides=strides)


def avg_pool2d(x: Tensor, size: Sizes, *, stride: Sizes | None = None, padding: Sizes = 0) -> Tensor:
    """The mean of each window, zeros of the padding included: (..., H, W) -> (..., H', W')."""
    x, sizes, strides = _bordered(x, size, stride, padding, 0.0)
    return mean(sliding_windows(x, sizes, stride=strides), (-2, -1))
