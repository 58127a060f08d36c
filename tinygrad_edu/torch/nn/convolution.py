"""Convolutions and their adjoints as layers."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import tinygrad_edu as te
from tinygrad_edu.functional.convolution import paddings
from tinygrad_edu.torch.nn import init
from tinygrad_edu.torch.nn.functional.convolution import check_dtypes, with_batch
from tinygrad_edu.torch.nn.layer import Layer, placed

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]

_CONV = (te.nn.Conv1d, te.nn.Conv2d, te.nn.Conv3d)
_TRANSPOSE = (te.nn.ConvTranspose1d, te.nn.ConvTranspose2d, te.nn.ConvTranspose3d)


class _ConvNd(Layer):
    """What convolutions and their adjoints have in common."""

    axes: ClassVar[int]
    transposed: ClassVar[bool]
    options = ("stride", "padding", "dilation", "groups", "padding_mode")
    in_channels: int
    out_channels: int
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: Any
    dilation: tuple[int, ...]
    output_padding: tuple[int, ...]
    groups: int
    padding_mode: str

    def compute(self, inner: Any, x: Any, *args: Any, **named: Any) -> Any:
        check_dtypes(type(self).__name__, x, inner.weight)
        return with_batch(inner.forward, self.axes + 1, x, *args, **named)

    def reset_parameters(self) -> None:
        """Draw weight and bias again."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan:
                init.uniform_(self.bias, -1 / math.sqrt(fan), 1 / math.sqrt(fan))

    def extra_repr(self) -> str:
        said = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        )
        usual = {"padding": 0, "dilation": 1, "output_padding": 0}
        for name, value in usual.items():
            if getattr(self, name) != (value,) * self.axes:
                said += f", {name}={getattr(self, name)}"
        if self.groups != 1:
            said += f", groups={self.groups}"
        if self.bias is None:
            said += ", bias=False"
        return said + (f", padding_mode={self.padding_mode}" if self.padding_mode != "zeros" else "")


class _Conv(_ConvNd):
    """The common part of convolutions over any number of axes."""

    transposed = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            _CONV[self.axes - 1](
                in_channels,
                out_channels,
                kernel_size,
                stride,
                padding,
                dilation,
                groups,
                bool(bias),
                padding_mode,
                **placed(device, dtype),
            )
        )
        self.output_padding = (0,) * self.axes

    @property
    def inner(self) -> Any:
        """The library's layer, with the tensors and the options that this layer has now."""
        inner = super().inner
        if inner.padding_mode != "zeros":
            inner._pairs = paddings(inner.padding, inner.kernel_size, inner.stride, inner.dilation)
        return inner


class Conv1d(_Conv):
    """(N, in, L) -> (N, out, L'): weight (out, in / groups, size), bias (out,)."""

    axes = 1


class Conv2d(_Conv):
    """(N, in, H, W) -> (N, out, H', W'): weight (out, in / groups, h, w), bias (out,)."""

    axes = 2


class Conv3d(_Conv):
    """(N, in, D, H, W) -> (N, out, D', H', W'): weight (out, in / groups, d, h, w), bias (out,)."""

    axes = 3


class _ConvTranspose(_ConvNd):
    """The common part of transposed convolutions over any number of axes."""

    transposed = True
    options = ("stride", "padding", "output_padding", "dilation", "groups")
    padding_mode = "zeros"

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            _TRANSPOSE[self.axes - 1](
                in_channels,
                out_channels,
                kernel_size,
                stride,
                padding,
                output_padding,
                groups,
                bool(bias),
                dilation,
                padding_mode,
                **placed(device, dtype),
            )
        )

    def forward(self, input: Any, output_size: Any = None) -> Any:
        return self.run(input, output_size)


class ConvTranspose1d(_ConvTranspose):
    """(N, in, L) -> (N, out, L'): weight (in, out / groups, size), bias (out,)."""

    axes = 1


class ConvTranspose2d(_ConvTranspose):
    """(N, in, H, W) -> (N, out, H', W'): weight (in, out / groups, h, w), bias (out,)."""

    axes = 2


class ConvTranspose3d(_ConvTranspose):
    """(N, in, D, H, W) -> (N, out, D', H', W'): weight (in, out / groups, d, h, w), bias (out,)."""

    axes = 3
