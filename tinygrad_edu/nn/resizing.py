"""Layers without parameters that pad, resize or rearrange signals and images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from tinygrad_edu import functional as F
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.convolution import Sizes, each_axis
from tinygrad_edu.functional.interpolation import AXES
from tinygrad_edu.nn.module import Module
from tinygrad_edu.scalars import integer, integers, is_one, number
from tinygrad_edu.tensor import Tensor

__all__ = ["CircularPad1d", "CircularPad2d", "ConstantPad1d", "ConstantPad2d", "Fold", "PixelShuffle",
           "PixelUnshuffle", "ReflectionPad1d", "ReflectionPad2d", "ReplicationPad1d", "ReplicationPad2d",
           "Unflatten", "Unfold", "Upsample", "ZeroPad1d", "ZeroPad2d"]  # fmt: skip


class _Pad(Module):
    """A border around the last axes: `padding` is a number, or (left, right, top, bottom)."""

    axes: ClassVar[int]
    mode: ClassVar[str] = "constant"
    value: float = 0.0

    def __init__(self, padding: Sizes) -> None:
        found = integers(padding, f"{type(self).__name__}: padding")
        found = found * (2 * self.axes) if is_one(padding) else found
        if len(found) != 2 * self.axes or min(found) < 0:
            raise wrong(
                ValueError,
                type(self).__name__,
                f"padding={padding!r} must be an integer >= 0, or {2 * self.axes} of them",
            )
        self.padding = found

    def forward(self, x: Any) -> Tensor:
        x = F.as_tensor(x)
        if x.ndim < self.axes + 1:
            raise wrong(
                ShapeError, type(self).__name__, f"x must have {self.axes + 1} axes at least", inputs=(x,)
            )
        pairs = [(self.padding[2 * a], self.padding[2 * a + 1]) for a in reversed(range(self.axes))]
        return F.pad(x, [(0, 0)] * (x.ndim - self.axes) + pairs, self.value, mode=self.mode)

    def extra_repr(self) -> str:
        return str(self.padding)


class _ConstantPad(_Pad):
    """The common part of borders of one number."""

    def __init__(self, padding: Sizes, value: float) -> None:
        super().__init__(padding)
        self.value = float(number(value, f"{type(self).__name__}: value"))

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """`value` around (..., length): `padding` is a number or (left, right)."""

    axes = 1


class ConstantPad2d(_ConstantPad):
    """`value` around (..., H, W): `padding` is a number or (left, right, top, bottom)."""

    axes = 2


class ZeroPad1d(_Pad):
    """Zeros around (..., length): `padding` is a number or (left, right)."""

    axes = 1


class ZeroPad2d(_Pad):
    """Zeros around (..., H, W): `padding` is a number or (left, right, top, bottom)."""

    axes = 2


class ReflectionPad1d(_Pad):
    """(..., length) with the elements next to its edges around it, in reversed order, without the edge."""

    axes, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """(..., H, W) with the elements next to its edges around it, in reversed order, without the edge."""

    axes, mode = 2, "reflect"


class ReplicationPad1d(_Pad):
    """(..., length) with its first and last elements repeated."""

    axes, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """(..., H, W) with its first and last rows and columns repeated."""

    axes, mode = 2, "replicate"


class CircularPad1d(_Pad):
    """(..., length) with the elements of the opposite end around it."""

    axes, mode = 1, "circular"


class CircularPad2d(_Pad):
    """(..., H, W) with the elements of the opposite edges around it."""

    axes, mode = 2, "circular"


class Upsample(Module):
    """(batch, channels, ...) with the given `size`, or its sizes times `scale_factor`: `te.interpolate`."""

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
    ) -> None:
        if (size is None) == (scale_factor is None):
            raise wrong(
                ValueError,
                "Upsample",
                f"size={size} and scale_factor={scale_factor}: exactly one must be given",
            )
        if mode not in AXES:
            raise wrong(ValueError, "Upsample", f"mode={mode!r} must be one of {', '.join(map(repr, AXES))}")
        self.size: Any = size
        if size is not None:
            sizes = tuple(integer(n, "Upsample: size", least=1) for n in integers(size, "Upsample: size"))
            self.size = sizes[0] if is_one(size) else sizes
        several = isinstance(scale_factor, list | tuple)
        given: Any = scale_factor if several else (scale_factor,)
        factors = tuple(f if f is None else float(number(f, "Upsample: scale_factor")) for f in given)
        self.scale_factor: Any = factors if several else factors[0]
        self.mode, self.align_corners = mode, align_corners

    def forward(self, x: Any) -> Tensor:
        return F.interpolate(
            x, self.size, scale_factor=self.scale_factor, mode=self.mode, align_corners=self.align_corners
        )

    def extra_repr(self) -> str:
        aim = f"scale_factor={self.scale_factor}" if self.size is None else f"size={self.size}"
        corners = "" if self.align_corners is None else f", align_corners={self.align_corners}"
        return f"{aim}, mode={self.mode!r}{corners}"


class PixelShuffle(Module):
    """(..., C r r, H, W) -> (..., C, H r, W r) for the factor r. See `te.pixel_shuffle`."""

    def __init__(self, upscale_factor: int) -> None:
        self.upscale_factor = integer(upscale_factor, "PixelShuffle: upscale_factor", least=1)

    def forward(self, x: Any) -> Tensor:
        return F.pixel_shuffle(x, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """(..., C, H r, W r) -> (..., C r r, H, W) for the factor r: the inverse of `PixelShuffle`."""

    def __init__(self, downscale_factor: int) -> None:
        self.downscale_factor = integer(downscale_factor, "PixelUnshuffle: downscale_factor", least=1)

    def forward(self, x: Any) -> Tensor:
        return F.pixel_unshuffle(x, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"


class Unflatten(Module):
    """One axis split into several of the sizes `unflattened_size`, one of which may be -1."""

    def __init__(self, axis: int, unflattened_size: Sequence[int]) -> None:
        self.axis = integer(axis, "Unflatten: axis")
        self.unflattened_size = integers(unflattened_size, "Unflatten: unflattened_size")

    def forward(self, x: Any) -> Tensor:
        return F.unflatten(x, self.axis, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"axis={self.axis}, unflattened_size={self.unflattened_size}"


class Unfold(Module):
    """(N, C, H, W) -> (N, C h w, count): every window as a column. See `te.unfold`."""

    def __init__(
        self, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
    ) -> None:
        self.kernel_size = each_axis("kernel_size", kernel_size, 2)
        self.dilation, self.stride = each_axis("dilation", dilation, 2), each_axis("stride", stride, 2)
        self.padding = each_axis("padding", padding, 2, 0)

    def forward(self, x: Any) -> Tensor:
        return F.unfold(x, self.kernel_size, dilation=self.dilation, padding=self.padding, stride=self.stride)

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, "
            f"stride={self.stride}"
        )


class Fold(Unfold):
    """(N, C h w, count) -> (N, C, H, W): columns summed where their windows were. See `te.fold`."""

    def __init__(
        self,
        output_size: Sizes,
        kernel_size: Sizes,
        dilation: Sizes = 1,
        padding: Sizes = 0,
        stride: Sizes = 1,
    ) -> None:
        super().__init__(kernel_size, dilation, padding, stride)
        self.output_size = each_axis("output_size", output_size, 2)

    def forward(self, x: Any) -> Tensor:
        return F.fold(
            x,
            self.output_size,
            self.kernel_size,
            dilation=self.dilation,
            padding=self.padding,
            stride=self.stride,
        )

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}, {super().extra_repr()}"
