"""Muon: its iteration against singular values, its steps against PyTorch's, and what it refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.optim.test_rules import gradient
from tinygrad_edu import optim

SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 6))
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "lr": st.floats(0.01, 0.5),
        "weight_decay": st.sampled_from([0.0, 0.3]),
        "momentum": st.sampled_from([0.0, 0.5, 0.95]),
        "nesterov": st.booleans(),
        "ns_coefficients": st.sampled_from([(3.4445, -4.775, 2.0315), (1.5, -0.5, 0.0)]),
        "eps": st.sampled_from([1e-7, 0.5, 10.0]),
        "ns_steps": st.integers(0, 7),
        "adjust_lr_fn": st.sampled_from([None, "original", "match_rms_adamw"]),
    },
)


@settings(max_examples=40, deadline=None)
@given(SHAPES, SETTINGS, st.booleans())
def test_a_first_step_is_the_polynomial_of_the_singular_values(shape, options, maximize):
    rng = np.random.default_rng(shape)
    start, g = rng.normal(size=shape), rng.normal(size=shape)
    w = te.tensor(start, requires_grad=True)
    optimizer = optim.Muon([w], maximize=maximize, **options)
    w.grad = te.tensor(g)
    optimizer.step()
    group = optimizer.param_groups[0]
    fresh = 1 - group["momentum"]
    mean = u = g * fresh * (-1 if maximize else 1)
    if group["nesterov"]:
        u = mean * group["momentum"] + (-g if maximize else g) * fresh
    left, s, right = np.linalg.svd(u, full_matrices=False)
    s = s / max(np.linalg.norm(u), group["eps"])
    a, b, c = group["ns_coefficients"]
    for _ in range(group["ns_steps"]):
        s = a * s + b * s**3 + c * s**5
    size = group["lr"] * (
        0.2 * math.sqrt(max(shape))
        if group["adjust_lr_fn"] == "match_rms_adamw"
        else math.sqrt(max(1, shape[0] / shape[1]))
    )
    expected = start * (1 - group["lr"] * group["weight_decay"]) - size * (left * s) @ right
    np.testing.assert_allclose(w.numpy(), expected, rtol=1e-9, atol=1e-11)


def test_five_iterations_make_a_matrix_almost_orthogonal():
    w = te.zeros(8, 8, dtype="float64", requires_grad=True)
    optimizer = optim.Muon([w], lr=1.0)
    w.grad = te.tensor(np.random.default_rng(0).normal(size=(8, 8)))
    optimizer.step()
    s = np.linalg.svd(w.numpy(), compute_uv=False)
    assert s.min() > 0.1 and s.max() < 1.3


@pytest.mark.oracle
@settings(max_examples=50, deadline=None)
@given(SHAPES, SETTINGS)
def test_ten_steps_are_pytorchs(shape, options):
    import torch

    if not hasattr(torch.optim, "Muon"):
        pytest.fail("this PyTorch has no Muon: install 2.9 or newer")
    start = np.random.default_rng(shape).normal(size=shape)
    ours, theirs = te.tensor(start, requires_grad=True), torch.tensor(start, requires_grad=True)
    optimizer, reference = optim.Muon([ours], **options), torch.optim.Muon([theirs], **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.Tensor, "bfloat16", lambda self: self.clone())  # it computes in the dtype, too
        for t in range(10):
            ours.grad = te.tensor(gradient(ours.numpy(), t))
            theirs.grad = torch.tensor(gradient(theirs.detach().numpy(), t))
            optimizer.step()
            reference.step()
            np.testing.assert_allclose(ours.numpy(), theirs.detach().numpy(), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(("options", "said"), [
    ({"ns_steps": 100}, "ns_steps=100 below 100"), ({"ns_steps": 1.5}, "ns_steps"),
    ({"momentum": 1.0}, "momentum=1.0"), ({"nesterov": 1}, "nesterov=1"),
    ({"ns_coefficients": (1, 2)}, "must be three numbers"), ({"ns_coefficients": (1, math.nan, 2)}, "finite"),
    ({"adjust_lr_fn": "mine"}, "adjust_lr_fn='mine' must be one of original"),
])  # fmt: skip
def test_bad_settings(options, said):
    with pytest.raises(ValueError, match=said):
        optim.Muon([te.ones(2, 2, requires_grad=True)], **options)


def test_only_matrices():
    with pytest.raises(ValueError, match=r"parameter 1, of shape \(3,\), is no matrix.*AdamW"):
        optim.Muon([te.ones(2, 2, requires_grad=True), te.ones(3, requires_grad=True)])
