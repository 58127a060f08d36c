"""Pooling as layers, and layers that pad, resize or rearrange images."""

from __future__ import annotations

from typing import Any, ClassVar

from tinygrad_edu.torch.nn import functional as F
from tinygrad_edu.torch.nn.declared import NEEDED, Function, declare
from tinygrad_edu.torch.nn.module import Module

__all__ = ["CosineSimilarity", "PairwiseDistance", "Fold", "Unfold", "PixelShuffle", "PixelUnshuffle",
           "ChannelShuffle", "Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d"]  # fmt: skip

_HERE = __name__
_NAMES = ("1d", "2d", "3d")


class _Windows(Function):
    """The common part of layers with windows: the stride is the window's size unless given."""

    axes: ClassVar[int] = 0  # of those that keep their sizes as tuples

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if vars(self)["stride"] is None:
            self.stride: Any = self.kernel_size
        for name in ("kernel_size", "stride", "padding") if self.axes else ():
            value = getattr(self, name)
            setattr(self, name, (value,) * self.axes if isinstance(value, int) else value)


class _Unpool(_Windows):
    """The adjoint of a pooling of maxima: numbers at the indices that it gave."""

    def forward(self, input: Any, indices: Any, output_size: Any = None) -> Any:
        return type(self).function(input, indices, self.kernel_size, self.stride, self.padding, output_size)


def _add(title: str, made: Any) -> None:
    globals()[title] = made
    __all__.append(title)


def _pools() -> None:
    for n, end in enumerate(_NAMES, 1):
        sizes: dict[str, Any] = {"kernel_size": NEEDED, "stride": None, "padding": 0}
        _add(
            f"MaxPool{end}",
            declare(
                _HERE, f"MaxPool{end}", getattr(F, f"max_pool{end}"),
                "kernel_size={kernel_size}, stride={stride}, padding={padding}, dilation={dilation}, "
                "ceil_mode={ceil_mode}",
                base=_Windows, **sizes, dilation=1, return_indices=False, ceil_mode=False,
            ),
        )  # fmt: skip
        more: dict[str, Any] = {"divisor_override": None} if n > 1 else {}
        pool = declare(
            _HERE, f"AvgPool{end}", getattr(F, f"avg_pool{end}"),
            "kernel_size={kernel_size}, stride={stride}, padding={padding}",
            base=_Windows, **sizes, ceil_mode=False, count_include_pad=True, **more,
        )  # fmt: skip
        pool.axes = 1 if n == 1 else 0
        _add(f"AvgPool{end}", pool)
        _add(
            f"LPPool{end}",
            declare(
                _HERE, f"LPPool{end}", getattr(F, f"lp_pool{end}"),
                "norm_type={norm_type}, kernel_size={kernel_size}, stride={stride}, ceil_mode={ceil_mode}",
                norm_type=NEEDED, kernel_size=NEEDED, stride=None, ceil_mode=False,
            ),
        )  # fmt: skip
        unpool = declare(
            _HERE, f"MaxUnpool{end}", getattr(F, f"max_unpool{end}"),
            "kernel_size={kernel_size}, stride={stride}, padding={padding}", base=_Unpool, **sizes,
        )  # fmt: skip
        unpool.axes = n
        _add(f"MaxUnpool{end}", unpool)
        text = "output_size={output_size}"
        for kind in ("Avg", "Max"):
            options: dict[str, Any] = {"return_indices": False} if kind == "Max" else {}
            title = f"Adaptive{kind}Pool{end}"
            function = getattr(F, f"adaptive_{kind.lower()}_pool{end}")
            _add(title, declare(_HERE, title, function, text, output_size=NEEDED, **options))


class _Pad(Module):
    """A border around the last axes: `padding` is a number, or (left, right, top, bottom, ...)."""

    axes: ClassVar[int]
    mode: ClassVar[str]
    value: float | None = None

    def __init__(self, padding: Any, *value: Any, **named: Any) -> None:
        super().__init__()
        sides = 2 * self.axes
        self.padding = (padding,) * sides if isinstance(padding, int) else tuple(padding)
        if len(self.padding) != sides:
            raise RuntimeError(f"{type(self).__name__} takes {sides} widths, not {self.padding}")
        if type(self).__name__.startswith("Constant"):
            self.value = value[0] if value else named["value"]
        elif value or named:
            raise TypeError(f"{type(self).__name__} takes one argument, padding")

    def forward(self, input: Any) -> Any:
        return F.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        constant = type(self).__name__.startswith("Constant")
        return f"padding={self.padding}, value={self.value}" if constant else str(self.padding)


def _pads() -> None:
    kinds = {"Constant": "constant", "Zero": "constant", "Reflection": "reflect", "Replication": "replicate",
             "Circular": "circular"}  # fmt: skip
    for kind, mode in kinds.items():
        for n, end in enumerate(_NAMES, 1):
            title = f"{kind}Pad{end}"
            body = {
                "axes": n,
                "mode": mode,
                "__doc__": _Pad.__doc__,
                "__module__": _HERE,
                "__qualname__": title,
            }
            body |= {"value": 0.0} if kind == "Zero" else {}
            _add(title, type(title, (_Pad,), body))


_pools()
_pads()

CosineSimilarity = declare(_HERE, "CosineSimilarity", F.cosine_similarity, dim=1, eps=1e-8)
PairwiseDistance = declare(_HERE, "PairwiseDistance", F.pairwise_distance, p=2.0, eps=1e-6, keepdim=False)
Fold = declare(
    _HERE,
    "Fold",
    F.fold,
    "output_size={output_size}, kernel_size={kernel_size}, dilation={dilation}, padding={padding}, "
    "stride={stride}",
    output_size=NEEDED,
    kernel_size=NEEDED,
    dilation=1,
    padding=0,
    stride=1,
)
Unfold = declare(
    _HERE, "Unfold", F.unfold,
    "kernel_size={kernel_size}, dilation={dilation}, padding={padding}, stride={stride}",
    kernel_size=NEEDED, dilation=1, padding=0, stride=1,
)  # fmt: skip
PixelShuffle = declare(
    _HERE, "PixelShuffle", F.pixel_shuffle, "upscale_factor={upscale_factor}", upscale_factor=NEEDED
)
PixelUnshuffle = declare(
    _HERE, "PixelUnshuffle", F.pixel_unshuffle, "downscale_factor={downscale_factor}", downscale_factor=NEEDED
)
ChannelShuffle = declare(_HERE, "ChannelShuffle", F.channel_shuffle, "groups={groups}", groups=NEEDED)


class Upsample(Module):
    """(N, C, ...) with the given `size`, or its sizes times `scale_factor`."""

    def __init__(
        self,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.name, self.size, self.mode = type(self).__name__, size, mode
        several = isinstance(scale_factor, tuple)
        self.scale_factor: Any = tuple(map(float, scale_factor)) if several else scale_factor
        if scale_factor and not several:
            self.scale_factor = float(scale_factor)
        self.align_corners, self.recompute_scale_factor = align_corners, recompute_scale_factor

    def forward(self, input: Any) -> Any:
        return F.interpolate(
            input, self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor
        )

    def extra_repr(self) -> str:
        aim = f"size={self.size}" if self.scale_factor is None else f"scale_factor={self.scale_factor}"
        return f"{aim}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Images with the nearest elements."""

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, "nearest")


class UpsamplingBilinear2d(Upsample):
    """Images interpolated, with the first and last elements at the corners."""

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, "bilinear", True)
