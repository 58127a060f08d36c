"""Modules inside an estimator: what they must give, whose random numbers they draw, who may touch them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.datasets import make_classification

import tinygrad_edu as te
from tests.backend.boxed import BoxedBackend
from tests.estimators.twins import assert_close
from tinygrad_edu import nn
from tinygrad_edu.backend import philox, registry
from tinygrad_edu.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = make_classification(120, 6, n_informative=4, n_classes=3, random_state=0)
SHORT = {"random_state": 0, "max_iter": 4, "hidden_layer_sizes": (7, 5)}


def plain_net(inputs, outputs):
    return nn.Sequential(nn.Linear(inputs, 8), nn.ReLU(), nn.Linear(8, outputs))


def test_early_stopping_goes_back_to_the_averages_of_batch_norm_too():
    def net(inputs, outputs):
        return nn.Sequential(nn.Linear(inputs, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, outputs))

    model = MLPClassifier(
        module=net,
        early_stopping=True,
        max_iter=60,
        learning_rate_init=0.1,
        batch_size=15,
        n_iter_no_change=50,
        random_state=0,
    )
    model.fit(X[:90], Y[:90], validation_set=(X[90:], Y[90:]))
    assert model.best_validation_score_ == model.score(X[90:], Y[90:])


@pytest.mark.parametrize("estimator, y, outputs", [
    (MLPRegressor, X[:, :3], 1), (MLPRegressor, X[:, 0], 3), (MLPClassifier, Y, 5),
    (MLPClassifier, Y == 1, 2)])  # fmt: skip
def test_a_module_must_have_the_outputs_that_y_needs(estimator, y, outputs):
    with pytest.raises(ValueError, match=rf"gave \(120, {outputs}\) for 120 rows; for this y it must give"):
        estimator(module=lambda i, o: nn.Linear(i, outputs), max_iter=2).fit(X, y)


def test_a_module_must_have_rows_of_outputs():
    class Flat(nn.Module):
        def __init__(self, inputs, outputs):
            self.inside = nn.Linear(inputs, 1)

        def forward(self, x):
            return self.inside(x).reshape(-1)

    with pytest.raises(ValueError, match="rows by outputs"):
        MLPRegressor(module=Flat, max_iter=2).fit(X, X[:, 0])


def test_fits_in_threads_draw_their_own_first_weights():
    def slowly(inputs, outputs):
        first = nn.Linear(inputs, 8)
        time.sleep(0.01)
        return nn.Sequential(first, nn.ReLU(), nn.Linear(8, outputs))

    def fit(seed):
        return MLPClassifier(module=slowly, max_iter=1, random_state=seed).fit(X, Y).predict_proba(X)

    before = philox.default.state_dict()
    expected = [fit(seed) for seed in range(6)]
    with ThreadPoolExecutor(2) as pool:
        for found, alone in zip(pool.map(fit, range(6)), expected, strict=True):
            np.testing.assert_array_equal(found, alone)
    assert philox.default.state_dict() == before


def test_the_module_given_away_is_a_copy_ready_to_evaluate():
    module = MLPClassifier(module=lambda i, o: nn.Sequential(nn.Dropout(0.5), nn.Linear(i, o)), **SHORT)
    for model in (MLPClassifier(dropout=0.5, **SHORT), module):
        model.fit(X, Y)
        before, given = model.predict_proba(X), model.to_module()
        x = te.tensor(X)
        np.testing.assert_allclose(te.softmax(given(x), axis=1).numpy(), before, rtol=1e-12)
        for p in given.parameters():
            p.detach().zero_()
        np.testing.assert_array_equal(model.predict_proba(X), before)


@pytest.mark.parametrize(
    "more",
    [{}, {"activation": "gelu"}, {"dropout": 0.3}, {"module": plain_net}],
    ids=["plain", "gelu", "dropout", "module"],
)
def test_nobody_draws_from_the_users_generator(more):
    before = philox.default.state_dict()
    model = MLPClassifier(**SHORT, **more).fit(X, Y)
    model.predict(X)
    model.to_module()
    model.partial_fit(X, Y)
    assert philox.default.state_dict() == before


def test_to_predict_beside_a_fit_changes_nothing():
    def started():
        return MLPClassifier(
            module=plain_net, random_state=0, max_iter=60, tol=0, n_iter_no_change=100, warm_start=True
        ).fit(X, Y)

    expected, model, done = started().fit(X, Y), started(), []

    def predict():
        while not done:
            model.predict_proba(X)

    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(predict)
        model.fit(X, Y)
        done.append(True)
        beside.result()
    np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))


def test_to_predict_leaves_the_module_in_training_as_it_is():
    """Its fit may be between two batches, in another thread."""

    def net(inputs, outputs):
        return nn.Sequential(nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.Dropout(0.5))

    model = MLPClassifier(module=net, **SHORT).fit(X, Y)
    expected, state = model.predict_proba(X), model.module_.state_dict()
    model.module_.train()
    np.testing.assert_array_equal(model.predict_proba(X), expected)
    assert all(layer.training for layer in model.module_.modules())
    for name, array in model.module_.state_dict().items():
        np.testing.assert_array_equal(array, state[name])


def test_to_predict_elsewhere_leaves_the_module_where_it_is():
    registry.register("boxed", BoxedBackend)
    model = MLPRegressor(module=lambda i, o: nn.Linear(i, o), device="boxed", max_iter=2, random_state=0)
    model.partial_fit(X, X[:, 0])
    module, there = model.module_, model.predict(X)
    assert_close(model.set_params(device=None).predict(X), there)
    assert {p.device for p in module.parameters()} == {"boxed"}
    model.set_params(device="boxed").partial_fit(X, X[:, 0])
    assert model.module_ is module
    model.set_params(device="cpu").partial_fit(X, X[:, 0])
    assert {p.device for p in model.module_.parameters()} == {"cpu"}
