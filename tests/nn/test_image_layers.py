"""Layers for images: what they hold and print, what they refuse, and that they are the functions of `te`."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te
from tinygrad_edu import nn
from tinygrad_edu.check import gradcheck
from tinygrad_edu.errors import ShapeError

SIGNAL, IMAGE, VOLUME = (2, 4, 8), (2, 4, 6, 8), (2, 4, 4, 4, 6)
# (a layer, the shape of x, the shape of the result, repr)
LAYERS: list[tuple[Any, tuple[int, ...], tuple[int, ...], str]] = [
    (nn.Conv1d(4, 6, 3, padding="same", groups=2), SIGNAL, (2, 6, 8),
     "Conv1d(4, 6, kernel_size=(3,), padding='same', groups=2)"),
    (nn.Conv2d(4, 6, 3, 2, 1, padding_mode="reflect"), IMAGE, (2, 6, 3, 4),
     "Conv2d(4, 6, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), padding_mode='reflect')"),
    (nn.Conv3d(4, 2, (1, 2, 3), bias=False), VOLUME, (2, 2, 4, 3, 4),
     "Conv3d(4, 2, kernel_size=(1, 2, 3), bias=False)"),
    (nn.ConvTranspose1d(4, 3, 4, 2, 1), SIGNAL, (2, 3, 16),
     "ConvTranspose1d(4, 3, kernel_size=(4,), stride=(2,), padding=(1,))"),
    (nn.ConvTranspose2d(4, 2, 3, 2, 1, 1, 2, False), IMAGE, (2, 2, 12, 16),
     "ConvTranspose2d(4, 2, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), output_padding=(1, 1), "
     "groups=2, bias=False)"),
    (nn.ConvTranspose3d(4, 1, 2, dilation=2), VOLUME, (2, 1, 6, 6, 8),
     "ConvTranspose3d(4, 1, kernel_size=(2, 2, 2), dilation=(2, 2, 2))"),
    (nn.MaxPool1d(3, ceil_mode=True), SIGNAL, (2, 4, 3), "MaxPool1d(3, stride=3, padding=0, ceil_mode=True)"),
    (nn.MaxPool2d(2, 1, dilation=2), IMAGE, (2, 4, 4, 6), "MaxPool2d(2, stride=1, padding=0, dilation=2)"),
    (nn.MaxPool3d((1, 2, 2)), VOLUME, (2, 4, 4, 2, 3), "MaxPool3d((1, 2, 2), stride=(1, 2, 2), padding=0)"),
    (nn.AvgPool1d(2, padding=1), SIGNAL, (2, 4, 5), "AvgPool1d(2, stride=2, padding=1)"),
    (nn.AvgPool2d(2, 2, 0, True, False, 3), IMAGE, (2, 4, 3, 4),
     "AvgPool2d(2, stride=2, padding=0, ceil_mode=True, count_include_pad=False, divisor_override=3)"),
    (nn.AvgPool3d(2), VOLUME, (2, 4, 2, 2, 3), "AvgPool3d(2, stride=2, padding=0)"),
    (nn.AdaptiveAvgPool1d(3), SIGNAL, (2, 4, 3), "AdaptiveAvgPool1d(output_size=3)"),
    (nn.AdaptiveAvgPool2d((None, 3)), IMAGE, (2, 4, 6, 3), "AdaptiveAvgPool2d(output_size=(None, 3))"),
    (nn.AdaptiveAvgPool3d(1), VOLUME, (2, 4, 1, 1, 1), "AdaptiveAvgPool3d(output_size=1)"),
    (nn.AdaptiveMaxPool1d(8), SIGNAL, SIGNAL, "AdaptiveMaxPool1d(output_size=8)"),
    (nn.AdaptiveMaxPool2d((4, 5)), IMAGE, (2, 4, 4, 5), "AdaptiveMaxPool2d(output_size=(4, 5))"),
    (nn.AdaptiveMaxPool3d(2), VOLUME, (2, 4, 2, 2, 2), "AdaptiveMaxPool3d(output_size=2)"),
    (nn.GroupNorm(2, 4), IMAGE, IMAGE, "GroupNorm(2, 4, eps=1e-05, affine=True)"),
    (nn.RMSNorm((6, 8)), IMAGE, IMAGE, "RMSNorm((6, 8), eps=None, elementwise_affine=True)"),
    (nn.BatchNorm3d(4), VOLUME, VOLUME,
     "BatchNorm3d(4, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)"),
    (nn.InstanceNorm1d(4), SIGNAL, SIGNAL,
     "InstanceNorm1d(4, eps=1e-05, momentum=0.1, affine=False, track_running_stats=False)"),
    (nn.InstanceNorm2d(4, affine=True, track_running_stats=True), IMAGE, IMAGE,
     "InstanceNorm2d(4, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)"),
    (nn.InstanceNorm3d(4, affine=True), VOLUME, VOLUME,
     "InstanceNorm3d(4, eps=1e-05, momentum=0.1, affine=True, track_running_stats=False)"),
    (nn.Upsample(scale_factor=2), IMAGE, (2, 4, 12, 16), "Upsample(scale_factor=2.0, mode='nearest')"),
    (nn.Upsample((3, 5), mode="bilinear", align_corners=True), IMAGE, (2, 4, 3, 5),
     "Upsample(size=(3, 5), mode='bilinear', align_corners=True)"),
    (nn.PixelShuffle(2), IMAGE, (2, 1, 12, 16), "PixelShuffle(upscale_factor=2)"),
    (nn.PixelUnshuffle(2), IMAGE, (2, 16, 3, 4), "PixelUnshuffle(downscale_factor=2)"),
    (nn.Unflatten(1, (2, -1)), IMAGE, (2, 2, 2, 6, 8), "Unflatten(axis=1, unflattened_size=(2, -1))"),
    (nn.Unfold(2, stride=2), IMAGE, (2, 16, 12),
     "Unfold(kernel_size=(2, 2), dilation=(1, 1), padding=(0, 0), stride=(2, 2))"),
    (nn.Fold(5, 2, stride=2, padding=1), (2, 8, 9), (2, 2, 5, 5),
     "Fold(output_size=(5, 5), kernel_size=(2, 2), dilation=(1, 1), padding=(1, 1), stride=(2, 2))"),
    (nn.ConstantPad1d((1, 2), 0.5), SIGNAL, (2, 4, 11), "ConstantPad1d(padding=(1, 2), value=0.5)"),
    (nn.ConstantPad2d(1, 2), IMAGE, (2, 4, 8, 10), "ConstantPad2d(padding=(1, 1, 1, 1), value=2.0)"),
    (nn.ZeroPad1d(1), SIGNAL, (2, 4, 10), "ZeroPad1d((1, 1))"),
    (nn.ZeroPad2d((1, 0, 2, 3)), IMAGE, (2, 4, 11, 9), "ZeroPad2d((1, 0, 2, 3))"),
    (nn.ReflectionPad1d(2), SIGNAL, (2, 4, 12), "ReflectionPad1d((2, 2))"),
    (nn.ReflectionPad2d((1, 2, 3, 4)), IMAGE, (2, 4, 13, 11), "ReflectionPad2d((1, 2, 3, 4))"),
    (nn.ReplicationPad1d(9), SIGNAL, (2, 4, 26), "ReplicationPad1d((9, 9))"),
    (nn.ReplicationPad2d(1), IMAGE, (2, 4, 8, 10), "ReplicationPad2d((1, 1, 1, 1))"),
    (nn.CircularPad1d(8), SIGNAL, (2, 4, 24), "CircularPad1d((8, 8))"),
    (nn.CircularPad2d((0, 1, 2, 0)), IMAGE, (2, 4, 8, 9), "CircularPad2d((0, 1, 2, 0))"),
]  # fmt: skip


def name(value: Any) -> str:
    return type(value).__name__ if isinstance(value, nn.Module) else ""


def numbers(*shape: int) -> Any:
    """No two alike, of either sign."""
    n = math.prod(shape)
    return np.random.default_rng(0).permutation(np.linspace(-1, 1, n)).reshape(shape)


@pytest.mark.parametrize(("layer", "shape", "result", "text"), LAYERS, ids=name)
def test_a_layer_has_its_shape_its_text_and_its_state(layer, shape, result, text):
    assert repr(layer) == text
    out = layer(te.tensor(numbers(*shape).astype(np.float32)))
    assert out.shape == result and np.isfinite(out.numpy()).all()
    assert str(result) in str(layer.summary(shape))
    again = pickle.loads(pickle.dumps(layer))
    for parameter in again.parameters():
        parameter.detach().zero_()
    again.load_state_dict(layer.state_dict())
    assert repr(again) == text
    for key, value in again.state_dict().items():
        np.testing.assert_array_equal(value, layer.state_dict()[key])


@pytest.mark.parametrize(("layer", "shape", "result", "text"), LAYERS, ids=name)
def test_a_device_gives_the_numbers_and_gradients_of_the_cpu(layer, shape, result, text, request):
    device = request.config.getoption("--device") or "cpu"
    if device == "cpu":
        pytest.skip("compares a device with the cpu: run with --device simulator or --device cuda")
    x, found = numbers(*shape).astype(np.float32), []
    weight = np.cos(np.arange(math.prod(result))).reshape(result).astype(np.float32)
    for place in ("cpu", device):
        copy = pickle.loads(pickle.dumps(layer)).to(place)
        given = te.tensor(x, device=place, requires_grad=True)
        out = copy(given)
        (out * out * te.tensor(weight, device=place)).sum().backward()
        found.append([t.numpy() for t in (out, given.grad, *(p.grad for p in copy.parameters()))])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-4)


PROVEN = [
    nn.Conv2d(2, 2, 3, padding="same", padding_mode="circular", dtype="float64"),
    nn.Conv2d(2, 2, 2, padding=1, padding_mode="replicate", groups=2, dtype="float64"),
    nn.Conv3d(2, 2, 2, dtype="float64"),
    nn.ConvTranspose2d(2, 2, 2, 2, 1, 1, dtype="float64"),
    nn.GroupNorm(1, 2, dtype="float64"),
    nn.RMSNorm(4, dtype="float64"),
    nn.InstanceNorm2d(2, affine=True, dtype="float64"),
    nn.BatchNorm3d(2, track_running_stats=False, dtype="float64"),
]


@pytest.mark.parametrize("layer", PROVEN, ids=name)
def test_gradients_are_proven_twice(layer):
    shape = (2, 2, 3, 2, 2) if "3d" in name(layer) else (2, 2, 3, 4)
    gradcheck(lambda x: layer(x) * layer(x), [numbers(*shape)])


def test_first_values_have_the_bounds_of_the_inputs_of_a_window():
    for layer, inputs in ((nn.Conv2d(8, 50, 2), 32), (nn.ConvTranspose2d(8, 50, 2, groups=2), 100)):
        for parameter in layer.parameters():
            top = np.abs(parameter.numpy()).max() * math.sqrt(inputs)
            assert 0.7 < top <= 1, layer
    assert nn.ConvTranspose2d(8, 50, 2, groups=2).weight.shape == (8, 25, 2, 2)
    same = [nn.ConvTranspose1d(2, 3, 2, generator=te.Generator(5)).weight.tolist() for _ in range(2)]
    assert same[0] == same[1]


def test_a_transposed_convolution_undoes_the_shape_of_a_convolution():
    down, up = nn.Conv2d(1, 2, 3, stride=2, padding=1), nn.ConvTranspose2d(2, 1, 3, stride=2, padding=1)
    for size in ((7, 8), (8, 7), (9, 9)):
        assert up(down(te.ones(1, 1, *size)), output_size=size).shape == (1, 1, *size)
    assert up(te.ones(1, 2, 4, 4), (1, 1, 8, 7)).shape == (1, 1, 8, 7)
    with pytest.raises(ShapeError, match=r"output_size=\(9, 7\) must be from \(7, 7\) up to"):
        up(te.ones(1, 2, 4, 4), output_size=(9, 7))


def test_an_instance_norm_without_a_batch_and_its_averages():
    layer = nn.InstanceNorm1d(3, track_running_stats=True, dtype="float64")
    x = np.random.default_rng(0).normal(size=(4, 3, 6)) * 2 + 1
    layer(te.tensor(x))
    np.testing.assert_allclose(layer.running_mean.numpy(), 0.1 * x.mean((0, 2)))
    np.testing.assert_allclose(layer.running_var.numpy(), 0.9 + 0.1 * x.var(2, ddof=1).mean(0))
    layer.eval()
    both = layer(te.tensor(x)).numpy(), layer(te.tensor(x[1])).numpy()
    np.testing.assert_allclose(both[0][1], both[1], rtol=1e-12)
    expected = (x - 0.1 * x.mean((0, 2))[:, None]) / np.sqrt(
        0.9 + 0.1 * x.var(2, ddof=1).mean(0)[:, None] + 1e-5
    )
    np.testing.assert_allclose(both[0], expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: nn.Conv2d(2, 2, 2, padding="full"), ValueError, "'full' must be"),
        (lambda: nn.Conv2d(2, 2, 2, 2, "same"), ValueError, "needs stride=1"),
        (
            lambda: nn.Conv2d(2, 2, 2, padding_mode="mirror"),
            ValueError,
            "padding_mode='mirror' must be one of",
        ),
        (
            lambda: nn.Conv2d(2, 2, 3, padding=4, padding_mode="reflect")(te.ones(1, 2, 4, 4)),
            ShapeError,
            "at most 3",
        ),
        (
            lambda: nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect")(te.ones(2, 4, 4)),
            ShapeError,
            "4 axes",
        ),
        (lambda: nn.ConvTranspose2d(2, 2, 2, padding_mode="reflect"), ValueError, "only 'zeros'"),
        (lambda: nn.ConvTranspose2d(3, 2, 2, groups=2), ValueError, "must divide by groups=2"),
        (lambda: nn.ConvTranspose2d(2, 2, 2, output_padding=-1), ValueError, "output_padding=-1"),
        (lambda: nn.MaxPool2d((2, 2, 2)), ValueError, "kernel_size"),
        (lambda: nn.AvgPool2d(2, divisor_override=0), ValueError, "divide by 0"),
        (lambda: nn.AdaptiveAvgPool2d((1, 2, 3)), ValueError, "output_size"),
        (lambda: nn.GroupNorm(3, 4), ValueError, "must divide by num_groups=3"),
        (lambda: nn.GroupNorm(2, 4)(te.ones(2, 6)), ShapeError, "4 channels"),
        (lambda: nn.RMSNorm(3, eps=-1.0), ValueError, "eps=-1.0"),
        (lambda: nn.RMSNorm(3)(te.ones(2, 4)), ShapeError, "last axes"),
        (lambda: nn.InstanceNorm2d(3)(te.ones(2, 4, 5, 5)), ShapeError, "3 channels"),
        (lambda: nn.InstanceNorm1d(3)(te.ones(2, 3, 1)), ShapeError, "no variance"),
        (lambda: nn.Upsample(), ValueError, "exactly one"),
        (lambda: nn.Upsample(2, mode="cubic"), ValueError, "must be one of"),
        (lambda: nn.ReflectionPad2d((1, 2)), ValueError, "or 4 of them"),
        (lambda: nn.ZeroPad1d(-1), ValueError, ">= 0"),
        (lambda: nn.ZeroPad2d(1)(te.ones(3, 3)), ShapeError, "3 axes at least"),
        (lambda: nn.ConstantPad1d(1, "a"), TypeError, "value"),
        (lambda: nn.PixelShuffle(0), ValueError, "upscale_factor=0"),
        (lambda: nn.Unflatten(1, "ab"), TypeError, "unflattened_size"),
        (lambda: nn.Fold(4, 0), ValueError, "kernel_size=0"),
    ],
)
def test_what_is_wrong_is_said(make, kind, message):
    with pytest.raises(kind, match=message):
        make()
