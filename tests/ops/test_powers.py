"""Powers with one constant exponent: as exact as NumPy's, at every sign, corner and layout, gradients too."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as te
from benchmarks import ulps
from benchmarks.exact import mp
from tinygrad_edu.check import gradcheck

pytestmark = pytest.mark.cpu
EXPONENTS = [-3, -2.0, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3, 4.0, 5, 6, 17]
CORNERS = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, -2.0, 1e-30, -1e-30, 1e30, -1e30, 1e-44, 3e38]


def points(dtype):
    return ulps.line(dtype)[::11]


def gradient(x, y):
    with np.errstate(all="ignore"):
        return te.grad(lambda v: (v**y).sum())(te.tensor(x)).numpy()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("y", EXPONENTS)
def test_digits(y, dtype):
    x, info = points(dtype), np.finfo(dtype)
    with np.errstate(all="ignore"):
        out = (te.tensor(x) ** y).numpy()
    slopes = gradient(x, y)
    assert out.dtype == slopes.dtype == dtype
    for at, found, slope in zip(x.tolist(), out.tolist(), slopes.tolist(), strict=True):
        if at < 0 and y != int(y):
            assert np.isnan(found) and np.isnan(slope)
            continue
        with mp.workprec(300):
            size, sign = abs(mp.mpf(at)), -1 if at < 0 else 1
            power, below = size**y, size ** (y - 1) * y
            if y == int(y):
                power, below = power * sign ** int(y), below * sign ** abs(int(y) - 1)
            assert ulps.error(found, power, info) <= 1.0, (at, found)
            if y == 0 or abs(below) > float(info.tiny):
                assert ulps.error(slope, below, info) <= 3.0, (at, slope)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("y", [*EXPONENTS, 2.0**23 + 1, 1e9, 2.0**60, np.inf, -np.inf, np.nan])
def test_corners_are_those_of_an_exponent_that_is_an_array(y, dtype):
    x = np.array(CORNERS).astype(dtype)
    exponent = np.full_like(x, y)
    with np.errstate(all="ignore"):
        wanted, found = np.power(x, exponent), (te.tensor(x) ** y).numpy()
        slope = te.grad(lambda v: (v**exponent).sum())(te.tensor(x)).numpy()
    near = {"rtol": 4 * np.finfo(dtype).eps, "atol": 2 * float(np.finfo(dtype).smallest_subnormal)}
    np.testing.assert_allclose(found, wanted, **near)
    assert (np.signbit(found) == np.signbit(wanted))[~np.isnan(wanted)].all()
    if y in EXPONENTS:
        np.testing.assert_allclose(gradient(x, y), slope, **near)


@pytest.mark.parametrize("y", EXPONENTS)
def test_layouts(y):
    whole = np.random.default_rng(0).uniform(0.5, 2, (6, 8, 4)).astype(np.float32)
    for x in (whole, whole.transpose(2, 0, 1), whole[::2, ::-1, 1], whole[0, 0, 0], whole[:0]):
        x = np.asarray(x)
        found, kept = te.tensor(x) ** y, x.copy()
        assert found.shape == x.shape and (x == kept).all()
        np.testing.assert_allclose(found.numpy(), x.astype(np.float64) ** y, rtol=1e-6)
        np.testing.assert_allclose(gradient(x, y), y * x.astype(np.float64) ** (y - 1), rtol=1e-6)


@pytest.mark.parametrize("y", [y for y in EXPONENTS if y < 9])
def test_gradients_of_order_two(y):
    x = te.tensor(np.array([0.4, 0.7, 1.3, 2.1]) * (-1 if y == int(y) else 1), requires_grad=True)
    gradcheck(lambda v: (v**y).sum(), [x])
    gradcheck(lambda v: (te.grad(lambda u: (u**y).sum())(v) * v).sum(), [x])


def test_integers_keep_integer_powers():
    assert (te.tensor([2, -3]) ** 3).tolist() == [8, -27]
