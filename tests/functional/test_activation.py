"""Composed activations: formulas in NumPy, derivatives by differences, kinks, NaN, and bad arguments."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te

ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# name, keyword arguments, the formula, points where the slope jumps
CASES = [
    ("celu", {"alpha": 1.5}, lambda x: np.maximum(x, 0) + np.minimum(0, 1.5 * np.expm1(x / 1.5)), ()),
    ("gelu", {"approximate": "tanh"},
     lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))), ()),
    ("hardshrink", {"lambd": 0.7}, lambda x: x * (np.abs(x) > 0.7), (-0.7, 0.7)),
    ("hardsigmoid", {}, lambda x: np.clip(x / 6 + 0.5, 0, 1), (-3, 3)),
    ("hardswish", {}, lambda x: x * np.clip(x / 6 + 0.5, 0, 1), (-3, 3)),
    ("hardtanh", {"min_val": -1.5, "max_val": 0.5}, lambda x: np.clip(x, -1.5, 0.5), (-1.5, 0.5)),
    ("mish", {}, lambda x: x * np.tanh(np.log1p(np.exp(x))), ()),
    ("relu6", {}, lambda x: np.clip(x, 0, 6), (0, 6)),
    ("selu", {}, lambda x: SCALE * (np.maximum(x, 0) + np.minimum(0, ALPHA * np.expm1(x))), (0,)),
    ("softshrink", {"lambd": 0.7}, lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.7, 0), (-0.7, 0.7)),
    ("softsign", {}, lambda x: x / (1 + np.abs(x)), ()),
    ("tanhshrink", {}, lambda x: x - np.tanh(x), ()),
    ("threshold", {"threshold": 0.5, "value": -2.0}, lambda x: np.where(x > 0.5, x, -2.0), (0.5,)),
    ("glu", {}, lambda x: x[..., :3] * sigmoid(x[..., 3:]), ()),
    ("softmin", {"axis": 0}, lambda x: np.exp(-x) / np.exp(-x).sum(0), ()),
    ("prelu", {"weight": 0.2}, lambda x: np.where(x > 0, x, 0.2 * x), (0,)),
]  # fmt: skip


def called(name, options, x):
    if name == "prelu":
        return te.prelu(x, te.tensor(options["weight"], dtype=x.dtype))
    return getattr(te, name)(x, **options)


@pytest.mark.parametrize(("name", "options", "formula", "kinks"), CASES, ids=[c[0] for c in CASES])
@given(seed=st.integers(0, 999), wide=st.sampled_from((1.0, 6.0)))
def test_values_and_derivatives(name, options, formula, kinks, seed, wide):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-wide, wide, (4, 6))
    for kink in kinks:
        x = np.where(np.abs(x - kink) < 1e-3, kink + 0.01, x)
    w = te.tensor(x, requires_grad=True)
    out = called(name, options, w)
    np.testing.assert_allclose(out.detach().numpy(), formula(x), rtol=1e-12, atol=1e-13)
    seeds, step = rng.uniform(-1, 1, out.shape), rng.uniform(-1, 1, x.shape)
    (out * te.tensor(seeds)).sum().backward()
    h = 1e-6
    expected = ((formula(x + h * step) - formula(x - h * step)) * seeds).sum() / (2 * h)
    assert abs((w.grad.numpy() * step).sum() - expected) < 1e-6 * (1 + abs(expected))


@pytest.mark.parametrize(("name", "options", "formula", "kinks"), CASES, ids=[c[0] for c in CASES])
def test_float32_stays_and_nan_is_seen(name, options, formula, kinks):
    x = te.tensor(np.linspace(-8, 8, 12, dtype=np.float32).reshape(2, 6))
    out = called(name, options, x)
    assert out.dtype == te.float32 and out.device == x.device
    np.testing.assert_allclose(out.numpy(), formula(x.numpy().astype(float)), rtol=3e-5, atol=3e-6)
    lost = called(name, options, te.tensor(np.full((2, 6), np.nan, np.float32))).numpy()
    assert np.isnan(lost).all()


@pytest.mark.parametrize(("name", "options", "x", "slope"), [
    ("hardtanh", {}, -1.0, 0.0), ("hardtanh", {}, 1.0, 0.0), ("relu6", {}, 0.0, 0.0), ("relu6", {}, 6.0, 0.0),
    ("hardsigmoid", {}, 3.0, 0.0), ("hardsigmoid", {}, -3.0, 0.0), ("hardswish", {}, 3.0, 1.0),
    ("hardswish", {}, -3.0, 0.0), ("hardshrink", {}, 0.5, 0.0), ("softshrink", {}, -0.5, 0.0),
    ("threshold", {"threshold": 1.0, "value": 3.0}, 1.0, 0.0), ("celu", {}, 0.0, 1.0),
    ("prelu", {"weight": 0.25}, 0.0, 0.25), ("celu", {}, 1e4, 1.0), ("selu", {}, -1e4, 0.0),
    ("celu", {"alpha": 1e-3}, -1e4, 0.0)])  # fmt: skip
def test_slopes_at_kinks_and_far_away(name, options, x, slope):
    w = te.tensor(x, dtype="float64", requires_grad=True)
    called(name, options, w).backward()
    assert w.grad.item() == slope


def test_prelu_has_a_weight_for_each_channel():
    x, w = te.tensor(-np.ones((2, 3, 4))), te.tensor([1.0, 2.0, 3.0], dtype="float64", requires_grad=True)
    out = te.prelu(x, w)
    np.testing.assert_array_equal(out.detach().numpy()[1, :, 2], [-1, -2, -3])
    out.sum().backward()
    np.testing.assert_array_equal(w.grad.numpy(), [-8, -8, -8])


@pytest.mark.parametrize(("call", "said"), [
    (lambda: te.hardtanh(te.ones(2), 1.0, 1.0), "min_val=1.0 must be less than max_val=1.0"),
    (lambda: te.softshrink(te.ones(2), -1.0), r"lambd=-1\.0 must be at least 0"),
    (lambda: te.celu(te.ones(2), 0.0), "alpha must not be 0"),
    (lambda: te.gelu(te.ones(2), "fast"), "approximate must be 'none' or 'tanh', not 'fast'"),
    (lambda: te.glu(te.ones(2, 3)), "the odd size 3, and no halves"),
    (lambda: te.prelu(te.ones(2, 3), te.ones(2)), r"there are 3 channels and \(2,\) weights"),
    (lambda: te.prelu(te.ones(2), te.ones(2)), "there are 1 channels"),
])  # fmt: skip
def test_bad_arguments(call, said):
    with pytest.raises(ValueError, match=said) as error:
        call()
    assert "test_activation.py" in str(error.value)
