"""The first of the sorted indices are those of the whole sort: ties in order, NaN, infinity, any layout."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te

CORNERS = (1.0, 2.0, 3.0, np.inf, -np.inf, np.nan, -0.0, 0.0)
OFTEN = (0.3, 0.3, 0.3, *(0.02,) * 5)
NUMBERS = {
    "no ties": lambda random, shape: random.permutation(int(np.prod(shape))).reshape(shape).astype("float32"),
    "few numbers": lambda random, shape: random.integers(0, 4, shape),
    "half of them 0": lambda random, shape: np.maximum(random.standard_normal(shape), 0),
    "some lines have NaN": lambda random, shape: random.choice(CORNERS, shape, p=OFTEN),
    "bools": lambda random, shape: random.integers(0, 2, shape) > 0,
}  # fmt: skip


@given(
    st.sampled_from(sorted(NUMBERS)),
    st.integers(0, 2),
    st.sampled_from([8, 17, 40]),
    st.integers(0, 8),
    st.integers(0, 9),
)
@settings(max_examples=60, deadline=None)
def test_topk_is_the_head_of_a_stable_sort(numbers, axis, n, k, seed):
    shape = [3, 2, 4]
    shape[axis] = n
    x = NUMBERS[numbers](np.random.default_rng(seed), tuple(shape))
    values, places = te.topk(te.tensor(x), k, axis)
    head = (*[slice(None)] * axis, slice(0, k))
    whole = te.argsort(te.tensor(x), axis, descending=True).numpy()
    np.testing.assert_array_equal(places.numpy(), whole[head])
    np.testing.assert_array_equal(values.numpy(), np.take_along_axis(x, whole[head], axis))
    assert places.dtype == np.int64


def test_topk_of_no_lines_and_of_a_view():
    assert te.topk(te.zeros((0, 40)), 3)[1].shape == (0, 3)
    assert te.topk(te.arange(40.0), 0)[1].shape == (0,)
    x = te.tensor(np.random.default_rng(0).standard_normal((40, 6)).astype(np.float32))
    np.testing.assert_array_equal(te.topk(x.T, 3)[1].numpy(), te.topk(x, 3, 0)[1].numpy().T)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_gradients_reach_the_largest(axis):
    x = te.tensor(np.random.default_rng(0).standard_normal((30, 40)), requires_grad=True)
    values, places = te.topk(x, 3, axis)
    values.sum().backward()
    wanted = np.zeros((30, 40))
    np.put_along_axis(wanted, places.numpy(), 1.0, axis)
    np.testing.assert_array_equal(x.grad.numpy(), wanted)
