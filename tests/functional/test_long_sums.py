"""Sums of many float32: as exact along every axis, at places and of runs, as in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu import nn
from tinygrad_edu.backend import sums

ROWS = 300_000
RTOL = 1e-5  # a running sum of so many is off by 1e-3 or more
TENTHS = np.full((ROWS, 3), 0.1, np.float32)
EXACT = ROWS * float(np.float32(0.1))


def layouts_of(x):
    yield "rows", x, 0
    yield "columns", np.ascontiguousarray(x.T), 1
    yield "across", np.asfortranarray(x), 0
    yield "some columns", np.ascontiguousarray(np.concatenate([x, x], 1))[:, ::2], 0
    yield "backwards", x[::-1], 0
    yield "between", np.stack([x, x]), 1
    yield "of two axes", x.reshape(500, 600, 3), (0, 1)
    yield "of two apart", np.ascontiguousarray(x.reshape(500, 600, 3).transpose(0, 2, 1)), (0, 2)
    yield "repeated", np.broadcast_to(x[:1], x.shape), 0


@pytest.mark.parametrize(("array", "axis"), [pytest.param(x, a, id=n) for n, x, a in layouts_of(TENTHS)])
def test_a_long_sum_is_right_in_every_layout(array, axis):
    np.testing.assert_allclose(te.sum(te.tensor(array), axis).numpy(), EXACT, RTOL)
    np.testing.assert_allclose(sums.total(array, axis if isinstance(axis, tuple) else (axis,)), EXACT, RTOL)


@pytest.mark.parametrize("name", ["mean", "var", "norm", "logsumexp"])
def test_what_is_made_of_sums_is_as_right(name):
    x = np.random.default_rng(0).uniform(0.5, 1.5, TENTHS.shape).astype(np.float32)
    found, exact = (getattr(te, name)(te.tensor(x, dtype=kind), 0).numpy() for kind in ("float32", "float64"))
    np.testing.assert_allclose(found, exact, RTOL)


def test_gradients_of_what_was_broadcast_are_right():
    bias = te.zeros(3, requires_grad=True)
    te.sum((te.tensor(TENTHS) + bias) * te.tensor(TENTHS)).backward()
    np.testing.assert_allclose(bias.grad.numpy(), EXACT, RTOL)
    w = te.zeros(3, requires_grad=True)
    te.mse(te.tensor(TENTHS) * w, te.tensor(TENTHS)).backward()
    np.testing.assert_allclose(w.grad.numpy(), -2 * np.float32(0.1) ** 2 / 3, RTOL)


def test_the_statistics_of_a_large_batch_are_right():
    x = np.random.default_rng(0).uniform(0, 1, TENTHS.shape).astype(np.float32) + np.float32(0.1)
    norm = nn.BatchNorm1d(3, momentum=None)
    y = norm(te.tensor(x)).numpy()
    wide = x.astype(np.float64)
    np.testing.assert_allclose(norm.running_mean.numpy(), wide.mean(0), RTOL)
    np.testing.assert_allclose(norm.running_var.numpy(), wide.var(0, ddof=1), RTOL)
    np.testing.assert_allclose(y, (wide - wide.mean(0)) / np.sqrt(wide.var(0) + 1e-5), 1e-3, 1e-4)


def test_a_long_running_sum_is_right_to_its_end():
    for x, axis in ((TENTHS, 0), (TENTHS[:, 0], 0), (np.ascontiguousarray(TENTHS.T), 1)):
        found = te.cumsum(te.tensor(x), axis).numpy()
        np.testing.assert_allclose(found, np.cumsum(x, axis, np.float64), RTOL)


def at_one_place(shape, key):
    x = te.zeros(*shape, requires_grad=True)
    (x[key] * 0.1).sum().backward()
    return x.grad.numpy()


def test_the_gradient_of_one_place_that_is_read_often_is_right():
    many = np.zeros(ROWS, np.int64)
    few = np.arange(ROWS) % 5000
    few[np.arange(ROWS) % 4 > 0] = 3  # one place of 5000 comes often
    often = ROWS * 3 // 4 + np.count_nonzero(few[::4] == 3)
    np.testing.assert_allclose(at_one_place((2,), many), [EXACT, 0], RTOL)
    np.testing.assert_allclose(at_one_place((2, 2), (many, 1)), [[0, EXACT], [0, 0]], RTOL)
    np.testing.assert_allclose(at_one_place((2, 1), (many,)), [[EXACT], [0]], RTOL)
    np.testing.assert_allclose(at_one_place((5000,), few)[3], often * float(np.float32(0.1)), RTOL)
    for read in (
        lambda w: te.embedding(te.tensor(many), w),
        lambda w: te.index_select(w, te.tensor(many)),
        lambda w: te.take_along_axis(w, te.tensor(many[:, None]), 0),
    ):
        w = te.zeros(2, 1, requires_grad=True)
        (read(w) * 0.1).sum().backward()
        np.testing.assert_allclose(w.grad.numpy(), [[EXACT], [0]], RTOL)
    x = te.scatter_add(te.zeros(2), te.tensor(many), te.tensor(TENTHS[:, 0]))
    np.testing.assert_allclose(x.numpy(), [EXACT, 0], RTOL)


@pytest.mark.cpu
def test_a_sum_goes_on_after_16_million():
    n = 2**24 + 2**22
    assert sums.add_at((2,), np.zeros(n, np.int32), np.ones(n, np.float32)).tolist() == [n, 0]
    assert sums.sum_runs(np.zeros(n, np.uint8), np.ones((n, 1), np.float32))[1].tolist() == [[n]]
    assert sums.total(np.ones((n, 2), np.float32), (0,)).tolist() == [n, n]
    assert sums.total(np.broadcast_to(np.float32(1), (n, 2)), (0,)).tolist() == [n, n]


@given(st.data())
def test_blocks_of_any_size_are_the_same_sum(data):
    """With limits so small that every way through the code is taken."""
    shape = tuple(
        data.draw(st.lists(st.integers(0, 40), min_size=1, max_size=4).filter(lambda s: np.prod(s) < 20000))
    )
    x = np.random.default_rng(0).integers(-9, 9, shape).astype(np.float64)
    x = x.transpose(data.draw(st.permutations(range(x.ndim))))
    x = x[tuple(slice(None, None, data.draw(st.sampled_from((1, 2, -1)))) for _ in shape)]
    if x.size and data.draw(st.booleans()):
        x = np.broadcast_to(x[..., :1], (*x.shape[:-1], 30))
    axes = tuple(a for a in range(x.ndim) if data.draw(st.booleans()))
    keep = data.draw(st.booleans())
    with pytest.MonkeyPatch.context() as limits:
        for name, size in (("SMALL", 20), ("RUN", 5), ("BLOCK", 3), ("ROW", 16)):
            limits.setattr(sums, name, size)
        sums._plan.cache_clear()
        found = sums.total(x, axes, keepdims=keep)
        sums._plan.cache_clear()
    np.testing.assert_array_equal(found, np.add.reduce(x, axes, keepdims=keep))
