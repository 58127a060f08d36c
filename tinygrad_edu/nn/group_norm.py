"""Norms of one row of a batch at a time: over groups of channels, over each channel, over the last axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from tinygrad_edu import dtypes
from tinygrad_edu import functional as F
from tinygrad_edu.engine.modes import no_grad
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.norm import AveragingNorm
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.scalars import integer, number
from tinygrad_edu.shapes import check_size
from tinygrad_edu.tensor import Tensor

__all__ = ["GroupNorm", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "RMSNorm"]


class GroupNorm(Module):
    """Mean 0 and variance 1 over each of `num_groups` groups of channels, then scaled and shifted by channel.

    (batch, num_channels, ...) -> the same shape. Source: Wu, He, "Group normalization", ECCV 2018.
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        dtype: Any = None,
        device: Any = None,
    ) -> None:
        self.num_groups = integer(num_groups, "GroupNorm: num_groups", least=1)
        self.num_channels = integer(num_channels, "GroupNorm: num_channels", least=1)
        self.eps = float(number(eps, "GroupNorm: eps"))
        if self.num_channels % self.num_groups or not self.eps >= 0:
            raise wrong(
                ValueError,
                "GroupNorm",
                f"num_channels={self.num_channels} must divide by num_groups={self.num_groups}, and "
                f"eps={eps} must be >= 0",
            )
        kind = dtypes.as_dtype(dtype or float)
        self.weight: Parameter | None = None
        self.bias: Parameter | None = None
        if affine:
            self.weight = Parameter(F.ones(self.num_channels, dtype=kind), device=device)
            self.bias = Parameter(F.zeros(self.num_channels, dtype=kind), device=device)

    def forward(self, x: Any) -> Tensor:
        x = F.as_tensor(x)
        if x.ndim < 2 or x.shape[1] != self.num_channels:
            raise wrong(
                ShapeError,
                "GroupNorm",
                f"x must be (batch, channels, ...) with {self.num_channels} channels",
                inputs=(x,),
            )
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.weight is not None}"


class RMSNorm(Module):
    """Each row divided by the root of its mean square over the last axes, of shape `normalized_shape`.

    Without `eps` it is the distance from 1 to the next number of x's dtype.
    Source: Zhang, Sennrich, "Root mean square layer normalization", NeurIPS 2019.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        *,
        dtype: Any = None,
        device: Any = None,
    ) -> None:
        self.normalized_shape = check_size(normalized_shape)
        self.eps = None if eps is None else float(number(eps, "RMSNorm: eps"))
        if not self.normalized_shape or not (self.eps is None or self.eps >= 0):
            raise wrong(
                ValueError,
                "RMSNorm",
                f"eps={eps} must be >= 0 or None, and the shape {self.normalized_shape} not empty",
            )
        self.weight: Parameter | None = None
        if elementwise_affine:
            kind = dtypes.as_dtype(dtype or float)
            self.weight = Parameter(F.ones(self.normalized_shape, dtype=kind), device=device)

    def forward(self, x: Any) -> Tensor:
        x = F.as_tensor(x)
        axes = len(self.normalized_shape)
        if x.ndim < axes or x.shape[x.ndim - axes :] != self.normalized_shape:
            raise wrong(
                ShapeError,
                "RMSNorm",
                f"the last axes of {x.shape} are not {self.normalized_shape}",
                inputs=(x,),
            )
        return F.rms_norm(x, tuple(range(-axes, 0)), self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.weight is not None}"


class _InstanceNorm(AveragingNorm):
    """Each channel of each row of a batch to mean 0 and variance 1.

    With `track_running_stats` evaluation uses running averages, as a batch norm does; PyTorch counts no
    batches here, and with momentum None moves no average. Both are so here.
    Source: Ulyanov, Vedaldi, Lempitsky, "Instance normalization", arXiv 1607.08022.
    """

    axes: ClassVar[int]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        *,
        dtype: Any = None,
        device: Any = None,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, dtype=dtype, device=device)

    def forward(self, x: Any) -> Tensor:
        x = F.as_tensor(x)
        name, n = type(self).__name__, self.axes
        if x.ndim not in (n + 1, n + 2) or x.shape[-n - 1] != self.num_features:
            raise wrong(
                ShapeError,
                f"{name}({self.num_features})",
                f"x {x.shape} must have {n + 2} axes, (batch, channels, ...), or {n + 1} without a batch, "
                f"and {self.num_features} channels",
            )
        batch = x if x.ndim == n + 2 else F.expand_dims(x, 0)
        if not self.training and self.running_mean is not None:
            out = self._affine(self._by_averages(batch))
        else:
            if math.prod(batch.shape[2:]) < 2:
                raise wrong(ShapeError, name, "one value a channel has no variance", inputs=(x,))
            out = F.instance_norm(batch, self.weight, self.bias, self.eps)
            if self.running_mean is not None:
                self._update_averages(batch.detach(), tuple(range(2, batch.ndim)))
        return out if x.ndim == n + 2 else F.squeeze(out, 0)

    def _update_averages(self, x: Tensor, axes: tuple[int, ...]) -> None:
        """Move the running averages towards the means, over this batch, of the rows' means and variances."""
        new = self.momentum or 0.0
        with no_grad():
            for running, rows in (
                (self.running_mean, F.mean(x, axes)),
                (self.running_var, F.var(x, axes, correction=1)),
            ):
                running.copy_(running * (1.0 - new) + F.mean(rows, 0) * new)


class InstanceNorm1d(_InstanceNorm):
    """(batch, num_features, length), or without a batch: each channel of each row over its length."""

    axes = 1


class InstanceNorm2d(_InstanceNorm):
    """(batch, num_features, H, W), or without a batch: each channel of each row over H and W."""

    axes = 2


class InstanceNorm3d(_InstanceNorm):
    """(batch, num_features, D, H, W), or without a batch: each channel of each row over D, H and W."""

    axes = 3
