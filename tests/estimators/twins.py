"""Twins: the same estimator from scikit-learn and from this library, and what must be equal about them."""

from __future__ import annotations

import warnings

import numpy as np
from hypothesis import strategies as st
from scipy import sparse
from sklearn import neural_network as theirs

from tinygrad_edu import sklearn as ours

TOLERANCE = 1e-9
ATTRIBUTES = ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "loss_", "best_loss_",
              "best_validation_score_")  # fmt: skip
CURVES = ("loss_curve_", "validation_scores_", "coefs_", "intercepts_")

PARAMETERS = {
    "hidden_layer_sizes": st.one_of(st.integers(1, 12), st.lists(st.integers(1, 8), max_size=3).map(tuple)),
    "activation": st.sampled_from(["identity", "logistic", "tanh", "relu"]),
    "solver": st.sampled_from(["adam", "sgd", "adam", "sgd", "lbfgs"]),
    "alpha": st.sampled_from([0.0, 1e-4, 0.3]),
    "batch_size": st.sampled_from(["auto", 1, 7, 16, 64]),
    "learning_rate": st.sampled_from(["constant", "invscaling", "adaptive"]),
    "learning_rate_init": st.sampled_from([1e-4, 1e-3, 1e-2, 5e-2]),
    "power_t": st.sampled_from([0.0, 0.3, 0.5]),
    "max_iter": st.integers(1, 25),
    "shuffle": st.booleans(),
    "random_state": st.integers(0, 2**32 - 1),
    "tol": st.sampled_from([1e-6, 1e-4, 1e-2, 0.1]),
    "momentum": st.sampled_from([0.0, 0.5, 0.9]),
    "nesterovs_momentum": st.booleans(),
    "early_stopping": st.booleans(),
    "validation_fraction": st.sampled_from([0.1, 0.3]),
    "beta_1": st.sampled_from([0.0, 0.9]),
    "beta_2": st.sampled_from([0.5, 0.999]),
    "epsilon": st.sampled_from([1e-8, 1e-3]),
    "n_iter_no_change": st.sampled_from([1, 2, 5, np.inf]),
    "max_fun": st.sampled_from([5, 15000]),
}
hyper_parameters = st.fixed_dictionaries({}, optional=PARAMETERS)
TASKS = ("two classes", "classes", "labels", "quantity", "quantities", "counts")
# Columns of a csc_matrix are summed in another order there, which a wild fit magnifies; it has its own test.
FORMS = {"array": np.asarray, "fortran": np.asfortranarray, "csr": sparse.csr_array}


@st.composite
def problems(draw):
    """(kind, options, X in some form, y): a small data set that a network can learn something of."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows, columns = draw(st.integers(40, 90)), draw(st.integers(1, 6))
    x = random.standard_normal((rows, columns)) * (random.random((rows, columns)) < 0.7)
    sums = x @ random.standard_normal((columns, 3)) + 0.1 * random.standard_normal((rows, 3))
    task = draw(st.sampled_from(TASKS))
    y = {"two classes": np.where(sums[:, 0] > 0, "yes", "no"), "classes": sums.argmax(axis=1) * 2 - 1,
         "labels": (sums > 0).astype(int), "quantity": sums[:, 0], "quantities": sums,
         "counts": np.floor(np.abs(sums[:, 0]))}[task]  # fmt: skip
    kind = "MLPClassifier" if task in TASKS[:3] else "MLPRegressor"
    form = FORMS[draw(st.sampled_from(list(FORMS)))]
    return kind, {"loss": "poisson"} if task == "counts" else {}, form(x), y


def both(kind, **parameters):
    """The two estimators, untrained."""
    return getattr(theirs, kind)(**parameters), getattr(ours, kind)(**parameters)


def record(call):
    """What `call()` gave, or the error it raised, and the warnings on the way: (type, text) each."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = call()
        except Exception as error:
            value = (type(error).__name__, str(error))
    # A floating-point warning names the operation that NumPy was in, which need not be the same one.
    return value, {(w.category.__name__, str(w.message)) for w in caught if w.category is not RuntimeWarning}


def assert_same_call(twins, call):
    """`call` on each does the same: it returns close values, or raises and warns in the same words.

    Returns whether it raised nothing.
    """
    (their_value, their_warnings), (our_value, our_warnings) = (record(lambda m=m: call(m)) for m in twins)
    assert our_warnings == their_warnings
    if isinstance(their_value, np.ndarray):
        assert_close(our_value, their_value)
    elif isinstance(their_value, tuple):
        assert our_value == their_value
    else:
        assert not isinstance(our_value, tuple), our_value
    return not isinstance(their_value, tuple)


def assert_close(mine, expected, what=""):
    np.testing.assert_allclose(
        np.asarray(mine, float), np.asarray(expected, float), rtol=TOLERANCE, atol=TOLERANCE, err_msg=what
    )


def assert_same(twins, x):
    """All fitted attributes and predictions of the two agree; `x` are rows to predict."""
    their, our = twins
    for name in (n for n in ATTRIBUTES if hasattr(their, n)):
        expected, mine = getattr(their, name), getattr(our, name)
        if isinstance(expected, float):
            assert_close(mine, expected, name)
        else:
            assert mine == expected, name
    for name in (n for n in CURVES if hasattr(their, n)):
        expected, mine = getattr(their, name), getattr(our, name)
        assert (mine is None) == (expected is None), name
        assert len(mine or ()) == len(expected or ()), name
        for a, b in zip(mine or (), expected or (), strict=True):
            assert_close(a, b, name)
    for name in ("predict_proba", "predict_log_proba"):
        if hasattr(their, name):
            assert_same_call(twins, lambda m, name=name: getattr(m, name)(x))
    expected, mine = their.predict(x), our.predict(x)
    if expected.dtype.kind == "f":
        assert_close(mine, expected)
    else:
        np.testing.assert_array_equal(mine, expected)
