"""Layers for images beside PyTorch's: names, values, gradients, averages, training and evaluation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.functional.twice import close
from tinygrad_edu import nn

pytestmark = pytest.mark.oracle
SPATIAL = (7, 6, 5)
# the arguments of a layer, as both libraries take them, drawn; {} is the number of axes of its windows
LAYERS: dict[str, Any] = {
    "Conv{}d": st.fixed_dictionaries({
        "in_channels": st.just(4), "out_channels": st.sampled_from((2, 6)), "kernel_size": st.integers(1, 3),
        "padding": st.sampled_from((0, 1, 2, "same", "valid")), "dilation": st.integers(1, 2),
        "groups": st.integers(1, 2), "bias": st.booleans(),
        "padding_mode": st.sampled_from(("zeros", "reflect", "replicate", "circular"))}),
    "ConvTranspose{}d": st.fixed_dictionaries({
        "in_channels": st.just(4), "out_channels": st.sampled_from((2, 6)), "kernel_size": st.integers(1, 3),
        "stride": st.integers(2, 3), "padding": st.integers(0, 2), "output_padding": st.integers(0, 1),
        "groups": st.integers(1, 2), "bias": st.booleans(), "dilation": st.integers(1, 2)}),
    "MaxPool{}d": st.fixed_dictionaries({
        "kernel_size": st.integers(2, 3), "stride": st.sampled_from((None, 1, 2)),
        "padding": st.integers(0, 1),
        "dilation": st.integers(1, 2), "ceil_mode": st.booleans()}),
    "AvgPool{}d": st.fixed_dictionaries({
        "kernel_size": st.integers(2, 3), "stride": st.sampled_from((None, 1, 2)),
        "padding": st.integers(0, 1),
        "ceil_mode": st.booleans(), "count_include_pad": st.booleans()}),
    "AdaptiveAvgPool{}d": st.fixed_dictionaries({"output_size": st.integers(1, 9)}),
    "AdaptiveMaxPool{}d": st.fixed_dictionaries({"output_size": st.integers(1, 9)}),
    "BatchNorm{}d": st.fixed_dictionaries({
        "num_features": st.just(4), "eps": st.sampled_from((1e-5, 0.1)), "affine": st.booleans(),
        "momentum": st.sampled_from((0.1, 0.5, None)), "track_running_stats": st.booleans()}),
    "InstanceNorm{}d": st.fixed_dictionaries({
        "num_features": st.just(4), "eps": st.sampled_from((1e-5, 0.1)), "affine": st.booleans(),
        "momentum": st.sampled_from((0.1, 0.5, None)), "track_running_stats": st.booleans()}),
    "GroupNorm": st.fixed_dictionaries({
        "num_groups": st.sampled_from((1, 2, 4)), "num_channels": st.just(4), "affine": st.booleans()}),
    "RMSNorm": st.fixed_dictionaries({
        "normalized_shape": st.just(SPATIAL[0]), "eps": st.sampled_from((None, 0.1)),
        "elementwise_affine": st.booleans()}),
    "Upsample": st.fixed_dictionaries({"scale_factor": st.sampled_from((2, 3, 1.5)),
                                       "mode": st.sampled_from(("nearest", "linear"))}),
    "ReflectionPad{}d": st.fixed_dictionaries({"padding": st.integers(0, 4)}),
    "ReplicationPad{}d": st.fixed_dictionaries({"padding": st.integers(0, 4)}),
    "CircularPad{}d": st.fixed_dictionaries({"padding": st.integers(0, 4)}),
    "ConstantPad{}d": st.fixed_dictionaries({"padding": st.integers(0, 4), "value": st.floats(-1, 1)}),
    "ZeroPad{}d": st.fixed_dictionaries({"padding": st.integers(0, 4)}),
}  # fmt: skip
WITH_STATE = ("Conv", "BatchNorm", "InstanceNorm", "GroupNorm", "RMSNorm")


def numbers(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).permutation(np.linspace(-1.5, 1, int(np.prod(shape)))).reshape(shape)


@pytest.mark.parametrize("kind", sorted(LAYERS))
@given(data=st.data(), axes=st.integers(1, 3))
@settings(max_examples=12)
def test_a_layer_is_pytorchs_in_training_and_evaluation(kind, data, axes):
    import torch

    axes = min(axes, 2) if "Pad" in kind else axes if "{}" in kind else 1
    name, how = kind.format(axes), dict(data.draw(LAYERS[kind]))
    if name.startswith("MaxPool"):
        how["padding"] = min(how["padding"], (how["dilation"] * (how["kernel_size"] - 1) + 1) // 2)
    stateful = name.startswith(WITH_STATE)
    ours = getattr(nn, name)(**how, **({"dtype": "float64"} if stateful else {}))
    theirs = getattr(torch.nn, name)(**how, **({"dtype": torch.float64} if stateful else {}))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    with torch.no_grad():
        for i, parameter in enumerate(theirs.parameters()):
            parameter.copy_(torch.tensor(numbers(*parameter.shape, seed=i)))
    ours.load_state_dict(theirs.state_dict())
    for step in range(3):
        if step == 2:
            ours.eval()
            theirs.eval()
        x = numbers(2, 4, *SPATIAL[:axes], seed=step)
        x, t = te.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
        out, expected = ours(x), theirs(t)
        weight = np.cos(np.arange(out.size)).reshape(out.shape)
        ours.zero_grad()
        theirs.zero_grad()
        (out * out * te.tensor(weight)).sum().backward()
        (expected * expected * torch.tensor(weight)).sum().backward()
        close(out.numpy(), expected.detach().numpy())
        close(x.grad.numpy(), t.grad.numpy())
        for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
            close(p.grad.numpy(), q.grad.numpy())
        for key, value in theirs.state_dict().items():
            close(ours.state_dict()[key], value.numpy())


def test_indices_are_pytorchs_and_so_are_sizes_that_are_asked_for():
    import torch

    x = numbers(2, 4, 7, 6)
    for name, how in (
        ("MaxPool2d", {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
        ("MaxPool2d", {"kernel_size": 2, "dilation": 2}),
        ("AdaptiveMaxPool2d", {"output_size": (3, 4)}),
    ):
        ours = getattr(nn, name)(**how, return_indices=True)(te.tensor(x))
        theirs = getattr(torch.nn, name)(**how, return_indices=True)(torch.tensor(x))
        for found, expected in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(found.numpy(), expected.numpy())
    ours = nn.ConvTranspose2d(4, 2, 3, 2, 1, dtype="float64")
    theirs = torch.nn.ConvTranspose2d(4, 2, 3, 2, 1, dtype=torch.float64)
    ours.load_state_dict(theirs.state_dict())
    for size in ((13, 12), (14, 11)):
        close(ours(te.tensor(x), size).numpy(), theirs(torch.tensor(x), output_size=size).detach().numpy())


def build(n: Any, extra: dict[str, Any]) -> Any:
    """One architecture in either library."""
    return n.Sequential(
        n.Conv2d(2, 4, 3, padding="same", padding_mode="circular", **extra),
        n.GroupNorm(2, 4, **extra),
        n.Conv2d(4, 4, 3, padding=1, groups=4, stride=2, **extra),
        n.BatchNorm2d(4, **extra),
        n.ReLU(),
        n.ConvTranspose2d(4, 4, 4, 2, 1, **extra),
        n.InstanceNorm2d(4, affine=True, **extra),
        n.PixelShuffle(2),
        n.AvgPool2d(3, 2, ceil_mode=True, count_include_pad=False),
        n.AdaptiveMaxPool2d((3, 4)),
        n.Flatten(),
        n.RMSNorm(12, **extra),
    )


def test_ten_steps_of_training_go_along_the_same_path():
    import torch

    ours, theirs = build(nn, {"dtype": "float64"}), build(torch.nn, {"dtype": torch.float64})
    ours.load_state_dict(theirs.state_dict())
    rules = te.optim.SGD(ours.parameters(), lr=0.05), torch.optim.SGD(theirs.parameters(), lr=0.05)
    target = np.random.default_rng(1).normal(size=(3, 12))
    for step in range(10):
        x = np.random.default_rng(step).normal(size=(3, 2, 6, 8))
        losses = (
            ((ours(te.tensor(x)) - te.tensor(target)) ** 2).mean(),
            ((theirs(torch.tensor(x)) - torch.tensor(target)) ** 2).mean(),
        )
        for rule, loss in zip(rules, losses, strict=True):
            rule.zero_grad()
            loss.backward()
            rule.step()
        np.testing.assert_allclose(losses[0].item(), losses[1].item(), rtol=1e-9)
    for key, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[key], value.numpy(), rtol=1e-6, atol=1e-8, err_msg=key)
