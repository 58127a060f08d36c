"""Pooling: the largest element or the mean of each window over the last axes."""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.convolution import Sizes, each_axis
from tinygrad_edu.functional.creation import as_tensor
from tinygrad_edu.functional.movement import reshape, sliding_windows
from tinygrad_edu.functional.padding import pad
from tinygrad_edu.functional.reduction import argmax, max, mean, sum
from tinygrad_edu.ops import elementwise as _e
from tinygrad_edu.ops import index as _i
from tinygrad_edu.ops import pooling as _p
from tinygrad_edu.scalars import number

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["avg_pool1d", "avg_pool2d", "avg_pool3d", "max_pool1d", "max_pool2d", "max_pool3d"]


class Windows(NamedTuple):
    """Windows over the last axes of x: their sizes, strides and dilations, and the padding of x."""

    # fmt: off
    spatial: tuple[int, ...]        # sizes of the axes of x
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    before: tuple[int, ...]         # padding on both sides, as the caller gave it
    after: tuple[int, ...]          # that, and what the last window of ceil_mode needs
    counts: tuple[int, ...]         # windows along each axis
    # fmt: on

    def around(self, x: Tensor, value: float) -> Tensor:
        """x with its padding."""
        if not any(self.before) and not any(self.after):
            return x
        lead = [(0, 0)] * (x.ndim - len(self.sizes))
        return pad(x, [*lead, *zip(self.before, self.after, strict=True)], value)


def spatial_axes(x: Any, axes: int) -> Tensor:
    """x as a tensor. ShapeError if it has fewer axes than channels and the windows' axes."""
    x = as_tensor(x)
    if x.ndim < axes + 1:
        names = {1: "length", 2: "H, W", 3: "D, H, W"}[axes]
        raise wrong(ShapeError, None, f"x must be (..., channels, {names})", inputs=(x,))
    return x


def _windows(
    axes: int, x: Tensor, size: Sizes, stride: Sizes | None, padding: Sizes, dilation: Sizes, ceil_mode: bool
) -> Windows:
    sizes, edges = each_axis("size", size, axes), each_axis("padding", padding, axes, 0)
    strides = sizes if stride is None else each_axis("stride", stride, axes)
    dilations = each_axis("dilation", dilation, axes)
    spans = tuple(d * (k - 1) + 1 for k, d in zip(sizes, dilations, strict=True))
    if any(2 * p > span for p, span in zip(edges, spans, strict=True)):
        raise wrong(
            ValueError,
            None,
            f"padding={padding!r} must be at most half of size={size!r}: a window would hold nothing else",
        )
    spatial, counts, after = x.shape[-axes:], [], []
    for n, span, s, p in zip(spatial, spans, strides, edges, strict=True):
        count = (n + 2 * p - span + (s - 1 if ceil_mode else 0)) // s + 1
        if ceil_mode and (count - 1) * s >= n + p:  # the last window would begin beyond x
            count -= 1
        if count < 1:
            raise wrong(
                ShapeError,
                None,
                f"windows of {spans} do not fit into {spatial} with padding {edges}",
                "use smaller ones or more padding",
                inputs=(x,),
            )
        counts.append(count)
        after.append(p + builtins.max(0, (count - 1) * s + span - n - 2 * p))
    return Windows(spatial, sizes, strides, dilations, edges, tuple(after), tuple(counts))


def real_dtype(x: Tensor) -> Any:
    """The dtype of constants that are multiplied with x: that of its real part, float32 beside integers."""
    return np.dtype(np.float32) if x.dtype.kind not in "fc" else np.zeros((), x.dtype).real.dtype


def positions_of(x: Tensor, base: Sequence[Any], within: Sequence[Any]) -> Tensor:
    """The flat index in the last axes of x's source of the largest element of each window.

    x (..., counts, window) has each window as a row. The index of element k of window i is the sum over axes
    of base[axis][i_axis] + within[axis][k_axis].
    """
    start, inside = np.zeros((), np.int64), np.zeros((), np.int64)
    for windows, elements in zip(base, within, strict=True):
        start, inside = start[..., None] + windows, inside[..., None] + elements
    return _i.take_rows(as_tensor(inside.reshape(-1), x), argmax(x, -1)) + as_tensor(start, x)


def above_padding(x: Tensor) -> Tensor:
    """x without its graph, and with no -inf, so that an element is larger than the -inf of padding."""
    return _e.maximum(x.detach(), np.finfo(x.dtype).min) if x.dtype.kind == "f" else x.detach()


def _max_pool(
    axes: int,
    x: Tensor,
    size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool,
    return_indices: bool,
) -> Any:
    x = spatial_axes(x, axes)
    w = _windows(axes, x, size, stride, padding, dilation, ceil_mode)
    bordered = w.around(x, float("-inf"))
    if w.dilations == (1,) * axes:
        out = _p.max_pool(bordered, sizes=w.sizes, strides=w.strides)
    else:
        seen = sliding_windows(bordered, w.sizes, stride=w.strides, dilation=w.dilations)
        out = max(seen, tuple(range(-axes, 0)))
    if not return_indices:
        return out
    seen = sliding_windows(
        w.around(above_padding(x), float("-inf")), w.sizes, stride=w.strides, dilation=w.dilations
    )
    steps = [math.prod(w.spatial[axis + 1 :]) for axis in range(axes)]
    base = [
        (np.arange(count) * s - p) * step
        for count, s, p, step in zip(w.counts, w.strides, w.before, steps, strict=True)
    ]
    within = [np.arange(n) * d * step for n, d, step in zip(w.sizes, w.dilations, steps, strict=True)]
    return out, positions_of(reshape(seen, (*out.shape, math.prod(w.sizes))), base, within)


def max_pool1d(
    x: Tensor,
    size: Sizes,
    *,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest of each window: (..., length) -> (..., count); options as in `max_pool2d`."""
    return _max_pool(1, x, size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    x: Tensor,
    size: Sizes,
    *,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest of each window: (..., H, W) -> (..., H', W'); the stride is the size unless given.

    Elements that tie for the largest share the gradient evenly. With `ceil_mode` a last window may be partly
    outside. With `return_indices` the result is a pair: the largest elements, and where each is, as its index
    in the flattened (H, W), the first of equals. Raises ShapeError if no window fits.
    """
    return _max_pool(2, x, size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(
    x: Tensor,
    size: Sizes,
    *,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest of each window: (..., D, H, W) -> (..., D', H', W'); options as in `max_pool2d`."""
    return _max_pool(3, x, size, stride, padding, dilation, ceil_mode, return_indices)


def _divisor(w: Windows, count_include_pad: bool) -> Any:
    """How many elements each window has: with the padding that was given, or of x alone."""
    out: Any = np.ones((), np.int64)
    for n, k, s, p, count in zip(w.spatial, w.sizes, w.strides, w.before, w.counts, strict=True):
        start = np.arange(count) * s - p
        stop = np.minimum(start + k, n + p)
        if not count_include_pad:
            start, stop = np.maximum(start, 0), np.minimum(stop, n)
        out = out[..., None] * (stop - start)
    return out


def _avg_pool(
    axes: int,
    x: Tensor,
    size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: float | None,
) -> Tensor:
    x = spatial_axes(x, axes)
    w = _windows(axes, x, size, stride, padding, 1, ceil_mode)
    if divisor_override is not None:
        divisor_override = number(divisor_override, "divisor_override")
        if divisor_override == 0:
            raise wrong(ValueError, None, "divisor_override=0 would divide by 0", "give another, or None")
    seen, last = sliding_windows(w.around(x, 0.0), w.sizes, stride=w.strides), tuple(range(-axes, 0))
    if divisor_override is not None:
        return sum(seen, last) / divisor_override
    divisor = _divisor(w, count_include_pad)
    if (divisor == math.prod(w.sizes)).all():
        return mean(seen, last)
    total = sum(seen, last)
    return total / as_tensor(divisor.astype(real_dtype(total)), total)


def avg_pool1d(
    x: Tensor,
    size: Sizes,
    *,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: float | None = None,
) -> Tensor:
    """The mean of each window: (..., length) -> (..., count); options as in `avg_pool2d`."""
    return _avg_pool(1, x, size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def avg_pool2d(
    x: Tensor,
    size: Sizes,
    *,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: float | None = None,
) -> Tensor:
    """The mean of each window, zeros of the padding included: (..., H, W) -> (..., H', W').

    Without `count_include_pad` the padding does not count; `divisor_override` is what every sum is divided by
    instead. With `ceil_mode` a last window may be partly outside, and what is outside does not count.
    """
    return _avg_pool(2, x, size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def avg_pool3d(
    x: Tensor,
    size: Sizes,
    *,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: float | None = None,
) -> Tensor:
    """The mean of each window: (..., D, H, W) -> (..., D', H', W'); options as in `avg_pool2d`."""
    return _avg_pool(3, x, size, stride, padding, ceil_mode, count_include_pad, divisor_override)
