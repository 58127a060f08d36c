"""First values: fans, gains, bounds and spread, orthogonality; all reproducible, none of it in the graph."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special, stats

import tinygrad_edu as te
from tinygrad_edu import nn
from tinygrad_edu.nn import init
from tinygrad_edu.nn.normal_quantile import below, quantile


def fresh(*shape):
    return nn.Parameter(np.zeros(shape, np.float32))


# (how to fill, the standard deviation the paper asks for a weight (out 300, in 100), bounded)
SPREADS = [
    (lambda w, g: init.uniform_(w, -2, 1, generator=g), 3 / math.sqrt(12), (-2, 1)),
    (lambda w, g: init.normal_(w, 0.5, 2.0, generator=g), 2.0, None),
    (lambda w, g: init.trunc_normal_(w, std=0.02, generator=g), 0.02, None),
    (lambda w, g: init.trunc_normal_(w, generator=g), 0.8796256610342398, (-2, 2)),
    (lambda w, g: init.xavier_uniform_(w, 5 / 3, generator=g), 5 / 3 * math.sqrt(2 / 400), "root 3"),
    (lambda w, g: init.xavier_normal_(w, generator=g), math.sqrt(2 / 400), None),
    (lambda w, g: init.kaiming_uniform_(w, nonlinearity="relu", generator=g), math.sqrt(2 / 100), "root 3"),
    (lambda w, g: init.kaiming_uniform_(w, a=math.sqrt(5), generator=g), math.sqrt(1 / 3 / 100), "root 3"),
    (lambda w, g: init.kaiming_normal_(w, mode="fan_out", generator=g), math.sqrt(2 / 300), None),
]


@pytest.mark.parametrize(("fill", "spread", "bounds"), SPREADS)
def test_spread_bounds_and_reproducibility(fill, spread, bounds):
    w = fresh(300, 100)
    assert fill(w, te.Generator(1)) is w
    values = w.numpy()
    assert abs(values.std() / spread - 1) < 0.03
    if bounds is not None:
        low, high = bounds if bounds != "root 3" else (-math.sqrt(3) * spread, math.sqrt(3) * spread)
        assert low <= values.min() < low + 0.01 * spread and high - 0.01 * spread < values.max() <= high
    assert w.is_leaf and w.requires_grad
    again, other = fresh(300, 100), fresh(300, 100)
    fill(again, te.Generator(1))
    fill(other, te.Generator(2))
    assert np.array_equal(again.numpy(), values) and not np.array_equal(other.numpy(), values)


@pytest.mark.parametrize("shape", [(6, 3), (3, 6), (4, 4), (4, 2, 3)])
def test_orthogonal_rows_or_columns(shape):
    w = nn.Parameter(np.zeros(shape))
    init.orthogonal_(w, 2.0, generator=te.Generator(0))
    flat = w.numpy().reshape(shape[0], -1)
    square = flat @ flat.T if flat.shape[0] <= flat.shape[1] else flat.T @ flat
    np.testing.assert_allclose(square, 4 * np.eye(len(square)), atol=1e-12)


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"),
    [(0, 1, -2, 2), (0.5, 2, -1, 0.75), (0, 1, 5, 6), (0, 1, -9, -8.5), (1, 0.1, -2, 2), (0, 1, 0, 1e-3)],
)
def test_a_truncated_normal_has_its_distribution(mean, std, a, b):
    w = nn.Parameter(np.zeros(20_000))
    init.trunc_normal_(w, mean, std, a, b, generator=te.Generator(3))
    law = stats.truncnorm((a - mean) / std, (b - mean) / std, mean, std)
    assert stats.kstest(w.numpy(), law.cdf).pvalue > 1e-3
    assert a <= w.numpy().min() and w.numpy().max() <= b


def test_the_quantile_has_all_its_digits():
    p = np.concatenate(
        [np.linspace(1e-3, 1 - 1e-3, 999), 10.0 ** -np.arange(4, 290), 1 - 10.0 ** -np.arange(4, 15)]
    )
    np.testing.assert_allclose(quantile(p), special.ndtri(p), rtol=2e-14, atol=1e-15)
    for z in (-30.0, -3.0, 0.0, 2.0, math.inf):
        np.testing.assert_allclose(below(z), special.ndtr(z), rtol=1e-12)


def test_constants_fans_and_gains():
    w = fresh(2, 3, 4)
    assert np.all(init.ones_(w).numpy() == 1) and np.all(init.constant_(w, -2.5).numpy() == -2.5)
    assert not init.zeros_(w).numpy().any()
    assert init.fans(w) == (12, 8)
    assert init.calculate_gain("relu") == math.sqrt(2) and init.calculate_gain("leaky_relu", 1.0) == 1.0
    init.xavier_uniform_(fresh(0, 0))  # nothing to fill, nothing to divide by


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: init.xavier_uniform_(fresh(3)), r"\(3,\) has no fan in or out"),
        (lambda: init.kaiming_normal_(fresh(3, 3), mode="fan"), "mode must be"),
        (lambda: init.calculate_gain("swish"), "'swish' is none of"),
        (lambda: init.uniform_(fresh(3), 2, 1), "low 2 is above high 1"),
        (lambda: init.normal_(fresh(3), 0, -1), "standard deviation"),
        (lambda: init.trunc_normal_(fresh(3), 0, 0), "standard deviation must be > 0"),
        (lambda: init.trunc_normal_(fresh(3), a=1, b=1), "a 1 must be below b 1"),
        (lambda: init.trunc_normal_(fresh(3), a=50, b=51), r"\[50, 51\] has no probability"),
    ],
)
def test_bad_arguments(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_signals_keep_their_size_through_kaiming_layers():
    x = te.randn(256, 128, generator=te.Generator(0))
    for i in range(8):
        w = init.kaiming_normal_(fresh(128, 128), nonlinearity="relu", generator=te.Generator(i + 1))
        x = te.relu(x @ w.T)
    assert 0.5 < float((x * x).mean()) < 2.0  # the second moment stays near 1
