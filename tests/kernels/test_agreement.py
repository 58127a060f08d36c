"""The cpu and a device refuse the same calls, with the same class of error, and agree on all others.

What is odd is asked on purpose: shapes that nearly fit, numbers that a dtype does not hold, dtypes of NumPy
that the library does not have. Shapes are tried under the checker: an access out of bounds is a failure, too.
"""

from __future__ import annotations

import contextlib
import operator
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
import tinygrad_edu.simulator as sim
from tests.kernels.harness import checked
from tinygrad_edu.backend import registry
from tinygrad_edu.dtypes import SUPPORTED
from tinygrad_edu.errors import ShapeError

ERRORS = (ValueError, TypeError, IndexError, OverflowError)


def outcome(call, device):
    """What `call` gives on a device: numbers of a dtype, or a class of error that names what was asked."""
    with contextlib.suppress(*ERRORS):  # of a call that was refused before it was waited for
        registry.get(device).synchronize()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.array(call(device).numpy()), ""
    except ERRORS as error:
        kind = next(k for k in (ShapeError, *ERRORS) if isinstance(error, k))
        return kind, str(error)


def agree(call, device, says=""):
    """Assert that `call` comes to the same on the cpu and on `device`; of an error, that both name `says`."""
    (here, said), (there, said_there) = outcome(call, "cpu"), outcome(call, device.name)
    if isinstance(here, type) or isinstance(there, type):
        assert here is there, f"cpu: {here} {said}\n{device.name}: {there} {said_there}"
        assert says in said
        assert says in said_there
        return here
    assert (here.shape, here.dtype) == (there.shape, there.dtype)
    np.testing.assert_allclose(there, here, rtol=1e-5, atol=1e-6)
    return None


def numbers(shape, device, dtype="float32"):
    return te.tensor(np.arange(1, np.prod(shape) + 1).reshape(shape).astype(dtype), device=device)


def slope(f, shape):
    """The gradient by one input, as a call; the square makes it depend on the place."""
    return lambda device: te.grad(lambda x: (f(x, device) ** 2).sum())(numbers(shape, device))


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
        agree(
            lambda d: te.hvp(lambda v: (call(v, d) ** 3).sum(), numbers(x, d), numbers(x, d)),
            device,
        )
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


# -- numbers that a dtype does not hold ----------------------------------------------------------------------

EXTREMES = {
    "int32": [1, 2**31 - 1, -(2**31)],
    "uint8": [1, 255, 0],
    "int64": [1, 2**63 - 1, -(2**63)],
    "bool": [True, False, True],
    "float32": [1.5, -2.0, 0.0],
}
LARGE = (-1, 300, 2**31, 2**40, 2**63, 2**64, -(2**63), -(2**70), 10**400)
OPERATORS = (
    *(operator.lt, operator.le, operator.eq, operator.ne, operator.gt, operator.ge),
    *(operator.add, operator.sub, operator.mul, operator.floordiv, operator.mod),
    *(te.maximum, te.minimum, te.logical_and, te.logical_or, te.logical_xor),
)


def extremes(dtype, device):
    return te.tensor(EXTREMES[dtype], dtype=dtype, device=device)


@pytest.mark.parametrize("dtype", EXTREMES)
@pytest.mark.parametrize("function", OPERATORS, ids=lambda f: f.__name__)
def test_an_int_that_the_dtype_does_not_hold(device, function, dtype):
    for number in LARGE:
        agree(lambda d, number=number: function(extremes(dtype, d), number), device)
        agree(lambda d, number=number: function(number, extremes(dtype, d)), device)


def test_an_int_that_does_not_fit_is_an_overflow_that_names_the_op(device):
    found = agree(lambda d: extremes("uint8", d) + 300, device, "add((3,) uint8, 300)")
    assert found is OverflowError
    assert not agree(lambda d: extremes("int32", d) < 2**40, device)


@pytest.mark.parametrize("dtype", ["int32", "uint8", "int64", "float32"])
@pytest.mark.parametrize(
    ("low", "high"),
    [(-1, 300), (None, 2**40), (300, None), (2**40, None), (1, 3), (1.0, 3), (1.5, None), (-(2**70), 2**70)],
)
def test_bounds_beyond_the_dtype(device, dtype, low, high):
    agree(lambda d: te.clip(extremes(dtype, d), low, high), device, "clip")


VALUES = (-1.5, 300, 1.5, float("nan"), 2**40, True, [3, 1, 2], [1.5, 2, 3], np.int16([1, 2, 3]), np.int8(3))


def written(x, key, value):
    x[key] = value
    return x


@pytest.mark.parametrize("dtype", EXTREMES)
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_what_is_stored_in_place(device, dtype, value):
    agree(lambda d: extremes(dtype, d).copy_(value), device)
    agree(lambda d: extremes(dtype, d).add_(value), device)
    agree(lambda d: extremes(dtype, d).add_(value, alpha=2), device)
    agree(lambda d: extremes(dtype, d).mul_(value), device)
    if np.ndim(value) == 0:
        agree(lambda d: te.pad(extremes(dtype, d), 1, value), device, "pad")
        for key in (0, slice(0, 1), [0, 2]):
            agree(lambda d, key=key: written(extremes(dtype, d), key, value), device)
    else:
        agree(lambda d: written(extremes(dtype, d), slice(None), value), device)


def test_whole_numbers_are_added_and_filled_in_place(device):
    for d in ("cpu", device.name):
        assert te.tensor([1, 2], device=d).add_(1).tolist() == [2, 3]
        assert te.tensor([1.0, 2.0], device=d).add_([1, 2]).tolist() == [2, 4]
        assert extremes("uint8", d).fill_(7).tolist() == [7, 7, 7]
        assert extremes("bool", d).zero_().tolist() == [False] * 3


# -- dtypes that meet ----------------------------------------------------------------------------------------

FOREIGN = ("int8", "int16", "uint16", "uint32", "uint64", "float16")


@pytest.mark.parametrize("dtype", EXTREMES)
@pytest.mark.parametrize("other", FOREIGN)
def test_an_operand_of_a_dtype_the_library_does_not_have(device, dtype, other):
    for operand in (np.array([3, 1, 2], other), np.dtype(other).type(3)):
        for function in (operator.add, operator.lt, te.maximum):
            agree(lambda d, f=function, y=operand: f(extremes(dtype, d), y), device)
        assert (extremes(dtype, device.name) + operand).dtype in SUPPORTED
        agree(lambda d, y=operand: extremes(dtype, d).copy_(y), device)


@pytest.mark.parametrize("condition", [*EXTREMES, "half"])
@pytest.mark.parametrize("dtype", EXTREMES)
@checked
def test_where_asks_for_the_truth_of_any_dtype(device, condition, dtype):
    def chosen(d):
        found = te.tensor([0.5, 0.0, 0.5], device=d) if condition == "half" else extremes(condition, d)
        return te.where(found, extremes(dtype, d), extremes(dtype, d)[:1])

    assert not agree(chosen, device)


@pytest.mark.parametrize("base", [2, True, [2, 3], [True, False], [[2], [3]], [2.0, 3.0]])
@pytest.mark.parametrize("exponent", [[1, 2], [-1, 2], [[1], [-2]], -1])
@pytest.mark.parametrize("dtype", ["int64", "int32"])
@checked
def test_whole_numbers_have_no_negative_powers(device, base, exponent, dtype):
    def power(d):
        y = exponent if exponent == -1 else te.tensor(exponent, dtype=dtype, device=d)
        x = te.tensor(base, device=d) if isinstance(base, list) or exponent == -1 else base
        return x**y

    found = agree(power, device, "pow")
    assert found is (ValueError if np.min(exponent) < 0 and np.array(base).dtype.kind != "f" else None)


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
