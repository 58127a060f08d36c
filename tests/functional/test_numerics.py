"""Numbers that are nearly equal or missing, indices of triangles, moved axes: what the tables do not say."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

import tinygrad_edu as te


@pytest.mark.parametrize("name", ["tril_indices", "triu_indices"])
@pytest.mark.parametrize(
    ("rows", "columns", "k"), [(3, None, 0), (2, 4, 1), (4, 2, -1), (0, 3, 0), (2, 2, 5)]
)
def test_indices_are_those_of_the_triangle(name: str, rows: int, columns: int | None, k: int) -> None:
    found = getattr(te, name)(rows, columns, k)
    expected = getattr(np, name)(rows, k, columns)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == te.int64
        np.testing.assert_array_equal(ours.numpy(), theirs)
    x = te.reshape(te.arange(float(rows * (columns or rows))), (rows, columns or rows))
    np.testing.assert_array_equal(x[found].numpy(), x.numpy()[expected])


def test_no_infinity_is_subtracted_and_nothing_warns() -> None:
    x = te.tensor([math.inf, -math.inf, math.nan, 1.0], requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert te.isclose(x, [math.inf, math.inf, math.nan, 1.0]).tolist() == [True, False, False, True]
        assert te.isclose(x, x, equal_nan=True).all().item()
        assert math.isnan(te.nanmean(te.tensor([math.nan])).item())
    assert te.isclose(te.tensor([3], dtype="uint8"), te.tensor([4], dtype="uint8")).tolist() == [False]


def test_what_is_replaced_has_no_gradient() -> None:
    x = te.tensor([math.nan, 2.0, math.inf, -math.inf], requires_grad=True)
    te.sum(te.nan_to_num(x, posinf=3.0, neginf=0.0) * 2.0).backward()
    assert x.grad is not None and x.grad.tolist() == [0.0, 2.0, 0.0, 0.0]
    y = te.tensor([math.nan, 2.0, 4.0], requires_grad=True)
    te.nanmean(y).backward()
    assert y.grad is not None and y.grad.tolist() == [0.0, 0.5, 0.5]


@pytest.mark.parametrize("axes", [((0, 1), 0), ((0, 0), (0, 1)), (0, (1, 2))])
def test_axes_that_cannot_be_moved_are_refused(axes: tuple[object, object]) -> None:
    with pytest.raises(ValueError, match="as many axes"):
        te.moveaxis(te.ones(2, 3, 4), *axes)


def test_a_matrix_is_no_sorted_vector() -> None:
    with pytest.raises(ValueError, match="sorted vector"):
        te.searchsorted(te.ones(2, 2), 1.0)
    with pytest.raises(ValueError, match="'left' or 'right'"):
        te.searchsorted(te.ones(2), 1.0, side="middle")


def test_diff_of_bools_says_where_they_change() -> None:
    assert te.diff([True, True, False]).tolist() == [False, True]


def test_limits_and_constants_are_the_array_apis() -> None:
    assert (te.pi, te.e, te.inf) == (math.pi, math.e, math.inf) and math.isnan(te.nan)
    assert (
        te.finfo(te.float32).eps
        == te.finfo(te.ones(2)).eps
        == te.finfo(np.float32).eps
        == np.finfo(np.float32).eps
    )
    assert te.iinfo("int32").max == te.iinfo(te.tensor([1], dtype="int32")).max == 2**31 - 1
    with pytest.raises(TypeError, match=r"te\.iinfo"):
        te.finfo(te.int64)
    with pytest.raises(TypeError, match=r"te\.finfo"):
        te.iinfo(te.float64)


def test_narrow_stays_inside() -> None:
    for start, length in ((0, 4), (3, 1), (-4, 1)):
        with pytest.raises(IndexError, match="of an axis of 3"):
            te.ones(2, 3).narrow(1, start, length)
    assert te.ones(2, 3).narrow(-1, 3, 0).shape == (2, 0)
