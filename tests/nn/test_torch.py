"""The same layers as PyTorch's: state_dict names, values, gradients."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as te
from tinygrad_edu import nn

pytestmark = pytest.mark.oracle


@pytest.fixture(scope="module")
def torch():
    import torch

    return torch


def build(n, extra):
    """One architecture spelled once, in either library."""
    return n.Sequential(
        n.Linear(5, 8, **extra),
        n.ReLU(),
        n.LayerNorm(8, **extra),
        n.Sequential(n.Linear(8, 6, bias=False, **extra), n.GELU(), n.Linear(6, 3, **extra)),
    )


def test_a_pytorch_checkpoint_loads_and_gives_its_values_and_gradients(torch):
    theirs, ours = build(torch.nn, {"dtype": torch.float64}), build(nn, {"dtype": "float64"})
    assert list(ours.state_dict()) == list(theirs.state_dict())
    shapes = [tuple(v.shape) for v in theirs.state_dict().values()]
    assert [v.shape for v in ours.state_dict().values()] == shapes
    ours.load_state_dict(theirs.state_dict())
    x, y = np.random.default_rng(0).normal(size=(7, 5)), np.arange(7) % 3
    loss = nn.CrossEntropyLoss()(ours(te.tensor(x)), te.tensor(y))
    expected = torch.nn.CrossEntropyLoss()(theirs(torch.tensor(x)), torch.tensor(y))
    loss.backward()
    expected.backward()
    np.testing.assert_allclose(loss.item(), expected.item(), rtol=1e-13)
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-11, atol=1e-14)
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})


@pytest.mark.parametrize(("name", "options"), [
    ("ReLU", {}), ("LeakyReLU", {"negative_slope": 0.2}), ("ELU", {"alpha": 1.5}), ("SiLU", {}), ("GELU", {}),
    ("Tanh", {}), ("Sigmoid", {}), ("Softplus", {}), ("Softmax", {"axis": 1}), ("LogSoftmax", {"axis": 0})]
)  # fmt: skip
def test_activations(torch, name, options):
    x = np.random.default_rng(1).normal(size=(4, 6)) * 3
    ours, w = getattr(nn, name)(**options), te.tensor(x, requires_grad=True)
    theirs = getattr(torch.nn, name)(**{"dim" if k == "axis" else k: v for k, v in options.items()})
    v = torch.tensor(x, requires_grad=True)
    out, expected = ours(w), theirs(v)
    (out * out).sum().backward()
    (expected * expected).sum().backward()
    np.testing.assert_allclose(out.numpy(), expected.detach().numpy(), rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(w.grad.numpy(), v.grad.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["MSELoss", "L1Loss", "HuberLoss", "BCELoss", "BCEWithLogitsLoss"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses(torch, name, reduction):
    rng = np.random.default_rng(2)
    output, target = rng.uniform(0.05, 0.95, (3, 4)), rng.uniform(0, 1, (3, 4)) * (1 if "BCE" in name else 4)
    ours = getattr(nn, name)(reduction=reduction)(te.tensor(output), te.tensor(target))
    theirs = getattr(torch.nn, name)(reduction=reduction)(torch.tensor(output), torch.tensor(target))
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-12)


def test_first_values_have_pytorchs_fans_and_gains(torch):
    ours, theirs = nn.init, torch.nn.init
    for shape in ((4, 6), (4, 6, 3)):
        fan_in, fan_out = theirs._calculate_fan_in_and_fan_out(torch.empty(shape))
        assert ours.fans(te.zeros(shape)) == (fan_in, fan_out)
    for name in ("linear", "relu", "tanh", "sigmoid", "leaky_relu", "selu"):
        assert ours.calculate_gain(name) == pytest.approx(theirs.calculate_gain(name))
    assert ours.calculate_gain("leaky_relu", 0.3) == pytest.approx(theirs.calculate_gain("leaky_relu", 0.3))
