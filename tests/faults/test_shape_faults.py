"""Faults of dtypes, indices, shapes and sizes, by their number in the list of faults."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te


def test_26_mixed_dtypes() -> None:
    single, double = te.ones(2, requires_grad=True), te.ones(2, dtype="float64", requires_grad=True)
    assert (single * 2.0).dtype == (2 + single).dtype == (single**2.5).dtype == np.float32
    y = single * double
    assert y.dtype == np.float64
    y.sum().backward()
    assert single.grad.dtype == np.float32 and double.grad.dtype == np.float64
    te.cross_entropy(te.zeros(1, 2), te.tensor([0], dtype="int32"))


def test_27_repeated_indices_add_up() -> None:
    x = te.tensor([1.0, 2.0], requires_grad=True)
    x[[0, 0, 1]].sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2.0, 1.0])
    for f in (lambda x, i: te.take(x, i), lambda x, i: te.embedding(i, x), lambda x, i: te.gather(x, i, 0)):
        x.grad = None
        f(x, te.tensor([1, 1, 1])).sum().backward()
        np.testing.assert_array_equal(x.grad.numpy(), [0.0, 3.0])


@pytest.mark.parametrize(
    "read",
    [
        lambda x: x[2],
        lambda x: x[-3],
        lambda x: x[[0, 2]],
        lambda x: x[te.tensor([2])],
        lambda x: te.take(x, te.tensor([2])),
        lambda x: te.gather(x, te.tensor([2]), 0),
        lambda x: te.embedding(te.tensor([-1]), x),
        lambda x: te.scatter_add(x, te.tensor([2]), te.ones(1)),
        lambda x: x[0, 0],
        lambda x: x.sum(1),
        lambda x: x[[True] * 3],
    ],
)
def test_27_a_place_that_is_not_there(read: Any) -> None:
    with pytest.raises(IndexError, match=r"\d"):
        read(te.tensor([1.0, 2.0]))


def test_28_tensors_of_no_dimension_and_no_element() -> None:
    with pytest.raises(TypeError, match="0-d"):
        len(te.tensor(1.0))
    with pytest.raises(TypeError, match="0-d"):
        iter(te.tensor(1.0))
    for f in (te.max, te.min, te.argmax, te.argmin):
        with pytest.raises(ValueError, match=r"no elements .*test_shape_faults.py:\d+"):
            f(te.zeros(0))
    assert np.isnan(te.zeros(0).mean().item())
    assert te.zeros(0).sum().item() == 0.0 and te.zeros(0).prod().item() == 1.0
    assert te.logsumexp(te.zeros(0)).item() == -np.inf
    assert te.zeros(0, 3).max(1).shape == (0,)
    assert list(te.zeros(0)) == []


def test_28_an_empty_batch_goes_through_a_network() -> None:
    x, weight, bias = te.zeros(0, 4), te.ones(3, 4, requires_grad=True), te.zeros(3, requires_grad=True)
    y = te.relu(te.linear(x, weight, bias))
    assert y.shape == (0, 3)
    y.sum().backward()
    np.testing.assert_array_equal(weight.grad.numpy(), np.zeros((3, 4)))
    np.testing.assert_array_equal(bias.grad.numpy(), np.zeros(3))
    assert te.sliding_windows(te.zeros(0, 5), 3).shape == (0, 3, 3)


@pytest.mark.parametrize("make", [te.zeros, te.ones, te.rand, te.randn])
def test_29_sizes_nobody_can_hold(make: Any) -> None:
    with pytest.raises(ValueError, match="more bytes than an address can count"):
        make(2**62, 4)
    with pytest.raises(ValueError, match="negative dimension"):
        make(2, -1)


def test_29_memory_that_is_not_there() -> None:
    with pytest.raises(MemoryError, match="Unable to allocate"):
        te.zeros(2**57)
    with pytest.raises(MemoryError, match=r"mul\(.*Unable to allocate.*test_shape_faults.py:\d+"):
        te.ones(1).expand(2**57) * 2.0
    with pytest.raises(ValueError, match=r"-2"):
        te.ones(4).reshape(-2, 2)
    with pytest.raises(ValueError, match="negative"):
        te.full((-1,), 0.0)
    with pytest.raises(ValueError, match="negative"):
        te.eye(-1)


@pytest.mark.parametrize(
    "arguments",
    [
        {"sizes": 6},
        {"sizes": 0},
        {"sizes": 2, "stride": 0},
        {"sizes": 2, "dilation": 0},
        {"sizes": 2, "stride": -1},
        {"sizes": (2, 2)},
        {"sizes": 3, "dilation": 3},
        {"sizes": (2,), "stride": (1, 1)},
    ],
)
def test_33_windows_that_do_not_fit(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"window|sizes"):
        te.sliding_windows(te.zeros(5), **arguments)


@pytest.mark.parametrize(
    "call",
    [
        lambda: te.ones(2, 3) + te.ones(4),
        lambda: te.ones(2, 3) @ te.ones(2, 3),
        lambda: te.ones(6).reshape(4, 2),
        lambda: te.concat([te.ones(2, 3), te.ones(3, 2)]),
        lambda: te.mse(te.ones(2), te.ones(2, 1)),
        lambda: te.linear(te.ones(2, 3), te.ones(2, 2), te.ones(2)),
        lambda: te.dot(te.ones(2), te.ones(3)),
        lambda: te.stack([te.ones(2), te.ones(3)]),
        lambda: te.ones(2, 3).expand(4, 3),
        lambda: te.split(te.ones(3), [1, 1]),
        lambda: te.ones(2).squeeze(0),
        lambda: te.einsum("ij,jk", te.ones(2, 2), te.ones(3, 3)),
    ],
)
def test_33_shapes_that_do_not_fit_are_named(call: Any) -> None:
    with pytest.raises(ValueError, match=r"\d"):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: te.pad(te.ones(2), -1),
        lambda: te.bernoulli(1.5),
        lambda: te.topk(te.ones(2), 3),
        lambda: te.randint(3, 3),
        lambda: te.huber(te.ones(1), te.ones(1), delta=0.0),
        lambda: te.mse(te.ones(1), te.ones(1), reduction="average"),
        lambda: te.Generator(-1),
        lambda: te.clip(te.ones(2)),
        lambda: te.norm(te.ones(2), -2.0),
        lambda: te.split(te.ones(2), 0),
        lambda: te.permute_dims(te.ones(2, 2), (0, 0)),
        lambda: te.sum(te.ones(2, 2), (0, 0)),
        lambda: te.concat([]),
    ],
)
def test_33_arguments_out_of_range(call: Any) -> None:
    with pytest.raises(ValueError):
        call()
