"""The error function and its kin in float32: every digit, at every magnitude, against those of float64."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_edu.ops import error_function

pytestmark = pytest.mark.cpu
WORST = {"erf": 1.5, "normal_cdf": 0.75, "gelu": 0.75}  # units in the last place


@pytest.mark.parametrize("name", WORST)
def test_every_digit(name):
    tiny = 2.0 ** np.arange(-149, 5, 0.5)
    x = np.concatenate([np.linspace(-15, 15, 200_001), np.linspace(-1.1, 1.1, 100_001), tiny, -tiny])
    x = x.astype(np.float32)
    function = getattr(error_function, name)
    wanted = function(x.astype(np.float64))
    unit = np.spacing(np.abs(wanted.astype(np.float32))).astype(np.float64)
    found = function(x)
    assert found.dtype == np.float32
    assert (np.abs(found - wanted) / unit).max() <= WORST[name]


@pytest.mark.parametrize("name", WORST)
def test_corners_and_layouts(name):
    function = getattr(error_function, name)
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 3e38, -3e38, 1.0, -1.0, 1e-45], np.float32)
    wanted = function(x.astype(np.float64)).astype(np.float32)
    np.testing.assert_allclose(function(x), wanted, rtol=3e-7, atol=1e-45)
    assert (np.signbit(function(x)) == np.signbit(wanted))[~np.isnan(x)].all()
    whole = np.random.default_rng(0).standard_normal((60, 30, 40)).astype(np.float32)
    found = function(whole)
    np.testing.assert_array_equal(function(whole.T), found.T)
    np.testing.assert_array_equal(function(whole[::2, ::-1, 3]), found[::2, ::-1, 3])
    np.testing.assert_array_equal(function(whole[0, 0, 0]), found[0, 0, 0])
    assert function(whole[:0]).shape == (0, 30, 40)
