"""Similarities and distances of vectors as layers, which take two inputs."""

from __future__ import annotations

from tinygrad_edu import functional as F
from tinygrad_edu.nn.activations import AXIS, NUMBER, POSITIVE, Check, declare

__all__ = ["CosineSimilarity", "PairwiseDistance"]

_FLAG: Check = (lambda v: isinstance(v, bool), "True or False")

CosineSimilarity = declare(
    "CosineSimilarity", __name__, F.cosine_similarity, axis=("axis", 1, AXIS), eps=("eps", 1e-8, POSITIVE)
)
PairwiseDistance = declare(
    "PairwiseDistance",
    __name__,
    F.pairwise_distance,
    p=("ord", 2.0, NUMBER),
    eps=("eps", 1e-6, NUMBER),
    keepdims=("keepdims", False, _FLAG),
)
