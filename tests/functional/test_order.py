"""Unusual numbers in statistics of order, selections and triangles, and calls that are wrong."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te

INF, NAN = math.inf, math.nan


def test_running_extremes_stay_nan_after_a_nan() -> None:
    for function in (te.cummax, te.cummin):
        values, places = function(te.tensor([1.0, NAN, 5.0, NAN, 0.0]))
        np.testing.assert_array_equal(values.numpy(), [1.0, NAN, NAN, NAN, NAN])
        assert places.tolist() == [0, 1, 1, 3, 3]
    for kind in ("int64", "uint8", "bool"):
        assert te.cummax(te.tensor([0, 1, 0], dtype=kind))[0].tolist() == [0, 1, 1]
        assert te.cummin(te.tensor([1, 0, 1], dtype=kind))[0].dtype == np.dtype(kind)
    low = te.tensor([np.iinfo(np.int64).min, 3], dtype="int64")
    assert te.cummin(low)[0].tolist() == [np.iinfo(np.int64).min] * 2
    assert te.cummax(te.zeros(0))[0].shape == (0,)


def test_the_gradient_of_a_running_maximum_goes_to_the_last_of_equals() -> None:
    slope = te.grad(lambda x: te.cummax(x)[0].sum())(te.tensor([2.0, 2.0, 1.0, 3.0]))
    assert slope.tolist() == [1.0, 2.0, 0.0, 1.0]


def test_quantiles_of_unusual_numbers() -> None:
    assert math.isnan(te.median(te.tensor([1.0, NAN, 2.0])).item())
    found = te.quantile(te.tensor([[1.0, NAN], [INF, INF], [-INF, 3.0]]), 0.0, 1)
    np.testing.assert_array_equal(found.numpy(), [NAN, INF, -INF])
    assert te.quantile(te.tensor([INF, INF, 1.0]), 0.75).item() == INF
    assert (
        te.median(te.tensor([3, 1, 2, 8])).item() == 2.5 and te.median(te.tensor([1, 2])).dtype == np.float64
    )
    assert te.quantile(te.tensor([1.0, 2.0]), te.tensor([0.0, 1.0])).tolist() == [1.0, 2.0]


def test_every_nan_is_an_element_of_its_own() -> None:
    found = te.unique_all(te.tensor([NAN, 1.0, NAN]))
    assert found.values.shape == (3,) and found.counts.tolist() == [1, 1, 1]
    assert found.inverse_indices.tolist() == [1, 0, 2] or found.inverse_indices.tolist() == [2, 0, 1]


@pytest.mark.parametrize("kind", ["float32", "float64", "int64", "int32", "uint8", "bool"])
def test_triangles_and_diagonals_keep_the_dtype(kind: str) -> None:
    x = te.ones(3, 3, dtype=kind)
    for y in (
        te.tril(x),
        te.triu(x),
        te.diag(x[0]),
        te.diagonal(x),
        te.masked_fill(x, x > 0, 1),
        te.kron(x, x),
    ):
        assert y.dtype == np.dtype(kind)
    assert np.array_equal(te.tril(te.full((2, 2), INF)).numpy(), [[INF, 0.0], [INF, INF]])


def test_a_hidden_infinity_has_no_gradient() -> None:
    x = te.tensor([[1.0, INF], [2.0, 3.0]])
    slope = te.grad(lambda x: te.square(te.tril(x)).sum())(x)
    assert slope.tolist() == [[2.0, 0.0], [4.0, 6.0]]


def test_distances_of_equal_rows_have_the_gradient_0() -> None:
    x = te.ones(2, 3)
    assert te.grad(lambda x: te.cdist(x, te.ones(2, 3)).sum())(x).tolist() == [[0.0] * 3] * 2
    assert te.grad(lambda x: te.cosine_similarity(x, te.ones(2, 3)).sum())(te.zeros(2, 3)).numpy().shape == (
        2,
        3,
    )
    assert te.normalize(te.zeros(2, 3)).tolist() == [[0.0] * 3] * 2


def test_sums_of_huge_exponentials_do_not_overflow() -> None:
    x = te.tensor([1000.0, -INF, INF, -INF], dtype="float64")
    y = te.tensor([1000.0, 2.0, 1.0, -INF], dtype="float64")
    with np.errstate(all="ignore"):
        found = te.logaddexp(x, y).tolist()
    assert found == [1000.0 + math.log(2), 2.0, INF, -INF]


def test_a_grid_of_a_list_is_the_grid_of_its_vectors() -> None:
    x, y = te.arange(2), te.arange(3)
    for found, expected in zip(te.meshgrid([x, y]), te.meshgrid(x, y), strict=True):
        assert found.tolist() == expected.tolist()


X = te.ones(2, 3)


@pytest.mark.parametrize("call, text", [
    (lambda: te.tril(te.ones(3)), r"tril needs at least 2 axes, this tensor has shape \(3,\)"),
    (lambda: te.diag(te.ones(1, 1, 1)), "diag needs a vector or a matrix"),
    (lambda: te.bmm(X, X), r"bmm needs stacks \(B, M, K\) and \(B, K, N\)"),
    (lambda: te.chunk(X, 0), "chunks=0 must be an integer >= 1"),
    (lambda: te.meshgrid(X, X), r"meshgrid needs vectors, got \(2, 3\), \(2, 3\)"),
    (lambda: te.meshgrid(X[0], indexing="yx"), "indexing must be 'xy' or 'ij', not 'yx'"),
    (lambda: te.masked_select(X, X), "a mask must hold bools, not float32"),
    (lambda: te.nonzero(te.tensor(1.0)), "a 0-d tensor has no axes"),
    (lambda: te.bincount(X), r"x \(2, 3\) must be vectors of one length"),
    (lambda: te.bincount([0.5]), "bincount counts integers, not float32"),
    (lambda: te.bincount([0, -1]), "-1 is negative"),
    (lambda: te.bincount([0, 1], [1.0]), r"x \(2,\) and weights \(1,\)"),
    (lambda: te.histogram(X, 0), "bins=0 must be an integer >= 1"),
    (lambda: te.histogram(X, [1.0, 0.0]), "at least 2 increasing numbers"),
    (lambda: te.histogram(X, low=2.0), "bins cannot span 2 to 1"),
    (lambda: te.histogram([NAN]), "bins cannot span nan to nan"),
    (lambda: te.histogram(X, [0.0, 1.0], low=0.0), "cannot both be given"),
    (lambda: te.quantile(X, 1.5), "q must be from 0 to 1, not 1.5"),
    (lambda: te.quantile(X, 0.5, interpolation="cubic"), "interpolation must be one of 'lower'"),
    (lambda: te.median(te.zeros(0)), "there is no quantile of no elements"),
    (lambda: te.cdist(X, te.ones(2, 2)), r"cdist needs rows of one length"),
])  # fmt: skip
def test_a_wrong_call_is_an_error_that_says_so(call: Any, text: str) -> None:
    with pytest.raises((ValueError, TypeError), match=text) as error:
        call()
    assert "test_order.py:" in str(error.value)


def test_the_triangles_take_pytorchs_name_for_the_diagonal() -> None:
    np.testing.assert_array_equal(te.tril(X, diagonal=1).numpy(), te.tril(X, k=1).numpy())
    np.testing.assert_array_equal(te.triu(X, diagonal=-1).numpy(), te.triu(X, k=-1).numpy())
