"""Metrics of scores and probabilities, batch by batch: the area under the ROC curve, and perplexity."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.errors import wrong
from tinygrad_edu.metrics.scores import roc_auc
from tinygrad_edu.metrics.streaming import Metric, array, class_numbers, flat_scores
from tinygrad_edu.scalars import integer


class ROCAUC(Metric):
    """Area under the receiver operating characteristic, `roc_auc` of all rows; NaN if one class occurs.

    The area depends on the order of all scores, so it keeps them: 16 bytes a row for two classes.

    ignore_index  a target whose row does not count, and is not kept
    """

    name = "roc_auc"
    mode = "max"
    counted = ("scores", "labels")

    def __init__(self, *, ignore_index: int | None = None) -> None:
        self.ignore_index = None if ignore_index is None else integer(ignore_index, "ROCAUC: ignore_index")
        super().__init__()

    def reset(self) -> None:
        """Forget all batches."""
        self._scores: list[Any] = []
        self._labels: list[Any] = []

    @property
    def scores(self) -> Any:
        """The scores of all rows so far, float64."""
        return np.concatenate(self._scores) if self._scores else np.zeros(0)

    @property
    def labels(self) -> Any:
        """The class numbers of all rows so far, int64."""
        return np.concatenate(self._labels) if self._labels else np.zeros(0, np.int64)

    def update(self, outputs: Any, targets: Any) -> None:
        """Count a batch: scores (n,), (n, 1) or (n, classes), logits or probabilities; class numbers (n,)."""
        scores, labels = array(outputs).astype(np.float64), array(targets)
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels[:, 0]
        if scores.ndim == 2 and scores.shape[1] == 1:
            scores = scores[:, 0]
        if scores.ndim not in (1, 2) or labels.shape != scores.shape[:1]:
            raise wrong(ValueError, "ROCAUC", f"{array(outputs).shape} outputs and {array(targets).shape} "
                        "targets", "give scores (n,) or (n, classes), and class numbers (n,); outputs come "
                        "first, as in a loss")  # fmt: skip
        if self._scores and scores.shape[1:] != self._scores[0].shape[1:]:
            raise wrong(ValueError, "ROCAUC", "a batch has another number of classes than those before",
                        "all batches have the same classes")  # fmt: skip
        labels = class_numbers("ROCAUC", labels)
        if self.ignore_index is not None:
            kept = labels != self.ignore_index
            scores, labels = scores[kept], labels[kept]
        if len(scores):
            self._scores.append(scores)
            self._labels.append(labels)

    def merge(self, state: Mapping[str, Any]) -> None:
        """Add the rows of another one."""
        if len(state["scores"]):
            self._scores.append(np.asarray(state["scores"], np.float64))
            self._labels.append(np.asarray(state["labels"], np.int64))

    def compute(self) -> float:
        """The area. Raises ValueError if there were no rows."""
        if not self._scores:
            raise self._nothing()
        scores = self.scores
        if scores.ndim == 2 and scores.shape[1] == 2 and not _are_probabilities(scores):
            scores = scores[:, 1] - scores[:, 0]  # of logits the differences are ordered as probabilities
        return roc_auc(self.labels, scores)


def _are_probabilities(scores: Any) -> bool:
    return bool((scores >= 0).all() and (np.abs(scores.sum(axis=1) - 1.0) < 1e-4).all())


class Perplexity(Metric):
    """exp of the mean cross-entropy of the targets: among how many equally likely ones a model chooses.

    axis          where the classes are in the logits: 1, as in cross_entropy, or -1 for a sequence
    ignore_index  a target that does not count, such as that of padding
    """

    name = "perplexity"
    mode = "min"
    counted = ("total", "rows")

    def __init__(self, *, axis: int = 1, ignore_index: int | None = None) -> None:
        self.axis = integer(axis, "Perplexity: axis")
        self.ignore_index = (
            None if ignore_index is None else integer(ignore_index, "Perplexity: ignore_index")
        )
        super().__init__()

    def reset(self) -> None:
        """Forget all batches."""
        self.total, self.rows = 0.0, 0

    def update(self, outputs: Any, targets: Any) -> None:
        """Count a batch of logits (n, classes, ...) and class numbers (n, ...)."""
        logits, truth = flat_scores("Perplexity", outputs, targets, self.axis, self.ignore_index)
        if len(truth):
            logits = logits.astype(np.float64)
            largest = logits.max(axis=1, keepdims=True)
            normalizer = np.log(np.exp(logits - largest).sum(axis=1)) + largest[:, 0]
            self.total += float((normalizer - logits[np.arange(len(truth)), truth]).sum())
            self.rows += len(truth)

    def merge(self, state: Mapping[str, Any]) -> None:
        """Add what another one has counted."""
        self.total, self.rows = self.total + float(state["total"]), self.rows + int(state["rows"])

    def compute(self) -> float:
        """The perplexity, at least 1; infinite if it is too large for a float. ValueError without rows."""
        if not self.rows:
            raise self._nothing()
        try:
            return math.exp(self.total / self.rows)
        except OverflowError:
            return math.inf
