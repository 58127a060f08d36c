"""Dropout as layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from tinygrad_edu.torch.nn import functional as F
from tinygrad_edu.torch.nn.module import Module

__all__ = ["Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"]


class _DropoutNd(Module):
    """The common part: in training, parts are left out at random."""

    function: ClassVar[Callable[..., Any]]

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p, self.inplace = p, inplace

    def forward(self, input: Any) -> Any:
        return type(self).function(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_DropoutNd):
    """In training, elements set to 0 with probability p, the rest divided by 1 - p."""

    function = staticmethod(F.dropout)


class Dropout1d(_DropoutNd):
    """In training, channels of (N, C, L) set to 0 with probability p, the rest divided by 1 - p."""

    function = staticmethod(F.dropout1d)


class Dropout2d(_DropoutNd):
    """In training, channels of (N, C, H, W) set to 0 with probability p, the rest divided by 1 - p."""

    function = staticmethod(F.dropout2d)


class Dropout3d(_DropoutNd):
    """In training, channels of (N, C, D, H, W) set to 0 with probability p, the rest divided by 1 - p."""

    function = staticmethod(F.dropout3d)


class AlphaDropout(_DropoutNd):
    """Dropout after SELU, which keeps mean 0 and variance 1."""

    function = staticmethod(F.alpha_dropout)


class FeatureAlphaDropout(_DropoutNd):
    """`AlphaDropout` of channels."""

    function = staticmethod(F.feature_alpha_dropout)
