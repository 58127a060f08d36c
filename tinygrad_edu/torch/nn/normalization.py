"""Norms as layers: of batches, of rows, of groups of channels."""

from __future__ import annotations

from typing import Any, ClassVar

import tinygrad_edu as te
from tinygrad_edu.torch.core.border import faced
from tinygrad_edu.torch.nn import functional as F
from tinygrad_edu.torch.nn import init
from tinygrad_edu.torch.nn.declared import NEEDED, declare
from tinygrad_edu.torch.nn.layer import Layer, placed
from tinygrad_edu.torch.nn.module import Module

__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm", "InstanceNorm1d", "InstanceNorm2d",
           "InstanceNorm3d", "LayerNorm", "GroupNorm", "RMSNorm", "LocalResponseNorm"]  # fmt: skip


def _reset(layer: Any) -> None:
    if layer.weight is not None:
        init.ones_(layer.weight)
    if getattr(layer, "bias", None) is not None:
        init.zeros_(layer.bias)


class _NormBase(Layer):
    """The common part of norms that keep running averages."""

    tensors = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    options = ("eps", "momentum", "num_features")
    of: ClassVar[Any]
    _version = 2
    num_features: int
    eps: float
    momentum: float | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        inner = self.of(
            num_features, eps, momentum, bool(affine), bool(track_running_stats), **placed(device, dtype)
        )
        if not bias:
            inner.bias = None
        super().__init__(inner)
        self.affine, self.track_running_stats = affine, track_running_stats

    @property
    def inner(self) -> Any:
        """The library's layer, with the tensors and the options that this layer has now."""
        inner = super().inner
        if self.training and not self.track_running_stats:
            vars(inner).update(running_mean=None, running_var=None)
        if inner.weight is not None and inner.bias is None:
            vars(inner)["bias"] = te.zeros_like(inner.weight.detach())
        return inner

    def reset_running_stats(self) -> None:
        """Begin the running averages again."""
        if self.track_running_stats:
            init.zeros_(self.running_mean)
            init.ones_(self.running_var)
            init.zeros_(self.num_batches_tracked)

    def reset_parameters(self) -> None:
        """Give weights, biases and averages their first values again."""
        self.reset_running_stats()
        if self.affine:
            _reset(self)

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Any, strict: bool, *lists: Any
    ) -> None:
        key = f"{prefix}num_batches_tracked"
        version = local_metadata.get("version")
        if (version is None or version < 2) and self.track_running_stats and key not in state_dict:
            kept = self.num_batches_tracked
            state_dict[key] = faced(te.tensor(0)) if kept is None else kept
        super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, *lists)


class _BatchNorm(_NormBase):
    """The common part of batch norms."""


class BatchNorm1d(_BatchNorm):
    """(N, C) or (N, C, L): each channel to mean 0 and variance 1 over the rest."""

    of = te.nn.BatchNorm1d


class BatchNorm2d(_BatchNorm):
    """(N, C, H, W): each channel to mean 0 and variance 1 over N, H and W."""

    of = te.nn.BatchNorm2d


class BatchNorm3d(_BatchNorm):
    """(N, C, D, H, W): each channel to mean 0 and variance 1 over N, D, H and W."""

    of = te.nn.BatchNorm3d


class _AnyBatchNorm(te.nn.BatchNorm1d):
    ndims = (2, 3, 4, 5)  # type: ignore[assignment]


class SyncBatchNorm(_BatchNorm):
    """A batch norm of (N, C, ...). One process has the whole batch, so that nothing is synchronised."""

    of = _AnyBatchNorm

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Any = None,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self.process_group = process_group

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: Any = None) -> Module:
        """The module with batch norms of this kind in place of others."""
        if isinstance(module, (BatchNorm1d, BatchNorm2d, BatchNorm3d)):
            made = cls(
                module.num_features, module.eps, module.momentum, module.affine, module.track_running_stats,
                process_group,
            )  # fmt: skip
            for register in ("_parameters", "_buffers"):
                made.__dict__[register].update(module.__dict__[register])
            made.training = module.training
            return made
        for name, child in module.named_children():
            setattr(module, name, cls.convert_sync_batchnorm(child, process_group))
        return module


class _InstanceNorm(_NormBase):
    """The common part of instance norms."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)


class InstanceNorm1d(_InstanceNorm):
    """(N, C, L) or (C, L): each channel of each row to mean 0 and variance 1 over its length."""

    of = te.nn.InstanceNorm1d


class InstanceNorm2d(_InstanceNorm):
    """(N, C, H, W) or (C, H, W): each channel of each row to mean 0 and variance 1 over H and W."""

    of = te.nn.InstanceNorm2d


class InstanceNorm3d(_InstanceNorm):
    """(N, C, D, H, W) or (C, D, H, W): each channel of each row to mean 0 and variance 1 over the rest."""

    of = te.nn.InstanceNorm3d


class LayerNorm(Layer):
    """The last axes, of shape `normalized_shape`, to mean 0 and variance 1, then scaled and shifted."""

    options = ("eps", "normalized_shape")
    normalized_shape: tuple[int, ...]
    eps: float

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            te.nn.LayerNorm(
                normalized_shape, eps, bool(elementwise_affine), bool(bias), **placed(device, dtype)
            )
        )
        self.elementwise_affine = elementwise_affine

    def reset_parameters(self) -> None:
        """Give weights and biases their first values again."""
        _reset(self)

    def extra_repr(self) -> str:
        said = f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        return f"{said}, bias={self.bias is not None}"


class RMSNorm(Layer):
    """The last axes, of shape `normalized_shape`, divided by the root of their mean square, then scaled."""

    tensors = ("weight",)
    options = ("eps", "normalized_shape")
    normalized_shape: tuple[int, ...]
    eps: float | None

    def __init__(
        self,
        normalized_shape: Any,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            te.nn.RMSNorm(normalized_shape, eps, bool(elementwise_affine), **placed(device, dtype))
        )
        self.elementwise_affine = elementwise_affine

    def reset_parameters(self) -> None:
        """Give the weights their first values again."""
        _reset(self)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Layer):
    """Each of `num_groups` groups of channels of (N, C, ...) to mean 0 and variance 1, then by channel."""

    options = ("eps", "num_groups", "num_channels")
    num_groups: int
    num_channels: int
    eps: float

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        inner = te.nn.GroupNorm(num_groups, num_channels, eps, bool(affine), **placed(device, dtype))
        if not bias:
            inner.bias = None
        super().__init__(inner)
        self.affine = affine

    def reset_parameters(self) -> None:
        """Give weights and biases their first values again."""
        _reset(self)

    def extra_repr(self) -> str:
        said = f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}"
        return f"{said}, bias={self.bias is not None}"


LocalResponseNorm = declare(
    __name__, "LocalResponseNorm", F.local_response_norm, "{size}, alpha={alpha}, beta={beta}, k={k}",
    size=NEEDED, alpha=1e-4, beta=0.75, k=1.0,
)  # fmt: skip
