"""Layers for signals, images and volumes: convolutions, and their adjoints."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from tinygrad_edu import dtypes
from tinygrad_edu import functional as F
from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.convolution import Sizes, each_axis, paddings
from tinygrad_edu.functional.padding import MODES
from tinygrad_edu.nn import init
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.scalars import integer
from tinygrad_edu.tensor import Tensor

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]

_CONV = (F.conv1d, F.conv2d, F.conv3d)
_TRANSPOSE = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)


class _Weighted(Module):
    """What convolutions and their adjoints have in common: settings, parameters and their initial values.

    Initial values are PyTorch's: uniform on +-1 / sqrt(inputs of a window).
    """

    axes: ClassVar[int]
    usual: ClassVar[dict[str, Any]] = {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1}
    padding: Any
    padding_mode = "zeros"
    bias: Parameter | None

    def _settings(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes,
        dilation: Sizes,
        groups: int,
    ) -> None:
        name, axes = type(self).__name__, self.axes
        self.in_channels = integer(in_channels, f"{name}: in_channels", least=1)
        self.out_channels = integer(out_channels, f"{name}: out_channels", least=1)
        self.groups = integer(groups, f"{name}: groups", least=1)
        if self.in_channels % self.groups or self.out_channels % self.groups:
            raise wrong(
                ValueError,
                name,
                f"{self.in_channels} and {self.out_channels} channels must divide by groups={self.groups}",
            )
        self.kernel_size = each_axis("kernel_size", kernel_size, axes)
        self.stride, self.dilation = (
            each_axis(what, v, axes) for what, v in (("stride", stride), ("dilation", dilation))
        )

    def _parameters(
        self, rows: int, columns: int, bias: bool, dtype: Any, device: Any, generator: Generator | None
    ) -> None:
        kind = dtypes.as_dtype(dtype or float)
        self.weight = Parameter(F.zeros(rows, columns, *self.kernel_size, dtype=kind), device=device)
        bound = 1.0 / math.sqrt(columns * math.prod(self.kernel_size))
        init.uniform_(self.weight, -bound, bound, generator=generator)
        self.bias = None
        if bias:
            self.bias = Parameter(F.zeros(self.out_channels, dtype=kind), device=device)
            init.uniform_(self.bias, -bound, bound, generator=generator)

    def extra_repr(self) -> str:
        parts = [str(self.in_channels), str(self.out_channels), f"kernel_size={self.kernel_size}"]
        for name, usual in self.usual.items():
            value = getattr(self, name, None)
            if value is not None and value != (usual,) * self.axes:
                parts.append(f"{name}={value!r}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode!r}")
        return ", ".join(parts)


class _Conv(_Weighted):
    """The common part of convolutions over any number of axes."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        dtype: Any = None,
        device: Any = None,
        generator: Generator | None = None,
    ) -> None:
        self._settings(in_channels, out_channels, kernel_size, stride, dilation, groups)
        self._pairs = paddings(padding, self.kernel_size, self.stride, self.dilation)
        self.padding = padding if isinstance(padding, str) else tuple(before for before, _ in self._pairs)
        modes = ("zeros", *MODES[1:])
        if padding_mode not in modes:
            raise wrong(
                ValueError,
                type(self).__name__,
                f"padding_mode={padding_mode!r} must be one of {', '.join(map(repr, modes))}",
            )
        self.padding_mode = padding_mode
        self._parameters(self.out_channels, self.in_channels // self.groups, bias, dtype, device, generator)

    def forward(self, x: Any) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros" and any(map(any, self._pairs)):
            x, padding = F.as_tensor(x), 0
            if x.ndim == self.axes + 2:  # another number of axes is an error of the convolution
                x = F.pad(x, [(0, 0), (0, 0), *self._pairs], mode=self.padding_mode)
        return _CONV[self.axes - 1](
            x,
            self.weight,
            self.bias,
            stride=self.stride,
            padding=padding,
            dilation=self.dilation,
            groups=self.groups,
        )


class Conv1d(_Conv):
    """(batch, in, length) -> (batch, out, count): weight (out, in / groups, size), bias (out,).

    `padding` is a number, "same" or "valid"; `padding_mode` "zeros", "reflect", "replicate" or "circular".
    """

    axes = 1


class Conv2d(_Conv):
    """(batch, in, H, W) -> (batch, out, H', W'): weight (out, in / groups, h, w), bias (out,).

    `padding` is a number, two, "same" or "valid"; `padding_mode` is as in `Conv1d`.
    """

    axes = 2


class Conv3d(_Conv):
    """(batch, in, D, H, W) -> (batch, out, D', H', W'): weight (out, in / groups, d, h, w), bias (out,)."""

    axes = 3


class _ConvTranspose(_Weighted):
    """The common part of transposed convolutions over any number of axes."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        padding_mode: str = "zeros",
        *,
        dtype: Any = None,
        device: Any = None,
        generator: Generator | None = None,
    ) -> None:
        name = type(self).__name__
        if padding_mode != "zeros":
            raise wrong(ValueError, name, f"padding_mode={padding_mode!r}: only 'zeros' has an adjoint here")
        self._settings(in_channels, out_channels, kernel_size, stride, dilation, groups)
        self.padding = each_axis("padding", padding, self.axes, 0)
        self.output_padding = each_axis("output_padding", output_padding, self.axes, 0)
        self._parameters(self.in_channels, self.out_channels // self.groups, bias, dtype, device, generator)

    def forward(self, x: Any, output_size: Sequence[int] | None = None) -> Tensor:
        """With `output_size`, the sizes of the last axes, the output_padding that gives these sizes."""
        x = F.as_tensor(x)
        more = self.output_padding if output_size is None else self._padding_for(x, output_size)
        return _TRANSPOSE[self.axes - 1](
            x,
            self.weight,
            self.bias,
            stride=self.stride,
            padding=self.padding,
            output_padding=more,
            groups=self.groups,
            dilation=self.dilation,
        )

    def _padding_for(self, x: Tensor, output_size: Sequence[int]) -> tuple[int, ...]:
        sizes = tuple(output_size)
        sizes = each_axis("output_size", sizes[2:] if len(sizes) == self.axes + 2 else sizes, self.axes)
        least = tuple(
            (n - 1) * s - 2 * p + d * (k - 1) + 1
            for n, s, p, d, k in zip(
                x.shape[2:], self.stride, self.padding, self.dilation, self.kernel_size, strict=False
            )
        )
        more = tuple(n - low for n, low in zip(sizes, least, strict=False))
        if len(least) == self.axes and not all(0 <= m < s for m, s in zip(more, self.stride, strict=True)):
            raise wrong(
                ShapeError,
                type(self).__name__,
                f"output_size={sizes} must be from {least} up to, not including, "
                f"{tuple(low + s for low, s in zip(least, self.stride, strict=True))}",
                inputs=(x,),
            )
        return more if len(least) == self.axes else self.output_padding


class ConvTranspose1d(_ConvTranspose):
    """(batch, in, count) -> (batch, out, length): weight (in, out / groups, size), bias (out,).

    The adjoint of a `Conv1d` with the same settings, plus a bias; `output_padding` says which of the lengths
    that the stride maps to one count the result has.
    """

    axes = 1


class ConvTranspose2d(_ConvTranspose):
    """(batch, in, H, W) -> (batch, out, H', W'): weight (in, out / groups, h, w), bias (out,).

    The adjoint of a `Conv2d` with the same settings, plus a bias.
    """

    axes = 2


class ConvTranspose3d(_ConvTranspose):
    """(batch, in, D, H, W) -> (batch, out, D', H', W'): weight (in, out / groups, d, h, w), bias (out,)."""

    axes = 3
