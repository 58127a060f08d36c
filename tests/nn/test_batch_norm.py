"""Batch norm: the formula, its running averages, its two modes, and PyTorch's numbers."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as te
from tinygrad_edu import nn
from tinygrad_edu.check import gradcheck

LAYERS = [(nn.BatchNorm1d, (6, 3)), (nn.BatchNorm1d, (4, 3, 5)), (nn.BatchNorm2d, (2, 3, 4, 5))]


@pytest.mark.parametrize(("kind", "shape"), LAYERS)
def test_training_uses_the_batch_and_evaluation_the_averages(kind, shape):
    layer, rng = kind(3, dtype="float64"), np.random.default_rng(0)
    axes = tuple(a for a in range(len(shape)) if a != 1)
    channel = (1, 3, *(1,) * (len(shape) - 2))
    mean, var = np.zeros(3), np.ones(3)
    for _ in range(3):
        x = rng.normal(size=shape) * 2 + 1
        found = layer(te.tensor(x)).numpy()
        wanted = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-5)
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)
        mean, var = 0.9 * mean + 0.1 * x.mean(axes), 0.9 * var + 0.1 * x.var(axes, ddof=1)
    np.testing.assert_allclose(layer.running_mean.numpy(), mean)
    np.testing.assert_allclose(layer.running_var.numpy(), var)
    assert layer.num_batches_tracked.item() == 3
    layer.eval()
    wanted = (x - mean.reshape(channel)) / np.sqrt(var.reshape(channel) + 1e-5)
    np.testing.assert_allclose(layer(te.tensor(x)).numpy(), wanted, rtol=1e-9)
    assert layer.num_batches_tracked.item() == 3
    assert sorted(layer.state_dict()) == [
        "bias",
        "num_batches_tracked",
        "running_mean",
        "running_var",
        "weight",
    ]


@pytest.mark.parametrize(("kind", "shape"), LAYERS)
def test_gradients_are_proven_in_both_modes(kind, shape):
    layer = kind(3, dtype="float64", track_running_stats=False)
    gradcheck(layer, [np.random.default_rng(0).normal(size=shape)])
    fixed = kind(3, dtype="float64").eval()
    gradcheck(fixed, [np.random.default_rng(0).normal(size=shape)], order=1)


@pytest.mark.oracle
@pytest.mark.parametrize(("kind", "shape"), LAYERS)
def test_a_run_is_pytorchs(kind, shape):
    import torch

    ours, theirs = kind(3, dtype="float64"), getattr(torch.nn, kind.__name__)(3, dtype=torch.float64)
    rng = np.random.default_rng(0)
    for _ in range(3):
        x = rng.normal(size=shape)
        np.testing.assert_allclose(
            ours(te.tensor(x)).numpy(), theirs(torch.tensor(x)).detach().numpy(), atol=1e-10
        )
    for name, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[name], value.numpy(), atol=1e-12)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: nn.BatchNorm1d(3)(te.ones(4, 2)), "3 channels second"),
        (lambda: nn.BatchNorm2d(3)(te.ones(4, 3)), "4 axes"),
        (lambda: nn.BatchNorm1d(3)(te.ones(1, 3)), "no variance"),
        (lambda: nn.BatchNorm1d(0), "num_features=0"),
        (lambda: nn.BatchNorm1d(3, momentum=2.0), "momentum=2.0"),
    ],
)
def test_bad_arguments_say_what_is_wrong(call, said):
    with pytest.raises(ValueError, match=said):
        call()


@pytest.mark.parametrize(("kind", "shape"), LAYERS)
def test_without_momentum_the_averages_are_means_over_all_batches(kind, shape):
    layer, rng, batches = kind(3, momentum=None, dtype="float64"), np.random.default_rng(0), []
    axes = tuple(a for a in range(len(shape)) if a != 1)
    for _ in range(4):
        batches.append(rng.normal(size=shape) * 2 + 1)
        layer(te.tensor(batches[-1]))
    np.testing.assert_allclose(layer.running_mean.numpy(), np.mean([b.mean(axes) for b in batches], 0))
    np.testing.assert_allclose(layer.running_var.numpy(), np.mean([b.var(axes, ddof=1) for b in batches], 0))
    assert "momentum=None" in repr(layer) and kind(np.int64(3)).num_features == 3


@pytest.mark.oracle
def test_without_momentum_it_is_pytorchs():
    import torch

    ours, theirs = nn.BatchNorm1d(3, momentum=None), torch.nn.BatchNorm1d(3, momentum=None)
    rng = np.random.default_rng(0)
    for _ in range(5):
        x = rng.normal(size=(6, 3)).astype(np.float32)
        ours(te.tensor(x))
        theirs(torch.tensor(x))
    for name, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[name], value.numpy(), rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("name", ["running_var", "num_batches_tracked"])
def test_no_count_and_no_variance_is_negative(name):
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    state, before = model.state_dict(), model.state_dict()
    state[f"1.{name}"] = state[f"1.{name}"] - 2
    with pytest.raises(ValueError, match=rf"1\.{name} has negative numbers"):
        model.load_state_dict(state)
    for key, value in model.state_dict().items():
        np.testing.assert_array_equal(before[key], value)
