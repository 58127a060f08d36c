"""Fits that follow on fits, on bad calls and on changed settings: what must stay, and what must be said."""

from __future__ import annotations

import copy
import pickle
import re
from itertools import pairwise

import numpy as np
import pytest
from scipy import sparse
from sklearn import neural_network as theirs
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss
from sklearn.utils.class_weight import compute_class_weight

from tests.estimators.twins import assert_close, assert_same, both
from tinygrad_edu import nn
from tinygrad_edu.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = make_classification(120, 6, n_informative=4, n_classes=3, random_state=0)
SHORT = {"random_state": 0, "max_iter": 4, "hidden_layer_sizes": (7, 5)}


def plain_net(inputs, outputs):
    return nn.Sequential(nn.Linear(inputs, 8), nn.ReLU(), nn.Linear(8, outputs))


# -- bad calls lose nothing ----------------------------------------------------------------------------------

BAD_CALLS = {
    "activation": ({"activation": ["relu"]}, {}, "one for each hidden layer"),
    "an activation within": ({"activation": [["relu"], "relu"]}, {}, "one for each hidden layer"),
    "dropout": ({"dropout": [0.1]}, {}, "one for each hidden layer"),
    "dropout in words": ({"dropout": ("a", "b")}, {}, "one for each hidden layer"),
    "dropout and lbfgs": ({"dropout": 0.5, "solver": "lbfgs"}, {}, "lbfgs"),
    "dtype": ({"dtype": int}, {}, "float32 or float64"),
    "dtype in words": ({"dtype": "real"}, {}, "float32 or float64"),
    "device": ({"device": "gpu"}, {}, "device='gpu' is not here"),
    "no device": ({"device": ""}, {}, "is not here"),
    "callbacks": ({"callbacks": [3]}, {}, "list of functions"),
    "one callback": ({"callbacks": print}, {}, "callbacks"),
    "no dropout": ({"dropout": None}, {}, "dropout"),
    "a number for a device": ({"device": 3}, {}, "device"),
    "a number for class weights": ({"class_weight": 3}, {}, "class_weight"),
    "no module": ({"module": lambda i, o: "net"}, {}, "returned a str"),
    "module with nothing": ({"module": lambda i, o: nn.Sequential(nn.ReLU())}, {}, "no parameters"),
    "held out columns": ({}, {"validation_set": (X[:, :3], Y)}, "3 features"),
    "held out alone": ({}, {"validation_set": X}, "pair"),
    "held out row": ({}, {"validation_set": (X[:1], Y[:1])}, "2 rows or more"),
}


@pytest.mark.parametrize("change, more, words", BAD_CALLS.values(), ids=BAD_CALLS)
def test_a_bad_call_loses_nothing(change, more, words):
    untouched = MLPClassifier(**SHORT).set_params(**change)
    with pytest.raises((ValueError, TypeError), match=words):
        untouched.fit(X, Y, **more)
    with pytest.raises(NotFittedError):
        untouched.predict(X)
    good = {name: getattr(MLPClassifier(**SHORT), name) for name in change}
    untouched.set_params(**good).partial_fit(X, Y, classes=[0, 1, 2])

    model = MLPClassifier(**SHORT).fit(X, Y)
    before, curve = model.predict_proba(X), list(model.loss_curve_)
    with pytest.raises((ValueError, TypeError), match=words):
        model.set_params(**change).fit(X, Y, **more)
    model.set_params(**good)
    np.testing.assert_array_equal(model.predict_proba(X), before)
    assert model.loss_curve_ == curve and model.n_iter_ == 4


def test_a_first_partial_fit_that_fails_has_met_no_classes():
    model = MLPClassifier(**SHORT)
    with pytest.raises(ValueError, match="classes not in"):
        model.partial_fit(X, Y, classes=[0, 1])
    with pytest.raises(ValueError, match="first call to partial_fit"):
        model.partial_fit(X, Y)
    model.partial_fit(X, Y, classes=[0, 1, 2])


def test_a_fit_that_breaks_off_leaves_no_old_optimizer_behind():
    results = []
    for hidden in ((3,), (7, 5)):
        for m in both("MLPClassifier", **SHORT):
            m.fit(X, Y)
            m.set_params(hidden_layer_sizes=hidden, batch_size=30, shuffle=False)
            with pytest.raises(ZeroDivisionError):
                m.fit(X, Y, np.r_[np.ones(60), np.zeros(60)])
            for _ in range(3):
                m.partial_fit(X, Y)
            results.append(m)
    for their, our in zip(results[::2], results[1::2], strict=True):
        assert_close(our.loss_curve_[-3:], their.loss_curve_[-3:])
        assert_close(our.coefs_[0], their.coefs_[0])


# -- settings that change between fits -----------------------------------------------------------------------


def test_a_prediction_is_that_of_the_trained_layers():
    their, our = both("MLPRegressor", hidden_layer_sizes=(5, 1), random_state=0, max_iter=5)
    for m in (their, our):
        m.fit(X, X[:, 0]).set_params(hidden_layer_sizes=(5,))
    assert_close(our.predict(X), their.predict(X))
    model = MLPClassifier(activation="gelu", **SHORT).fit(X, Y)
    before = model.predict_proba(X)
    np.testing.assert_array_equal(model.set_params(hidden_layer_sizes=(7,)).predict_proba(X), before)
    module = MLPClassifier(**SHORT).fit(X, Y)
    before = module.predict_proba(X)
    np.testing.assert_array_equal(module.set_params(module=plain_net).predict_proba(X), before)


@pytest.mark.parametrize("start", [{}, {"module": plain_net}], ids=["perceptron", "module"])
@pytest.mark.parametrize("change", [{"hidden_layer_sizes": (7,)}, {"hidden_layer_sizes": (7, 5, 3)},
                                    {"hidden_layer_sizes": (7, 6)}, {"module": lambda i, o: plain_net(i, o)}]
)  # fmt: skip
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_warm_start_goes_on_with_the_same_network_or_says_so(start, change, solver):
    model = MLPClassifier(warm_start=True, solver=solver, **SHORT, **start).fit(X, Y)
    before = model.predict_proba(X)
    model.set_params(**change)
    if start and "module" not in change:  # the sizes of layers do not matter to a module
        model.fit(X, Y)
        return
    with pytest.raises(ValueError, match="warm_start=False to begin anew"):
        model.fit(X, Y)
    np.testing.assert_array_equal(model.predict_proba(X), before)
    assert model.set_params(warm_start=False).fit(X, Y).predict_proba(X).shape == before.shape


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_another_way_of_computing_goes_on_with_the_same_weights_and_moments(solver):
    """`sigmoid` goes through autograd, and `logistic`, the same function, through the formulas."""
    their, our = both("MLPClassifier", activation="logistic", solver=solver, **SHORT)
    for name in ("sigmoid", "logistic", "sigmoid", "sigmoid", "logistic", "logistic"):
        their.partial_fit(X, Y, classes=[0, 1, 2])
        our.set_params(activation=name).partial_fit(X, Y, classes=[0, 1, 2])
        assert_same((their, our), X)
    our.set_params(dropout=0.5).partial_fit(X, Y)
    our.set_params(dropout=0.0).partial_fit(X, Y)


@pytest.mark.parametrize(
    "again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["copy", "pickle"]
)
@pytest.mark.parametrize(
    "more", [{}, {"activation": "sigmoid"}, {"module": plain_net}], ids=["plain", "graph", "module"]
)
def test_a_copy_goes_on_as_the_original_would_and_by_itself(again, more):
    model = MLPClassifier(**SHORT, **more)
    for _ in range(2):
        model.partial_fit(X, Y, classes=[0, 1, 2])
    other = again(model)
    before = other.predict_proba(X)
    model.partial_fit(X, Y)
    np.testing.assert_array_equal(other.predict_proba(X), before)
    other.partial_fit(X, Y)
    assert_close(other.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize(
    "start, change",
    [
        ({"learning_rate": "invscaling"}, {"learning_rate_init": 0.1}),
        ({"learning_rate": "invscaling"}, {"power_t": 0.9}),
        ({"learning_rate": "invscaling"}, {"learning_rate": "constant"}),
        ({"learning_rate": "constant"}, {"learning_rate": "invscaling"}),
        ({"momentum": 0.5}, {"momentum": 0.9}),
    ],
)
def test_partial_fit_keeps_to_the_schedule_it_was_begun_with(start, change):
    twins = both("MLPClassifier", solver="sgd", **SHORT, **start)
    for m in twins:
        m.partial_fit(X, Y, classes=[0, 1, 2]).set_params(**change)
        for _ in range(3):
            m.partial_fit(X, Y)
    assert_same(twins, X)


@pytest.mark.parametrize("rate", [np.float32(0.01), np.float16(0.1)])
@pytest.mark.parametrize("more", [{}, {"solver": "sgd", "learning_rate": "adaptive", "tol": 1.0}])
def test_a_learning_rate_of_few_bits_is_taken_as_it_is(rate, more):
    twins = both("MLPClassifier", **{**SHORT, "max_iter": 30, "learning_rate_init": rate, **more})
    for m in twins:
        m.fit(X, Y)
    assert_same(twins, X)


def test_dtype_holds_in_a_warm_start_too():
    model = MLPClassifier(warm_start=True, **SHORT).fit(X, Y)
    assert model.set_params(dtype="float32").fit(X, Y).coefs_[0].dtype == np.float32
    assert model.predict_proba(X).dtype == np.float32
    assert model.set_params(dtype=float).fit(X, Y).coefs_[0].dtype == np.float64
    assert MLPClassifier(dtype="f4", **SHORT).fit(X, Y).coefs_[0].dtype == np.float32


def test_nothing_stays_of_another_kind_of_network():
    model = MLPClassifier(**SHORT).fit(X, Y).set_params(module=plain_net).fit(X[:, :3], Y)
    assert not hasattr(model, "coefs_") and model.to_module()[0].weight.shape == (8, 3)
    model.set_params(module=None).fit(X, Y)
    assert not hasattr(model, "module_") and model.coefs_[0].shape == (6, 7)


# -- targets, weights, L-BFGS --------------------------------------------------------------------------------


def test_weights_of_classes_hold_for_batches_without_the_class():
    their = theirs.MLPClassifier(**SHORT)
    our = MLPClassifier(class_weight={1: 2.0}, **SHORT)
    for part in (slice(None), Y == 0, Y != 2):
        their.partial_fit(X[part], Y[part], classes=[0, 1, 2], sample_weight=np.where(Y[part] == 1, 2.0, 1.0))
        our.partial_fit(X[part], Y[part], classes=[0, 1, 2])
    assert_same((their, our), X)


def test_rows_held_out_need_not_have_every_class():
    model = MLPClassifier(warm_start=True, **SHORT).fit(X, Y, validation_set=(X[Y < 2], Y[Y < 2]))
    assert len(model.validation_curve_) == 4


def test_lbfgs_is_watched_and_stopped():
    seen = []
    model = MLPClassifier(solver="lbfgs", callbacks=[lambda m: seen.append(m.n_iter_)], **SHORT)
    model.fit(X[:90], Y[:90], validation_set=(X[90:], Y[90:]))
    assert seen == [1, 2, 3, 4] and len(model.validation_curve_) == model.n_iter_ == 4
    assert_same((theirs.MLPClassifier(solver="lbfgs", **SHORT).fit(X[:90], Y[:90]), model), X)
    two = MLPClassifier(solver="lbfgs", callbacks=[lambda m: m.n_iter_ == 2], **SHORT).fit(X, Y)
    assert two.n_iter_ == 2
    expected = theirs.MLPClassifier(solver="lbfgs", **{**SHORT, "max_iter": 2}).fit(X, Y)
    assert_close(two.coefs_[0], expected.coefs_[0])


def test_lbfgs_works_in_the_precision_of_scipy():
    their, our = both("MLPRegressor", solver="lbfgs", **SHORT)
    x, y = X.astype(np.float32), X[:, 0]
    for m in (their, our):
        m.fit(x, y)
    assert our.coefs_[0].dtype == their.coefs_[0].dtype == np.float64
    np.testing.assert_allclose(our.predict(x), their.predict(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("y", [Y.astype(str), np.datetime64("2020-01-01") + Y, Y.astype("m8[D]")])
def test_a_regressor_learns_numbers(y):
    with pytest.raises((ValueError, TypeError)):
        theirs.MLPRegressor(**SHORT).fit(X, y)
    with pytest.raises(ValueError, match="learns numbers"):
        MLPRegressor(**SHORT).fit(X, y)


def test_sparse_targets():
    y = sparse.csr_array(np.c_[Y, Y].astype(float))
    twins = both("MLPRegressor", **SHORT)
    for m in twins:
        m.fit(X, y)
    assert_same(twins, X)


def test_large_targets_are_not_rounded_to_the_precision_of_the_inputs():
    x, y = X.astype(np.float32), 1e7 + np.arange(120.0)
    curve = MLPRegressor(**{**SHORT, "max_iter": 10}).fit(x, y).loss_curve_
    assert all(before > after for before, after in pairwise(curve))


def test_the_line_that_an_error_names_is_the_users():
    def broken(inputs, outputs):
        return nn.Linear(inputs + 1, outputs)

    with pytest.raises(ValueError, match="test_going_on"):
        MLPClassifier(module=broken, **SHORT).fit(X, Y)


@pytest.mark.parametrize(
    "start", [{}, {"module": plain_net}, {"activation": "sigmoid"}], ids=["plain", "module", "graph"]
)
@pytest.mark.parametrize("change", [{}, {"dtype": "float32"}, {"early_stopping": True}, {"solver": "lbfgs"}])
def test_a_warm_start_that_fails_takes_no_moments_and_no_digits(start, change):
    model = MLPClassifier(warm_start=True, **SHORT, **start)
    for _ in range(5):
        model.partial_fit(X, Y, classes=[0, 1, 2])
    other, before = copy.deepcopy(model), model.predict_proba(X)
    with pytest.raises(ValueError, match="2 rows or more"):
        model.set_params(**change).fit(X, Y, validation_set=(X[:1], Y[:1]))
    model.set_params(**{name: getattr(MLPClassifier(), name) for name in change})
    np.testing.assert_array_equal(model.predict_proba(X), before)
    assert_close(model.partial_fit(X, Y).predict_proba(X), other.partial_fit(X, Y).predict_proba(X))


def test_lbfgs_leaves_the_optimizer_of_the_descent_before():
    twins = both("MLPClassifier", **SHORT)
    for m in twins:
        m.fit(X, Y)
        m.set_params(solver="lbfgs", warm_start=True).fit(X, Y)
        m.set_params(solver="adam", warm_start=False)
        for _ in range(3):
            m.partial_fit(X, Y)
    assert_close(twins[1].coefs_[0], twins[0].coefs_[0])
    model = MLPClassifier(solver="lbfgs", **SHORT).fit(X, Y)
    model.set_params(solver="adam", learning_rate_init=0.5).partial_fit(X, Y)
    assert re.match(r"ScikitAdam\(.*lr=0.5", repr(model._progress.optimizer), re.DOTALL)


@pytest.mark.parametrize("weights", ["balanced", {0: 5.0, 1: 1.0, 2: 0.2}])
def test_weights_of_classes_weigh_the_rows_held_out_too(weights):
    model = MLPClassifier(class_weight=weights, **SHORT).fit(X, Y, validation_set=(X[:40], Y[:40]))
    of_class = compute_class_weight(weights, classes=np.arange(3), y=Y)
    assert_close(
        model.validation_curve_[-1],
        log_loss(Y[:40], model.predict_proba(X[:40]), sample_weight=of_class[Y[:40]]),
    )


def test_a_subclass_keeps_its_own_words():
    class Mine(MLPClassifier):
        """My words."""

    assert Mine.__doc__ == "My words." and "validation_curve_" in MLPClassifier.__doc__
