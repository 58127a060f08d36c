"""Scores of all predictions at once: accuracy, ROC AUC, mean squared error, R^2. NumPy in, a number out.

The ROC AUC is computed as the rank statistic it equals (Mann and Whitney 1947): the probability that a random
positive scores above a random negative, with a tie counted as one half. This needs no curve and no
threshold. Several classes: Hand and Till, Machine Learning 45 (2001), in the one-against-the-rest form.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tinygrad_edu.errors import wrong

Array = np.ndarray[Any, Any]


def accuracy(labels: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """The share of rows whose class is right: labels (n,), predicted classes (n,) or scores (n, classes)."""
    truth, guess = _arrays("accuracy", labels, predicted)
    if guess.ndim == 2:
        if guess.shape[1] == 1:
            raise wrong(
                ValueError,
                "accuracy",
                "one column of scores tells no class from another",
                "pass the classes with shape (n,), such as predicted[:, 0], or scores (n, classes)",
            )
        refuse_nan("accuracy", guess)
        guess = guess.argmax(axis=1)
    if truth.size and guess.size and (truth.dtype.kind in "US") != (guess.dtype.kind in "US"):
        raise wrong(
            TypeError,
            "accuracy",
            f"labels of {truth.dtype} and classes of {guess.dtype} are never equal",
            "pass both as numbers or both as text",
        )
    if truth.dtype.kind == "f" and guess.dtype.kind in "biu" and (truth != np.floor(truth)).any():
        raise _swapped("accuracy", f"labels of {truth.dtype} that are no class numbers")
    _check("accuracy", truth, guess)
    return float((truth == guess).mean())


def roc_auc(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Area under the receiver operating characteristic.

    labels  (n,) class numbers
    scores  two classes: (n,) or (n, 2), higher for class 1. More: (n, classes); the mean of each class
            against the rest, over the classes that occur and are not the only one
    NaN if only one class occurs: then there is nothing to rank.
    """
    truth, score = _arrays("roc_auc", labels, scores)
    score = score.astype(np.float64)
    if score.ndim == 2 and score.shape[1] == 2:
        score = score[:, 1]
    if score.ndim == 1:
        _check("roc_auc", truth, score)
        if not np.isin(truth, (0, 1)).all():
            raise wrong(
                ValueError,
                "roc_auc",
                "scores (n,) are for labels 0 and 1",
                "give (n, classes) for more classes",
            )
        return _area(truth == 1, score)
    if score.ndim != 2 or score.shape[1] == 0:
        raise wrong(ValueError, "roc_auc", f"scores {score.shape} must be (n,) or (n, classes)")
    _check("roc_auc", truth, score[:, 0])
    if not ((truth >= 0) & (truth < score.shape[1])).all():
        raise wrong(
            ValueError,
            "roc_auc",
            f"labels must be class numbers below {score.shape[1]}, the columns of scores",
        )
    areas = [_area(truth == k, score[:, k]) for k in range(score.shape[1])]
    known = [area for area in areas if not np.isnan(area)]
    return float(np.mean(known)) if known else float("nan")


def mean_squared_error(targets: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """The mean of (target - predicted)^2 over (n,) targets, in their unit squared."""
    truth, guess = (a.astype(np.float64) for a in _arrays("mean_squared_error", targets, predicted))
    _check("mean_squared_error", truth, guess)
    return float(np.square(truth - guess).mean())


def r2(targets: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """1 - squared error / squared distance from the mean: 1 is perfect, 0 is no better than the mean.

    Targets that are all equal: 1 when predicted exactly, else 0; of one row NaN (scikit-learn's conventions).
    """
    truth, guess = (a.astype(np.float64) for a in _arrays("r2", targets, predicted))
    _check("r2", truth, guess)
    if truth.size == 1:
        return float("nan")
    error, spread = np.square(truth - guess).sum(), np.square(truth - truth.mean()).sum()
    if spread == 0:
        return 1.0 if error == 0 else 0.0
    return float(1.0 - error / spread)


def _area(positive: Array, score: Array) -> float:
    """Mann and Whitney's U over its largest value, from mid-ranks; NaN without positives or negatives."""
    count, hits = len(positive), int(positive.sum())
    if hits in (0, count):
        return float("nan")
    refuse_nan("roc_auc", score)
    _, place, ties = np.unique(score, return_inverse=True, return_counts=True)
    middle = np.cumsum(ties) - (ties - 1) / 2.0  # the mean rank, from 1, of each group of equals
    surplus = middle[place][positive].sum() - hits * (hits + 1) / 2.0
    return float(surplus / (hits * (count - hits)))


def refuse_nan(name: str, score: Array) -> None:
    """Raise ValueError if a score is NaN: it has no rank."""
    if score.dtype.kind == "f" and np.isnan(score).any():
        raise wrong(ValueError, name, "a score is NaN", "the model diverged, or its input was damaged")


def _arrays(name: str, labels: Any, predicted: Any) -> tuple[Array, Array]:
    """Both as arrays without a graph. Raises ValueError for labels that a model has computed."""
    if getattr(labels, "requires_grad", False):
        raise _swapped(name, "the labels require grad, as what a model returns does")
    return np.asarray(labels), np.asarray(predicted.detach() if hasattr(predicted, "detach") else predicted)


def _swapped(name: str, problem: str) -> Exception:
    first = "targets" if name in ("r2", "mean_squared_error") else "labels"
    remedy = f"{first} come first here, {name}({first}, predictions); metrics with update() take the outputs"
    return wrong(ValueError, name, problem, f"{remedy} first")


def _check(name: str, truth: Array, guess: Array) -> None:
    if name in ("accuracy", "roc_auc") and truth.ndim > 1 and guess.ndim == 1:
        raise _swapped(name, f"{truth.shape} labels and {guess.shape} predictions")
    if truth.ndim != 1 or truth.shape != guess.shape:
        raise wrong(
            ValueError, name, f"{truth.shape} labels and {guess.shape} predictions", "both must be (n,)"
        )
    if not len(truth):
        raise wrong(ValueError, name, "there are no rows to judge by")
