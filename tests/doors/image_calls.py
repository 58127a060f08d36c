"""Calls of what works on images: convolution, pooling, borders and sizes, and the norms of their channels.

`call`, `grid` and `answered` are those of calls.py, which imports this file.
"""

from __future__ import annotations

from typing import Any

import tinygrad_edu as te
from tinygrad_edu import nn

SPATIAL = {"1": (1, 2, 8), "2": (1, 2, 6, 6), "3": (1, 2, 4, 4, 4)}  # x, by the axes of its windows


def functions(call: Any, grid: Any) -> dict[str, Any]:
    """Those of `te`."""
    return {
        **{
            n: call(
                getattr(te, n),
                lambda n=n: (grid(*SPATIAL[n[-2]]),),
                {
                    "size": 2,
                    "stride": 2,
                    "padding": 1,
                    "ceil_mode": True,
                    "count_include_pad": False,
                    "divisor_override": 3,
                },
            )
            for n in ("avg_pool1d", "avg_pool2d", "avg_pool3d")
        },
        **{
            n: call(
                getattr(te, n),
                lambda n=n: (grid(*SPATIAL[n[-2]]),),
                {
                    "size": 2,
                    "stride": 2,
                    "padding": 1,
                    "dilation": 2,
                    "ceil_mode": True,
                    "return_indices": True,
                },
            )
            for n in ("max_pool1d", "max_pool2d", "max_pool3d")
        },
        **{
            n: call(getattr(te, n), lambda n=n: (grid(*SPATIAL[n[-2]]),), {"output_size": 3})
            for n in ("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d")
        },
        **{
            n: call(
                getattr(te, n),
                lambda n=n: (grid(*SPATIAL[n[-2]]),),
                {"output_size": 3, "return_indices": True},
            )
            for n in ("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")
        },
        "conv3d": call(
            te.conv3d,
            lambda: (grid(1, 2, 4, 4, 4), grid(2, 1, 2, 2, 2)),
            {"stride": 2, "padding": 1, "dilation": 2, "groups": 2},
        ),
        **{
            f"conv_transpose{k}d": call(
                getattr(te, f"conv_transpose{k}d"),
                lambda k=k: (grid(1, 2, *(3,) * k), grid(2, 1, *(2,) * k)),
                {"stride": 2, "padding": 1, "output_padding": 1, "groups": 2, "dilation": 2},
            )
            for k in (1, 2, 3)
        },
        "fold": call(
            te.fold,
            lambda: (grid(1, 8, 9),),
            {"output_size": 4, "size": 2, "dilation": 1, "padding": 1, "stride": 2},
        ),
        "group_norm": call(te.group_norm, lambda: (grid(2, 4, 3),), {"num_groups": 2, "eps": 0.5}),
        "instance_norm": call(te.instance_norm, lambda: (grid(2, 4, 3),), {"eps": 0.5}),
        "interpolate": call(te.interpolate, lambda: (grid(1, 2, 4),), {"size": 7}),
        "interpolate by a factor": call(
            lambda x, **k: te.interpolate(x, mode="bicubic", **k),
            lambda: (grid(1, 2, 4, 4),),
            {"scale_factor": 1.5, "align_corners": True},
        ),
        "pixel_shuffle": call(te.pixel_shuffle, lambda: (grid(1, 8, 2, 2),), {"factor": 2}),
        "pixel_unshuffle": call(te.pixel_unshuffle, lambda: (grid(1, 2, 4, 4),), {"factor": 2}),
        "rms_norm": call(te.rms_norm, lambda: (grid(2, 3),), {"axis": (0, 1), "eps": 0.5}),
        "unflatten": call(te.unflatten, lambda: (grid(2, 6),), {"axis": 1, "sizes": (2, 3)}),
        "unfold": call(
            te.unfold, lambda: (grid(1, 2, 6, 6),), {"size": 2, "dilation": 2, "padding": 1, "stride": 2}
        ),
    }


def modules(call: Any, grid: Any, answered: Any) -> dict[str, Any]:
    """Those of `nn`."""
    return {
        "Conv3d": call(
            answered(nn.Conv3d, grid(1, 2, 4, 4, 4)),
            numbers={
                "in_channels": 2,
                "out_channels": 4,
                "kernel_size": 2,
                "stride": 2,
                "padding": 1,
                "dilation": 2,
                "groups": 2,
                "bias": True,
            },
        ),
        **{
            f"ConvTranspose{k}d": call(
                answered(getattr(nn, f"ConvTranspose{k}d"), grid(1, 2, *(3,) * k)),
                numbers={
                    "in_channels": 2,
                    "out_channels": 4,
                    "kernel_size": 2,
                    "stride": 2,
                    "padding": 1,
                    "output_padding": 1,
                    "groups": 2,
                    "bias": True,
                    "dilation": 2,
                },
            )
            for k in (1, 2, 3)
        },
        **{
            f"MaxPool{k}d": call(
                answered(getattr(nn, f"MaxPool{k}d"), grid(*SPATIAL[str(k)])),
                numbers={
                    "kernel_size": 2,
                    "stride": 2,
                    "padding": 1,
                    "dilation": 2,
                    "return_indices": True,
                    "ceil_mode": True,
                },
            )
            for k in (1, 2, 3)
        },
        **{
            f"AvgPool{k}d": call(
                answered(getattr(nn, f"AvgPool{k}d"), grid(*SPATIAL[str(k)])),
                numbers={
                    "kernel_size": 2,
                    "stride": 2,
                    "padding": 1,
                    "ceil_mode": True,
                    "count_include_pad": False,
                    "divisor_override": 3,
                },
            )
            for k in (1, 2, 3)
        },
        **{
            f"AdaptiveAvgPool{k}d": call(
                answered(getattr(nn, f"AdaptiveAvgPool{k}d"), grid(*SPATIAL[str(k)])),
                numbers={"output_size": 3},
            )
            for k in (1, 2, 3)
        },
        **{
            f"AdaptiveMaxPool{k}d": call(
                answered(getattr(nn, f"AdaptiveMaxPool{k}d"), grid(*SPATIAL[str(k)])),
                numbers={"output_size": 3, "return_indices": True},
            )
            for k in (1, 2, 3)
        },
        **{
            f"{kind}Pad{k}d": call(
                answered(getattr(nn, f"{kind}Pad{k}d"), grid(*SPATIAL[str(k)])),
                numbers={"padding": 2, **({"value": 0.5} if kind == "Constant" else {})},
            )
            for kind in ("Constant", "Zero", "Reflection", "Replication", "Circular")
            for k in (1, 2)
        },
        "Fold": call(
            answered(nn.Fold, grid(1, 8, 9)),
            numbers={"output_size": 4, "kernel_size": 2, "dilation": 1, "padding": 1, "stride": 2},
        ),
        "Unfold": call(
            answered(nn.Unfold, grid(1, 2, 6, 6)),
            numbers={"kernel_size": 2, "dilation": 2, "padding": 1, "stride": 2},
        ),
        "PixelShuffle": call(answered(nn.PixelShuffle, grid(1, 8, 2, 2)), numbers={"upscale_factor": 2}),
        "PixelUnshuffle": call(
            answered(nn.PixelUnshuffle, grid(1, 2, 4, 4)), numbers={"downscale_factor": 2}
        ),
        "Unflatten": call(
            answered(nn.Unflatten, grid(2, 6)), numbers={"axis": 1, "unflattened_size": (2, 3)}
        ),
        "Upsample": call(answered(nn.Upsample, grid(1, 2, 4)), numbers={"size": 7}),
        "Upsample by a factor": call(
            answered(lambda **k: nn.Upsample(mode="bilinear", **k), grid(1, 2, 6, 6)),
            numbers={"scale_factor": 1.5, "align_corners": True},
        ),
        "GroupNorm": call(
            answered(nn.GroupNorm, grid(2, 4, 3)),
            numbers={"num_groups": 2, "num_channels": 4, "eps": 0.5, "affine": True},
        ),
        "RMSNorm": call(
            answered(nn.RMSNorm, grid(2, 3)),
            numbers={"normalized_shape": (2, 3), "eps": 0.5, "elementwise_affine": True},
        ),
        "BatchNorm3d": call(
            answered(nn.BatchNorm3d, grid(2, 3, 2, 2, 2)),
            numbers={
                "num_features": 3,
                "eps": 0.5,
                "momentum": 0.25,
                "affine": True,
                "track_running_stats": True,
            },
        ),
        **{
            f"InstanceNorm{k}d": call(
                answered(getattr(nn, f"InstanceNorm{k}d"), grid(2, 3, *(2,) * k)),
                numbers={
                    "num_features": 3,
                    "eps": 0.5,
                    "momentum": 0.25,
                    "affine": True,
                    "track_running_stats": True,
                },
            )
            for k in (1, 2, 3)
        },
    }
