"""Pooling: windows written out in loops, gradients proven twice, and PyTorch over drawn settings."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.functional.twice import same_twice
from tinygrad_edu.check import gradcheck
from tinygrad_edu.errors import ShapeError

SIZES = (9, 7, 5)
ADAPTIVE = {
    "avg": (te.adaptive_avg_pool1d, te.adaptive_avg_pool2d, te.adaptive_avg_pool3d),
    "max": (te.adaptive_max_pool1d, te.adaptive_max_pool2d, te.adaptive_max_pool3d),
}
AVERAGES = (te.avg_pool1d, te.avg_pool2d, te.avg_pool3d)
HOW = st.fixed_dictionaries(
    {
        "size": st.integers(1, 3),
        "stride": st.integers(1, 3),
        "padding": st.integers(0, 1),
        "ceil_mode": st.booleans(),
    }
)


def distinct(*shape: int, seed: int = 0) -> Any:
    """Numbers from -1 to 1, no two alike."""
    n = math.prod(shape)
    return np.random.default_rng(seed).permutation(np.linspace(-1, 1, n)).reshape(shape)


def windows(n: int, how: dict[str, Any]) -> list[tuple[list[int], int]]:
    """For each window along an axis of n: the elements inside, and how many there are with the padding."""
    size, stride, padding, dilation = how["size"], how["stride"], how["padding"], how.get("dilation", 1)
    span, out, start = dilation * (size - 1) + 1, [], -padding
    while start + span <= n + padding or (
        how["ceil_mode"] and start < n and start + span < n + padding + stride
    ):
        places = [start + dilation * k for k in range(size)]
        out.append(([p for p in places if 0 <= p < n], sum(p < n + padding for p in places)))
        start += stride
    return out


def pooled(x: Any, how: dict[str, Any], reduce: Any) -> Any:
    """`reduce(elements, count with padding)` of every window over all axes but the first two."""
    grids = [windows(n, how) for n in x.shape[2:]]
    out = np.empty((*x.shape[:2], *map(len, grids)))
    for place in itertools.product(*(range(len(g)) for g in grids)):
        chosen = [g[i] for g, i in zip(grids, place, strict=True)]
        part = x[np.ix_(range(x.shape[0]), range(x.shape[1]), *(inside for inside, _ in chosen))]
        out[(..., *place)] = reduce(part.reshape(*x.shape[:2], -1), math.prod(count for _, count in chosen))
    return out


@given(axes=st.integers(1, 3), how=HOW, dilation=st.integers(1, 2))
@settings(max_examples=25)
def test_max_pools_are_their_loops_and_say_where_the_largest_are(axes, how, dilation):
    how = {**how, "dilation": dilation}
    how["padding"] = min(how["padding"], (dilation * (how["size"] - 1) + 1) // 2)
    x = distinct(2, 2, *SIZES[:axes])
    options = {k: v for k, v in how.items() if k != "size"}
    found, places = getattr(te, f"max_pool{axes}d")(te.tensor(x), how["size"], **options, return_indices=True)
    expected = pooled(x, how, lambda part, _: part.max(-1))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)
    flat = found.reshape(2, 2, -1).numpy()
    picked = np.take_along_axis(x.reshape(2, 2, -1), places.reshape(2, 2, -1).numpy(), -1)
    np.testing.assert_allclose(picked, flat, rtol=1e-6)
    assert getattr(te, f"max_pool{axes}d")(te.tensor(x), how["size"], **options).tolist() == found.tolist()


@given(axes=st.integers(1, 3), how=HOW, include=st.booleans(), divisor=st.sampled_from((None, 3, -0.5)))
@settings(max_examples=25)
def test_average_pools_are_their_loops(axes, how, include, divisor):
    how["padding"] = min(how["padding"], how["size"] // 2)
    x = distinct(2, 2, *SIZES[:axes])
    options = {k: v for k, v in how.items() if k != "size"}
    found = AVERAGES[axes - 1](
        te.tensor(x), how["size"], **options, count_include_pad=include, divisor_override=divisor
    )

    def average(part: Any, count: int) -> Any:
        return part.sum(-1) / (divisor or (count if include else part.shape[-1]))

    np.testing.assert_allclose(found.numpy(), pooled(x, how, average), rtol=1e-5, atol=1e-6)


@given(axes=st.integers(1, 3), sizes=st.tuples(*[st.none() | st.integers(1, 9)] * 3))
@settings(max_examples=25)
def test_adaptive_pools_have_all_elements_in_nearly_equal_windows(axes, sizes):
    x, sizes = distinct(2, 2, *SIZES[:axes]), sizes[:axes]
    counts = [n if m is None else m for n, m in zip(x.shape[2:], sizes, strict=True)]
    means, largest = np.empty((2, 2, *counts)), np.empty((2, 2, *counts))
    for place in itertools.product(*map(range, counts)):
        cut = tuple(
            slice(math.floor(i * n / m), math.ceil((i + 1) * n / m))
            for i, n, m in zip(place, x.shape[2:], counts, strict=True)
        )
        part = x[(slice(None), slice(None), *cut)].reshape(2, 2, -1)
        means[(..., *place)], largest[(..., *place)] = part.mean(-1), part.max(-1)
    averages = ADAPTIVE["avg"][axes - 1](te.tensor(x), sizes)
    np.testing.assert_allclose(averages.numpy(), means, rtol=1e-5, atol=1e-6)
    pool = ADAPTIVE["max"][axes - 1]
    found, places = pool(te.tensor(x), sizes, return_indices=True)
    np.testing.assert_allclose(found.numpy(), largest, rtol=1e-6)
    assert pool(te.tensor(x), sizes).tolist() == found.tolist()
    picked = np.take_along_axis(x.reshape(2, 2, -1), places.reshape(2, 2, -1).numpy(), -1)
    np.testing.assert_allclose(picked.reshape(largest.shape), largest, rtol=1e-6)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: te.max_pool2d(x, 2, stride=1, dilation=2),
        lambda x: te.max_pool2d(x, 3, stride=2, padding=1, ceil_mode=True),
        lambda x: te.avg_pool2d(x, 2, padding=1, ceil_mode=True, count_include_pad=False),
        lambda x: te.avg_pool2d(x, (2, 1), divisor_override=3),
        lambda x: te.adaptive_avg_pool2d(x, (3, 2)),
        lambda x: te.adaptive_avg_pool2d(x, 1),
        lambda x: te.adaptive_max_pool2d(x, (3, 2)),
        lambda x: te.adaptive_max_pool2d(x, (5, None)),
    ],
)
def test_gradients_are_proven_twice(f):
    gradcheck(lambda x: f(x) * f(x), [distinct(1, 2, 5, 4)])


def test_what_lies_beyond_the_padding_does_not_count():
    """The second window of 4 has the elements 3 and 4, one border of 1, and nothing where ceil_mode ends."""
    x, how = te.tensor([[1.0, 2.0, 3.0, 4.0]]), {"stride": 3, "padding": 1, "ceil_mode": True}
    for options, expected in (({}, [1.5, 7 / 3]), ({"count_include_pad": False}, [2.0, 3.5])):
        np.testing.assert_allclose(te.avg_pool1d(x, 4, **how, **options).numpy()[0], expected, rtol=1e-6)


def test_elements_that_tie_share_the_gradient():
    for pool in (lambda x: te.max_pool1d(x, 2, dilation=2), lambda x: te.adaptive_max_pool1d(x, 1)):
        x = te.ones(1, 3, requires_grad=True)
        pool(x).sum().backward()
        assert x.grad.sum().item() == pytest.approx(1)
    x = te.tensor([[[1.0, 3.0, 3.0, 0.0, -5.0]]], requires_grad=True)
    te.adaptive_max_pool1d(x, 2).sum().backward()  # windows of elements 0 to 2 and 2 to 4
    assert x.grad.tolist() == [[[0, 0.5, 1.5, 0, 0]]]


def test_borders_do_not_win_and_nothing_far_away_makes_nan():
    x = te.tensor([[-math.inf, -math.inf, 5.0]])
    found, places = te.max_pool1d(x, 2, stride=1, padding=1, return_indices=True)
    assert found.tolist() == [[-math.inf, -math.inf, 5, 5]] and places.tolist() == [[0, 0, 2, 2]]
    y = te.tensor([[1.0, 2.0, 3.0, math.inf, 4.0]])
    assert te.adaptive_avg_pool1d(y, 3).tolist() == [[1.5, math.inf, math.inf]]
    assert te.adaptive_avg_pool1d(te.tensor([[1, 2, 4]]), 2).tolist() == [[1.5, 3.0]]


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda x: te.max_pool1d(x[0, 0, 0], 2), ShapeError, r"max_pool1d\(.*length"),
        (lambda x: te.max_pool3d(x[0], 2), ShapeError, "D, H, W"),
        (lambda x: te.max_pool2d(x, 6), ShapeError, "do not fit"),
        (lambda x: te.max_pool2d(x, 2, dilation=0), ValueError, "dilation=0"),
        (lambda x: te.avg_pool2d(x, 2, divisor_override=0), ValueError, "divide by 0"),
        (lambda x: te.avg_pool2d(x, 2, divisor_override="3"), TypeError, "divisor_override"),
        (lambda x: te.adaptive_avg_pool2d(x, (1, 2, 3)), ValueError, "or 2 of them"),
        (lambda x: te.adaptive_avg_pool2d(x, 0), ValueError, "output_size=0"),
        (lambda x: te.adaptive_max_pool2d(x, 2.0), TypeError, "output_size"),
        (lambda x: te.adaptive_max_pool2d(x[..., :0], 2), ShapeError, "no elements"),
    ],
)
def test_bad_arguments_say_what_is_wrong(call, kind, message):
    with pytest.raises(kind, match=message):
        call(te.ones(1, 2, 5, 5))


@pytest.mark.oracle
@given(axes=st.integers(1, 3), how=HOW, dilation=st.integers(1, 2), include=st.booleans())
@settings(max_examples=40)
def test_windows_are_pytorchs_to_the_second_order(axes, how, dilation, include):
    import torch.nn.functional as pytorch

    x, size = distinct(2, 2, *SIZES[:axes]), how.pop("size")
    most = (dilation * (size - 1) + 1) // 2
    same_twice(
        lambda x: getattr(te, f"max_pool{axes}d")(
            x, size, **{**how, "padding": min(how["padding"], most), "dilation": dilation}
        ),
        lambda x: getattr(pytorch, f"max_pool{axes}d")(
            x, size, **{**how, "padding": min(how["padding"], most), "dilation": dilation}
        ),
        x,
    )
    how["padding"] = min(how["padding"], size // 2)
    same_twice(
        lambda x: getattr(te, f"avg_pool{axes}d")(x, size, **how, count_include_pad=include),
        lambda x: getattr(pytorch, f"avg_pool{axes}d")(x, size, **how, count_include_pad=include),
        x,
    )


@pytest.mark.oracle
@given(axes=st.integers(1, 3), sizes=st.tuples(*[st.integers(1, 9)] * 3))
@settings(max_examples=20)
def test_adaptive_ones_are_pytorchs_to_the_second_order(axes, sizes):
    import torch.nn.functional as pytorch

    for kind in ("avg", "max"):
        name = f"adaptive_{kind}_pool{axes}d"
        same_twice(
            lambda x, kind=kind: ADAPTIVE[kind][axes - 1](x, sizes[:axes]),
            lambda x, name=name: getattr(pytorch, name)(x, sizes[:axes]),
            distinct(2, 2, *SIZES[:axes]),
        )
