"""Scales numbers along axes: to probabilities, to mean 0 and variance 1, or to a mean square of 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.creation import as_tensor
from tinygrad_edu.functional.movement import reshape
from tinygrad_edu.functional.reduction import mean
from tinygrad_edu.ops import elementwise as _e
from tinygrad_edu.ops import fused as _f
from tinygrad_edu.scalars import integer, integers, number
from tinygrad_edu.shapes import Axis, Shape, normalize_axes, normalize_axis

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["group_norm", "instance_norm", "layer_norm", "log_softmax", "rms_norm", "softmax"]


def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """Probabilities proportional to e^x along `axis`; no input overflows it. A row of -inf gives NaN."""
    x = as_tensor(x)
    return _f.softmax(x, axis=normalize_axis(axis, x.ndim))


def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    """ln softmax(x) along `axis`, exact where the softmax itself would be 0."""
    x = as_tensor(x)
    return _f.log_softmax(x, axis=normalize_axis(axis, x.ndim))


def _axes(name: str, axis: Any, x: Tensor) -> Shape:
    """The axes, counted from the front. IndexError for one that x does not have, as if it were a size."""
    sizes = () if axis is None else integers(axis, f"{name}: axis")
    if x.ndim and any(not -x.ndim <= n < x.ndim for n in sizes):
        last = -1 if len(sizes) == 1 else tuple(range(-len(sizes), 0))
        raise wrong(
            IndexError,
            name,
            f"axis {axis} is out of range for a tensor of {x.ndim} dimensions (allowed: {-x.ndim} to "
            f"{x.ndim - 1})",
            f"{name} takes axes and not their sizes: PyTorch's normalized_shape={axis} is axis={last} here",
        )
    return normalize_axes(axis, x.ndim)


def layer_norm(
    x: Tensor, axis: Axis = -1, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """x scaled to mean 0 and variance 1 over `axis`, then multiplied by `weight`, plus `bias`.

    Source: Ba, Kiros, Hinton, "Layer normalization", arXiv 1607.06450.
    """
    x = as_tensor(x)
    out = _f.standardize(x, axes=_axes("layer_norm", axis, x), eps=number(eps, "eps"))
    out = out if weight is None else out * weight
    return out if bias is None else out + bias


def _channels(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """x (batch, channels, ...) times a weight of each channel, plus its bias."""
    shape = (-1, *(1,) * (x.ndim - 2))
    out = x if weight is None else x * reshape(as_tensor(weight, x), shape)
    return out if bias is None else out + reshape(as_tensor(bias, x), shape)


def group_norm(
    x: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """x (batch, channels, ...) scaled to mean 0 and variance 1 over each of `num_groups` groups of channels.

    `weight` and `bias` have a number for each channel. Raises ShapeError if the channels do not divide.
    Source: Wu, He, "Group normalization", ECCV 2018.
    """
    x, groups = as_tensor(x), integer(num_groups, "group_norm: num_groups", least=1)
    if x.ndim < 2 or x.shape[1] % groups:
        raise wrong(
            ShapeError,
            "group_norm",
            f"x must be (batch, channels, ...) with channels that divide by num_groups={groups}",
            inputs=(x,),
        )
    grouped = reshape(x, (x.shape[0], groups, x.shape[1] // groups, *x.shape[2:]))
    axes = tuple(range(2, grouped.ndim))
    return _channels(
        reshape(_f.standardize(grouped, axes=axes, eps=number(eps, "group_norm: eps")), x.shape), weight, bias
    )


def instance_norm(
    x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """x (batch, channels, ...) scaled to mean 0 and variance 1 over each channel of each row of the batch.

    Source: Ulyanov, Vedaldi, Lempitsky, "Instance normalization", arXiv 1607.08022.
    """
    x = as_tensor(x)
    if x.ndim < 3:
        raise wrong(ShapeError, "instance_norm", "x must be (batch, channels, length, ...)", inputs=(x,))
    axes = tuple(range(2, x.ndim))
    return _channels(_f.standardize(x, axes=axes, eps=number(eps, "instance_norm: eps")), weight, bias)


def rms_norm(x: Tensor, axis: Axis = -1, weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    """x divided by the root of its mean square over `axis`, plus eps under the root, times `weight`.

    Without `eps` it is the distance from 1 to the next number of x's dtype.
    Source: Zhang, Sennrich, "Root mean square layer normalization", NeurIPS 2019.
    """
    x = as_tensor(x)
    axes = _axes("rms_norm", axis, x)
    if eps is None:
        eps = float(np.finfo(x.dtype if x.dtype.kind in "fc" else np.float32).eps)
    out = x * _e.rsqrt(mean(x * x, axes, keepdims=True) + number(eps, "rms_norm: eps"))
    return out if weight is None else out * weight
