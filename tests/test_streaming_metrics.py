"""Metrics that are counted batch by batch, against scikit-learn on all rows, however the rows are split."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

import tinygrad_edu as te
from tinygrad_edu import metrics
from tinygrad_edu.errors import ShapeError

SEEDS = st.integers(0, 2**32 - 1)
SHARE: dict[str, Any] = {"zero_division": 0}


def batches(random: np.random.Generator, *arrays: np.ndarray) -> list[tuple[np.ndarray, ...]]:
    """The rows in batches of any sizes, some of which are empty."""
    cuts = np.sort(random.integers(0, len(arrays[0]) + 1, random.integers(0, 6)))
    return list(zip(*(np.split(array, cuts) for array in arrays), strict=True))


def counted(metric: metrics.Metric, random: np.random.Generator, *arrays: np.ndarray) -> Any:
    """The metric of batches: some counted here, some by another metric, one of them after a save."""
    others = [metric, type(metric)(**options(metric))]
    for i, batch in enumerate(batches(random, *arrays)):
        part = others[int(random.integers(2))]
        part.update(*(te.tensor(a) if i % 2 and a.size else a for a in batch))
        if random.integers(2):
            others[1].load_state_dict(others[1].state_dict())
    metric.merge(others[1].state_dict())
    return metric.compute()


def options(metric: metrics.Metric) -> dict[str, Any]:
    """The settings that it was made with."""
    names = ("k", "average", "axis", "threshold", "ignore_index", "of")
    return {n: getattr(metric, n) for n in names if n in inspect.signature(type(metric)).parameters}


def classified(random: np.random.Generator, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores with ties, and class numbers."""
    rows = int(random.integers(1, 40))
    scores = random.integers(0, 5, (rows, classes)).astype(np.float64)
    return scores, random.integers(0, classes, rows)


AVERAGED: dict[str, tuple[type[metrics.Precision], Callable[..., Any]]] = {
    "precision": (metrics.Precision, reference.precision_score),
    "recall": (metrics.Recall, reference.recall_score),
    "f1": (metrics.F1Score, reference.f1_score),
}


@given(SEEDS, st.integers(2, 5))
def test_accuracy_and_confusion(seed: int, classes: int) -> None:
    random = np.random.default_rng(seed)
    scores, labels = classified(random, classes)
    guess = scores.argmax(axis=1)
    assert counted(metrics.Accuracy(), random, scores, labels) == reference.accuracy_score(labels, guess)
    expected = reference.confusion_matrix(labels, guess, labels=range(classes))
    np.testing.assert_array_equal(counted(metrics.ConfusionMatrix(), random, scores, labels), expected)


@given(SEEDS, st.integers(2, 5), st.sampled_from(sorted(AVERAGED)), st.sampled_from(metrics.classes.AVERAGES))
def test_precision_recall_and_f1(seed: int, classes: int, name: str, average: str | None) -> None:
    random = np.random.default_rng(seed)
    if average == "binary":
        classes = 2
    scores, labels = classified(random, classes)
    ours, theirs = AVERAGED[name]
    labels_of = {"labels": range(classes)} if average is None else {}
    expected = theirs(labels, scores.argmax(axis=1), average=average, **labels_of, **SHARE)
    given_as = scores if random.integers(2) or average is None else scores.argmax(axis=1)
    found = counted(ours(average=average), random, given_as, labels)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@given(SEEDS, st.integers(4, 6), st.integers(1, 3))
def test_top_k_is_among_the_first_k_of_a_stable_order(seed: int, classes: int, k: int) -> None:
    random = np.random.default_rng(seed)
    scores, labels = classified(random, classes)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    expected = np.mean([label in row for label, row in zip(labels, best, strict=True)])
    assert counted(metrics.TopKAccuracy(k), random, scores, labels) == expected
    distinct = scores + random.permutation(scores.size).reshape(scores.shape) / 1e3
    theirs = reference.top_k_accuracy_score(labels, distinct, k=k, labels=range(classes))
    assert counted(metrics.TopKAccuracy(k), random, distinct, labels) == theirs


@given(SEEDS, st.integers(2, 5), st.sampled_from([np.float32, np.float64]))
def test_area(seed: int, classes: int, dtype: Any) -> None:
    random = np.random.default_rng(seed)
    scores, labels = classified(random, classes)
    scores, labels = np.r_[scores, scores[:1]].astype(dtype), np.r_[labels, (labels[0] + 1) % classes]
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    found = counted(metrics.ROCAUC(), random, shares, labels)
    np.testing.assert_equal(found, metrics.roc_auc(labels, shares))
    if classes == 2:
        expected = reference.roc_auc_score(labels, (scores[:, 1] - scores[:, 0]).astype(np.float64))
        for of in (scores, scores[:, 1] - scores[:, 0], (scores[:, 1] - scores[:, 0])[:, None]):
            assert counted(metrics.ROCAUC(), random, of, labels) == pytest.approx(expected, abs=1e-12)


@given(SEEDS, st.integers(0, 3), st.sampled_from([0.0, 1e6]))
def test_errors_and_r2(seed: int, columns: int, far: float) -> None:
    random = np.random.default_rng(seed)
    shape = (int(random.integers(2, 40)), *[columns] * (columns > 0))
    truth, guess = random.normal(size=(2, *shape)) + far
    expected = reference.mean_squared_error(truth.ravel(), guess.ravel())
    assert counted(metrics.MeanSquaredError(), random, guess, truth) == pytest.approx(expected, rel=1e-12)
    expected = reference.mean_absolute_error(truth.ravel(), guess.ravel())
    assert counted(metrics.MeanAbsoluteError(), random, guess, truth) == pytest.approx(expected, rel=1e-12)
    expected = reference.r2_score(truth, guess)
    assert counted(metrics.R2(), random, guess, truth) == pytest.approx(expected, rel=1e-8, abs=1e-8)


def test_r2_of_equal_targets_is_scikit_learns() -> None:
    for guess in ([2.0, 2.0], [2.0, 3.0]):
        metric = metrics.R2()
        metric.update(guess, [2.0, 2.0])
        assert metric.compute() == reference.r2_score([2.0, 2.0], guess)
    metric = metrics.R2()
    metric.update([1.0], [2.0])
    assert math.isnan(metric.compute())


@given(SEEDS, st.integers(2, 5))
def test_perplexity_is_the_exponential_of_the_log_loss(seed: int, classes: int) -> None:
    random = np.random.default_rng(seed)
    scores, labels = classified(random, classes)
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    expected = math.exp(reference.log_loss(labels, shares, labels=range(classes)))
    assert counted(metrics.Perplexity(), random, scores - 1e3, labels) == pytest.approx(expected, rel=1e-10)


@given(SEEDS)
def test_mean(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows = int(random.integers(1, 40))
    x, y = random.normal(size=(2, rows))
    assert counted(metrics.Mean(), random, x, y) == pytest.approx(x.mean(), rel=1e-9, abs=1e-12)
    for of in (lambda x, y: abs(x - y), lambda x, y: abs(x - y).mean() if len(x) else te.tensor(0.0)):
        assert counted(metrics.Mean(of), random, x, y) == pytest.approx(np.abs(x - y).mean(), rel=1e-9)


@given(SEEDS, st.sampled_from([metrics.Accuracy, metrics.F1Score, metrics.Perplexity]))
def test_rows_of_a_sequence_count_and_padding_does_not(seed: int, kind: Any) -> None:
    random = np.random.default_rng(seed)
    scores, labels = random.normal(size=(4, 5, 3)), random.integers(0, 3, (4, 5))
    labels[:, 0] = random.integers(0, 3)
    padded = random.random((4, 5)) < 0.3
    padded[0, 0] = False
    flat = kind()
    flat.update(scores[~padded], labels[~padded])
    marked = np.where(padded, -100, labels)
    for of, axis in ((scores, -1), (np.moveaxis(scores, -1, 1), 1)):
        metric = kind(axis=axis, ignore_index=-100)
        assert counted(metric, random, of, marked) == pytest.approx(flat.compute(), rel=1e-12)


@given(SEEDS, st.booleans())
def test_one_column_with_a_threshold(seed: int, tall: bool) -> None:
    random = np.random.default_rng(seed)
    logits, labels = random.normal(size=30), random.integers(0, 2, 30).astype(np.float32)
    given_as = logits[:, None] if tall else logits
    found = counted(metrics.Accuracy(threshold=0), random, given_as, labels[:, None] if tall else labels)
    assert found == reference.accuracy_score(labels, logits > 0)
    found = counted(metrics.F1Score(threshold=0, average="binary"), random, given_as, labels)
    assert found == pytest.approx(reference.f1_score(labels, logits > 0, **SHARE))


SCORES, LABELS = np.eye(3), np.arange(3)


@pytest.mark.parametrize(("metric", "outputs", "targets", "kind", "words"), [
    (metrics.Accuracy(), LABELS, SCORES, ValueError, "outputs come first|floats"),
    (metrics.Accuracy(), SCORES, LABELS[:2], ShapeError, "do not fit together"),
    (metrics.Accuracy(), SCORES[:, :1], LABELS, ValueError, "threshold=0 for logits"),
    (metrics.Accuracy(), SCORES[:, :2], LABELS, ValueError, "below 2"),
    (metrics.Accuracy(), SCORES, LABELS - 1, ValueError, "there is -1"),
    (metrics.Accuracy(), SCORES * np.nan, LABELS, ValueError, "NaN"),
    (metrics.Accuracy(), SCORES, LABELS + 0.5, ValueError, "not numbers 0, 1"),
    (metrics.Accuracy(axis=2), SCORES, LABELS, ShapeError, "axis=2"),
    (metrics.TopKAccuracy(4), SCORES, LABELS, ValueError, "k=4 of 3 classes"),
    (metrics.ConfusionMatrix(), LABELS, LABELS - 1, ValueError, "-1 is no class"),
    (metrics.MeanSquaredError(), SCORES[:, :1], LABELS, ShapeError, "squeeze"),
    (metrics.R2(), np.array(1.0), np.array(1.0), ValueError, "no rows"),
    (metrics.ROCAUC(), SCORES, LABELS[:2], ValueError, r"\(n, classes\)"),
    (metrics.Perplexity(), LABELS, LABELS, ShapeError, "floats"),
])  # fmt: skip
def test_what_does_not_fit_is_refused(
    metric: metrics.Metric, outputs: Any, targets: Any, kind: Any, words: str
) -> None:
    before = repr(metric.state_dict())
    with pytest.raises(kind, match=words):
        metric.update(outputs, targets)
    assert repr(metric.state_dict()) == before


def test_settings_states_and_empty_metrics_are_refused() -> None:
    with pytest.raises(ValueError, match="average='mean'"):
        metrics.Precision(average="mean")
    with pytest.raises(TypeError, match="no function"):
        metrics.Mean(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="state is of another metric"):
        metrics.Accuracy().load_state_dict(metrics.R2().state_dict())
    for metric in (metrics.Accuracy(), metrics.F1Score(), metrics.Mean(), metrics.R2(), metrics.ROCAUC(),
                   metrics.Perplexity()):  # fmt: skip
        with pytest.raises(ValueError, match="no rows"):
            metric.compute()
    three = metrics.Recall(average="binary")
    three.update(SCORES, LABELS)
    with pytest.raises(ValueError, match="of 3 classes"):
        three.compute()


@given(SEEDS, st.integers(2, 3))
def test_rows_of_padding_do_not_count_in_the_area(seed: int, classes: int) -> None:
    random = np.random.default_rng(seed)
    scores, labels = random.normal(size=(30, classes)), random.integers(0, classes, 30)
    padded = np.where(random.random(30) < 0.3, -100, labels)
    kept = padded != -100
    if len(np.unique(padded[kept])) < classes:
        return
    found = counted(metrics.ROCAUC(ignore_index=-100), random, scores, padded)
    plain = metrics.ROCAUC()
    plain.update(scores[kept], labels[kept])
    assert found == plain.compute()
    nothing = metrics.ROCAUC(ignore_index=0)
    nothing.update(scores, np.zeros(30, int))
    with pytest.raises(ValueError, match="no rows to judge by"):
        nothing.compute()


@pytest.mark.parametrize(("make", "kind", "words"), [
    (lambda: metrics.Accuracy(num_classes=3), TypeError, "^Accuracy has no argument num_c.*threshold="),
    (lambda: metrics.F1Score(task="multiclass"), TypeError, "^F1Score has no argument task="),
    (lambda: metrics.R2(num_outputs=2), TypeError, "^R2 has no argument num_outputs="),
    (lambda: metrics.ROCAUC(ignore=1), TypeError, "^ROCAUC has no argument ignore=.*ignore_index="),
    (lambda: metrics.Mean(off=len), TypeError, "^Mean has no argument off="),
    (lambda: metrics.accuracy(np.eye(3), [0, 1, 2]), ValueError, r"labels come first here, accuracy\(labels"),
    (lambda: metrics.roc_auc(np.eye(3), [0, 1, 2]), ValueError, r"labels come first here, roc_auc\(labels"),
    (lambda: metrics.Accuracy().update([0, 1, 2], np.eye(3)), ValueError, "outputs come first, as in"),
    (lambda: metrics.ROCAUC().update([0, 1, 2], np.eye(3)), ValueError, "outputs come first, as in"),
    (lambda: metrics.Perplexity().update([0, 1, 2], np.eye(3)), ValueError, "outputs come first, as in"),
])  # fmt: skip
def test_other_arguments_and_another_order_are_explained(make: Any, kind: Any, words: str) -> None:
    with pytest.raises(kind, match=words):
        make()


FORGED = {
    metrics.Accuracy: (
        {"right": 1, "rows": "x"},
        {"right": -5, "rows": 3},
        {"right": 4, "rows": 3},
        {"right": None, "rows": 1},
    ),
    metrics.MeanSquaredError: ({"total": "x", "rows": 1}, {"total": 1.0, "rows": -1}),
    metrics.R2: (
        {"rows": -3, "mean": [0.0], "spread": [1.0], "error": [1.0]},
        {"rows": 1, "mean": "x", "spread": 0, "error": 0},
    ),
    metrics.ConfusionMatrix: ({"counts": [[1, -1], [0, 0]]}, {"counts": "x"}),
}


@pytest.mark.parametrize(
    ("kind", "state"), [(kind, state) for kind, states in FORGED.items() for state in states]
)
def test_a_state_that_no_metric_has_is_refused_and_loses_nothing(kind, state):
    metric = kind()
    if kind in (metrics.Accuracy, metrics.ConfusionMatrix):
        metric.update(np.eye(3), np.array([0, 1, 1]))
    else:
        metric.update(np.array([1.0, 2.0]), np.array([1.5, 1.0]))
    before = metric.compute()
    with pytest.raises(ValueError, match=kind.__name__):
        metric.load_state_dict(state)
    np.testing.assert_array_equal(metric.compute(), before)


def test_metrics_print_as_they_were_made() -> None:
    made = {
        "F1Score(average='weighted')": metrics.F1Score(average="weighted"),
        "Accuracy()": metrics.Accuracy(),
        "Accuracy(threshold=0.5)": metrics.Accuracy(threshold=0.5),
        "TopKAccuracy(k=3)": metrics.TopKAccuracy(3),
        "Perplexity(axis=2, ignore_index=0)": metrics.Perplexity(axis=2, ignore_index=0),
        "R2()": metrics.R2(),
        "Mean(name='gap')": metrics.Mean(name="gap"),
    }
    assert [repr(metric) for metric in made.values()] == list(made)


def test_a_metric_says_what_to_call() -> None:
    with pytest.raises(TypeError, match=r"a metric is not called.*metric.update\(outputs, targets\)"):
        metrics.Accuracy()(np.zeros((3, 2)), np.zeros(3, int))


@pytest.mark.parametrize("found", ["x", None, ["a", "b"]])
def test_a_mean_is_of_numbers(found: Any) -> None:
    with pytest.raises(TypeError, match=r"Mean: of returned .*give a number for each row"):
        metrics.Mean(lambda outputs, targets: found).update(np.zeros(2), np.zeros(2))
    with pytest.raises(TypeError, match="Mean: outputs of <U1"):
        metrics.Mean().update(np.array(["a"]))
