"""Faults of numbers, by their number in the list of faults: kinks, ties, singular points, extremes, NaN."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te
from tinygrad_edu.errors import AnomalyError

INF, NAN = np.inf, np.nan


def slope(f: Any, *values: Any, dtype: str = "float64") -> Any:
    """The gradient of sum f at a point."""
    x = te.tensor(list(values), dtype=dtype, requires_grad=True)
    with np.errstate(all="ignore"):
        f(x).sum().backward()
    return x.grad.numpy()


def same(found: Any, expected: Any) -> None:
    np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))


def test_09_ties_are_shared_evenly() -> None:
    same(slope(te.max, 1.0, 3.0, 3.0), [0.0, 0.5, 0.5])
    same(slope(te.min, 1.0, 1.0, 3.0), [0.5, 0.5, 0.0])
    same(slope(lambda x: te.max(x.reshape(2, 2), 1), 2.0, 2.0, 0.0, 1.0), [0.5, 0.5, 0.0, 1.0])
    same(slope(lambda x: te.maximum(x, te.tensor([1.0, 1.0, 1.0])), 0.0, 1.0, 2.0), [0.0, 0.5, 1.0])
    same(slope(lambda x: te.minimum(1.0, x), 0.0, 1.0, 2.0), [1.0, 0.5, 0.0])
    same(slope(lambda x: te.maximum(x, INF), INF, 1.0), [0.5, 0.0])
    same(slope(lambda x: te.minimum(x, -INF), -INF, 1.0), [0.5, 0.0])


def test_10_kinks() -> None:
    same(slope(te.relu, -1.0, 0.0, 1.0), [0.0, 0.0, 1.0])
    same(slope(te.abs, -1.0, 0.0, 1.0), [-1.0, 0.0, 1.0])
    same(slope(te.sign, -1.0, 0.0, 1.0), [0.0, 0.0, 0.0])
    same(slope(lambda x: te.clip(x, -1.0, 1.0), -2.0, -1.0, 0.0, 1.0, 2.0), [0.0, 1.0, 1.0, 1.0, 0.0])


def test_11_sqrt_at_zero_has_its_one_sided_slope() -> None:
    same(slope(te.sqrt, 0.0, 4.0), [INF, 0.25])
    assert np.isnan(slope(te.sqrt, -1.0)).all()


@pytest.mark.parametrize("order", [1, 2, 3, 0.5, INF])
def test_12_norm_at_zero(order: float) -> None:
    same(slope(lambda x: te.norm(x, order), 0.0, 0.0), [0.0, 0.0])
    same(slope(lambda x: te.norm(x.reshape(2, 2), 2, axis=1), 3.0, 4.0, 0.0, 0.0), [0.6, 0.8, 0.0, 0.0])


@pytest.mark.parametrize("value", [0.1, 1.7, 1e5 + 0.1, -2.3, 0.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_13_std_of_equal_values(value: float, dtype: str) -> None:
    for count in (2, 3, 7, 30):
        x = te.full((count,), value, dtype=dtype, requires_grad=True)
        s = x.std(correction=1)
        s.backward()
        assert s.item() == 0.0, count
        same(x.grad, np.zeros(count))
        assert te.var(x).item() == 0.0


def test_13_std_of_one_value() -> None:
    with pytest.warns(RuntimeWarning, match="no degree of freedom"):
        assert np.isnan(te.tensor([1.0]).std(correction=1).item())
    assert te.tensor([1.0]).std().item() == 0.0


def test_14_products_with_zeros() -> None:
    same(slope(te.prod, 0.0, 2.0, 3.0), [6.0, 0.0, 0.0])
    same(slope(te.prod, 0.0, 0.0, 3.0), [0.0, 0.0, 0.0])
    same(slope(te.cumprod, 2.0, 0.0, 3.0), [1.0, 8.0, 0.0])
    h = te.hessian(te.prod)(te.tensor([0.0, 2.0, 3.0], dtype="float64"))
    same(h, [[0.0, 3.0, 2.0], [3.0, 0.0, 0.0], [2.0, 0.0, 0.0]])


def test_15_zero_to_the_power_zero() -> None:
    base, exponent = (te.tensor([0.0], dtype="float64", requires_grad=True) for _ in range(2))
    y = base**exponent
    y.sum().backward()
    same((y.item(), base.grad.item(), exponent.grad.item()), (1.0, 0.0, 0.0))
    same(slope(lambda x: x**2, 0.0), [0.0])
    same(slope(lambda x: x**1.0, 0.0), [1.0])
    same(slope(lambda x: x**0, 0.0), [0.0])
    same(slope(lambda x: 0.0**x, 2.0), [0.0])
    assert np.isnan(slope(lambda x: x**0.5, -1.0)).all()


def test_16_cross_entropy_of_huge_logits() -> None:
    z = te.tensor([[1e4, 0.0, -1e4]], requires_grad=True)
    loss = te.cross_entropy(z, te.tensor([2]))
    loss.backward()
    assert loss.item() == 20000.0
    same(z.grad, [[1.0, 0.0, -1.0]])


def test_17_binary_cross_entropy_at_the_ends() -> None:
    z = te.tensor([1e4, -1e4, 1e4, -1e4], requires_grad=True)
    loss = te.binary_cross_entropy_with_logits(z, te.tensor([1.0, 0.0, 0.0, 1.0]), reduction="none")
    loss.sum().backward()
    same(loss.detach(), [0.0, 0.0, 1e4, 1e4])
    same(z.grad, [0.0, 0.0, 1.0, -1.0])
    p = te.tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
    loss = te.binary_cross_entropy(p, te.tensor([0.0, 1.0, 1.0, 0.0]), reduction="none")
    loss.sum().backward()
    assert loss.dtype == np.float32
    same(loss.detach(), [0.0, 0.0, 100.0, 100.0])
    assert np.isfinite(p.grad.numpy()).all()


def test_18_rows_of_minus_infinity() -> None:
    assert te.logsumexp(te.tensor([-INF, -INF])).item() == -INF
    same(slope(te.logsumexp, -INF, -INF), [0.0, 0.0])
    same(slope(te.logsumexp, -INF, 1.0), [0.0, 1.0])
    assert te.logsumexp(te.tensor([INF, 0.0])).item() == INF
    assert slope(te.logsumexp, INF, 0.0)[1] == 0.0
    assert np.isnan(slope(te.logsumexp, NAN, 0.0)).all()
    with np.errstate(all="ignore"):
        assert np.isnan(te.softmax(te.tensor([-INF, -INF])).numpy()).all()
        same(te.softmax(te.tensor([-INF, 0.0])), [0.0, 1.0])
    same(slope(lambda x: te.softmax(x)[1], -INF, 0.0), [0.0, 0.0])


@pytest.mark.parametrize("target", [3, -1])
def test_19_a_target_that_is_no_class(target: int) -> None:
    with pytest.raises(
        IndexError, match=rf"target {target} is out of range for 3 classes.*test_number_faults.py:\d+"
    ):
        te.cross_entropy(te.zeros(1, 3), te.tensor([target]))
    with pytest.raises(IndexError, match="out of range"):
        te.nll(te.zeros(1, 3), te.tensor([target]))
    with pytest.raises(IndexError, match="out of range"):
        te.one_hot(te.tensor([target]), 3)


def test_19_an_empty_batch() -> None:
    z = te.zeros(0, 3, requires_grad=True)
    loss = te.cross_entropy(z, te.zeros(0, dtype="int64"))
    loss.backward()
    assert np.isnan(loss.item()) and z.grad.shape == (0, 3)
    assert te.cross_entropy(z, te.zeros(0, dtype="int64"), reduction="sum").item() == 0.0
    assert np.isnan(te.mse(te.zeros(0), te.zeros(0)).item())


def test_20_where_hides_a_nan_and_the_double_where_does_not() -> None:
    def naive(x: Any) -> Any:
        return te.where(x > 0, te.sqrt(x), 0.0)

    def guarded(x: Any) -> Any:
        return te.where(x > 0, te.sqrt(te.where(x > 0, x, 1.0)), 0.0)

    assert np.isnan(slope(naive, -1.0, 4.0)[0])
    same(slope(guarded, -1.0, 4.0), [0.0, 0.25])
    x = te.tensor([0.0, 4.0], requires_grad=True)
    with (
        np.errstate(all="ignore"),
        te.detect_anomaly(),
        pytest.raises(AnomalyError, match=r"the gradient of sqrt .*test_number_faults.py:\d+"),
    ):
        naive(x).sum().backward()


def test_21_the_op_that_made_the_first_nan_is_named() -> None:
    x = te.tensor([-1.0], requires_grad=True)
    with (
        np.errstate(all="ignore"),
        te.detect_anomaly(),
        pytest.raises(
            AnomalyError, match=r"log\(\(1,\) float32\) made the first NaN \(at .*test_number_faults.py:\d+"
        ),
    ):
        te.exp(te.log(x))
    with np.errstate(all="ignore"):
        assert np.isnan(te.exp(te.log(x)).item())  # outside the mode nothing is raised
