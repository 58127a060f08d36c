"""Pooling layers: the largest element or the mean of each window."""

from __future__ import annotations

from typing import Any, ClassVar

from tinygrad_edu import functional as F
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.adaptive import Outputs, output_sizes
from tinygrad_edu.functional.convolution import Sizes, each_axis
from tinygrad_edu.nn.module import Module
from tinygrad_edu.scalars import integers, is_one, number
from tinygrad_edu.tensor import Tensor

__all__ = ["AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveMaxPool1d",
           "AdaptiveMaxPool2d", "AdaptiveMaxPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d", "MaxPool1d",
           "MaxPool2d", "MaxPool3d"]  # fmt: skip

_MAX = (F.max_pool1d, F.max_pool2d, F.max_pool3d)
_AVG = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)
_ADAPTIVE_MAX = (F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d)
_ADAPTIVE_AVG = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)


class _Pool(Module):
    """The common part of pooling layers with windows of a given size."""

    axes: ClassVar[int]

    def _sizes(self, name: str, value: Sizes, least: int = 1) -> Sizes:
        """One size or several, as Python integers."""
        found = each_axis(name, value, self.axes, least)
        return found[0] if is_one(value) else integers(found, name)

    def _windows(self, kernel_size: Sizes, stride: Sizes | None, padding: Sizes) -> None:
        self.kernel_size: Sizes = self._sizes("kernel_size", kernel_size)
        self.stride: Sizes | None = None if stride is None else self._sizes("stride", stride)
        self.padding: Sizes = self._sizes("padding", padding, 0)

    def extra_repr(self) -> str:
        return f"{self.kernel_size}, stride={self.stride or self.kernel_size}, padding={self.padding}"


class _MaxPool(_Pool):
    """The largest of each window; the stride is the window's size unless given. See `te.max_pool2d`."""

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        self._windows(kernel_size, stride, padding)
        self.dilation: Sizes = self._sizes("dilation", dilation)
        self.return_indices, self.ceil_mode = bool(return_indices), bool(ceil_mode)

    def forward(self, x: Any) -> Any:
        return _MAX[self.axes - 1](
            x,
            self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            ceil_mode=self.ceil_mode,
            return_indices=self.return_indices,
        )

    def extra_repr(self) -> str:
        more = f", dilation={self.dilation}" * (self.dilation != 1) + ", ceil_mode=True" * self.ceil_mode
        return super().extra_repr() + more + ", return_indices=True" * self.return_indices


class MaxPool1d(_MaxPool):
    """The largest of each window of (..., length); the stride is the window's size unless given."""

    axes = 1


class MaxPool2d(_MaxPool):
    """The largest of each window of (..., H, W); the stride is the window's size unless given.

    Options are those of `te.max_pool2d`.
    """

    axes = 2


class MaxPool3d(_MaxPool):
    """The largest of each window of (..., D, H, W); the stride is the window's size unless given."""

    axes = 3


class _AvgPool(_Pool):
    """The mean of each window. See `te.avg_pool2d`."""

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: float | None = None,
    ) -> None:
        self._windows(kernel_size, stride, padding)
        self.ceil_mode, self.count_include_pad = bool(ceil_mode), bool(count_include_pad)
        self.divisor_override = None
        if divisor_override is not None:
            self.divisor_override = number(divisor_override, f"{type(self).__name__}: divisor_override")
            if self.divisor_override == 0:
                raise wrong(ValueError, type(self).__name__, "divisor_override=0 would divide by 0")

    def forward(self, x: Any) -> Tensor:
        return _AVG[self.axes - 1](
            x,
            self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            ceil_mode=self.ceil_mode,
            count_include_pad=self.count_include_pad,
            divisor_override=self.divisor_override,
        )

    def extra_repr(self) -> str:
        more = ", ceil_mode=True" * self.ceil_mode + ", count_include_pad=False" * (
            not self.count_include_pad
        )
        override = self.divisor_override
        return super().extra_repr() + more + ("" if override is None else f", divisor_override={override}")


class AvgPool1d(_AvgPool):
    """The mean of each window of (..., length), zeros of the padding included."""

    axes = 1


class AvgPool2d(_AvgPool):
    """The mean of each window of (..., H, W), zeros of the padding included.

    Options are those of `te.avg_pool2d`.
    """

    axes = 2


class AvgPool3d(_AvgPool):
    """The mean of each window of (..., D, H, W), zeros of the padding included."""

    axes = 3


class _Adaptive(Module):
    """Pooling that makes results of one size, whatever the size of x. See `te.adaptive_avg_pool2d`."""

    axes: ClassVar[int]

    def __init__(self, output_size: Outputs) -> None:
        found = output_sizes(output_size, self.axes)
        self.output_size: Any = found[0] if is_one(output_size) else found

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class _AdaptiveAvg(_Adaptive):
    """The common part of adaptive means."""

    def forward(self, x: Any) -> Tensor:
        return _ADAPTIVE_AVG[self.axes - 1](x, self.output_size)


class _AdaptiveMax(_Adaptive):
    """The common part of adaptive maxima."""

    def __init__(self, output_size: Outputs, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = bool(return_indices)

    def forward(self, x: Any) -> Any:
        return _ADAPTIVE_MAX[self.axes - 1](x, self.output_size, return_indices=self.return_indices)

    def extra_repr(self) -> str:
        return super().extra_repr() + ", return_indices=True" * self.return_indices


class AdaptiveAvgPool1d(_AdaptiveAvg):
    """(..., length) -> (..., output_size): means of windows that have all elements."""

    axes = 1


class AdaptiveAvgPool2d(_AdaptiveAvg):
    """(..., H, W) -> (..., H', W'): means of windows that have all elements.

    output_size is a number for both axes or (H', W'); None keeps a size. 1 is the mean of each channel.
    """

    axes = 2


class AdaptiveAvgPool3d(_AdaptiveAvg):
    """(..., D, H, W) -> (..., D', H', W'): means of windows that have all elements."""

    axes = 3


class AdaptiveMaxPool1d(_AdaptiveMax):
    """(..., length) -> (..., output_size): the largest of windows that have all elements."""

    axes = 1


class AdaptiveMaxPool2d(_AdaptiveMax):
    """(..., H, W) -> (..., H', W'): the largest of windows that have all elements."""

    axes = 2


class AdaptiveMaxPool3d(_AdaptiveMax):
    """(..., D, H, W) -> (..., D', H', W'): the largest of windows that have all elements."""

    axes = 3
