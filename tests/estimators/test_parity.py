"""scikit-learn's results, for hyper-parameters and data that hypothesis draws: to 1e-9, with its warnings."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone

from tests.estimators.twins import assert_same, assert_same_call, both, hyper_parameters, problems, record
from tinygrad_edu import data
from tinygrad_edu.sklearn import MLPClassifier


@settings(max_examples=150)
@given(problems(), hyper_parameters, st.booleans())
def test_fit(problem, parameters, weighted):
    kind, options, x, y = problem
    twins = both(kind, **{"random_state": 0, "max_iter": 20, **parameters, **options})
    weight = np.random.default_rng(1).uniform(0.2, 3, len(y)) if weighted else None
    if assert_same_call(twins, lambda m: m.fit(x, y, weight)):
        assert_same(twins, x)


@settings(max_examples=40)
@given(problems(), hyper_parameters, st.booleans())
def test_fit_again(problem, parameters, warm):
    kind, options, x, y = problem
    twins = both(kind, **{"random_state": 0, **parameters, **options, "max_iter": 6, "warm_start": warm})
    for _ in range(3):
        if not assert_same_call(twins, lambda m: m.fit(x, y)):
            break
        assert_same(twins, x)


@settings(max_examples=40)
@given(problems(), hyper_parameters)
def test_partial_fit(problem, parameters):
    kind, options, x, y = problem
    twins = both(kind, **{"random_state": 0, **parameters, **options})
    if kind == "MLPRegressor" and twins[0].solver == "lbfgs":
        return  # scikit-learn lets it through by an oversight, and fits anew on each part
    more = {}
    if kind == "MLPClassifier":
        more = {"classes": np.unique(y) if y.ndim == 1 else np.arange(y.shape[1])}
    for part in (slice(0, 30), slice(10, 40), slice(0, 40)):
        if not assert_same_call(
            twins,
            lambda m, part=part: m.partial_fit(
                x.tocsr()[part] if hasattr(x, "tocsr") else x[part], y[part], **more
            ),
        ):
            break
        assert_same(twins, x)


def test_the_state_of_the_random_numbers_goes_on():
    x, y = np.random.default_rng(0).standard_normal((60, 4)), np.arange(60) % 3
    twins = both("MLPClassifier", max_iter=3)
    for m in twins:
        m.set_params(random_state=np.random.RandomState(7))
    for _ in range(2):
        assert_same_call(twins, lambda m: m.fit(x, y))
        assert_same(twins, x)
    assert twins[0].random_state.rand() == twins[1].random_state.rand()


@pytest.mark.parametrize("name", ["digits", "compounds"])
def test_real_data_whole_fit(name):
    table = data.load(name)
    x = table.features.astype(float)
    twins = both("MLPClassifier", random_state=0, max_iter=12)
    assert_same_call(twins, lambda m: m.fit(x, table.labels))
    assert_same(twins, x)


@pytest.mark.parametrize("form", [sparse.csc_matrix, sparse.csc_array, sparse.csr_matrix])
@pytest.mark.parametrize("parameters", [{}, {"solver": "sgd", "momentum": 0.5}, {"solver": "lbfgs"},
                                        {"early_stopping": True, "activation": "tanh"}])  # fmt: skip
def test_sparse_data_of_every_form(form, parameters):
    random = np.random.default_rng(0)
    x = form(random.standard_normal((90, 12)) * (random.random((90, 12)) < 0.3))
    y = np.arange(90) % 3
    twins = both("MLPClassifier", random_state=0, max_iter=15, batch_size=20, **parameters)
    assert assert_same_call(twins, lambda m: m.fit(x, y))
    assert_same(twins, x)


def test_weights_written_by_hand_are_where_a_warm_start_begins():
    x, y = np.random.default_rng(0).standard_normal((60, 4)), np.arange(60) % 3
    twins = both("MLPClassifier", random_state=0, max_iter=3, warm_start=True)
    for m in twins:
        m.fit(x, y)
        m.coefs_[0] = m.coefs_[0] * 0.5
        m.intercepts_[0][:] = 1.0
    assert_same(twins, x)
    assert_same_call(twins, lambda m: m.fit(x, y))
    assert_same(twins, x)


def test_what_is_written_when_verbose(capsys):
    x, y = np.random.default_rng(0).standard_normal((60, 4)), np.arange(60) % 3
    texts = []
    for stopping in (False, True):
        for m in both(
            "MLPClassifier",
            random_state=0,
            verbose=True,
            solver="sgd",
            learning_rate="adaptive",
            n_iter_no_change=1,
            tol=0.1,
            early_stopping=stopping,
        ):
            m.fit(x, y)
            texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1] and texts[2] == texts[3] and "Setting learning rate" in texts[0]


@pytest.mark.parametrize("change", [{"alpha": -1}, {"solver": "newton"}, {"hidden_layer_sizes": (3, 0)},
                                    {"batch_size": 0}, {"early_stopping": 2}])  # fmt: skip
def test_bad_parameters_are_refused_in_the_same_words(change):
    x, y = np.zeros((30, 2)), np.arange(30) % 2
    said = [record(lambda m=m: m.fit(x, y))[0] for m in both("MLPClassifier", **change)]
    assert said[0][0] == said[1][0] and "Error" in said[0][0]
    # The words in any order, for what may be chosen is a set.
    assert sorted(re.findall(r"\w+", said[0][1])) == sorted(re.findall(r"\w+", said[1][1]))


@pytest.mark.parametrize("y", [np.arange(60) % 3, np.arange(60) % 2], ids=["classes", "two"])
def test_a_loss_stays_finite_where_a_probability_is_zero(y):
    x = 1e4 * np.random.default_rng(0).standard_normal((60, 4))
    twins = both("MLPClassifier", random_state=0, max_iter=3, activation="identity")
    assert_same_call(twins, lambda m: m.fit(x, y))
    assert_same(twins, x)
    assert np.isfinite(twins[1].loss_curve_).all()


@pytest.mark.parametrize("weight", [[1] * 30 + [2] * 30, [1.0] * 59, [[1.0]] * 60, [0.0] * 60, 2.0])
def test_sample_weights_of_any_kind(weight):
    x, y = np.random.default_rng(0).standard_normal((60, 4)), np.arange(60) % 3
    twins = both("MLPClassifier", random_state=0, max_iter=3)
    assert_same_call(twins, lambda m: m.fit(x, y, weight))
    if hasattr(twins[0], "loss_curve_") and twins[0].loss_curve_:
        assert_same(twins, x)


def test_an_interrupt_keeps_what_was_learned():
    def interrupt(model):
        if model.n_iter_ == 3:
            raise KeyboardInterrupt

    x, y = np.random.default_rng(0).standard_normal((60, 4)), np.arange(60) % 3
    model = MLPClassifier(random_state=0, callbacks=[interrupt])
    with pytest.warns(UserWarning, match="interrupted by user"):
        model.fit(x, y)
    short = clone(model).set_params(callbacks=None, max_iter=3)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        short.fit(x, y)
    np.testing.assert_array_equal(model.coefs_[0], short.coefs_[0])
