"""Metrics against scikit-learn, and the promises scikit-learn does not make."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

import tinygrad_edu as te
from tinygrad_edu import metrics, nn

SEEDS = st.integers(0, 2**32 - 1)


def labelled(seed: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels in which every class occurs, and scores with many ties."""
    random = np.random.default_rng(seed)
    more = random.integers(0, classes, random.integers(1, 40))
    labels = random.permutation(np.r_[np.arange(classes), more])
    scores = random.integers(0, 5, (len(labels), classes)) + 1.0
    return labels, scores / scores.sum(axis=1, keepdims=True)


@given(SEEDS)
def test_binary_area_with_ties(seed: int) -> None:
    labels, scores = labelled(seed, 2)
    expected = reference.roc_auc_score(labels, scores[:, 1])
    assert metrics.roc_auc(labels, scores) == pytest.approx(expected, abs=1e-12)
    assert metrics.roc_auc(labels, scores[:, 1]) == pytest.approx(expected, abs=1e-12)


@given(SEEDS, st.integers(3, 6))
def test_area_of_several_classes(seed: int, classes: int) -> None:
    labels, scores = labelled(seed, classes)
    expected = reference.roc_auc_score(
        labels, scores, multi_class="ovr", average="macro", labels=range(classes)
    )
    assert metrics.roc_auc(labels, scores) == pytest.approx(expected, abs=1e-12)


@given(SEEDS, st.integers(2, 6))
def test_accuracy(seed: int, classes: int) -> None:
    labels, scores = labelled(seed, classes)
    expected = reference.accuracy_score(labels, scores.argmax(axis=1))
    assert metrics.accuracy(labels, scores) == metrics.accuracy(labels, scores.argmax(axis=1)) == expected


@given(SEEDS)
def test_regression(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth, guess = random.normal(size=(2, random.integers(2, 50)))
    assert metrics.r2(truth, guess) == pytest.approx(reference.r2_score(truth, guess), rel=1e-9, abs=1e-9)
    expected = reference.mean_squared_error(truth, guess)
    assert metrics.mean_squared_error(truth, guess) == pytest.approx(expected)


def test_constant_targets() -> None:
    assert metrics.r2([2.0, 2.0], [2.0, 2.0]) == 1.0
    assert metrics.r2([2.0, 2.0], [2.0, 3.0]) == 0.0


def test_area_of_one_class_is_nan_and_an_absent_class_is_left_out() -> None:
    assert math.isnan(metrics.roc_auc([1, 1], [0.2, 0.4]))
    scores = np.array([[0.7, 0.2, 0.1], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1]])
    assert metrics.roc_auc([0, 1, 0], scores) == 1.0


def test_reversed_scores_have_the_complementary_area() -> None:
    labels, scores = labelled(3, 2)
    forwards, backwards = metrics.roc_auc(labels, scores[:, 1]), metrics.roc_auc(labels, -scores[:, 1])
    assert forwards + backwards == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("function", "truth", "guess", "words"),
    [
        (metrics.accuracy, [0, 1], [0], "both must be"),
        (metrics.accuracy, [], [], "no rows"),
        (metrics.r2, [[1.0]], [[1.0]], "both must be"),
        (metrics.roc_auc, [0, 2], [0.1, 0.2], "labels 0 and 1"),
        (metrics.roc_auc, [0, 3], np.ones((2, 3)), "class numbers below 3"),
        (metrics.roc_auc, [0, 1], np.ones((2, 2, 2)), "must be"),
        (metrics.roc_auc, [0, 1], [0.1, np.nan], "NaN"),
        (metrics.accuracy, [0, 1], [[0.1, 0.9], [np.nan, np.nan]], "NaN"),
    ],
)
def test_unusable_input_is_refused(function: object, truth: object, guess: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        function(truth, guess)  # type: ignore[operator]


@pytest.mark.parametrize("score", [metrics.accuracy, metrics.roc_auc, metrics.r2, metrics.mean_squared_error])
def test_scores_take_what_a_model_returns_second_and_refuse_it_first(score):
    te.manual_seed(0)
    model, x, y = nn.Linear(3, 2), te.randn(5, 3), np.array([0, 1, 1, 0, 1])
    out = model(x) if score in (metrics.accuracy, metrics.roc_auc) else model(x)[:, 0]
    assert score(y, out) == score(y, out.detach().numpy())
    with pytest.raises(ValueError, match=rf"{score.__name__}\(\w+, predictions\)"):
        score(out, y)


def test_labels_that_are_no_class_numbers_are_in_the_wrong_place():
    with pytest.raises(ValueError, match=r"labels come first here, accuracy\(labels, predictions\)"):
        metrics.accuracy([0.2, 0.8], [0, 1])
