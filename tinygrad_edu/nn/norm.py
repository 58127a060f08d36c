"""Normalization: numbers are brought to mean 0 and variance 1, then scaled and shifted by parameters.

Batch normalization does this for each channel over the batch, layer normalization for each row over its last
axes.

While training, the batch's own mean and variance are used, and running averages of both are kept; in
evaluation mode those averages are used, so that a row's result does not depend on its neighbours. `momentum`
is the share of the newest batch in the averages; with None they are the means over all batches so far.
Source: Ioffe, Szegedy, "Batch normalization", ICML 2015.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from tinygrad_edu import dtypes
from tinygrad_edu import functional as F
from tinygrad_edu.engine.modes import no_grad
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.scalars import integer, number
from tinygrad_edu.shapes import check_size
from tinygrad_edu.tensor import Tensor

__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "LayerNorm"]


class AveragingNorm(Module):
    """The common part of batch and instance norms; names and unbiased running variance are PyTorch's."""

    ndims: ClassVar[tuple[int, ...]]
    never_negative = ("running_var", "num_batches_tracked")
    running_mean: Any
    running_var: Any
    num_batches_tracked: Any

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        dtype: Any = None,
        device: Any = None,
    ) -> None:
        name = type(self).__name__
        num_features = integer(num_features, f"{name}: num_features", least=1)
        eps = number(eps, f"{name}: eps")
        momentum = None if momentum is None else number(momentum, f"{name}: momentum")
        if not eps >= 0 or not (momentum is None or 0 <= momentum <= 1):
            raise wrong(
                ValueError, name, f"eps={eps} must be >= 0 and momentum={momentum} in [0, 1], or None"
            )
        self.num_features, self.eps = num_features, float(eps)
        self.momentum = None if momentum is None else float(momentum)
        kind = dtypes.as_dtype(dtype or float)
        self.weight: Parameter | None = None
        self.bias: Parameter | None = None
        if affine:
            self.weight = Parameter(F.ones(num_features, dtype=kind), device=device)
            self.bias = Parameter(F.zeros(num_features, dtype=kind), device=device)
        kept = track_running_stats
        self.register_buffer(
            "running_mean", F.zeros(num_features, dtype=kind, device=device) if kept else None
        )
        self.register_buffer("running_var", F.ones(num_features, dtype=kind, device=device) if kept else None)
        self.register_buffer("num_batches_tracked", F.tensor(0, device=device) if kept else None)

    def forward(self, x: Any) -> Tensor:
        x = F.as_tensor(x)
        if x.ndim not in self.ndims or x.shape[1] != self.num_features:
            raise wrong(
                ShapeError,
                f"{type(self).__name__}({self.num_features})",
                f"x {x.shape} must have {' or '.join(map(str, self.ndims))} axes, "
                f"{self.num_features} channels second",
            )
        axes = tuple(a for a in range(x.ndim) if a != 1)
        if self.training or self.running_mean is None:
            count = math.prod(x.shape[a] for a in axes)
            if self.training and count < 2:
                raise wrong(
                    ShapeError,
                    type(self).__name__,
                    "one value a channel has no variance",
                    "train with larger batches, or call eval()",
                    inputs=(x,),
                )
            out = F.layer_norm(x, axes, eps=self.eps)
            if self.training and self.running_mean is not None:
                self._update_averages(x.detach(), axes)
        else:
            out = self._by_averages(x)
        return self._affine(out)

    def _by_averages(self, x: Tensor) -> Tensor:
        """x (batch, channels, ...) minus the running mean, divided by the running deviation."""
        channel = (1, -1, *(1,) * (x.ndim - 2))
        scale = 1.0 / (self.running_var + self.eps) ** 0.5
        scaled: Tensor = (x - self.running_mean.reshape(channel)) * scale.reshape(channel)
        return scaled

    def _affine(self, x: Tensor) -> Tensor:
        """x (batch, channels, ...) times the weights of the channels, plus their biases."""
        if self.weight is None or self.bias is None:
            return x
        channel = (1, -1, *(1,) * (x.ndim - 2))
        return x * self.weight.reshape(channel) + self.bias.reshape(channel)

    def _update_averages(self, x: Tensor, axes: tuple[int, ...]) -> None:
        """Move the running averages towards this batch's."""
        with no_grad():
            tracked = self.num_batches_tracked + 1
            new = 1.0 / tracked.cast(x.dtype) if self.momentum is None else self.momentum
            for running, batch in (
                (self.running_mean, F.mean(x, axes)),
                (self.running_var, F.var(x, axes, correction=1)),
            ):
                running.copy_(running * (1.0 - new) + batch * new)
            self.num_batches_tracked.copy_(tracked)

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.weight is not None}, track_running_stats={self.running_mean is not None}"
        )


class BatchNorm1d(AveragingNorm):
    """(batch, num_features) or (batch, num_features, length), each feature over the rest."""

    ndims = (2, 3)


class BatchNorm2d(AveragingNorm):
    """(batch, num_features, H, W), each channel over batch, H and W."""

    ndims = (4,)


class BatchNorm3d(AveragingNorm):
    """(batch, num_features, D, H, W), each channel over batch, D, H and W."""

    ndims = (5,)


class LayerNorm(Module):
    """Mean 0 and variance 1 over the last axes, of shape `normalized_shape`, then scaled and shifted.

    Source: Ba, Kiros, Hinton, "Layer normalization", arXiv 1607.06450.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: Any = None,
        device: Any = None,
    ) -> None:
        self.normalized_shape, eps = check_size(normalized_shape), number(eps, "LayerNorm: eps")
        if eps < 0 or not self.normalized_shape:
            raise wrong(
                ValueError,
                "LayerNorm",
                f"eps must be >= 0 and the shape not empty, not eps={eps}, {self.normalized_shape}",
            )
        self.eps = float(eps)
        kind = dtypes.as_dtype(dtype or float)
        self.weight: Parameter | None = None
        self.bias: Parameter | None = None
        if elementwise_affine:
            self.weight = Parameter(F.ones(self.normalized_shape, dtype=kind), device=device)
            if bias:
                self.bias = Parameter(F.zeros(self.normalized_shape, dtype=kind), device=device)

    def forward(self, x: Any) -> Tensor:
        x = F.as_tensor(x)
        if x.shape[x.ndim - len(self.normalized_shape) :] != self.normalized_shape:
            raise wrong(
                ValueError,
                "LayerNorm",
                f"the last axes of {x.shape} are not {self.normalized_shape}",
                inputs=(x,),
            )
        axes = tuple(range(-len(self.normalized_shape), 0))
        return F.layer_norm(x, axes, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.weight is not None}"
