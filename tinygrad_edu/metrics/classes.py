"""Metrics of classes, batch by batch: how often the class is right, and in which way it is wrong.

Outputs are scores with the classes along `axis` (1, as in cross_entropy; -1 for a sequence with the classes
last), of which the largest wins, the first of equals; or class numbers, integers of the targets' shape; or,
with `threshold=`, one float for class 1 against class 0. Rows whose target is `ignore_index` do not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.errors import wrong
from tinygrad_edu.metrics.scores import Array, refuse_nan
from tinygrad_edu.metrics.streaming import Metric, array, class_numbers, flat_scores
from tinygrad_edu.scalars import integer, number

AVERAGES = ("macro", "micro", "weighted", "binary", None)


class _OfClasses(Metric):
    """What metrics of classes have in common: from outputs and targets to two rows of class numbers."""

    def __init__(
        self, *, axis: int = 1, threshold: float | None = None, ignore_index: int | None = None
    ) -> None:
        title = type(self).__name__
        self.axis = integer(axis, f"{title}: axis")
        self.threshold = None if threshold is None else number(threshold, f"{title}: threshold")
        self.ignore_index = None if ignore_index is None else integer(ignore_index, f"{title}: ignore_index")
        super().__init__()

    def _classes(self, outputs: Any, targets: Any) -> tuple[Array, Array]:
        """The expected and the predicted class of each row that counts."""
        title, score, truth = type(self).__name__, array(outputs), array(targets)
        if score.ndim == truth.ndim + 1 and score.shape[self.axis :][:1] == (1,):
            score = np.squeeze(score, self.axis)
        if score.shape != truth.shape:
            score, truth = flat_scores(title, score, truth, self.axis, self.ignore_index)
            return truth, score.argmax(axis=1)
        guess, truth = score.reshape(-1), class_numbers(title, truth.reshape(-1))
        if self.threshold is not None:
            refuse_nan(title, guess)
            guess = (guess > self.threshold).astype(np.int64)
        elif guess.dtype.kind == "f":
            raise wrong(ValueError, title, f"one column of {guess.dtype} scores tells no class from another",
                        "say from where on it is class 1: threshold=0 for logits, 0.5 for probabilities; or "
                        "give scores (n, classes)")  # fmt: skip
        guess = class_numbers(title, guess)
        if self.ignore_index is not None:
            kept = truth != self.ignore_index
            truth, guess = truth[kept], guess[kept]
        if (low := min(truth.min(initial=0), guess.min(initial=0))) < 0:
            raise wrong(ValueError, title, f"{low} is no class number", "begin at 0, and leave rows out by "
                        "ignore_index=")  # fmt: skip
        return truth, guess


class Accuracy(_OfClasses):
    """The share of rows whose class is right."""

    name = "accuracy"
    mode = "max"
    counted = ("right", "rows")

    def reset(self) -> None:
        """Forget all batches."""
        self.right = self.rows = 0

    def update(self, outputs: Any, targets: Any) -> None:
        """Count a batch."""
        truth, guess = self._classes(outputs, targets)
        self.right, self.rows = self.right + int((truth == guess).sum()), self.rows + len(truth)

    def merge(self, state: Mapping[str, Any]) -> None:
        """Add what another one has counted. Raises ValueError if more rows are right than there are."""
        right, rows = int(state["right"]), int(state["rows"])
        if right > rows:
            raise ValueError(f"{right} of {rows} rows are right")
        self.right, self.rows = self.right + right, self.rows + rows

    def compute(self) -> float:
        """Right rows over all rows. Raises ValueError if there were none."""
        if not self.rows:
            raise self._nothing()
        return self.right / self.rows


class TopKAccuracy(Accuracy):
    """The share of rows whose class is among the k of the highest scores; of equal ones the first counts.

    k  at least 1, and at most the number of classes
    """

    name = "top_k_accuracy"

    def __init__(self, k: int = 5, *, axis: int = 1, ignore_index: int | None = None) -> None:
        self.k = integer(k, "TopKAccuracy: k", least=1)
        self.name = f"top_{self.k}_accuracy"
        super().__init__(axis=axis, ignore_index=ignore_index)

    def update(self, outputs: Any, targets: Any) -> None:
        """Count a batch of scores."""
        score, truth = flat_scores("TopKAccuracy", outputs, targets, self.axis, self.ignore_index)
        if self.k > score.shape[1]:
            problem = f"k={self.k} of {score.shape[1]} classes"
            raise wrong(ValueError, "TopKAccuracy", problem, "k is at most the number of classes")
        own = np.take_along_axis(score, truth[:, None], axis=1)
        before = (score > own) | ((score == own) & (np.arange(score.shape[1]) < truth[:, None]))
        self.right += int((before.sum(axis=1) < self.k).sum())
        self.rows += len(truth)


class ConfusionMatrix(_OfClasses):
    """How often a class (the row) was predicted as each class (the column): (classes, classes) counts."""

    name = "confusion"
    counted = ("counts",)

    def reset(self) -> None:
        """Forget all batches."""
        self.counts = np.zeros((0, 0), np.int64)

    def update(self, outputs: Any, targets: Any) -> None:
        """Count a batch."""
        truth, guess = self._classes(outputs, targets)
        given, classes = array(outputs), 1 + max(truth.max(initial=-1), guess.max(initial=-1))
        if self.threshold is not None:
            classes = max(classes, 2)
        elif given.ndim > array(targets).ndim:
            classes = given.shape[self.axis]
        found = np.bincount(truth * classes + guess, minlength=classes * classes)
        self.merge({"counts": found.reshape(classes, classes)})

    def merge(self, state: Mapping[str, Any]) -> None:
        """Add what another one has counted; the larger number of classes counts."""
        other = np.asarray(state["counts"], np.int64)
        size = max(len(self.counts), len(other))
        total = np.zeros((size, size), np.int64)
        for part in (self.counts, other):
            total[: len(part), : len(part)] += part
        self.counts = total

    def compute(self) -> Any:
        """The counts, int64."""
        return self.counts.copy()


class Precision(ConfusionMatrix):
    """Of the rows predicted as a class, the share that is of it; 0 for a class that was never predicted.

    average  "macro": the mean over the classes that occur; "weighted": weighted by their rows; "micro": of
             all rows together; "binary": of class 1 of two; None: an array, one number per class
    """

    name = "precision"
    mode = "max"

    def __init__(
        self,
        *,
        average: str | None = "macro",
        axis: int = 1,
        threshold: float | None = None,
        ignore_index: int | None = None,
    ) -> None:
        if average not in AVERAGES:
            raise wrong(ValueError, type(self).__name__, f"average={average!r}",
                        f"there are {', '.join(map(repr, AVERAGES))}")  # fmt: skip
        self.average = average
        super().__init__(axis=axis, threshold=threshold, ignore_index=ignore_index)

    def _share(self, right: Array, predicted: Array, actual: Array) -> Array:
        """The metric from counts of rows: those that are right, predicted, and of the class."""
        return _ratio(right, predicted)

    def compute(self) -> Any:
        """A number, or (classes,) for average=None. Raises ValueError if there were no rows."""
        right, predicted, actual = np.diag(self.counts), self.counts.sum(axis=0), self.counts.sum(axis=1)
        if not actual.sum():
            raise self._nothing()
        if self.average == "micro":
            return float(self._share(right.sum(), predicted.sum(), actual.sum()))
        each = self._share(right, predicted, actual)
        if self.average is None:
            return each
        if self.average == "binary":
            if len(each) > 2:
                problem = f'average="binary" of {len(each)} classes'
                raise wrong(ValueError, type(self).__name__, problem, 'say average="macro", or "micro"')
            return float(each[1]) if len(each) > 1 else 0.0
        if self.average == "weighted":
            return float((each * actual).sum() / actual.sum())
        return float(each[predicted + actual > 0].mean())


class Recall(Precision):
    """Of the rows of a class, the share that is predicted as it; `average` as in Precision."""

    name = "recall"

    def _share(self, right: Array, predicted: Array, actual: Array) -> Array:
        return _ratio(right, actual)


class F1Score(Precision):
    """The harmonic mean of precision and recall of a class; `average` as in Precision."""

    name = "f1"

    def _share(self, right: Array, predicted: Array, actual: Array) -> Array:
        return _ratio(2 * right, predicted + actual)


def _ratio(part: Any, whole: Any) -> Array:
    """part / whole, and 0 where the whole is 0."""
    return np.asarray(np.divide(part, whole, out=np.zeros(np.shape(whole)), where=np.not_equal(whole, 0)))
