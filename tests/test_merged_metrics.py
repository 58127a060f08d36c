"""Metrics take the counts of others that were made in the same way, and of no others."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as reference

from tinygrad_edu import metrics

SCORES = np.array([[0.2, 0.7, 0.1], [0.6, 0.3, 0.1], [0.3, 0.3, 0.4], [0.1, 0.5, 0.4]])
CLASSES = np.array([0, 0, 2, 1])
KINDS: dict[str, tuple[Callable[[], metrics.Metric], Any, Any]] = {
    "Accuracy": (lambda: metrics.Accuracy(), SCORES, CLASSES),
    "TopKAccuracy": (lambda: metrics.TopKAccuracy(2), SCORES, CLASSES),
    "ConfusionMatrix": (lambda: metrics.ConfusionMatrix(), SCORES, CLASSES),
    "Precision": (lambda: metrics.Precision(), SCORES, CLASSES),
    "Recall": (lambda: metrics.Recall(), SCORES, CLASSES),
    "F1Score": (lambda: metrics.F1Score(), SCORES, CLASSES),
    "ROCAUC": (lambda: metrics.ROCAUC(), SCORES, CLASSES),
    "Perplexity": (lambda: metrics.Perplexity(), SCORES, CLASSES),
    "Mean": (lambda: metrics.Mean(), SCORES[:, 0], CLASSES),
    "MeanSquaredError": (lambda: metrics.MeanSquaredError(), SCORES[:, 0], CLASSES),
    "MeanAbsoluteError": (lambda: metrics.MeanAbsoluteError(), SCORES[:, 0], CLASSES),
    "R2": (lambda: metrics.R2(), SCORES[:, 0], CLASSES),
}


def test_every_metric_is_tried() -> None:
    kinds = {name for name in metrics.__all__ if isinstance(getattr(metrics, name), type)} - {"Metric"}
    assert kinds == set(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_a_metric_merges_another_one_or_its_state_and_none_of_another_kind(name: str) -> None:
    make, outputs, targets = KINDS[name]
    whole = make()
    whole.update(outputs, targets)
    for as_state in (False, True):
        one, other = make(), make()
        one.update(outputs[:1], targets[:1])
        other.update(outputs[1:], targets[1:])
        one.merge(other.state_dict() if as_state else other)
        np.testing.assert_allclose(one.compute(), whole.compute(), rtol=1e-12)
    before = repr(one.state_dict())
    for kind, (make_other, others, labels) in KINDS.items():
        if kind != name:
            other = make_other()
            other.update(others, labels)
            for take in (one.merge, lambda it: one.load_state_dict(it.state_dict())):
                with pytest.raises(ValueError, match=rf"{name}: .*the state is of another metric"):
                    take(other)
            with pytest.raises(ValueError, match=rf"{name}: .*another metric"):
                one.merge(other.state_dict())
    for wrong in (None, 3, [1.0]):
        with pytest.raises(TypeError, match="neither a metric nor the state of one"):
            one.merge(wrong)  # type: ignore[arg-type]
    assert repr(one.state_dict()) == before


@pytest.mark.parametrize(("one", "other", "words"), [
    (metrics.TopKAccuracy(1), metrics.TopKAccuracy(3), r"k=1, .*of another metric, TopKAccuracy\(k=3"),
    (metrics.Accuracy(), metrics.Accuracy(ignore_index=0), r"ignore_index=None\), .*ignore_index=0\)"),
    (metrics.ConfusionMatrix(threshold=0), metrics.ConfusionMatrix(threshold=0.5), "threshold=0, .*=0.5"),
    (metrics.ROCAUC(ignore_index=1), metrics.ROCAUC(), "ignore_index=1.*ignore_index=None"),
    (metrics.Perplexity(axis=-1), metrics.Perplexity(), "axis=-1.*axis=1"),
])  # fmt: skip
def test_a_metric_takes_no_counts_that_were_made_with_other_settings(
    one: Any, other: Any, words: str
) -> None:
    for take in (one.merge, lambda it: one.merge(it.state_dict()),
                 lambda it: one.load_state_dict(it.state_dict())):  # fmt: skip
        with pytest.raises(ValueError, match=words):
            take(other)


def test_what_is_made_of_the_counts_may_differ() -> None:
    one, other = metrics.Recall(), metrics.Recall(average="micro")
    other.update(SCORES, CLASSES)
    one.merge(other)
    assert one.compute() == pytest.approx(reference.recall_score(CLASSES, SCORES.argmax(1), average="macro"))


def test_a_metric_of_ones_own_merges_metrics() -> None:
    class Largest(metrics.Metric):
        name, counted = "largest", ("found",)

        def reset(self) -> None:
            self.found = -math.inf

        def update(self, outputs: Any, targets: Any) -> None:
            self.found = max(self.found, float(np.max(outputs)))

        def merge(self, state: Any) -> None:
            self.found = max(self.found, state["found"])

        def compute(self) -> float:
            return self.found

    one, other = Largest(), Largest()
    other.update(SCORES, None)
    one.merge(other)
    assert one.compute() == 0.7
    with pytest.raises(ValueError, match=r"Largest: .*another metric"):
        one.merge(metrics.Accuracy())
