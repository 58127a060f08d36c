"""Operators of ONNX that look at windows: convolutions and pooling; and Resize."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu import functional as F
from tinygrad_edu.interop.onnx.given import Given, Operator, ints
from tinygrad_edu.ops import convolution as _c
from tinygrad_edu.ops import pooling as _p
from tinygrad_edu.tensor import Tensor

Pairs = list[tuple[int, int]]
_TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def _each(g: Given, name: str, axes: int, default: int = 1) -> tuple[int, ...]:
    found = tuple(int(n) for n in g.get(name, [default] * axes))
    if len(found) != axes or min(found, default=1) < (name != "output_padding"):
        raise g.fault(f"{name}={found} must be {axes} positive numbers")
    return found


def _pairs(g: Given, spatial: Any, sizes: Any, strides: Any, dilations: Any) -> Pairs:
    """The padding (before, after) of each axis."""
    auto, k = g.only("auto_pad", ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")), len(sizes)
    if auto in ("NOTSET", "VALID"):
        pads = [int(n) for n in g.get("pads", [0] * 2 * k)] if auto == "NOTSET" else [0] * 2 * k
        if len(pads) != 2 * k or min(pads) < 0:
            raise g.fault(f"pads={pads} must be {2 * k} numbers")
        return list(zip(pads[:k], pads[k:], strict=True))
    made = []
    for n, size, stride, dilation in zip(spatial, sizes, strides, dilations, strict=True):
        total = max(0, (-(-n // stride) - 1) * stride + dilation * (size - 1) + 1 - n)
        low, high = total // 2, total - total // 2
        made.append((low, high) if auto == "SAME_UPPER" else (high, low))
    return made


def _around(x: Tensor, pairs: Pairs, value: float) -> Tensor:
    lead = [(0, 0)] * (x.ndim - len(pairs))
    return F.pad(x, [*lead, *pairs], value) if any(map(any, pairs)) else x


def _bias(out: Tensor, bias: Tensor | None) -> Tensor:
    return out if bias is None else out + F.reshape(bias, (-1, *(1,) * (out.ndim - 2)))


def _conv(g: Given, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Any:
    k = weight.ndim - 2
    strides, dilations = _each(g, "strides", k), _each(g, "dilations", k)
    pairs = _pairs(g, x.shape[2:], weight.shape[2:], strides, dilations)
    even = all(before == after for before, after in pairs)
    out = _c.convolution(
        x if even else _around(x, pairs, 0.0),
        weight,
        strides=strides,
        padding=tuple(before if even else 0 for before, _ in pairs),
        dilations=dilations,
        groups=int(g.get("group", 1)),
    )
    return _bias(out, bias)


def _conv_transpose(g: Given, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Any:
    k = weight.ndim - 2
    strides, dilations = _each(g, "strides", k), _each(g, "dilations", k)
    more = _each(g, "output_padding", k, 0)
    spans = [d * (n - 1) + 1 for n, d in zip(weight.shape[2:], dilations, strict=True)]
    whole = [(n - 1) * s + span + m for n, s, span, m in zip(x.shape[2:], strides, spans, more, strict=True)]
    auto = g.only("auto_pad", ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"))
    wanted = g.get("output_shape")
    if wanted is None and auto.startswith("SAME"):
        wanted = [n * s for n, s in zip(x.shape[2:], strides, strict=True)]
    if wanted is None:
        pairs = _pairs(g, x.shape[2:], weight.shape[2:], strides, dilations)
    else:
        totals = [n - m for n, m in zip(whole, wanted[-k:], strict=True)]
        halves = [(t // 2, t - t // 2) for t in totals]
        pairs = [(b, a) if auto == "SAME_UPPER" else (a, b) for b, a in halves]
    if k not in _TRANSPOSED:
        raise g.fault(f"{k} axes are more than 3")
    how: dict[str, Any] = {
        "stride": strides, "output_padding": more, "groups": int(g.get("group", 1)), "dilation": dilations,
    }  # fmt: skip
    if all(before == after >= 0 for before, after in pairs):
        return _TRANSPOSED[k](x, weight, bias, padding=tuple(b for b, _ in pairs), **how)
    out = _TRANSPOSED[k](x, weight, None, padding=0, **how)
    inside = tuple(slice(max(b, 0), n - max(a, 0)) for (b, a), n in zip(pairs, out.shape[2:], strict=True))
    out = out[(slice(None), slice(None), *inside)]  # a padding below 0 adds zeros
    return _bias(_around(out, [(max(-b, 0), max(-a, 0)) for b, a in pairs], 0.0), bias)


def _windows(g: Given, x: Tensor) -> tuple[Any, Any, Any, Pairs, Pairs]:
    """Sizes, strides, dilations, the padding, and what the last windows of ceil_mode need besides."""
    sizes = tuple(int(n) for n in g.need("kernel_shape"))
    k = len(sizes)
    strides, dilations = _each(g, "strides", k), _each(g, "dilations", k)
    pairs = _pairs(g, x.shape[2:], sizes, strides, dilations)
    more: Pairs = []
    for n, size, s, d, (before, after) in zip(x.shape[2:], sizes, strides, dilations, pairs, strict=True):
        span = d * (size - 1) + 1
        left = n + before + after - span
        count = left // s + 1
        if g.get("ceil_mode", 0) and left % s and count * s < n + before:
            count += 1
        more.append((0, max(0, (count - 1) * s - left)))
    return sizes, strides, dilations, pairs, more


def _max_pool(g: Given, x: Tensor) -> Any:
    if any(g.outputs[1:]):
        raise g.fault("its indices are a result, which is not computed")
    sizes, strides, dilations, pairs, more = _windows(g, x)
    around = [(b, a + m) for (b, a), (_, m) in zip(pairs, more, strict=True)]
    x = _around(x, around, -math.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min)
    if set(dilations) == {1}:
        return _p.max_pool(x, sizes=sizes, strides=strides)
    return F.max(
        F.sliding_windows(x, sizes, stride=strides, dilation=dilations), tuple(range(-len(sizes), 0))
    )


def _average_pool(g: Given, x: Tensor) -> Any:
    sizes, strides, dilations, pairs, more = _windows(g, x)
    k = len(sizes)
    around = [(b, a + m) for (b, a), (_, m) in zip(pairs, more, strict=True)]
    ones = np.ones(x.shape[2:], np.float64)
    if g.get("count_include_pad", 0):
        ones = np.pad(ones, pairs, constant_values=1)
        counted = np.pad(ones, more)
    else:
        counted = np.pad(ones, around)

    def sums(values: Any) -> Any:
        return F.sum(
            F.sliding_windows(values, sizes, stride=strides, dilation=dilations), tuple(range(-k, 0))
        )

    counts = np.asarray(sums(F.wrap(counted)).numpy())
    total = sums(_around(x, around, 0.0))
    if (counts == counts.flat[0]).all():
        return total / float(counts.flat[0])
    return total / F.tensor(counts.astype(x.dtype), device=x.device)


def _global(function: Any) -> Operator:
    return lambda g, x: function(x, tuple(range(2, x.ndim)), keepdims=True)


# -- Resize --------------------------------------------------------------------------------------------------


def _coordinates(how: str, size: int, wanted: int, scale: float) -> Any:
    """Where each element of the result lies in the source."""
    at = np.arange(wanted, dtype=np.float64)
    if how == "align_corners":
        return at * ((size - 1) / (wanted - 1)) if wanted > 1 else at * 0.0
    if how == "asymmetric":
        return at / scale
    if how == "pytorch_half_pixel" and wanted == 1:
        return at * 0.0
    return (at + 0.5) / scale - 0.5


def _nearest(how: str, at: Any) -> Any:
    """Which element a coordinate means; those of a half are given in the name."""
    near = np.round(at, 6)  # a coordinate of a half has an error of rounding
    if how == "floor":
        return np.floor(near)
    if how == "ceil":
        return np.ceil(near)
    return np.ceil(near - 0.5) if how == "round_prefer_floor" else np.floor(near + 0.5)


def _weights(mode: str, at: Any, a: float) -> list[tuple[Any, Any]]:
    """(elements, their weights) around the coordinates."""
    first = np.floor(at)
    t = at - first
    if mode == "linear":
        return [(first, 1 - t), (first + 1, t)]

    def near(d: Any) -> Any:
        return ((a + 2) * d - (a + 3)) * d * d + 1

    def far(d: Any) -> Any:
        return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a

    return [(first - 1, far(1 + t)), (first, near(t)), (first + 1, near(1 - t)), (first + 2, far(2 - t))]


def _resize(g: Given, x: Tensor, region: Tensor | None = None, scales: Tensor | None = None,
            sizes: Tensor | None = None) -> Any:  # fmt: skip
    if g.operator == "Upsample" or g.opset < 11:
        scales = region if scales is None and region is not None else scales
        factors = [float(v) for v in scales.numpy()] if scales is not None else list(g.need("scales"))
        how, rounding = "asymmetric", "floor"
    else:
        factors = [] if scales is None else [float(v) for v in scales.numpy().reshape(-1)]
        how = g.only("coordinate_transformation_mode",
                     ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"))  # fmt: skip
        rounding = g.only("nearest_mode", ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"))
    mode = g.only("mode", ("nearest", "linear", "cubic"))
    for name in ("antialias", "exclude_outside"):
        g.only(name, (0,))
    g.only("keep_aspect_ratio_policy", ("stretch",))
    axes = [a % x.ndim for a in g.get("axes", range(x.ndim))]
    wanted = ints(sizes) or [math.floor(x.shape[a] * f) for a, f in zip(axes, factors, strict=True)]
    for i, (axis, count) in enumerate(zip(axes, wanted, strict=True)):
        size = x.shape[axis]
        scale = factors[i] if factors else count / size
        if count == size and scale == 1:
            continue
        at = _coordinates(how, size, count, scale)
        if mode == "nearest":
            x = _taken(x, _nearest(rounding, at), axis)
            continue
        parts = _weights(mode, at, g.get("cubic_coeff_a", -0.75))
        x = sum(_taken(x, place, axis) * _along(x, weight, axis) for place, weight in parts)  # type: ignore[assignment]
    return x


def _taken(x: Tensor, places: Any, axis: int) -> Tensor:
    return F.index_select(x, np.clip(places, 0, x.shape[axis] - 1).astype(np.int64), axis)


def _along(x: Tensor, weight: Any, axis: int) -> Tensor:
    return F.tensor(weight.astype(x.dtype).reshape(-1, *(1,) * (x.ndim - axis - 1)), device=x.device)


TABLE: dict[str, Operator] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "GlobalAveragePool": _global(F.mean),
    "GlobalMaxPool": _global(F.max),
    "Resize": _resize,
    "Upsample": _resize,
}
