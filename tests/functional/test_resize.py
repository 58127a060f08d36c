"""Borders, sizes and arrangements of images, norms of channels: NumPy, formulas, proofs and PyTorch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.functional.twice import same_twice
from tinygrad_edu.check import gradcheck
from tinygrad_edu.errors import ShapeError

NUMPYS = {"reflect": "reflect", "replicate": "edge", "circular": "wrap", "constant": "constant"}
PAIRS = st.tuples(st.integers(0, 3), st.integers(0, 3))
SHAPE = (2, 4, 5, 4)


def normal(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape)


@given(mode=st.sampled_from(sorted(NUMPYS)), widths=st.tuples(PAIRS, PAIRS))
def test_borders_are_numpys(mode, widths):
    x = normal(5, 4)
    found = te.pad(te.tensor(x), widths, mode=mode).numpy()
    np.testing.assert_array_equal(found, np.pad(x.astype(found.dtype), widths, mode=NUMPYS[mode]))


def weights(n: int, m: int, step: float, mode: str, align: bool) -> Any:
    """The matrix (m, n) of an interpolation along one axis."""
    out = np.zeros((m, n))
    for i in range(m):
        if mode.startswith("nearest"):
            at = (i + (0.5 if mode == "nearest-exact" else 0.0)) * step
            out[i, min(n - 1, math.floor(at))] = 1
            continue
        at = i * step if align else (i + 0.5) * step - 0.5
        at = at if mode == "cubic" else max(at, 0.0)
        reach, first = (2, math.floor(at) - 1) if mode == "cubic" else (1, math.floor(at))
        for k in range(first, first + 2 * reach):
            d, a = abs(at - k), -0.75
            if mode != "cubic":
                weight = max(0.0, 1 - d)
            elif d <= 1:
                weight = (a + 2) * d**3 - (a + 3) * d**2 + 1
            else:
                weight = a * (d**3 - 5 * d**2 + 8 * d - 4) if d < 2 else 0.0
            out[i, min(max(k, 0), n - 1)] += weight
    return out


@given(
    mode=st.sampled_from(("nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear")),
    size=st.tuples(*[st.integers(1, 9)] * 3),
    align=st.booleans(),
)
def test_interpolation_is_its_matrix_along_each_axis(mode, size, align):
    axes = {"linear": 1, "trilinear": 3}.get(mode, 2)
    x, smooth = normal(2, 3, *(5, 4, 3)[:axes]), not mode.startswith("nearest")
    found = te.interpolate(te.tensor(x), size[:axes], mode=mode, align_corners=align if smooth else None)
    expected = x
    for axis, (n, m) in enumerate(zip(x.shape[2:], size, strict=False), 2):
        step = (n - 1) / (m - 1) if align and smooth and m > 1 else 0.0 if align and smooth else n / m
        matrix = weights(n, m, step, "cubic" if mode == "bicubic" else mode, align)
        expected = np.moveaxis(np.tensordot(matrix, expected, (1, axis)), 0, axis)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-5)


def test_factors_sizes_and_areas():
    x = te.tensor(normal(1, 2, 6, 4))
    assert te.interpolate(x, scale_factor=2.5).shape == (1, 2, 15, 10)
    assert te.interpolate(x, scale_factor=(0.5, 2)).shape == (1, 2, 3, 8)
    area = te.interpolate(x, (3, 2), mode="area")
    np.testing.assert_allclose(area.numpy(), te.avg_pool2d(x, 2).numpy(), rtol=1e-6)
    far = te.tensor([[[math.inf, 1.0, 2.0, 3.0]]])
    assert te.interpolate(far, 4, mode="linear").tolist() == far.tolist()  # 0 times infinity is not there


def test_pixels_and_channels_change_places():
    x = normal(2, 8, 3, 2)
    y = te.pixel_shuffle(te.tensor(x), 2)
    assert y.shape == (2, 2, 6, 4)
    for c, h, w in np.ndindex(2, 6, 4):
        source = x[:, 4 * c + 2 * (h % 2) + w % 2, h // 2, w // 2]
        np.testing.assert_allclose(y.numpy()[:, c, h, w], source, rtol=1e-6)
    np.testing.assert_allclose(te.pixel_unshuffle(y, 2).numpy(), x, rtol=1e-6)


@given(
    size=st.integers(1, 3), stride=st.integers(1, 2), padding=st.integers(0, 1), dilation=st.integers(1, 2)
)
def test_folding_is_the_adjoint_of_unfolding_and_both_belong_to_convolution(size, stride, padding, dilation):
    how = {"stride": stride, "padding": padding, "dilation": dilation}
    x, weight = te.tensor(normal(*SHAPE)), te.tensor(normal(3, 4, size, size))
    if dilation * (size - 1) + 1 > 4 + 2 * padding:
        return
    columns = te.unfold(x, size, **how)
    expected = te.conv2d(x, weight, **how)
    product = (weight.reshape(3, -1) @ columns).reshape(expected.shape)
    np.testing.assert_allclose(product.numpy(), expected.numpy(), rtol=1e-4, atol=1e-4)
    other = te.tensor(normal(*columns.shape, seed=1))
    left, right = (other * columns).sum(), (te.fold(other, SHAPE[2:], size, **how) * x).sum()
    assert left.item() == pytest.approx(right.item(), rel=1e-3, abs=1e-3)


def test_flattening_is_undone():
    x = te.tensor(normal(2, 12))
    assert te.unflatten(x, 1, (3, -1)).shape == (2, 3, 4)
    assert te.unflatten(x, -1, (2, 6)).flatten(1).tolist() == x.tolist()


def test_norms_are_their_formulas():
    x, w, b = normal(3, 4, 5), normal(4), normal(4, seed=1)
    t = [te.tensor(a) for a in (x, w, b)]
    for groups in (1, 2, 4):
        rows = x.reshape(3, groups, -1)
        scaled = (rows - rows.mean(2, keepdims=True)) / np.sqrt(rows.var(2, keepdims=True) + 0.1)
        expected = scaled.reshape(x.shape) * w[:, None] + b[:, None]
        np.testing.assert_allclose(te.group_norm(t[0], groups, *t[1:], eps=0.1).numpy(), expected, atol=1e-5)
    np.testing.assert_allclose(te.instance_norm(*t, eps=0.1).numpy(), expected, atol=1e-5)
    expected = x / np.sqrt((x**2).mean((1, 2), keepdims=True) + 0.1) * w[:, None]
    found = te.rms_norm(t[0], (1, 2), t[1].reshape(4, 1), eps=0.1)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


@pytest.mark.parametrize(
    "f",
    [
        *(lambda x, m=m: te.pad(x, ((0, 0), (0, 0), (2, 1), (1, 0)), mode=m) for m in sorted(NUMPYS)),
        lambda x: te.interpolate(x, (5, 2), mode="bicubic"),
        lambda x: te.interpolate(x, (5, 2), mode="bilinear", align_corners=True),
        lambda x: te.interpolate(x, scale_factor=2),
        lambda x: te.interpolate(x, (2, 5)),
        lambda x: te.unfold(x, 2, padding=1, stride=2),
        lambda x: te.fold(te.reshape(x, (1, 4, 6)), (2, 3), (2, 1), stride=(1, 2), padding=(1, 0)),
        lambda x: te.group_norm(x, 2, eps=0.1),
        lambda x: te.instance_norm(x, eps=0.1),
        lambda x: te.rms_norm(x, (1, 3), eps=0.1),
    ],
)
def test_gradients_are_proven_twice(f):
    gradcheck(lambda x: f(x) * f(x), [normal(1, 2, 3, 4)])


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda x: te.pad(x, 1, mode="wrap"), ValueError, "mode='wrap' must be one of"),
        (lambda x: te.pad(x, 5, mode="reflect"), ShapeError, "at most 0"),
        (lambda x: te.pad(x, 1, 2.0, mode="circular"), ValueError, "drop value"),
        (lambda x: te.pad(x[..., :0], 1, mode="replicate"), ShapeError, "at most 0"),
        (lambda x: te.interpolate(x), ValueError, "exactly one"),
        (lambda x: te.interpolate(x, 2, scale_factor=2), ValueError, "exactly one"),
        (lambda x: te.interpolate(x, 2, mode="cubic"), ValueError, "must be one of"),
        (lambda x: te.interpolate(x, 2, mode="linear"), ShapeError, "1 more axes"),
        (lambda x: te.interpolate(x, 2, align_corners=True), ValueError, "no meaning"),
        (lambda x: te.interpolate(x, scale_factor=0.1), ValueError, "at least one element"),
        (lambda x: te.interpolate(x, scale_factor=(1.0,)), ValueError, "or 2 of them"),
        (lambda x: te.interpolate(x, (1, 2, 3)), ValueError, "or 2 of them"),
        (lambda x: te.pixel_shuffle(x, 3), ShapeError, "divide by factor"),
        (lambda x: te.pixel_unshuffle(x, 3), ShapeError, "divide by factor=3"),
        (lambda x: te.pixel_shuffle(x, 0), ValueError, "factor=0"),
        (lambda x: te.unfold(x[0], 2), ShapeError, r"batch, channels, H, W"),
        (lambda x: te.fold(x[0], 4, 2), ShapeError, r"has \(3, 3\) windows"),
        (lambda x: te.unflatten(x, 1, (2, 3)), ShapeError, "do not multiply to 4"),
        (lambda x: te.unflatten(x, 1, (-1, -1)), ShapeError, "do not multiply"),
        (lambda x: te.group_norm(x, 3), ShapeError, "num_groups=3"),
        (lambda x: te.instance_norm(x[0, 0]), ShapeError, "batch, channels, length"),
    ],
)
def test_bad_arguments_say_what_is_wrong(call, kind, message):
    with pytest.raises(kind, match=message):
        call(te.ones(1, 4, 4, 4))


MODES = {
    "nearest": 2,
    "nearest-exact": 2,
    "area": 2,
    "linear": 1,
    "bilinear": 2,
    "bicubic": 2,
    "trilinear": 3,
}


@pytest.mark.oracle
@given(
    mode=st.sampled_from(sorted(MODES)),
    size=st.tuples(*[st.integers(1, 9)] * 3),
    factor=st.none() | st.floats(0.4, 3.2),
    align=st.sampled_from((None, False, True)),
)
@settings(max_examples=60)
def test_interpolation_is_pytorchs_to_the_second_order(mode, size, factor, align):
    import torch.nn.functional as pytorch

    axes = MODES[mode]
    how = {"mode": mode, "align_corners": None if mode in ("nearest", "nearest-exact", "area") else align}
    how |= {"size": size[:axes]} if factor is None else {"scale_factor": factor}
    # Where a factor changes no size, PyTorch's gradient is a copy, and not the derivative of its result.
    shape = (5, 4, 3)[:axes]
    assume(factor is None or mode in ("nearest", "area") or any(math.floor(n * factor) != n for n in shape))
    # PyTorch's "nearest" of images takes another element than its documentation says where a factor that is
    # not 1 or 2 gives as many or twice as many; that of one and of three axes does not.
    assume(
        mode != "nearest" or factor is None or {math.floor(n * factor) / n for n in shape}.isdisjoint((1, 2))
    )
    same_twice(
        lambda x: te.interpolate(x, **how),
        lambda x: pytorch.interpolate(x, **how),
        normal(2, 2, *(5, 4, 3)[:axes]),
    )


@pytest.mark.oracle
@given(mode=st.sampled_from(sorted(NUMPYS)), widths=st.tuples(PAIRS, PAIRS))
@settings(max_examples=20)
def test_borders_are_pytorchs_to_the_second_order(mode, widths):
    import torch.nn.functional as pytorch

    same_twice(
        lambda x: te.pad(x, ((0, 0), (0, 0), *widths), mode=mode),
        lambda x: pytorch.pad(x, (*widths[1], *widths[0]), mode),
        normal(2, 3, 5, 4),
    )


@pytest.mark.oracle
@given(
    size=st.integers(1, 3), stride=st.integers(1, 2), padding=st.integers(0, 1), dilation=st.integers(1, 2)
)
@settings(max_examples=10)
def test_columns_are_pytorchs(size, stride, padding, dilation):
    import torch.nn.functional as pytorch

    how = {"stride": stride, "padding": padding, "dilation": dilation}
    if dilation * (size - 1) + 1 > 4 + 2 * padding:
        return
    x = normal(*SHAPE)
    same_twice(lambda x: te.unfold(x, size, **how), lambda x: pytorch.unfold(x, size, **how), x)
    columns = te.unfold(te.tensor(x), size, **how).numpy()
    same_twice(
        lambda u: te.fold(u, SHAPE[2:], size, **how),
        lambda u: pytorch.fold(u, SHAPE[2:], size, **how),
        columns,
    )


@pytest.mark.oracle
def test_norms_and_pixels_are_pytorchs_to_the_second_order():
    import torch.nn.functional as pytorch

    x, w, b = normal(3, 4, 2, 4), normal(4), normal(4, seed=1)
    for groups in (1, 2, 4):
        same_twice(
            lambda x, w, b, n=groups: te.group_norm(x, n, w, b),
            lambda x, w, b, n=groups: pytorch.group_norm(x, n, w, b),
            x, w, b,
        )  # fmt: skip
    same_twice(te.instance_norm, lambda x, w, b: pytorch.instance_norm(x, weight=w, bias=b), x, w, b)
    for eps in (None, 0.25):
        same_twice(
            lambda x, w, e=eps: te.rms_norm(x, (-2, -1), w, e),
            lambda x, w, e=eps: pytorch.rms_norm(x, (2, 4), w, e),
            x, normal(2, 4),
        )  # fmt: skip
    same_twice(lambda x: te.pixel_shuffle(x, 2), lambda x: pytorch.pixel_shuffle(x, 2), x)
    same_twice(lambda x: te.pixel_unshuffle(x, 2), lambda x: pytorch.pixel_unshuffle(x, 2), x)
