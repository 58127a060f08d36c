"""Brackets: every key that NumPy takes, values and gradients against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import tinygrad_edu as te


def prove(shape: Any, key: Any, te_key: Any = None) -> None:
    """Values, and the gradient: how often each element was read, weighted by where it went."""
    array = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    x = te.tensor(array, requires_grad=True)
    found, expected = x[key if te_key is None else te_key], np.asarray(array[key])
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found.numpy(), expected)
    weights = np.cos(np.arange(expected.size)).reshape(expected.shape)
    found.backward(weights)
    slopes = np.zeros(shape)
    np.add.at(slopes, key, weights)
    np.testing.assert_allclose(x.grad.numpy(), slopes, rtol=1e-12, atol=1e-12)


@given(data=st.data(), shape=npst.array_shapes(min_dims=0, max_dims=3, max_side=4))
def test_basic_keys(data: st.DataObject, shape: Any) -> None:
    prove(shape, data.draw(npst.basic_indices(shape, allow_newaxis=True)))


@given(data=st.data(), shape=npst.array_shapes(min_dims=1, max_dims=3, max_side=4))
def test_integer_arrays(data: st.DataObject, shape: Any) -> None:
    key = data.draw(
        npst.integer_array_indices(
            shape, result_shape=npst.array_shapes(min_dims=1, max_dims=2, max_side=5), dtype=np.dtype("int64")
        )
    )
    prove(shape, key)
    prove(shape, key, tuple(te.tensor(k) for k in key))


@given(data=st.data(), shape=npst.array_shapes(min_dims=1, max_dims=3, max_side=4))
def test_masks(data: st.DataObject, shape: Any) -> None:
    mask = data.draw(npst.arrays(bool, shape[: data.draw(st.integers(1, len(shape)))]))
    prove(shape, mask)
    prove(shape, mask, te.tensor(mask))


@pytest.mark.parametrize(
    "key",
    [
        0,
        -1,
        (0, 1),
        ...,
        None,
        (None, ..., None),
        slice(None, None, -1),
        (slice(1, None), 0),
        [0, 0, 1],
        ([0, 1], [1, 1]),
        (slice(None), [0, 0, 2]),
        ([1, 0], slice(None, 2)),
        (0, [1, 1]),
        ([[0, 1], [1, 0]],),
        (None, [0, 0]),
        (..., [0, 0]),
        ([0, 1], None, [1, 1]),
        [],
        (slice(0, 0),),
        (np.int64(1), np.array(2)),
        [True, False],
        (slice(None), [True, False, True]),
        np.array([-1, -2]),
        (),
        True,
        (slice(2, 0, -1), slice(None, None, 2)),
        ([0, 1], slice(None), [3, 3]),
        (slice(None), 1, [0, 0]),
    ],
)
def test_keys_by_name(key: Any) -> None:
    array_key = (
        tuple(np.array(k, np.int64) if isinstance(k, list) and not k else k for k in key)
        if isinstance(key, tuple)
        else np.array(key, np.int64)
        if isinstance(key, list) and not key
        else key
    )
    prove((2, 3, 4), array_key, key)


def test_basic_keys_are_views_and_others_copies() -> None:
    x = te.tensor(np.zeros((2, 3)))
    x[0].fill_(1.0)
    x[:, 1:][1].fill_(2.0)
    x[[0]].fill_(9.0)
    assert x.tolist() == [[1.0, 1.0, 1.0], [0.0, 2.0, 2.0]]


def test_assignment() -> None:
    x = te.zeros(2, 3)
    x[0] = 1.0
    x[:, te.tensor([2])] = te.tensor([[5.0], [6.0]])
    x[x > 5] = -1.0
    x[1, :2] = [3, 4]
    assert x.tolist() == [[1.0, 1.0, 5.0], [3.0, 4.0, -1.0]]
    with pytest.raises(RuntimeError, match="lose value's gradient"):
        x[0] = te.ones(3, requires_grad=True)
    with pytest.raises(IndexError):
        x[5] = 1.0
    with pytest.raises(ValueError):
        x[0] = [1.0, 2.0]


def test_tensors_as_indices_elsewhere() -> None:
    x = te.arange(5)
    assert [10, 20, 30][te.tensor(1)] == 20
    assert x[te.tensor(1) : te.tensor(3)].tolist() == [1, 2]
    assert np.arange(5)[te.tensor(2)] == 2
    with pytest.raises(TypeError, match="not an index"):
        [1, 2][te.tensor(1.0)]
    with pytest.raises(IndexError):
        x[1.5]


def test_second_order_through_an_index() -> None:
    x = te.tensor([1.0, 2.0, 3.0], dtype="float64")
    h = te.hessian(lambda x: (x[[0, 0, 2]] ** 3).sum())(x)
    np.testing.assert_allclose(h.numpy(), np.diag([12.0, 0.0, 18.0]))


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_counts_of_its_own_for_each_element(axis):
    random = np.random.default_rng(0)
    array = random.normal(size=(3, 4)).astype(np.float32)
    counts = random.integers(0, 4, array.size if axis is None else array.shape[axis])
    expected = np.repeat(array, counts, axis)
    for times in (counts, te.tensor(counts), counts.tolist()):
        x = te.tensor(array, requires_grad=True)
        y = te.repeat(x, times, axis)
        np.testing.assert_array_equal(y.numpy(), expected)
        np.testing.assert_array_equal(te.tensor(array).repeat_interleave(times, axis).numpy(), expected)
        y.sum().backward()
        shape = (-1,) if axis is None else (-1, 1) if axis == 0 else (1, -1)
        spread = np.broadcast_to(counts.reshape((3, 4) if axis is None else shape), (3, 4))
        np.testing.assert_array_equal(x.grad.numpy(), spread)
    for wrong in (counts[:-1], -1 - counts, counts * 0.5, counts[:, None]):
        with pytest.raises(te.errors.ShapeError, match=r"repeat.*: counts"):
            te.repeat(te.tensor(array), wrong, axis)


def test_pieces_of_nothing():
    assert [piece.shape for piece in te.split(te.zeros(0, 4), 2)] == [(0, 4)]
    assert [piece.shape for piece in te.split(te.zeros(4, 0), 2, axis=1)] == [(4, 0)]


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0)])
def test_places_among_unique_elements_have_the_shape_of_the_tensor(shape):
    x = te.zeros(shape)
    for found in (te.unique_all(x), te.unique_inverse(x)):
        assert found.inverse_indices.shape == shape
        np.testing.assert_array_equal(found.values[found.inverse_indices].numpy(), x.numpy())
