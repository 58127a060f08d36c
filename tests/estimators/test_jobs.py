"""Estimators in a job: every rank fits the same network, that of one process to rounding."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from tinygrad_edu import distributed, nn
from tinygrad_edu.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(53, 4))
Y = (X[:, 0] * X[:, 1] > 0).astype(int) + (X[:, 2] > 1)
WEIGHT = RANDOM.integers(0, 3, len(X)).astype(float)
LAYERS = {"hidden_layer_sizes": (6,), "max_iter": 4, "random_state": 1}


def job(program: Any, *args: Any, ranks: int = 3) -> list[Any]:
    return distributed.ThreadCluster(ranks, timeout=60).run(program, *args)


def weights(model: Any) -> list[np.ndarray[Any, Any]]:
    if hasattr(model, "module_"):
        return list(model.module_.state_dict().values())
    return [*model.coefs_, *model.intercepts_]


def agree(models: list[Any], alone: Any, tolerance: float = 1e-9) -> None:
    """The same bits on all ranks, and those of one process to rounding."""
    for model in models[1:]:
        for array, first in zip(weights(model), weights(models[0]), strict=True):
            assert array.tobytes() == first.tobytes()
        assert model.loss_ == models[0].loss_ and model.n_iter_ == models[0].n_iter_
    for array, expected in zip(weights(models[0]), weights(alone), strict=True):
        np.testing.assert_allclose(array, expected, rtol=tolerance, atol=tolerance)
    assert models[0].loss_ == pytest.approx(alone.loss_, rel=tolerance)


def both(make: Any, ranks: int = 3, tolerance: float = 1e-9, X: Any = X, y: Any = Y, **fit: Any) -> list[Any]:
    models = job(lambda comm: make(comm=comm).fit(X, y, **fit), ranks=ranks)
    agree(models, make(comm=None).fit(X, y, **fit), tolerance)
    return models


@settings(max_examples=10)
@given(
    ranks=st.integers(1, 5), batch_size=st.integers(1, 53), solver=st.sampled_from(["sgd", "adam"]),
    alpha=st.sampled_from([0.0, 0.1]), weighted=st.booleans(), activation=st.sampled_from(["relu", "silu"]),
)  # fmt: skip
def test_a_job_fits_what_one_process_fits(ranks, batch_size, solver, alpha, weighted, activation):
    """Also with batches of fewer rows than ranks."""
    weight = WEIGHT + 1e-3 if weighted else None  # a whole batch of weight 0 has no loss
    options = {**LAYERS, "batch_size": batch_size, "solver": solver, "alpha": alpha, "max_iter": 2}

    def make(comm):
        return MLPClassifier(**options, activation=activation, comm=comm)

    both(make, ranks, sample_weight=weight)


def test_a_part_without_weight_adds_nothing():
    weight = np.ones(53)
    weight[:30] = 0
    both(
        lambda comm: MLPClassifier(**LAYERS, batch_size=53, shuffle=False, alpha=0.5, comm=comm),
        sample_weight=weight,
    )


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_a_regressor(loss):
    both(lambda comm: MLPRegressor(loss, **LAYERS, batch_size=8, comm=comm), y=np.abs(X[:, 0]))


def test_l_bfgs_sums_loss_and_gradient_over_the_ranks():
    both(lambda comm: MLPClassifier(**LAYERS, solver="lbfgs", alpha=0.1, comm=comm), tolerance=1e-6)


def test_early_stopping_and_adaptive_rates():
    def make(comm):
        return MLPClassifier(
            6, solver="sgd", learning_rate="adaptive", early_stopping=True, n_iter_no_change=2, tol=0.01,
            max_iter=15, random_state=0, comm=comm,
        )  # fmt: skip

    models = both(make)
    assert all(model.validation_scores_ == models[0].validation_scores_ for model in models)


def test_rows_that_are_sparse_or_split():
    wide = np.where(RANDOM.random((53, 400)) < 0.05, 1.0, 0.0)
    wide[:, :20] = RANDOM.normal(size=(53, 20))
    options = {**LAYERS, "hidden_layer_sizes": (300,), "batch_size": 50, "max_iter": 2}
    for rows in (csr_array(wide), wide):
        both(lambda comm: MLPClassifier(**options, comm=comm), X=rows, tolerance=1e-7)


def test_a_module_with_batch_norm_has_one_network_on_all_ranks():
    def factory(inputs, outputs):
        return nn.Sequential(nn.Linear(inputs, 6), nn.BatchNorm1d(6), nn.Dropout(0.3), nn.Linear(6, outputs))

    models = job(lambda comm: MLPClassifier(module=factory, max_iter=3, batch_size=18, random_state=0,
                                            comm=comm).fit(X, Y))  # fmt: skip
    agree(models, models[0])


def test_dropout_differs_between_ranks():
    masks = job(lambda comm: MLPClassifier(**LAYERS, dropout=0.5, comm=comm).fit(X, Y)._progress)
    drawn = {repr(p.network.module[2].generator.state_dict()) for p in masks}
    assert len(drawn) == 3


def test_without_a_seed_the_ranks_draw_what_rank_0_draws():
    options = {**LAYERS, "random_state": None}
    models = job(lambda comm: MLPClassifier(**options, comm=comm).fit(X, Y))
    agree(models, models[0])


def test_partial_fit_goes_on():
    def program(comm):
        model = MLPClassifier(**LAYERS, batch_size=8, comm=comm)
        for _ in range(3):
            model.partial_fit(X, Y, classes=[0, 1, 2])
        return model

    agree(job(program), program(None))


def test_a_callback_of_one_rank_ends_the_fit_of_all():
    def program(comm, solver):
        return MLPClassifier(
            6, solver=solver, max_iter=50, random_state=0, tol=0.0, comm=comm,
            callbacks=[lambda model: comm.rank == 2 and model.n_iter_ == 3],
        ).fit(X, Y).n_iter_  # fmt: skip

    for solver in ("adam", "lbfgs"):
        assert job(program, solver) == [3, 3, 3]


def test_rank_0_prints(capsys):
    job(lambda comm: MLPClassifier(**LAYERS, verbose=True, comm=comm).fit(X, Y))
    assert capsys.readouterr().out.count("Iteration 4") == 1


def test_other_rows_on_a_rank_are_refused():
    def program(comm):
        rows = X + (comm.rank == 1)
        with pytest.raises(ValueError, match="others on rank 1 than on rank 0"):
            MLPClassifier(**LAYERS, comm=comm).fit(rows, Y)

    job(program)


def test_a_clone_keeps_the_comm_and_a_pickle_has_none():
    def program(comm):
        model = MLPClassifier(**LAYERS, comm=comm).fit(X, Y)
        assert model.get_params()["comm"] is comm and clone(model).comm is comm
        assert copy.deepcopy(model).comm is None
        loaded = pickle.loads(pickle.dumps(model))
        assert loaded.comm is None and np.array_equal(loaded.predict(X), model.predict(X))
        return model

    agree(job(program), MLPClassifier(**LAYERS).fit(X, Y))


def test_cross_validation_in_a_job():
    def program(comm):
        return cross_val_score(MLPClassifier(**LAYERS, comm=comm), X, Y, cv=2).tolist()

    expected = program(None)
    assert job(program, ranks=2) == [expected, expected]


def test_what_is_no_comm_is_refused():
    with pytest.raises(ValueError, match="comm"):
        MLPClassifier(comm=3).fit(X, Y)


def test_ranks_with_other_settings_are_refused():
    def program(comm):
        X = np.random.default_rng(0).normal(size=(20, 3))
        MLPClassifier(alpha=0.1 * comm.rank, max_iter=2, comm=comm).fit(X, X[:, 0] > 0)

    with pytest.raises(ValueError, match=r"alpha is 0\.0 on rank 0 and 0\.1 on rank 1"):
        job(program, ranks=2)
