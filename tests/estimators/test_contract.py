"""scikit-learn's contract: every `check_estimator` check with no waiver, and the tools that rest on it."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings
from collections import Counter

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from tinygrad_edu import nn
from tinygrad_edu import sklearn as ours

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


SKIPPED = {
    "check_classifiers_multilabel_output_format_decision_function": "scikit-learn's has none either",
    "check_array_api_input": "needs SCIPY_ARRAY_API=1 before SciPy is imported: set it to run this one too",
}


def statuses(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done = check_estimator(estimator, on_fail=None, on_skip=None)
    assert not any(one["expected_to_fail"] for one in done)
    failed = {one["check_name"]: one["exception"] for one in done if one["status"] == "failed"}
    assert not failed
    assert {one["check_name"] for one in done if one["status"] == "skipped"} <= SKIPPED.keys()
    return Counter(one["status"] for one in done)


AUTOGRAD = ours.MLPClassifier(10, activation="silu", learning_rate_init=0.05, max_iter=60)


@pytest.mark.parametrize(
    "model",
    [ours.MLPClassifier(), ours.MLPRegressor(), AUTOGRAD],
    ids=["classifier", "regressor", "autograd"],
)
def test_every_check_passes(model):
    """`SCIPY_ARRAY_API=1 python -m tests.estimators.test_contract` prints the counts of both."""
    assert statuses(model)["passed"] > 50


def test_grid_search_in_a_pipeline_with_processes():
    frame, y = load_iris(return_X_y=True, as_frame=True)
    best = []
    for library in (theirs, ours):
        model = make_pipeline(StandardScaler(), library.MLPClassifier(random_state=0, max_iter=20))
        search = GridSearchCV(
            model,
            {"mlpclassifier__alpha": [1e-4, 1.0], "mlpclassifier__hidden_layer_sizes": [(5,), (10, 5)]},
            cv=3,
            n_jobs=2,
        )
        best.append(search.fit(frame, y).cv_results_["mean_test_score"])
    np.testing.assert_array_equal(*best)


def test_cross_validation_and_many_outputs():
    x, y = load_iris(return_X_y=True)
    scores = [
        cross_val_score(library.MLPClassifier(random_state=0, max_iter=20), x, y, cv=3)
        for library in (theirs, ours)
    ]
    np.testing.assert_array_equal(*scores)
    several = [
        MultiOutputClassifier(library.MLPClassifier(random_state=0, max_iter=20))
        .fit(x, np.c_[y, y == 1])
        .predict(x)
        for library in (theirs, ours)
    ]
    np.testing.assert_array_equal(*several)


def test_data_frames_give_names_and_are_held_to_them():
    frame, y = load_iris(return_X_y=True, as_frame=True)
    model = ours.MLPClassifier(random_state=0, max_iter=5).fit(frame, y)
    assert list(model.feature_names_in_) == list(frame.columns)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[frame.columns[::-1]])
    named = model.fit(frame, y.map({0: "setosa", 1: "versicolor", 2: "virginica"}))
    assert set(pd.Series(named.predict(frame))) <= {"setosa", "versicolor", "virginica"}


@pytest.mark.parametrize("changes", [{}, {"dropout": 0.3}, {"solver": "sgd", "learning_rate": "adaptive"},
                                     {"module": nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))}]
)  # fmt: skip
def test_what_comes_out_of_a_pickle_or_joblib_goes_on_where_it_was(changes, tmp_path):
    x, y = load_iris(return_X_y=True)
    model = ours.MLPClassifier(random_state=np.random.RandomState(0), **changes)
    model.partial_fit(x, y, classes=[0, 1, 2]).partial_fit(x, y)
    joblib.dump(model, tmp_path / "model")
    others = [pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model")]
    expected = model.partial_fit(x, y).predict_proba(x)
    for other in others:
        np.testing.assert_array_equal(other.partial_fit(x, y).predict_proba(x), expected)


def test_a_model_mapped_into_memory_predicts():
    x, y = load_iris(return_X_y=True)
    model = ours.MLPClassifier(random_state=0, max_iter=3).fit(x, y)
    for array in (*model.coefs_, *model.intercepts_):
        array.flags.writeable = False
    assert len(model.predict(x)) == len(x)


def test_clone_takes_all_parameters_and_nothing_learned():
    x, y = load_iris(return_X_y=True)
    model = ours.MLPClassifier(max_iter=3, dropout=0.1, class_weight="balanced", dtype="float32").fit(x, y)
    assert clone(model).get_params() == model.get_params()
    assert not hasattr(clone(model), "coefs_")


def test_without_scikit_learn_the_error_says_what_to_install():
    code = "import sys; sys.modules['sklearn'] = None\nimport tinygrad_edu.sklearn"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install scikit-learn" in done.stderr


if __name__ == "__main__":
    for library in (theirs, ours):
        for name in ("MLPClassifier", "MLPRegressor"):
            print(library.__name__, name, dict(statuses(getattr(library, name)())))
