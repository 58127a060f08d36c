"""Layers for signals and images: convolutions and pooling."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from tinygrad_edu import dtypes
from tinygrad_edu import functional as F
from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.convolution import Sizes, each_axis
from tinygrad_edu.nn import init
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.scalars import integer, integers, is_one
from tinygrad_edu.tensor import Tensor

__all__ = ["Conv1d", "Conv2d", "MaxPool2d", "AvgPool2d"]


class _Conv(Module):
    """The common part of convolutions over any number of axes.

    Initial values are PyTorch's: uniform on +-1 / sqrt(inputs of a window).
    """

    axes: ClassVar[int]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        dtype: Any = None,
        device: Any = None,
        generator: Generator | None = None,
    ) -> None:
        name, axes = type(self).__name__, self.axes
        in_channels, out_channels, groups = (
            integer(value, f"{name}: {what}", least=1)
            for what, value in (
                ("in_channels", in_channels),
                ("out_channels", out_channels),
                ("groups", groups),
            )
        )
        if in_channels % groups or out_channels % groups:
            raise wrong(
                ValueError, name, f"{in_channels} and {out_channels} channels must divide by groups={groups}"
            )
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = each_axis("kernel_size", kernel_size, axes)
        self.stride, self.dilation = (
            each_axis(what, v, axes) for what, v in (("stride", stride), ("dilation", dilation))
        )
        self.padding = each_axis("padding", padding, axes, 0)
        kind = dtypes.as_dtype(dtype or float)
        inputs = in_channels // groups
        self.weight = Parameter(F.zeros(out_channels, inputs, *self.kernel_size, dtype=kind), device=device)
        bound = 1.0 / math.sqrt(inputs * math.prod(self.kernel_size))
        init.uniform_(self.weight, -bound, bound, generator=generator)
        self.bias: Parameter | None = None
        if bias:
            self.bias = Parameter(F.zeros(out_channels, dtype=kind), device=device)
            init.uniform_(self.bias, -bound, bound, generator=generator)

    def forward(self, x: Any) -> Tensor:
        convolve = F.conv1d if self.axes == 1 else F.conv2d
        return convolve(
            x,
            self.weight,
            self.bias,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )

    def extra_repr(self) -> str:
        said = [str(self.in_channels), str(self.out_channels), f"kernel_size={self.kernel_size}"]
        usual: dict[str, Any] = {"stride": 1, "padding": 0, "dilation": 1}
        said += [f"{k}={getattr(self, k)}" for k, v in usual.items() if getattr(self, k) != (v,) * self.axes]
        return ", ".join(
            said
            + ([f"groups={self.groups}"] if self.groups != 1 else [])
            + (["bias=False"] if self.bias is None else [])
        )


class Conv1d(_Conv):
    """(batch, in, length) -> (batch, out, count): weight (out, in / groups, size), bias (out,)."""

    axes = 1


class Conv2d(_Conv):
    """(batch, in, H, W) -> (batch, out, H', W'): weight (out, in / groups, h, w), bias (out,)."""

    axes = 2


def _sizes(name: str, value: Sizes) -> Sizes:
    """One size or several, as Python integers."""
    found = integers(value, name)
    return found[0] if is_one(value) else found


class MaxPool2d(Module):
    """The largest of each window of (..., H, W); the stride is the window's size unless given."""

    def __init__(self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> None:
        self.kernel_size: Sizes = _sizes("kernel_size", kernel_size)
        self.stride: Sizes | None = None if stride is None else _sizes("stride", stride)
        self.padding: Sizes = _sizes("padding", padding)

    def forward(self, x: Any) -> Tensor:
        return F.max_pool2d(x, self.kernel_size, stride=self.stride, padding=self.padding)

    def extra_repr(self) -> str:
        return f"{self.kernel_size}, stride={self.stride or self.kernel_size}, padding={self.padding}"


class AvgPool2d(MaxPool2d):
    """The mean of each window of (..., H, W), zeros of the padding included."""

    def forward(self, x: Any) -> Tensor:
        return F.avg_pool2d(x, self.kernel_size, stride=self.stride, padding=self.padding)
