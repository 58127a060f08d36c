"""Losses of pairs and triples: their order, their distance and their angle, up to a margin; and of labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.distances import pairwise_distance
from tinygrad_edu.functional.elementwise import clip, equal, minimum, sqrt, where
from tinygrad_edu.functional.loss import binary_cross_entropy_with_logits
from tinygrad_edu.functional.loss_parts import check_signs, matched, reduced, same_floats
from tinygrad_edu.functional.reduction import mean, sum
from tinygrad_edu.scalars import number

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["cosine_embedding", "hinge_embedding", "margin_ranking", "multilabel_soft_margin",
           "triplet_margin"]  # fmt: skip


def margin_ranking(
    x: Tensor, y: Tensor, target: Tensor, *, margin: float = 0.0, reduction: str = "mean"
) -> Tensor:
    """max(0, margin - target (x - y)): x should be above y where the target is 1, below where it is -1."""
    x, y, target = same_floats("margin_ranking", x, y, target)
    check_signs("margin_ranking", target)
    least = number(margin, "margin_ranking: margin")
    return reduced(clip(least - target * (x - y), 0.0, None), reduction)


def hinge_embedding(
    output: Tensor, target: Tensor, *, margin: float = 1.0, reduction: str = "mean"
) -> Tensor:
    """The output x, a distance, where the target is 1; max(0, margin - x) where it is -1.

    Source: Hadsell, Chopra, LeCun, "Dimensionality reduction by learning an invariant mapping", CVPR 2006,
    without its squares.
    """
    x, target = matched("hinge_embedding", output, target)
    check_signs("hinge_embedding", target)
    apart = clip(number(margin, "hinge_embedding: margin") - x, 0.0, None)
    return reduced(where(equal(target, 1), x, apart), reduction)


def multilabel_soft_margin(
    output: Tensor, target: Tensor, *, weight: Any = None, reduction: str = "mean"
) -> Tensor:
    """The mean over classes of the binary cross-entropy of logits: (rows, classes), a 0 or 1 for each.

    `weight` has a factor for each class. With the reduction "none" there is one loss for each row. Raises
    ShapeError for numbers, which have no classes.
    """
    x, target = matched("multilabel_soft_margin", output, target)
    if not x.ndim:
        raise wrong(ShapeError, "multilabel_soft_margin", "a number has no classes", "give (rows, classes)")
    losses = binary_cross_entropy_with_logits(x, target, weight=weight, reduction="none")
    return reduced(mean(losses, -1), reduction)


def cosine_embedding(
    x: Tensor, y: Tensor, target: Tensor, *, margin: float = 0.0, reduction: str = "mean"
) -> Tensor:
    """1 - cos(x, y) where the target is 1; max(0, cos(x, y) - margin) where it is -1.

    x and y are (rows, n) with targets (rows,), or (n,) with a single target. The squares of both norms have
    1e-12 added, as in PyTorch, so that the angle to 0 has a gradient. Raises ShapeError.
    """
    x, y = same_floats("cosine_embedding", x, y)
    (target,) = same_floats("cosine_embedding", target)
    if x.ndim not in (1, 2) or target.shape != x.shape[:-1]:
        raise wrong(
            ShapeError,
            "cosine_embedding",
            f"vectors {x.shape} must be (rows, n), targets {target.shape} (rows,)",
            inputs=(x, y, target),
        )
    check_signs("cosine_embedding", target)
    squares = [sum(v * v, -1) + 1e-12 for v in (x, y)]
    cosine = sum(x * y, -1) / sqrt(squares[0] * squares[1])
    apart = clip(cosine - number(margin, "cosine_embedding: margin"), 0.0, None)
    return reduced(where(equal(target, 1), 1.0 - cosine, apart), reduction)


def triplet_margin(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin + |anchor - positive| - |anchor - negative|) of vectors along the last axis.

    p     the order of the norm; `eps` is added to each difference, as in `pairwise_distance`
    swap  use the distance of positive and negative where it is smaller than that of anchor and negative

    Source: Balntas et al., "Learning local feature descriptors with triplets", BMVC 2016.
    """
    anchor, positive, negative = same_floats("triplet_margin", anchor, positive, negative)
    if not anchor.ndim:
        raise wrong(ShapeError, "triplet_margin", "numbers are no vectors", "give (rows, n) or (n,)")
    near = pairwise_distance(anchor, positive, p, eps=eps)
    far = pairwise_distance(anchor, negative, p, eps=eps)
    if swap:
        far = minimum(far, pairwise_distance(positive, negative, p, eps=eps))
    return reduced(clip(number(margin, "triplet_margin: margin") + near - far, 0.0, None), reduction)
