"""Dropout: in training, parts of the input are left out at random; in evaluation, nothing is.

What is kept is divided by the probability of being kept. So the expectation stays, and nothing needs
rescaling afterwards ("inverted dropout").
Source: Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, JMLR 15 (2014); the lecture's dropout.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

from tinygrad_edu import functional as F
from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.activation import SELU_ALPHA, SELU_SCALE
from tinygrad_edu.nn.activations import switched
from tinygrad_edu.nn.module import Module
from tinygrad_edu.scalars import number

__all__ = ["Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout"]


class Dropout(Module):
    """In training, drop elements with probability `p`, divide the rest by 1 - p; in evaluation, x itself.

    `inplace` is taken for PyTorch's programs and changes nothing: x keeps its values.
    """

    def __init__(self, p: float = 0.5, inplace: bool = False, generator: Generator | None = None) -> None:
        title = type(self).__name__
        self.inplace = switched(title, inplace)
        p = number(p, f"{title}: p")
        if not 0.0 <= p <= 1.0:
            raise wrong(ValueError, title, f"p={p} is not a probability", "it must lie in [0, 1]")
        self.p, self.generator = float(p), generator

    def forward(self, x: Any) -> Any:
        if not self.training or self.p == 0.0:
            return x
        return F.dropout(x, self.p, shape=self._drawn(F.as_tensor(x).shape), generator=self.generator)

    def _drawn(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of what is drawn for an input of `shape`."""
        return shape

    def extra_repr(self) -> str:
        return f"p={self.p}" + ", inplace=True" * self.inplace


class _ChannelDropout(Dropout):
    """Dropout of channels: neighbours in a channel are so alike that one would replace another.

    Source: Tompson, Goroshin, Jain, LeCun, Bregler, "Efficient object localization using convolutional
    networks", CVPR 2015.
    """

    axes: ClassVar[int]

    def _drawn(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        if len(shape) not in (self.axes + 1, self.axes + 2):
            wanted = f"(channels, {self.axes} more) or (rows, channels, {self.axes} more)"
            raise wrong(ShapeError, type(self).__name__, f"x {shape} must have axes {wanted}")
        return (*shape[: -self.axes], *(1,) * self.axes)


class Dropout1d(_ChannelDropout):
    """In training, drop channels of (N, C, L) or (C, L) with probability `p`, divide the rest by 1 - p."""

    axes = 1


class Dropout2d(_ChannelDropout):
    """In training, drop channels of (N, C, H, W) or (C, H, W) with probability `p`, and divide the rest by
    1 - p."""

    axes = 2


class Dropout3d(_ChannelDropout):
    """In training, drop channels of (N, C, D, H, W) or (C, D, H, W) with probability `p`, and divide the rest
    by 1 - p."""

    axes = 3


class AlphaDropout(Dropout):
    """Dropout after SELU: dropped elements become SELU's limit, and mean 0 and variance 1 are kept.

    With a = -alpha scale, y = s (x if kept, else a) + t, where s = 1 / sqrt((1 - p)(1 + p a^2)), t = -s p a.
    Source: Klambauer, Unterthiner, Mayr, Hochreiter, "Self-normalizing neural networks", NeurIPS 2017.
    """

    def forward(self, x: Any) -> Any:
        if not self.training or self.p == 0.0:
            return x
        x = F.as_tensor(x)
        if self.p == 1.0:
            return x * 0.0
        limit = -SELU_ALPHA * SELU_SCALE
        scale = 1.0 / math.sqrt((1.0 - self.p) * (1.0 + self.p * limit * limit))
        kept = F.bernoulli(1.0 - self.p, x.shape, generator=self.generator, dtype=x.dtype, device=x.device)
        return x * (kept * scale) + ((1.0 - kept) * (limit * scale) - self.p * limit * scale)
