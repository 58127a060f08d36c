"""Batch normalization: each channel brought to mean 0 and variance 1 over the batch.

While training, the batch's own mean and variance are used, and running averages of both are kept; in
evaluation mode those averages are used, so that a row's result does not depend on its neighbours. Source:
Ioffe, Szegedy, "Batch normalization", ICML 2015.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

from tinygrad_edu import dtypes
from tinygrad_edu import functional as F
from tinygrad_edu.engine.modes import no_grad
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.tensor import Tensor

__all__ = ["BatchNorm1d", "BatchNorm2d"]


class _BatchNorm(Module):
    """What batch norms of any number of axes share; PyTorch's names, and its unbiased running variance."""

    ndims: ClassVar[tuple[int, ...]]
    running_mean: Any
    running_var: Any
    num_batches_tracked: Any

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        dtype: Any = None,
        device: Any = None,
    ) -> None:
        name = type(self).__name__
        if not isinstance(num_features, int) or num_features < 1:
            raise ValueError(f"{name}: num_features={num_features!r} must be an integer >= 1")
        if not eps >= 0 or not 0 <= momentum <= 1:
            raise ValueError(f"{name}: eps={eps} must be >= 0 and momentum={momentum} in [0, 1]")
        self.num_features, self.eps, self.momentum = num_features, float(eps), float(momentum)
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
            raise ShapeError(
                f"{type(self).__name__}({self.num_features}): x {x.shape} must have "
                f"{' or '.join(map(str, self.ndims))} axes, {self.num_features} channels second"
            )
        axes = tuple(a for a in range(x.ndim) if a != 1)
        channel = (1, -1, *(1,) * (x.ndim - 2))
        mean, var = self.running_mean, self.running_var
        if self.training or mean is None or var is None:
            count = math.prod(x.shape[a] for a in axes)
            if self.training and count < 2:
                raise ShapeError(
                    f"{type(self).__name__}: one value a channel in x {x.shape} has no variance; "
                    "train with larger batches, or call eval()"
                )
            out = F.layer_norm(x, axes, eps=self.eps)
            if self.training and mean is not None and var is not None:
                self._remember(x.detach(), axes)
        else:
            scale = 1.0 / (var + self.eps) ** 0.5
            out = (x - mean.reshape(channel)) * scale.reshape(channel)
        if self.weight is not None and self.bias is not None:
            out = out * self.weight.reshape(channel) + self.bias.reshape(channel)
        return out

    def _remember(self, x: Tensor, axes: tuple[int, ...]) -> None:
        """Move the running averages towards this batch's."""
        with no_grad():
            for running, batch in (
                (self.running_mean, F.mean(x, axes)),
                (self.running_var, F.var(x, axes, correction=1)),
            ):
                running.copy_(running * (1.0 - self.momentum) + batch * self.momentum)
            self.num_batches_tracked.copy_(self.num_batches_tracked + 1)

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.weight is not None}, track_running_stats={self.running_mean is not None}"
        )


class BatchNorm1d(_BatchNorm):
    """(batch, num_features) or (batch, num_features, length), each feature over the rest."""

    ndims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """(batch, num_features, H, W), each channel over batch, H and W."""

    ndims = (4,)
