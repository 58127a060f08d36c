"""The cpu and a device refuse the same calls, with the same class of error, and agree on all others.

What is odd is asked on purpose. Shapes are tried under the checker: an access out of bounds is a failure.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
import tinygrad_edu.simulator as sim
from tests.kernels.agreement import agree, numbers, slope
from tests.kernels.harness import checked
from tinygrad_edu.errors import ShapeError

# -- shapes that nearly fit ----------------------------------------------------------------------------------


@pytest.mark.parametrize("bias", [(3,), (6,), (5, 1), (3, 5), (1, 2, 5)])
@checked
def test_a_bias_that_does_not_fit_is_refused(device, bias):
    found = agree(
        lambda d: te.linear(numbers((2, 4), d), numbers((5, 4), d), numbers(bias, d)), device, str(bias)
    )
    assert found is ShapeError


@pytest.mark.parametrize("bias", [(), (1,), (5,), (1, 5), (2, 1), (2, 5)])
@checked
def test_a_bias_broadcasts_to_the_result(device, bias):
    x, weight = (2, 4), (5, 4)
    assert not agree(lambda d: te.linear(numbers(x, d), numbers(weight, d), numbers(bias, d)), device)
    assert not agree(slope(lambda b, d: te.linear(numbers(x, d), numbers(weight, d), b), bias), device)


@checked
def test_an_array_is_broadcast_only_where_it_fits(device):
    with pytest.raises(ShapeError):
        device.broadcast(device.asarray(np.zeros(3)), (5,))


@given(
    n=st.integers(1, 3),
    x=st.lists(st.integers(0, 3), min_size=1, max_size=3),
    out=st.integers(0, 3),
    bias=st.lists(st.integers(0, 3), max_size=3),
    fits=st.booleans(),
)
@settings(max_examples=30)
@checked
def test_linear_of_any_shapes(device, n, x, out, bias, fits):
    bias = [out] if fits else bias
    agree(lambda d: te.linear(numbers((*x, n), d), numbers((out, n), d), numbers(bias, d)), device, "linear")
    agree(slope(lambda b, d: te.linear(numbers((*x, n), d), numbers((out, n), d), b), bias), device)


BAD_SUBSCRIPTS = [
    ("i->ii", [(3,)]),
    ("ij->jj", [(2, 3)]),
    ("ij,jk->ikk", [(2, 3), (3, 2)]),
    ("i->j", [(3,)]),
    ("i1->i", [(3, 2)]),
    ("i..->i", [(3, 2)]),
    ("...i...->i", [(3, 2)]),
    ("...ij->ij", [(2, 2, 3)]),
    ("ii->i", [(1, 3)]),
    ("ii->i", [(3, 1)]),
    ("ij", [(3,)]),
    ("i", [(3, 2)]),
    ("i,i", [(3,)]),
    ("i,i", [(3,), (2,)]),
]


@pytest.mark.parametrize(("subscripts", "shapes"), BAD_SUBSCRIPTS)
@checked
def test_subscripts_that_mean_nothing_are_refused(device, subscripts, shapes):
    found = agree(
        lambda d: te.einsum(subscripts, *(numbers(s, d) for s in shapes)),
        device,
        f"subscripts={subscripts!r}",
    )
    assert found in (ValueError, ShapeError)


@given(data=st.data())
@settings(max_examples=60)
@checked
def test_einsum_of_any_subscripts(device, data):
    letters = st.text("iijk", max_size=3)
    terms = data.draw(st.lists(letters, min_size=1, max_size=3))
    sizes = {c: data.draw(st.integers(1, 3)) for c in "ijk"}
    shapes = []
    for at, term in enumerate(terms):
        hidden = data.draw(st.lists(st.integers(1, 2), max_size=2)) if data.draw(st.booleans()) else []
        shape = [*hidden, *(data.draw(st.sampled_from((sizes[c], sizes[c], 1))) for c in term)]
        terms[at] = ("..." if hidden else "") + term
        shapes.append(tuple(shape))
    subscripts = ",".join(terms)
    if data.draw(st.booleans()):
        subscripts += "->" + data.draw(st.sampled_from(("", "..."))) + data.draw(letters)

    def call(d):
        return te.einsum(subscripts, *(numbers(s, d) for s in shapes))

    agree(call, device, "einsum")
    agree(
        slope(lambda x, d: te.einsum(subscripts, x, *(numbers(s, d) for s in shapes[1:])), shapes[0]), device
    )


def index(shape, size, device):
    return te.tensor(np.arange(np.prod(shape), dtype=np.int64).reshape(shape) % max(size, 1), device=device)


SCATTERS = [
    ((4, 3), (1, 3), (2, 3), ShapeError),
    ((4, 3), (2, 3), (1, 3), None),
    ((4, 3), (2, 5), (2, 5), ShapeError),
    ((4, 3), (2,), (2,), ShapeError),
    ((10,), (3,), (5,), ShapeError),
    ((4, 3), (2, 2), (2, 2), None),
    ((4, 3), (2, 1), (), None),
]


@pytest.mark.parametrize(("x", "places", "source", "error"), SCATTERS)
@checked
def test_scatter_add_of_odd_shapes(device, x, places, source, error):
    def call(s, d):
        return te.scatter_add(numbers(x, d), index(places, x[0], d), s)

    assert agree(lambda d: call(numbers(source, d), d), device, "scatter_add") is error
    assert agree(slope(call, source), device) is error


GATHERS = [
    ((4, 3), (3,), ShapeError),
    ((4, 3), (2, 2), ShapeError),
    ((4, 3), (2, 1), None),
    ((4, 1), (2, 3), None),
    ((4, 3), (0, 3), None),
]


@pytest.mark.parametrize(("x", "places", "error"), GATHERS)
@checked
def test_gather_of_odd_shapes_forward_and_back(device, x, places, error):
    def call(v, d):
        return te.gather(v, index(places, x[0], d), 0)

    assert agree(lambda d: call(numbers(x, d), d), device, "gather") is error
    assert agree(slope(call, x), device) is error
    assert (
        agree(lambda d: te.hvp(lambda v: (call(v, d) ** 3).sum(), numbers(x, d), numbers(x, d)), device)
        is error
    )


SHAPES = st.lists(st.integers(0, 3), max_size=3).map(tuple)


@given(
    op=st.sampled_from(("gather", "scatter_add", "index_select")),
    x=SHAPES,
    places=SHAPES,
    source=SHAPES,
    axis=st.integers(-2, 2),
    size=st.integers(0, 5),
    same=st.booleans(),
)
@settings(max_examples=80)
@checked
def test_places_of_any_shapes(device, op, x, places, source, axis, size, same):
    source = places if same else source

    def call(v, d):
        at = index(places, size, d) - 1
        if op == "scatter_add":
            return te.scatter_add(v, at, numbers(source, d), axis)
        return getattr(te, op)(v, at, axis)

    agree(lambda d: call(numbers(x, d), d), device)
    agree(slope(call, x), device)


@pytest.mark.parametrize("shape", [(0, 0), (3, 0), (0, 3)])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("place", [-4, 0, 2, 7])
def test_a_place_out_of_range_is_told_though_nothing_is_read(device, shape, axis, place):
    for call in (
        lambda d: te.index_select(numbers(shape, d), te.tensor([place], device=d), axis),
        lambda d: numbers(shape, d)[(slice(None),) * axis + (te.tensor([place], device=d),)],
    ):
        agree(call, device)


@pytest.mark.parametrize("place", [-9, -5, 4])
@checked
def test_a_place_out_of_range_is_named_as_it_was_given(device, place):
    def at(d):
        return te.tensor([[0, place, 1]], device=d)

    for call in (
        lambda d: te.gather(numbers((4, 3), d), at(d), 0),
        lambda d: te.scatter_add(numbers((4, 3), d), at(d), numbers((1, 3), d)),
        lambda d: te.index_select(numbers((4, 3), d), at(d)),
        lambda d: numbers((4, 3), d)[at(d)],
    ):
        assert agree(call, device, f"index {place} is out of") is IndexError
        device.synchronize()


@checked
def test_logits_must_be_floats(device):
    found = agree(
        lambda d: te.cross_entropy(numbers((2, 3), d, "int64"), index((2,), 3, d)), device, "floats"
    )
    assert found is TypeError


# -- many axes, and windows ----------------------------------------------------------------------------------

MANY, EVERY_OTHER = (2,) * 17, tuple(range(0, 17, 2))


def many(device):
    return te.tensor(np.random.default_rng(0).random(MANY), device=device)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: te.sum(x, EVERY_OTHER),
        lambda x: te.max(x, EVERY_OTHER, keepdims=True),
        lambda x: te.var(x, EVERY_OTHER),
        lambda x: te.layer_norm(x, EVERY_OTHER),
        lambda x: te.grad(lambda v: (te.layer_norm(v, EVERY_OTHER) ** 3).sum())(x),
        lambda x: te.einsum("abcdefghijklmnopq->bdfhjlnp", x),
    ],
    ids=["sum", "max", "var", "layer_norm", "gradient", "einsum"],
)
def test_more_axes_than_kernels_have_that_do_not_merge(device, function):
    assert not agree(lambda d: function(many(d)), device)


@pytest.mark.parametrize("axes", [3, 4, 5])
@checked
def test_windows_along_many_axes_and_their_gradient(device, axes):
    def windows(x):
        how = {"stride": (1, 2, 1, 1, 1)[:axes], "dilation": (1, 1, 2, 1, 1)[:axes]}
        return te.sliding_windows(x, (2, 1, 2, 2, 1)[:axes], **how)

    shape = (2, *(3,) * axes)
    assert not agree(slope(lambda x, d: windows(x), shape), device)
    assert not agree(
        lambda d: te.hvp(lambda x: (windows(x) ** 3).sum(), numbers(shape, d), numbers(shape, d)), device
    )


NAN, INF = float("nan"), float("inf")


@given(
    x=st.lists(st.sampled_from((NAN, INF, -INF, 1.0, 2.0)), min_size=9, max_size=9),
    u=st.lists(st.sampled_from((NAN, INF, 1.0)), min_size=9, max_size=9),
    size=st.integers(1, 3),
    stride=st.integers(1, 2),
)
@settings(max_examples=40)
@checked
def test_pooling_of_nan_and_infinity_to_second_order(device, x, u, size, stride):
    def at(d, values=x):
        return te.tensor(np.reshape(values, (1, 1, 3, 3)), device=d)

    def pooled(v):
        return te.max_pool2d(v, size, stride=stride)

    for call in (
        lambda d: pooled(at(d)),
        lambda d: te.grad(lambda v: pooled(v).sum())(at(d)),
        lambda d: te.grad(lambda v: (pooled(v) ** 2).sum())(at(d)),
        lambda d: te.hvp(lambda v: (pooled(v) ** 2).sum(), at(d), at(d, u)),
    ):
        assert not agree(call, device)


def test_nan_is_the_largest_of_a_window_and_gets_its_gradient(device):
    for d in ("cpu", device.name):
        x = te.tensor([[[[NAN, 1.0], [NAN, 3.0]]]], device=d)
        assert te.grad(lambda v: te.max_pool2d(v, 2).sum())(x).tolist() == [[[[0.5, 0.0], [0.5, 0.0]]]]


def test_the_checker_has_nothing_to_say_of_refused_calls(device):
    if not sim.is_installed():
        pytest.skip("the checker belongs to the simulator; run with --device simulator")
    with sim.check():
        for call in (
            lambda d: te.linear(numbers((2, 4), d), numbers((5, 4), d), numbers((3,), d)),
            lambda d: te.scatter_add(numbers((10,), d), index((3,), 3, d), numbers((5,), d)),
            lambda d: te.einsum("i->ii", numbers((3,), d)),
        ):
            assert agree(call, device) in (ValueError, ShapeError)
