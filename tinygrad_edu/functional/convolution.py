"""Convolution and transposed convolution of signals (batch, channels, length), images (batch, channels, H, W)
and volumes (batch, channels, D, H, W)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.creation import as_tensor, operands
from tinygrad_edu.functional.padding import pad
from tinygrad_edu.ops import convolution as _c
from tinygrad_edu.scalars import integer, integers, is_one

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]

Sizes = int | Sequence[int]
Pairs = tuple[tuple[int, int], ...]


def each_axis(name: str, value: Sizes, axes: int, least: int = 1) -> tuple[int, ...]:
    """One number for all axes, or one per axis, as a tuple. ValueError for a wrong count or below `least`."""
    found = integers(value, name)
    if is_one(value):
        found *= axes
    if len(found) != axes or min(found) < least:
        raise wrong(ValueError, None, f"{name}={value!r} must be an integer >= {least}, or {axes} of them")
    return found


def paddings(
    padding: Sizes | str, sizes: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> Pairs:
    """(before, after) for each axis: the numbers given, none for "valid", and for "same" so many that the
    result has the size of x; of an odd number "same" puts one more after than before."""
    if not isinstance(padding, str):
        return tuple((p, p) for p in each_axis("padding", padding, len(sizes), 0))
    if padding == "valid":
        return ((0, 0),) * len(sizes)
    if padding == "same":
        if any(s != 1 for s in strides):
            raise wrong(
                ValueError,
                None,
                f"padding='same' needs stride=1, not {tuple(strides)}",
                "give it as a number",
            )
        totals = [d * (n - 1) for n, d in zip(sizes, dilations, strict=True)]
        return tuple((t // 2, t - t // 2) for t in totals)
    raise wrong(ValueError, None, f"padding={padding!r} must be 'same', 'valid', an integer or several")


def _both(axes: int, name: str, x: Tensor, weight: Tensor, shape: str) -> tuple[Tensor, Tensor]:
    """Both operands as tensors. ShapeError if one has another number of axes."""
    x, weight = operands((x, weight))
    if x.ndim != axes + 2 or weight.ndim != axes + 2:
        raise wrong(
            ShapeError,
            name,
            f"x and weight must have {axes + 2} axes: (batch, channels, ...) and {shape}",
            inputs=(x, weight),
        )
    return x, weight


def _biased(out: Tensor, bias: Tensor | None, axes: int) -> Tensor:
    return out if bias is None else out + as_tensor(bias, out).reshape((-1,) + (1,) * axes)


def _conv(
    axes: int,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sizes,
    padding: Sizes | str,
    dilation: Sizes,
    groups: int,
) -> Tensor:
    x, weight = _both(axes, f"conv{axes}d", x, weight, "(out, channels / groups, ...)")
    strides, dilations = each_axis("stride", stride, axes), each_axis("dilation", dilation, axes)
    pairs = paddings(padding, weight.shape[2:], strides, dilations)
    if any(before != after for before, after in pairs):
        x = pad(x, [(0, 0), (0, 0), *((0, after - before) for before, after in pairs)])
    out = _c.convolution(
        x,
        weight,
        strides=strides,
        padding=tuple(before for before, _ in pairs),
        dilations=dilations,
        groups=integer(groups, "groups", least=1),
    )
    return _biased(out, bias, axes)


def conv1d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """x (batch, channels, length), weight (out, channels / groups, size), bias (out,) -> (batch, out, count).

    count = (length + 2 padding - dilation (size - 1) - 1) // stride + 1. padding="same" keeps the length,
    with stride 1; "valid" is 0. Raises ShapeError for shapes that do not fit together, or if no window fits.
    """
    return _conv(1, x, weight, bias, stride, padding, dilation, groups)


def conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """x (batch, channels, H, W), weight (out, channels / groups, h, w), bias (out,) -> (batch, out, H', W').

    `stride`, `padding` and `dilation` are a number or two; see `conv1d`.
    """
    return _conv(2, x, weight, bias, stride, padding, dilation, groups)


def conv3d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """x (batch, channels, D, H, W), weight (out, channels / groups, d, h, w) -> (batch, out, D', H', W').

    `stride`, `padding` and `dilation` are a number or three; see `conv1d`.
    """
    return _conv(3, x, weight, bias, stride, padding, dilation, groups)


def _conv_transpose(
    axes: int,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sizes,
    padding: Sizes,
    output_padding: Sizes,
    groups: int,
    dilation: Sizes,
) -> Tensor:
    """The adjoint of a convolution is an op already; this finds the shape that it is asked for."""
    name = f"conv_transpose{axes}d"
    x, weight = _both(axes, name, x, weight, "(channels, out / groups, ...)")
    strides, dilations = each_axis("stride", stride, axes), each_axis("dilation", dilation, axes)
    edges, more = each_axis("padding", padding, axes, 0), each_axis("output_padding", output_padding, axes, 0)
    groups = integer(groups, "groups", least=1)
    if x.shape[1] != weight.shape[0] or x.shape[1] % groups:
        raise wrong(
            ShapeError,
            name,
            f"x has {x.shape[1]} channels; weight is for {weight.shape[0]}, which must divide by "
            f"groups={groups}",
            inputs=(x, weight),
        )
    if any(m >= max(s, d) for m, s, d in zip(more, strides, dilations, strict=True)):
        raise wrong(
            ValueError,
            name,
            f"output_padding={output_padding!r} must be smaller than stride={strides} or "
            f"dilation={dilations}",
        )
    spans = tuple(d * (n - 1) + 1 for n, d in zip(weight.shape[2:], dilations, strict=True))
    sizes = tuple(
        (n - 1) * s - 2 * p + span + m
        for n, s, p, span, m in zip(x.shape[2:], strides, edges, spans, more, strict=True)
    )
    if min(sizes) < 1:
        raise wrong(
            ShapeError, name, f"the result would have sizes {sizes}", "use less padding", inputs=(x, weight)
        )
    # A convolution of the result may have more windows than x has elements. They have zeros.
    counts = _c.counts_of(sizes, weight.shape[2:], strides, edges, dilations)
    if counts != x.shape[2:]:
        x = pad(x, [(0, 0), (0, 0), *((0, c - n) for c, n in zip(counts, x.shape[2:], strict=True))])
    out = _c.convolution_input(
        x,
        weight,
        shape=(x.shape[0], weight.shape[1] * groups, *sizes),
        strides=strides,
        padding=edges,
        dilations=dilations,
        groups=groups,
    )
    return _biased(out, bias, axes)


def conv_transpose1d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """x (batch, channels, count), weight (channels, out / groups, size) -> (batch, out, length).

    The adjoint of `conv1d`: y[s i + d k - padding] is the sum of weight[k] x[i]. The length is
    (count - 1) stride - 2 padding + dilation (size - 1) + output_padding + 1. Raises ShapeError for shapes
    that do not fit together, ValueError for an output_padding that is not below the stride or the dilation.
    """
    return _conv_transpose(1, x, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """x (batch, channels, H, W), weight (channels, out / groups, h, w) -> (batch, out, H', W').

    The adjoint of `conv2d`; sizes are as in `conv_transpose1d`.
    """
    return _conv_transpose(2, x, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """x (batch, channels, D, H, W), weight (channels, out / groups, d, h, w) -> (batch, out, D', H', W').

    The adjoint of `conv3d`; sizes are as in `conv_transpose1d`.
    """
    return _conv_transpose(3, x, weight, bias, stride, padding, output_padding, groups, dilation)
