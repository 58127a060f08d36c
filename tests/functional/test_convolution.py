"""conv1d, conv2d, max_pool2d and avg_pool2d: sums written out, PyTorch, and gradients proven."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.oracles import convolution
from tinygrad_edu import nn
from tinygrad_edu.check import gradcheck
from tinygrad_edu.errors import ShapeError

HOW = st.fixed_dictionaries(
    {
        "stride": st.integers(1, 3),
        "padding": st.integers(0, 2),
        "dilation": st.integers(1, 2),
        "groups": st.integers(1, 2),
    }
)


def drawn(axes, how, seed, sizes):
    rng = np.random.default_rng(seed)
    groups = how["groups"]
    x = rng.normal(size=(2, 2 * groups, *(7,) * axes))
    return x, rng.normal(size=(3 * groups, 2, *sizes[:axes])), rng.normal(size=3 * groups)


@given(
    axes=st.integers(1, 2),
    how=HOW,
    seed=st.integers(0, 9),
    sizes=st.tuples(st.integers(1, 3), st.integers(1, 3)),
)
@settings(max_examples=15)
def test_convolutions_are_the_sums_written_out(axes, how, seed, sizes):
    x, weight, bias = drawn(axes, how, seed, sizes)
    convolve = te.conv1d if axes == 1 else te.conv2d
    wanted = convolution(
        x,
        weight,
        strides=(how["stride"],) * axes,
        padding=(how["padding"],) * axes,
        dilations=(how["dilation"],) * axes,
        groups=how["groups"],
    )
    found = convolve(te.tensor(x), te.tensor(weight), te.tensor(bias), **how).numpy()
    np.testing.assert_allclose(found, wanted + bias.reshape(-1, *(1,) * axes), rtol=1e-10, atol=1e-10)


@pytest.mark.oracle
@given(how=HOW, seed=st.integers(0, 9), sizes=st.tuples(st.integers(1, 3), st.integers(1, 3)))
@settings(max_examples=15)
def test_two_axes_are_pytorchs(how, seed, sizes):
    import torch

    x, weight, bias = drawn(2, how, seed, sizes)
    ours = [te.tensor(a, requires_grad=True) for a in (x, weight, bias)]
    theirs = [torch.tensor(a, requires_grad=True) for a in (x, weight, bias)]
    out, wanted = te.conv2d(*ours, **how), torch.nn.functional.conv2d(*theirs, **how)
    out.sum().backward()
    wanted.sum().backward()
    np.testing.assert_allclose(out.numpy(), wanted.detach().numpy(), rtol=1e-10, atol=1e-10)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.oracle
@given(size=st.integers(1, 4), stride=st.integers(1, 3), padding=st.integers(0, 2))
@settings(max_examples=15)
def test_pooling_is_pytorchs(size, stride, padding):
    import torch

    padding = min(padding, size // 2)
    x = np.random.default_rng(0).normal(size=(2, 3, 7, 8))
    for ours, theirs in (
        (te.max_pool2d, torch.nn.functional.max_pool2d),
        (te.avg_pool2d, torch.nn.functional.avg_pool2d),
    ):
        found = ours(te.tensor(x), size, stride=stride, padding=padding)
        np.testing.assert_allclose(
            found.numpy(), theirs(torch.tensor(x), size, stride, padding).numpy(), rtol=1e-12
        )


@pytest.mark.parametrize(
    "f",
    [
        lambda x, w: te.conv2d(x, w, stride=2, padding=1),
        lambda x, w: te.conv2d(x, w, groups=1, dilation=(2, 1)),
        lambda x, w: te.max_pool2d(te.conv2d(x, w), 2, stride=1) * 2,
        lambda x, w: te.avg_pool2d(te.conv2d(x, w), 2, padding=1),
    ],
    ids=["stride", "dilation", "max", "avg"],
)
def test_gradients_are_proven_twice(f):
    rng = np.random.default_rng(0)
    gradcheck(f, [rng.permutation(60).reshape(1, 2, 6, 5) / 30, rng.normal(size=(3, 2, 2, 2))])


def test_pooling_takes_any_leading_axes_and_shares_ties():
    x = te.tensor(np.ones((3, 4, 4)), requires_grad=True)
    te.max_pool2d(x, 2).sum().backward()
    assert np.array_equal(x.grad.numpy(), np.full((3, 4, 4), 0.25))
    assert te.avg_pool2d(te.ones(2, 3, 1, 5, 7), (2, 3)).shape == (2, 3, 1, 2, 2)


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        (lambda x, w: te.conv2d(x[0], w), ShapeError, r"conv2d\(.*must have 4 axes"),
        (lambda x, w: te.conv1d(x, w), ShapeError, r"conv1d\(.*must have 3 axes"),
        (
            lambda x, w: te.conv2d(x, w[:, :1]),
            ShapeError,
            r"2 channels; weight \(3, 1, 2, 2\) with groups=1 is for 1",
        ),
        (lambda x, w: te.conv2d(x, w, groups=2), ShapeError, "must divide by groups"),
        (lambda x, w: te.conv2d(x, w, dilation=9), ShapeError, "do not fit"),
        (lambda x, w: te.conv2d(x, w, stride=0), ValueError, "stride=0 must be an integer >= 1"),
        (lambda x, w: te.conv2d(x, w, padding=(1, 2, 3)), ValueError, "or 2 of them"),
        (lambda x, w: te.max_pool2d(x, 2, padding=2), ValueError, "at most half"),
        (lambda x, w: te.avg_pool2d(x[0, 0], 2), ShapeError, r"avg_pool2d\(\(5, 5\)"),
    ],
)
def test_bad_arguments_say_what_is_wrong(call, kind, said):
    with pytest.raises(kind, match=said):
        call(te.ones(1, 2, 5, 5), te.ones(3, 2, 2, 2))


def test_layers_have_pytorchs_shapes_and_names():
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, (3, 2), groups=2, bias=False),
        nn.AvgPool2d(2, stride=1),
        nn.Flatten(),
        nn.Linear(6 * 1 * 2, 10),
    )
    assert net(te.ones(5, 1, 8, 8)).shape == (5, 10)
    assert {k: v.shape for k, v in net.state_dict().items()} == {
        "0.weight": (4, 1, 3, 3),
        "0.bias": (4,),
        "3.weight": (6, 2, 3, 2),
        "6.weight": (10, 12),
        "6.bias": (10,),
    }
    assert repr(net[0]) == "Conv2d(1, 4, kernel_size=(3, 3), padding=(1, 1))"
    assert nn.Conv1d(2, 4, 3, generator=te.Generator(0))(te.ones(1, 2, 9)).shape == (1, 4, 7)
    assert np.abs(nn.Conv2d(8, 50, 2).weight.numpy()).max() <= 1 / np.sqrt(32)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: nn.Conv2d(0, 1, 2), "in_channels=0 must be an integer >= 1"),
        (lambda: nn.Conv2d(3, 4, 2, groups=2), "must divide by groups=2"),
        (lambda: nn.Conv1d(2, 2, (2, 2)), "kernel_size"),
    ],
)
def test_bad_layers_are_errors_at_construction(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_a_small_network_learns_where_a_bar_stands():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 60)
    images = rng.normal(size=(60, 1, 6, 6)) * 0.3
    for image, label in zip(images, labels, strict=True):
        k = rng.integers(0, 6)
        if label:
            image[0, k] += 1.5
        else:
            image[0, :, k] += 1.5
    te.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(6), nn.Flatten(), nn.Linear(4, 2)
    )
    adam = te.optim.Adam(net.parameters(), lr=0.03)
    x, y = te.tensor(images.astype(np.float32)), te.tensor(labels)
    for _ in range(60):
        adam.zero_grad()
        loss = te.cross_entropy(net(x), y)
        loss.backward()
        adam.step()
    assert (net(x).numpy().argmax(1) == labels).mean() > 0.95
