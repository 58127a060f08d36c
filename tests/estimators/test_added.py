"""What scikit-learn's users ask for and it does not have: each against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import neural_network as theirs
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.utils.class_weight import compute_sample_weight

import tinygrad_edu as te
from tests.backend.boxed import BoxedBackend
from tests.estimators.twins import assert_close, assert_same
from tinygrad_edu import nn
from tinygrad_edu.backend import registry
from tinygrad_edu.errors import DeviceError
from tinygrad_edu.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = make_classification(120, 6, n_informative=4, n_classes=3, weights=[0.7, 0.2], random_state=0)
SHORT = {"random_state": 0, "max_iter": 8, "hidden_layer_sizes": (7, 5)}


@pytest.mark.parametrize("balance", ["balanced", {0: 1.0, 1: 5.0, 2: 0.5}])
def test_class_weights_are_sample_weights(balance):
    weight = np.random.default_rng(0).uniform(0.5, 2, len(Y))
    mine = MLPClassifier(class_weight=balance, **SHORT).fit(X, Y, weight)
    their = theirs.MLPClassifier(**SHORT).fit(X, Y, weight * compute_sample_weight(balance, Y))
    assert_same((their, mine), X)
    with pytest.raises(ValueError, match="pass a dict"):
        MLPClassifier(class_weight="balanced").partial_fit(X, Y, classes=[0, 1, 2])


def test_the_held_out_loss_of_every_epoch():
    seen = []

    def see(model):
        seen.append(log_loss(Y[90:], model.predict_proba(X[90:])))

    model = MLPClassifier(callbacks=[see], **SHORT)
    model.fit(X[:90], Y[:90], validation_set=(X[90:], Y[90:]))
    assert_close(model.validation_curve_, seen)
    assert len(seen) == model.n_iter_ == 8
    plain = theirs.MLPClassifier(**SHORT).fit(X[:90], Y[:90])
    assert_same((plain, model), X)


def test_early_stopping_watches_the_rows_it_is_given():
    model = MLPClassifier(early_stopping=True, **SHORT).fit(X[:90], Y[:90], validation_set=(X[90:], Y[90:]))
    assert model.best_validation_score_ == max(model.validation_scores_) == model.score(X[90:], Y[90:])
    assert len(model.validation_curve_) == len(model.validation_scores_) == 8


def test_a_callback_ends_the_fit():
    model = MLPClassifier(callbacks=[lambda m: m.n_iter_ == 3], **SHORT).fit(X, Y)
    assert model.n_iter_ == len(model.loss_curve_) == 3


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("y", [Y, Y == 1, np.c_[Y == 1, Y > 0]], ids=["classes", "two", "labels"])
def test_autograd_goes_the_same_way(solver, y):
    """`sigmoid`, this library's name for it, has no formula in `plain` and takes the way through modules."""
    weight = np.random.default_rng(0).uniform(0.5, 2, len(Y))
    options = {**SHORT, "solver": solver, "batch_size": 50}
    y = y.astype(int)
    their = theirs.MLPClassifier(activation="logistic", **options).fit(X, y, weight)
    mine = MLPClassifier(activation="sigmoid", **options).fit(X, y, weight)
    assert_same((their, mine), X)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_autograd_goes_the_same_way_to_quantities(loss):
    y = np.abs(X[:, :2])
    their = theirs.MLPRegressor(loss, activation="logistic", **SHORT).fit(X, y)
    assert_same((their, MLPRegressor(loss, activation="sigmoid", **SHORT).fit(X, y)), X)


def test_activations_layer_by_layer():
    same = MLPClassifier(activation=["relu", "relu"], **SHORT).fit(X, Y)
    assert_same((theirs.MLPClassifier(**SHORT).fit(X, Y), same), X)
    mixed = MLPClassifier(activation=["tanh", "gelu"], **SHORT).fit(X, Y)
    x = te.tensor(X)
    (w1, w2, w3), (b1, b2, b3) = mixed.coefs_, mixed.intercepts_
    sums = te.gelu(te.tanh(x @ te.tensor(w1) + te.tensor(b1)) @ te.tensor(w2) + te.tensor(b2))
    assert_close(mixed.predict_proba(X), te.softmax(sums @ te.tensor(w3) + te.tensor(b3), axis=1).numpy())
    with pytest.raises(ValueError, match="one for each hidden layer"):
        MLPClassifier(activation=["tanh"], **SHORT).fit(X, Y)


def test_dropout_drops_in_training_only_and_comes_again_with_the_seed():
    models = [MLPClassifier(dropout=[0.0, 0.5], **SHORT).fit(X, Y) for _ in range(2)]
    np.testing.assert_array_equal(models[0].predict_proba(X), models[1].predict_proba(X))
    none = MLPClassifier(**SHORT).fit(X, Y)
    assert not np.allclose(models[0].coefs_[0], none.coefs_[0])
    layers = [type(layer).__name__ for layer in models[0].to_module()]
    assert layers == ["Linear", "ReLU", "Linear", "ReLU", "Dropout", "Linear"]


@pytest.mark.parametrize("dtype", ["float32", np.float64, te.float32])
def test_dtype(dtype):
    model = MLPClassifier(dtype=dtype, **SHORT).fit(X, Y)
    assert {a.dtype for a in (*model.coefs_, *model.intercepts_, model.predict_proba(X))} == {np.dtype(dtype)}
    expected = theirs.MLPClassifier(**SHORT).fit(X.astype(dtype), Y)
    np.testing.assert_allclose(model.loss_curve_, expected.loss_curve_, rtol=1e-4)


def test_a_module_of_ones_own():
    class Residual(nn.Module):
        def __init__(self, inputs, outputs):
            self.inside, self.last = nn.Linear(inputs, inputs), nn.Linear(inputs, outputs)

        def forward(self, x):
            return self.last(x + te.tanh(self.inside(x)))

    models = [MLPClassifier(module=Residual, random_state=0, max_iter=60).fit(X, Y) for _ in range(2)]
    np.testing.assert_array_equal(models[0].predict_proba(X), models[1].predict_proba(X))
    assert models[0].score(X, Y) > 0.7 and isinstance(models[0].module_, Residual)
    assert not hasattr(models[0], "coefs_")


def test_the_perceptron_as_a_module_is_the_perceptron():
    options = {**SHORT, "shuffle": False}  # a module draws no weights: the shuffles would be others
    start = MLPClassifier(**{**options, "max_iter": 1, "learning_rate_init": 1e-300}).fit(X, Y).to_module()
    model = MLPClassifier(module=start, **options).fit(X, Y)
    expected = theirs.MLPClassifier(**options).fit(X, Y)
    assert_close(model.loss_curve_, expected.loss_curve_)
    assert_close(model.predict_proba(X), expected.predict_proba(X))
    assert start is not model.module_


def test_on_the_simulator():
    try:
        registry.get("simulator")
    except DeviceError as error:
        pytest.skip(str(error))
    options = {"random_state": 0, "max_iter": 1, "hidden_layer_sizes": (5,), "batch_size": 60}
    expected = theirs.MLPClassifier(**options).fit(X, Y)
    model = MLPClassifier(device="simulator", dtype="float32", **options).fit(X, Y)
    np.testing.assert_allclose(model.coefs_[0], expected.coefs_[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model.predict_proba(X), expected.predict_proba(X), rtol=1e-4)


def test_without_a_device_an_estimator_stays_on_the_cpu_whatever_the_default():
    """As the documentation of `device` says, and so that its numbers are scikit-learn's everywhere."""
    registry.register("boxed", BoxedBackend)
    expected = theirs.MLPClassifier(**SHORT).fit(X, Y)
    with registry.temporary_default("boxed"):
        model = MLPClassifier(**SHORT).fit(X, Y)
        assert_same((expected, model), X)
        dropped = MLPClassifier(dropout=0.1, **SHORT).fit(X, Y)
    again = MLPClassifier(dropout=0.1, **SHORT).fit(X, Y)
    np.testing.assert_array_equal(dropped.predict(X), again.predict(X))


def test_the_end_of_patience_is_told():
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(8\) reached"):
        MLPClassifier(**SHORT).fit(X, Y)
