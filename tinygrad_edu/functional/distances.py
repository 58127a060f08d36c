"""Distances and similarities of vectors, and what lies between two tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu.dtypes import is_floating
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.creation import operands
from tinygrad_edu.functional.elementwise import clip
from tinygrad_edu.functional.movement import broadcast_to, expand_dims, stack
from tinygrad_edu.functional.reduction import logsumexp, norm, sum
from tinygrad_edu.scalars import number
from tinygrad_edu.shapes import broadcast_shapes

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["cdist", "cosine_similarity", "lerp", "logaddexp", "normalize", "pairwise_distance"]


def _floats(*xs: Any) -> list[Tensor]:
    return [x if is_floating(x.dtype) else x.cast("float64") for x in operands(xs)]


def logaddexp(x: Tensor, y: Tensor) -> Tensor:
    """ln(e^x + e^y), elementwise and without overflow; shapes broadcast."""
    x, y = _floats(x, y)
    shape = broadcast_shapes(x.shape, y.shape)
    return logsumexp(stack([broadcast_to(x, shape), broadcast_to(y, shape)]), 0)


def lerp(start: Tensor, end: Tensor, weight: Any) -> Tensor:
    """start + weight (end - start), elementwise: start at a weight of 0, end at 1. All three broadcast."""
    start, end = operands((start, end))
    return start + (end - start) * weight


def normalize(x: Tensor, ord: float = 2, axis: int = 1, *, eps: float = 1e-12) -> Tensor:
    """x divided by its norm of order `ord` along `axis`, or by `eps` where the norm is smaller."""
    (x,) = _floats(x)
    return x / clip(norm(x, ord, axis, keepdims=True), number(eps, "normalize: eps"), None)


def cosine_similarity(x: Tensor, y: Tensor, axis: int = 1, *, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors along `axis`: x . y / (|x| |y|). Shapes broadcast.

    A norm below `eps` counts as `eps`, so that the similarity to 0 is 0.
    """
    x, y = _floats(x, y)
    shape = broadcast_shapes(x.shape, y.shape)
    x, y, least = broadcast_to(x, shape), broadcast_to(y, shape), number(eps, "cosine_similarity: eps")
    return sum(normalize(x, 2, axis, eps=least) * normalize(y, 2, axis, eps=least), axis)


def pairwise_distance(
    x: Tensor, y: Tensor, ord: float = 2, *, eps: float = 1e-6, keepdims: bool = False
) -> Tensor:
    """The norm of x - y + eps along the last axis: the distances of vectors, one by one. Shapes broadcast.

    `eps` keeps the gradient finite where both are equal, as in PyTorch.
    """
    x, y = _floats(x, y)
    return norm(x - y + number(eps, "pairwise_distance: eps"), ord, -1, keepdims=keepdims)


def cdist(x: Tensor, y: Tensor, ord: float = 2) -> Tensor:
    """The distances of all rows of x from all rows of y: (..., M, D), (..., N, D) -> (..., M, N).

    The norm of order `ord`; the gradient where two rows are equal is 0. Raises ShapeError.
    """
    x, y = _floats(x, y)
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        raise wrong(
            ShapeError,
            "cdist",
            f"cdist needs rows of one length, (..., M, D) and (..., N, D), got {x.shape} and {y.shape}",
            inputs=(x, y),
        )
    return norm(expand_dims(x, -2) - expand_dims(y, -3), ord, -1)
