"""Losses of margins: between classes, of pairs, of triples, and of sequences of labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import torch_function
from tinygrad_edu.torch.core.dtypes import promoted
from tinygrad_edu.torch.nn.functional import losses
from tinygrad_edu.torch.nn.functional.linear import pairwise_distance
from tinygrad_edu.torch.nn.functional.losses import pair, reduced, reduction_of

__all__ = [
    "hinge_embedding_loss",
    "soft_margin_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "cosine_embedding_loss",
    "margin_ranking_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
    "ctc_loss",
]


@torch_function
def hinge_embedding_loss(
    input: Any,
    target: Any,
    margin: float = 1.0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """x where the target is 1; max(0, margin - x) where it is -1."""
    x, y = pair("hinge_embedding_loss", input, target, warn=False)
    apart = te.where(te.equal(y, 1), 0.0, te.clip(margin - x, 0.0, None))
    near = te.where(te.equal(y, -1), 0.0, x)
    return reduced(apart + near, reduction_of(size_average, reduce, reduction))


@torch_function
def soft_margin_loss(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Any:
    """ln(1 + e^(-t x)) for targets -1 and 1."""
    x, y = pair("soft_margin_loss", input, target, warn=False)
    return reduced(te.softplus(-(y * x)), reduction_of(size_average, reduce, reduction))


@torch_function
def multi_margin_loss(
    input: Any,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """The sum over other classes j of max(0, margin - x[target] + x[j])^p, divided by how many there are."""
    reduction = reduction_of(size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    return te.multi_margin(input, target, p=p, margin=margin, weight=weight, reduction=reduction)


@torch_function
def multilabel_margin_loss(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Any:
    """The sum over labels y and other classes j of max(0, 1 - x[y] + x[j]), divided by the count of classes.

    A row of targets has its labels first; what comes after a -1 counts nothing.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if input.ndim not in (1, 2) or target.shape != input.shape:
        raise wrong(
            RuntimeError,
            "multilabel_margin_loss",
            f"inconsistent target size: {target.shape}",
            inputs=(input, target),
        )
    x = te.expand_dims(input, 0) if input.ndim == 1 else input
    labels = target.numpy().reshape(x.shape)
    counts = np.logical_and.accumulate(labels >= 0, axis=1)
    is_label = np.zeros(x.shape, bool)
    row, column = np.nonzero(counts)
    is_label[row, labels[row, column]] = True
    of_label = te.take_along_axis(x, te.tensor(np.where(counts, labels, 0), device=x.device), 1)
    excess = te.relu(1.0 - te.expand_dims(of_label, 2) + te.expand_dims(x, 1))  # (rows, labels, classes)
    used = te.tensor(counts[:, :, None] & ~is_label[:, None, :], device=x.device)
    each = te.sum(te.where(used, excess, 0.0), (1, 2)) / x.shape[1]
    return reduced(te.squeeze(each, 0) if input.ndim == 1 else each, reduction)


@torch_function
def multilabel_soft_margin_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """The mean over classes of the binary cross-entropy of logits: (rows, classes), a 0 or 1 for each."""
    x, t = promoted(input, target)
    each = -(t * te.log_sigmoid(x) + (1 - t) * te.log_sigmoid(-x))
    each = each if weight is None else each * weight
    return reduced(te.mean(each, -1), reduction_of(size_average, reduce, reduction))


@torch_function
def cosine_embedding_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0.0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """1 - cos(x, y) where the target is 1; max(0, cos(x, y) - margin) where it is -1."""
    reduction = reduction_of(size_average, reduce, reduction)
    return te.cosine_embedding(input1, input2, target, margin=margin, reduction=reduction)


@torch_function
def margin_ranking_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0.0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """max(0, margin - target (x - y)): x should be above y where the target is 1, below where it is -1."""
    if not input1.ndim == input2.ndim == target.ndim:
        raise wrong(
            RuntimeError,
            "margin_ranking_loss",
            "margin_ranking_loss : All input tensors should have same dimension",
            inputs=(input1, input2, target),
        )
    x, y, t = promoted(input1, input2, target)
    return reduced(te.clip(margin - t * (x - y), 0.0, None), reduction_of(size_average, reduce, reduction))


@torch_function
def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """max(0, margin + |anchor - positive| - |anchor - negative|) of vectors along the last axis."""
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    return te.triplet_margin(
        anchor,
        positive,
        negative,
        margin=margin,
        p=p,
        eps=eps,
        swap=swap,
        reduction=reduction_of(size_average, reduce, reduction),
    )


def triplet_margin_with_distance_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    distance_function: Callable[..., Any] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    """`triplet_margin_loss` with a distance of one's own."""
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    distance = pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    return _of_distances(near, far, distance(positive, negative) if swap else None, margin, reduction)


@torch_function
def _of_distances(near: Any, far: Any, other: Any, margin: float, reduction: str) -> Any:
    far = far if other is None else te.minimum(far, other)
    return losses.reduced(te.clip(near - far + margin, 0.0, None), reduction)


@torch_function
def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:
    """-ln of the probability of the labels, summed over all their alignments with the input."""
    return te.ctc(
        log_probs,
        targets,
        input_lengths,
        target_lengths,
        blank=blank,
        reduction=reduction,
        zero_infinity=zero_infinity,
    )
