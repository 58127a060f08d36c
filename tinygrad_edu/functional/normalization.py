"""Scales numbers along axes: to probabilities, or to mean 0 and variance 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.functional.creation import as_tensor
from tinygrad_edu.ops import fused as _f
from tinygrad_edu.scalars import number
from tinygrad_edu.shapes import Axis, normalize_axes, normalize_axis

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["layer_norm", "log_softmax", "softmax"]


def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """Probabilities proportional to e^x along `axis`; no input overflows it. A row of -inf gives NaN."""
    x = as_tensor(x)
    return _f.softmax(x, axis=normalize_axis(axis, x.ndim))


def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    """ln softmax(x) along `axis`, exact where the softmax itself would be 0."""
    x = as_tensor(x)
    return _f.log_softmax(x, axis=normalize_axis(axis, x.ndim))


def layer_norm(
    x: Tensor, axis: Axis = -1, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """x scaled to mean 0 and variance 1 over `axis`, then multiplied by `weight`, plus `bias`.

    Source: Ba, Kiros, Hinton, "Layer normalization", arXiv 1607.06450.
    """
    x = as_tensor(x)
    out = _f.standardize(x, axes=normalize_axes(axis, x.ndim), eps=number(eps, "eps"))
    out = out if weight is None else out * weight
    return out if bias is None else out + bias
