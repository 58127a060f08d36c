"""Convolutions, their adjoints, and pooling: sums written out, PyTorch, and gradients proven."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.functional.twice import same_twice
from tests.oracles import convolution
from tinygrad_edu import nn
from tinygrad_edu.check import gradcheck
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops import convolution as _c

CONVOLUTIONS = (te.conv1d, te.conv2d, te.conv3d)
TRANSPOSED = (te.conv_transpose1d, te.conv_transpose2d, te.conv_transpose3d)
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


@given(axes=st.integers(1, 3), how=HOW, seed=st.integers(0, 9), sizes=st.tuples(*[st.integers(1, 3)] * 3))
@settings(max_examples=15)
def test_convolutions_are_the_sums_written_out(axes, how, seed, sizes):
    x, weight, bias = drawn(axes, how, seed, sizes)
    wanted = convolution(
        x,
        weight,
        strides=(how["stride"],) * axes,
        padding=(how["padding"],) * axes,
        dilations=(how["dilation"],) * axes,
        groups=how["groups"],
    )
    found = CONVOLUTIONS[axes - 1](te.tensor(x), te.tensor(weight), te.tensor(bias), **how).numpy()
    np.testing.assert_allclose(found, wanted + bias.reshape(-1, *(1,) * axes), rtol=1e-10, atol=1e-10)


@given(
    axes=st.integers(1, 3),
    how=HOW,
    more=st.integers(0, 2),
    sizes=st.tuples(*[st.integers(1, 3)] * 3),
    seed=st.integers(0, 9),
)
@settings(max_examples=25)
def test_the_transposed_convolution_is_the_adjoint(axes, how, more, sizes, seed):
    """<y, conv(x)> = <conv_transpose(y), x>, and elements beyond all windows are 0."""
    more = min(more, max(how["stride"], how["dilation"]) - 1)
    rng, groups = np.random.default_rng(seed), how["groups"]
    y, weight = (
        rng.normal(size=(2, 2 * groups, *(3,) * axes)),
        rng.normal(size=(2 * groups, 3, *sizes[:axes])),
    )
    try:
        out = TRANSPOSED[axes - 1](
            te.tensor(y, dtype="float64"), te.tensor(weight, dtype="float64"), output_padding=more, **how
        ).numpy()
    except ShapeError:
        assert min((3 - 1) * how["stride"] - 2 * how["padding"] + how["dilation"] * (n - 1) + more
                   for n in sizes[:axes]) < 0  # fmt: skip
        return
    x = rng.normal(size=out.shape)
    back = convolution(
        x,
        weight,
        strides=(how["stride"],) * axes,
        padding=(how["padding"],) * axes,
        dilations=(how["dilation"],) * axes,
        groups=groups,
    )[(..., *(slice(3),) * axes)]
    np.testing.assert_allclose((out * x).sum(), (back * y).sum(), rtol=1e-9, atol=1e-9)


@given(sizes=st.tuples(st.integers(1, 4), st.integers(1, 4)), dilation=st.integers(1, 2))
@settings(max_examples=15)
def test_same_padding_keeps_the_size_and_is_zeros_around(sizes, dilation):
    x, weight, _ = drawn(2, {"groups": 1}, 0, sizes)
    found = te.conv2d(te.tensor(x), te.tensor(weight), padding="same", dilation=dilation)
    totals = [dilation * (n - 1) for n in sizes]
    wide = np.pad(x, [(0, 0), (0, 0), *((t // 2, t - t // 2) for t in totals)])
    expected = te.conv2d(te.tensor(wide), te.tensor(weight), padding="valid", dilation=dilation)
    assert found.shape[2:] == x.shape[2:]
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-5, atol=1e-5)


def test_a_batch_in_several_blocks_gives_the_same_numbers(monkeypatch):
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(5, 4, 6, 5)), rng.normal(size=(4, 2, 3, 2))
    how = {"strides": (2, 1), "padding": (1, 0), "dilations": (1, 1), "groups": 2}
    seed = rng.normal(size=_c.convolution.numpy(x, weight, **how).shape)
    whole = [
        _c.convolution.numpy(x, weight, **how),
        _c.convolution_input.numpy(seed, weight, shape=x.shape, **how),
        _c.convolution_weight.numpy(seed, x, shape=weight.shape, **how),
    ]
    monkeypatch.setattr(_c, "BLOCK", 1 << 12)
    np.testing.assert_array_equal(_c.convolution.numpy(x, weight, **how), whole[0])
    np.testing.assert_array_equal(_c.convolution_input.numpy(seed, weight, shape=x.shape, **how), whole[1])
    found = _c.convolution_weight.numpy(seed, x, shape=weight.shape, **how)
    np.testing.assert_allclose(found, whole[2], rtol=1e-12, atol=1e-12)


@pytest.mark.oracle
@given(
    axes=st.integers(1, 3),
    how=HOW,
    more=st.integers(0, 2),
    padding=st.sampled_from((None, "same", "valid")),
    seed=st.integers(0, 9),
    sizes=st.tuples(*[st.integers(1, 3)] * 3),
)
@settings(max_examples=40)
def test_they_are_pytorchs_to_the_second_order(axes, how, more, padding, seed, sizes):
    import torch.nn.functional as pytorch

    x, weight, bias = drawn(axes, how, seed, sizes)
    given = {**how, "padding": padding} if padding else how
    given = {**given, "stride": 1} if padding == "same" else given
    name = f"conv{axes}d"
    same_twice(
        lambda x, w, b: getattr(te, name)(x, w, b, **given),
        lambda x, w, b: getattr(pytorch, name)(x, w, b, **given),
        x, weight, bias,
    )  # fmt: skip
    how = {**how, "output_padding": min(more, max(how["stride"], how["dilation"]) - 1)}
    name, groups = f"conv_transpose{axes}d", how["groups"]
    weight = np.random.default_rng(seed).normal(size=(2 * groups, 3, *sizes[:axes]))
    same_twice(
        lambda x, w, b: getattr(te, name)(x, w, b, **how),
        lambda x, w, b: getattr(pytorch, name)(x, w, b, **how),
        x, weight, bias,
    )  # fmt: skip


@pytest.mark.parametrize(
    "f",
    [
        lambda x, w: te.conv2d(x, w, stride=2, padding=1),
        lambda x, w: te.conv2d(x, w, groups=1, dilation=(2, 1)),
        lambda x, w: te.conv2d(x, w, padding="same"),
        lambda x, w: te.conv_transpose2d(x[:, :1, :3, :3], w[:1], stride=2, padding=1, output_padding=1),
        lambda x, w: te.conv_transpose2d(x, w[:2], groups=2, dilation=(2, 1), output_padding=(1, 0)),
        lambda x, w: te.max_pool2d(te.conv2d(x, w), 2, stride=1) * 2,
        lambda x, w: te.avg_pool2d(te.conv2d(x, w), 2, padding=1),
    ],
    ids=["stride", "dilation", "same", "transposed", "transposed groups", "max", "avg"],
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
        (lambda x, w: te.conv2d(x, w, padding="full"), ValueError, "padding='full' must be"),
        (lambda x, w: te.conv2d(x, w, padding="same", stride=2), ValueError, "needs stride=1"),
        (lambda x, w: te.conv_transpose2d(x, w), ShapeError, "2 channels; weight is for 3"),
        (lambda x, w: te.conv_transpose2d(x, w[:2], groups=3), ShapeError, "divide by groups=3"),
        (lambda x, w: te.conv_transpose2d(x, w[:2], padding=4), ShapeError, "use less padding"),
        (lambda x, w: te.conv_transpose2d(x, w[:2], output_padding=1), ValueError, "smaller than stride"),
        (lambda x, w: te.conv_transpose1d(x, w), ShapeError, r"conv_transpose1d\(.*must have 3 axes"),
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
