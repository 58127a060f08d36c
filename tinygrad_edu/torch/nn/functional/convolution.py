"""Convolutions, their adjoints, and windows as columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import torch_function
from tinygrad_edu.torch.core.dtypes import dtype_of

__all__ = ["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
           "conv_tbc", "unfold", "fold"]  # fmt: skip


def with_batch(function: Callable[..., Any], axes: int, x: Any, *args: Any, **named: Any) -> Any:
    """`function` of x; of a single row, with `axes` axes, as a batch of one."""
    if x.ndim != axes:
        return function(x, *args, **named)
    found = function(te.expand_dims(x, 0), *args, **named)
    return tuple(te.squeeze(y, 0) for y in found) if isinstance(found, tuple) else te.squeeze(found, 0)


def check_dtypes(name: str, x: Any, *others: Any) -> None:
    """RuntimeError unless all tensors have the dtype of x."""
    for other in others:
        if other is not None and other.dtype != x.dtype:
            raise wrong(
                RuntimeError,
                name,
                f"expected m1 and m2 to have the same dtype, but got: {dtype_of(x.dtype)} != "
                f"{dtype_of(other.dtype)}",
                "convert one with .to(dtype)",
                inputs=(x, other),
            )


def _convolution(axes: int, function: Callable[..., Any]) -> Any:
    name = f"conv{axes}d"

    def conv(
        input: Any,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Any:
        check_dtypes(name, input, weight, bias)
        return with_batch(
            function,
            axes + 1,
            input,
            weight,
            bias,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
        )

    conv.__name__ = conv.__qualname__ = name
    conv.__doc__ = function.__doc__
    return torch_function(conv)


def _transposed(axes: int, function: Callable[..., Any]) -> Any:
    name = f"conv_transpose{axes}d"

    def conv(
        input: Any,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        dilation: Any = 1,
    ) -> Any:
        check_dtypes(name, input, weight, bias)
        return with_batch(
            function,
            axes + 1,
            input,
            weight,
            bias,
            stride=stride,
            padding=padding,
            output_padding=output_padding,
            groups=groups,
            dilation=dilation,
        )

    conv.__name__ = conv.__qualname__ = name
    conv.__doc__ = function.__doc__
    return torch_function(conv)


conv1d, conv2d, conv3d = (
    _convolution(axes, f) for axes, f in ((1, te.conv1d), (2, te.conv2d), (3, te.conv3d))
)
conv_transpose1d, conv_transpose2d, conv_transpose3d = (
    _transposed(axes, f)
    for axes, f in ((1, te.conv_transpose1d), (2, te.conv_transpose2d), (3, te.conv_transpose3d))
)


@torch_function
def conv_tbc(input: Any, weight: Any, bias: Any, pad: int = 0) -> Any:
    """A convolution of (length, batch, channels) with a weight (size, channels, out)."""
    moved = te.conv1d(
        te.permute_dims(input, (1, 2, 0)), te.permute_dims(weight, (2, 1, 0)), bias, padding=pad
    )
    return te.permute_dims(moved, (2, 0, 1))


@torch_function
def unfold(input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Every window of images as a column: (N, C, H, W) -> (N, C h w, count)."""
    return with_batch(te.unfold, 3, input, kernel_size, dilation=dilation, padding=padding, stride=stride)


@torch_function
def fold(
    input: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Any:
    """The adjoint of `unfold`: (N, C h w, count) -> (N, C, H, W), where windows that overlap are added."""
    return with_batch(
        te.fold, 2, input, output_size, kernel_size, dilation=dilation, padding=padding, stride=stride
    )
