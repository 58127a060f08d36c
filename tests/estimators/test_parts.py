"""The parts, each against its definition: rows and their products, update rules, losses."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn import neural_network as theirs

import tinygrad_edu as te
from tests.estimators.twins import assert_close, assert_same
from tinygrad_edu.sklearn import MLPClassifier
from tinygrad_edu.sklearn.losses import LOSSES
from tinygrad_edu.sklearn.rows import SMALL, WORK, Dense, Sparse, Split, rows_of
from tinygrad_edu.sklearn.rules import ScikitAdam, ScikitSGD


def sparse_table(rows, columns, random):
    """Mostly zeros, but in a third of the columns."""
    return random.standard_normal((rows, columns)) * (
        random.random((rows, columns)) < np.where(np.arange(columns) % 3 == 0, 0.8, 0.03)
    )


@given(st.integers(1, 40), st.integers(1, 30), st.integers(1, 15), st.integers(0, 2**32), st.booleans())
def test_all_kinds_of_rows_give_the_same_batches_and_products(rows, columns, size, seed, shuffled):
    random = np.random.default_rng(seed)
    x = sparse_table(rows, columns, random)
    order = random.permutation(rows) if shuffled else None
    weight, expected = random.standard_normal((columns, 3)), x if order is None else x[order]
    kinds = [Dense(x), Sparse(sparse.csc_array(x)), Split(x, np.count_nonzero(x, axis=0) > 0.15 * rows)]
    for kind in kinds:
        assert len(kind) == rows
        start = 0
        for batch in [*kind.batches(order, size), kind.whole()]:
            part = expected[start : start + size] if start < rows else x
            start += size
            np.testing.assert_array_equal(batch.array(), part)
            delta = random.standard_normal((len(part), 3))
            up, down = np.empty((len(part), 3)), np.empty((columns, 3))
            assert_close(batch.times(weight), part @ weight)
            assert_close(batch.times(weight, up), part @ weight)
            assert_close(batch.outer(delta, down), part.T @ delta)
            assert_close(up, part @ weight)
            assert_close(down, part.T @ delta)


def test_rows_too_many_to_be_put_in_order_at_once_are_gathered_batch_by_batch():
    x = np.arange(2.0 * SMALL).reshape(-1, 64)
    order = np.random.default_rng(0).permutation(len(x))
    for start, batch in enumerate(Dense(x).batches(order, 100)):
        np.testing.assert_array_equal(batch.array(), x[order[100 * start : 100 * start + 100]])


def test_wide_tables_of_zeros_are_split_and_learned_from_the_same():
    x = sparse_table(200, 300, np.random.default_rng(0))
    y = (x[:, :30].sum(axis=1) > 0).astype(int)
    assert isinstance(rows_of(x, work=WORK), Split) and isinstance(rows_of(x, work=WORK - 1), Dense)
    assert isinstance(rows_of(x + 1, work=WORK), Dense)
    options = {"random_state": 0, "max_iter": 15, "early_stopping": True, "batch_size": 180}
    assert_same([kind(**options).fit(x, y) for kind in (theirs.MLPClassifier, MLPClassifier)], x)


RULES = {
    "adam": lambda p: ScikitAdam(p, 0.01, 0.9, 0.99, 1e-6),
    "momentum": lambda p: ScikitSGD(p, 0.01, 0.9, False),
    "nesterov": lambda p: ScikitSGD(p, 0.01, 0.9, True),
}


@pytest.mark.parametrize("make", RULES.values(), ids=RULES)
def test_a_rule_in_place_is_its_formula(make):
    random = np.random.default_rng(0)
    parameter = te.tensor(random.standard_normal(5), requires_grad=True)
    optimizer, p = make([parameter]), parameter.numpy().copy()
    group = optimizer.param_groups[0]
    state = [np.zeros(5) for _ in optimizer.memory(group)]
    for step in range(1, 5):
        g = random.standard_normal(5)
        parameter.grad = te.tensor(g)
        optimizer.step()
        numbers = optimizer.numbers(group, step)
        p, *state = (
            new.numpy()
            for new in optimizer.formula(
                te.tensor(p), te.tensor(g), [te.tensor(s) for s in state], numbers, group
            )
        )
        np.testing.assert_allclose(parameter.numpy(), p, rtol=1e-14)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_the_slope_of_a_loss_is_what_autograd_says(name):
    random = np.random.default_rng(0)
    loss, z = LOSSES[name], random.standard_normal((6, 3))
    y = np.eye(3)[random.integers(0, 3, 6)]
    target = loss.prepare(y, np.float64)
    sums = te.tensor(z, requires_grad=True)
    te.sum(loss.of_rows(sums, te.tensor(target))).backward()
    assert_close(loss.slope(loss.activate(z.copy()), target), sums.grad.numpy())


def test_a_generator_copied_or_pickled_goes_on_by_itself():
    generator = te.Generator(3)
    generator.uniform((5,))
    others = [copy.deepcopy(generator), pickle.loads(pickle.dumps(generator))]
    expected = generator.uniform((4,))
    for other in others:
        np.testing.assert_array_equal(other.uniform((4,)), expected)
