"""Calls whose gradients are proven: matrices, selections, statistics of order, distances, and losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as te


def numbers(*shape: int, seed: int = 5) -> Any:
    """Numbers between 0.2 and 2 of either sign, no two alike: away from every kink and tie."""
    size = int(np.prod(shape))
    spread = np.linspace(0.2, 2.0, size) * np.where(np.arange(size) % 2, 1.0, -1.0)
    return np.random.default_rng(seed + size).permutation(spread).reshape(shape)


def positive(*shape: int) -> Any:
    return np.abs(numbers(*shape))


X, CUBE = numbers(3, 4), numbers(3, 3, 2)
LABELS = np.array([0, 2, 1])
SIGNS = np.array([1.0, -1.0, -1.0])
WEIGHT = np.array([0.5, 1.0, 2.0, 0.25])
LENGTHS = [5, 4, 3], [2, 1, 2]
SPELLED = np.array([[1, 1], [2, 1], [3, 2]])
# Sorted, so that a step of the differences changes no order.
ORDERED = np.linspace(0.1, 1.2, 12).reshape(3, 4)

PROOFS: dict[str, tuple[Callable[..., Any], list[Any]]] = {
    "tril": (lambda x: te.tril(x, 1), [X]),
    "triu": (lambda x: te.triu(x, -1), [X]),
    "diagonal": (lambda x: te.diagonal(x, 1), [X]),
    "diag": (lambda x: te.diag(x, -1), [numbers(4)]),
    "diag of a matrix": (te.diag, [X]),
    "diff": (lambda x: te.diff(x, n=2), [X]),
    "moveaxis": (lambda x: te.moveaxis(x, 0, -1), [CUBE]),
    "nan_to_num": (te.nan_to_num, [X]),
    "nansum": (lambda x: te.nansum(x, axis=1), [X]),
    "nanmean": (lambda x: te.nanmean(x, axis=0), [X]),
    "kron": (te.kron, [X, numbers(2, 3)]),
    "bmm": (te.bmm, [CUBE, numbers(3, 2, 2)]),
    "baddbmm": (
        lambda c, x, y: te.baddbmm(c, x, y, beta=0.5, alpha=2.0),
        [numbers(3, 2), CUBE, numbers(3, 2, 2)],
    ),
    "chunk": (lambda x: te.chunk(x, 3, 1), [X]),
    "unbind": (lambda x: te.unbind(x, 1), [X]),
    "meshgrid": (lambda x, y: te.meshgrid(x, y), [numbers(3), numbers(2)]),
    "masked_fill": (lambda x: te.masked_fill(x, X > 0, 2.0), [X]),
    "masked_select": (lambda x: te.masked_select(x, X > 0), [X]),
    "unique_values": (te.unique_values, [X]),
    "unique_counts": (te.unique_counts, [X]),
    "unique_inverse": (te.unique_inverse, [X]),
    "unique_all": (te.unique_all, [X]),
    "bincount": (lambda w: te.bincount(te.tensor([0, 2, 0, 1]), w), [numbers(4)]),
    "cummax": (lambda x: te.cummax(x, 1), [X]),
    "cummin": (lambda x: te.cummin(x, 0), [X]),
    "median": (lambda x: te.median(x, 1), [X]),
    "quantile": (lambda x: te.quantile(x, [0.3, 0.8], 1), [ORDERED]),
    "logaddexp": (te.logaddexp, [X, numbers(4)]),
    "lerp": (te.lerp, [X, numbers(4), positive(3, 1)]),
    "normalize": (te.normalize, [X]),
    "normalize 3": (lambda x: te.normalize(x, 3, 0), [X]),
    "cosine_similarity": (te.cosine_similarity, [X, numbers(3, 4, seed=9)]),
    "pairwise_distance": (lambda x, y: te.pairwise_distance(x, y, 3), [X, numbers(3, 4, seed=9)]),
    "cdist": (te.cdist, [X, numbers(2, 4)]),
    "smooth_l1": (lambda x: te.smooth_l1(x, te.zeros(3, 4), beta=1.03), [X]),
    "kl_div": (te.kl_div, [X, positive(3, 4)]),
    "kl_div of logarithms": (
        lambda x, t: te.kl_div(x, t, log_target=True, reduction="batchmean"),
        [X, X - 0.1],
    ),
    "poisson_nll": (lambda x, t: te.poisson_nll(x, t, full=True), [X, positive(3, 4) + 0.015]),
    "poisson_nll of rates": (lambda x: te.poisson_nll(x, positive(3, 4), log_input=False), [positive(3, 4)]),
    "gaussian_nll": (
        lambda x, t, v: te.gaussian_nll(x, t, v, full=True),
        [X, numbers(3, 4, seed=9), positive(3, 1)],
    ),
    "margin_ranking": (
        lambda x, y: te.margin_ranking(x, y, SIGNS, margin=0.3),
        [numbers(3), numbers(3, seed=9)],
    ),
    "hinge_embedding": (lambda x: te.hinge_embedding(x, SIGNS, margin=0.3), [numbers(3)]),
    "multilabel_soft_margin": (
        lambda x, w: te.multilabel_soft_margin(x, x.detach() > 0, weight=w),
        [X, positive(4)],
    ),
    "cosine_embedding": (lambda x, y: te.cosine_embedding(x, y, SIGNS), [X, numbers(3, 4, seed=9)]),
    "triplet_margin": (te.triplet_margin, [X, numbers(3, 4, seed=9), numbers(3, 4, seed=10)]),
    "triplet_margin swapped": (
        lambda *xs: te.triplet_margin(*xs, swap=True, p=3.0, margin=3.0),
        [X, numbers(3, 4, seed=9), numbers(3, 4, seed=10)],
    ),
    "multi_margin": (lambda x, w: te.multi_margin(x, LABELS, p=2, margin=0.77, weight=w), [X, WEIGHT]),
    "cross_entropy weighted": (
        lambda x, w: te.cross_entropy(x, LABELS, weight=w, ignore_index=1, label_smoothing=0.2),
        [X, WEIGHT],
    ),
    "cross_entropy of probabilities": (
        lambda x, t, w: te.cross_entropy(x, t, weight=w, label_smoothing=0.2),
        [X, positive(3, 4), WEIGHT],
    ),
    "cross_entropy of pixels": (
        lambda x: te.cross_entropy(x, LABELS[:, None].repeat(2, 1), ignore_index=2),
        [CUBE],
    ),
    "nll weighted": (lambda x, w: te.nll(x, LABELS, weight=w, ignore_index=1), [X, WEIGHT]),
    "binary_cross_entropy_with_logits weighted": (
        lambda x, w, p: te.binary_cross_entropy_with_logits(x, X > 0.5, weight=w, pos_weight=p),
        [X, WEIGHT, positive(4)],
    ),
    "ctc": (lambda x: te.ctc(x, SPELLED, *LENGTHS), [numbers(5, 3, 4) - 2.5]),
    "ctc of sums": (
        lambda x: te.ctc(te.log_softmax(x), SPELLED, *LENGTHS, reduction="none"),
        [numbers(5, 3, 4)],
    ),
}
