"""Batches are joined by what the mean of their loss is divided by: accumulated, measured, and in a job."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te
from tests.training.fit_cases import X, weights
from tinygrad_edu import data, distributed, nn, optim, training
from tinygrad_edu.training import fit

QUIET: dict[str, Any] = {"verbose": False}

IGNORED = np.array([0, -1, 1, 1, -1, -1, -1, 1, 2, 0, -1, 2, 1])  # rows 4 to 6 are a batch of 3 or less
FACTORS = te.tensor([1.0, 10.0, 0.25], dtype="float64")


def _by_hand(outputs: Any, targets: Any) -> Any:
    """A mean over the rows that are not ignored, which says how many they are."""
    kept = targets >= 0
    each = te.nll(te.log_softmax(outputs, 1), targets, ignore_index=-1, reduction="none")
    count = int(kept.sum().item())
    return {"loss": each.sum() / max(count, 1), "rows": count}


LOSSES: dict[str, Any] = {
    "ignored": lambda p, t: te.cross_entropy(p, t, ignore_index=-1),
    "ignored nll": lambda p, t: te.nll(te.log_softmax(p, 1), t, ignore_index=-1),
    "a module": nn.CrossEntropyLoss(ignore_index=-1),
    "weights": lambda p, t: te.cross_entropy(p, t, weight=FACTORS, ignore_index=-1, label_smoothing=0.1),
    "sum": lambda p, t: te.cross_entropy(p, abs(t), reduction="sum"),
    "sum and ignored": lambda p, t: te.nll(p, t, ignore_index=-1, reduction="sum"),
    "sum of squares": lambda p, t: te.mse(p[:, 0], t, reduction="sum"),
    "by hand": _by_hand,
}


@pytest.mark.parametrize("title", LOSSES)
@pytest.mark.parametrize("known", [True, False])
def test_batches_are_one_large_batch_whatever_the_mean_of_the_loss_is_divided_by(
    title: str, known: bool, recwarn: Any
) -> None:
    x, loss = X[:13].astype(np.float64), LOSSES[title]

    def trained(size: int, accumulate: int) -> Any:
        te.manual_seed(0)
        model = nn.Linear(3, 3, dtype="float64")
        loader = data.DataLoader(data.ArrayDataset(x, IGNORED), size)
        history = fit(
            model,
            loader if known else (batch for _ in range(1) for batch in loader),
            loss=loss,
            accumulate=accumulate,
            optimizer=optim.SGD(model.parameters(), lr=0.2),
            **QUIET,
        )
        return model, history[0]["train_loss"]

    one, mean = trained(13, 1)
    np.testing.assert_allclose(
        mean, training.evaluate(_linear(), (x, IGNORED), loss=loss)["loss"], rtol=1e-12
    )
    for size in (1, 2, 3, 5):
        several, small = trained(size, 13)
        np.testing.assert_allclose(several.weight.numpy(), one.weight.numpy(), rtol=1e-9, atol=1e-13)
        assert small == pytest.approx(mean, rel=1e-12)
        found = training.evaluate(_linear(), (x, IGNORED), loss=loss, batch_size=size)["loss"]
        assert found == pytest.approx(mean, rel=1e-12)
    assert not [one for one in recwarn.list if "batches are joined" in str(one.message)]


def _linear() -> Any:
    te.manual_seed(0)
    return nn.Linear(3, 3, dtype="float64")


@pytest.mark.parametrize("composed", [
    lambda p, t: te.cross_entropy(p, t, ignore_index=-1) * 2.0,
    lambda p, t: te.nll(p, t, ignore_index=-1, reduction="none").mean(),
    lambda p, t: te.mse(p[:, 0], t, reduction="sum") / 100.0,
])  # fmt: skip
def test_a_loss_of_unknown_weight_is_a_warning_once_batches_are_joined(composed: Any, recwarn: Any) -> None:
    given = (X[:13].astype(np.float64), IGNORED)
    training.evaluate(_linear(), given, loss=composed, batch_size=13)
    assert not recwarn.list
    with pytest.warns(UserWarning, match=r"can return .*'rows': that number") as found:
        training.evaluate(_linear(), given, loss=composed, batch_size=5)
    assert len(found) == 1


def test_an_update_of_no_row_that_counts_is_an_error_and_a_measurement_of_none_is_nan() -> None:
    targets = np.full(13, -1)
    model = _linear()
    before, given = weights(model), {"loss": LOSSES["ignored"], "batch_size": 4}
    for accumulate in (1, 2):
        with pytest.raises(training.TrainingError, match=r"nan|NaN"):
            fit(model, (X[:13].astype(np.float64), targets), optimizer=optim.SGD(model.parameters(), lr=0.1),
                accumulate=accumulate, **given, **QUIET)  # fmt: skip
        assert weights(model) == before
    assert math.isnan(training.evaluate(model, (X[:13].astype(np.float64), targets), **given)["loss"])


@pytest.mark.parametrize("title", LOSSES)
@pytest.mark.parametrize("accumulate", [1, 2])
def test_ranks_are_one_process(title: str, accumulate: int) -> None:
    """Also if no row of a rank's batch counts."""
    x = X[:12].astype(np.float64)

    def trained(comm: Any, size: int, accumulate: int) -> Any:
        model, shard = _linear(), (0, 1) if comm is None else (comm.rank, comm.size)
        loader = data.DataLoader(data.ArrayDataset(x, IGNORED[:12]), size, shard=shard)
        history = fit(model, loader, loss=LOSSES[title], optimizer=optim.SGD(model.parameters(), lr=0.2),
                      accumulate=accumulate, comm=comm, **QUIET)  # fmt: skip
        return model.weight.numpy(), history[0]["train_loss"]

    alone, mean = trained(None, 4 * accumulate, 1)
    for weight, found in distributed.ThreadCluster(2, timeout=60).run(trained, 2, accumulate):
        np.testing.assert_allclose(weight, alone, rtol=1e-9, atol=1e-13)
        assert found == pytest.approx(mean, rel=1e-9)
