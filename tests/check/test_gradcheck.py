"""The proof itself is put to the proof: planted faults must be found, named, and nothing right accused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu.check import GradientError, gradcheck, opcheck
from tinygrad_edu.domain import Interval
from tinygrad_edu.ops import elementwise as e


def op(numpy, *vjps, **how):
    return te.Op("planted", numpy, vjps, register=False, **how)


X = np.linspace(0.5, 1.5, 6).reshape(2, 3)


# -- what is right passes ------------------------------------------------------------------------------------


def test_reports_an_error_and_a_method_per_order():
    report = gradcheck(lambda x, y: te.exp(x) * te.sin(y), [X, X[0]], order=3)
    assert report.methods == ("complex step",) * 3
    assert max(report.errors) < 1e-13


def test_falls_back_to_differences_where_complex_numbers_stop():
    report = gradcheck(lambda x: te.abs(te.cbrt(x)).sum(), [X])
    assert report.methods == ("differences",) * 2
    assert max(report.errors) < 1e-8


def test_a_function_that_drops_imaginary_parts_is_not_believed_on_complex_numbers():
    square = op(lambda x: np.square(x.real).astype(x.dtype), lambda g, x: g * x * 2.0)
    report = gradcheck(square, [X])  # right, though its complex step is 0
    assert report.methods[0] == "differences"
    assert report.errors[0] < 1e-8


def test_constants_and_shared_inputs():
    gradcheck(lambda x: te.ones(2, dtype="float64"), [X])
    gradcheck(lambda x, y: te.exp(x), [X, np.empty((0, 3))])
    gradcheck(lambda x, y: x * y, [X, X])
    gradcheck(lambda x: x, [X])


@pytest.mark.parametrize("x", [X, te.tensor(X), np.array(0.5)], ids=["array", "tensor", "a number"])
def test_a_single_input_needs_no_list(x):
    assert gradcheck(te.exp, x) == gradcheck(te.exp, [x])


def test_dropout_is_checked_at_one_mask_and_the_generator_is_left_alone():
    te.manual_seed(3)
    before = te.rand(4).tolist()
    te.manual_seed(3)
    gradcheck(lambda x: x * te.bernoulli(0.5, x.shape, dtype="float64") * te.exp(x), [X])
    assert te.rand(4).tolist() == before


def test_works_inside_no_grad_and_on_tensors_that_require_grad():
    x = te.tensor(X, requires_grad=True)
    with te.no_grad():
        gradcheck(te.tanh, [x])
    assert x.grad is None


@given(scale=st.floats(1e-3, 1e6), seed=st.integers(0, 50))
@settings(max_examples=15)
def test_right_gradients_pass_at_any_scale_and_in_any_direction(scale, seed):
    gradcheck(lambda x: te.log(x * x + scale) * scale, [X * math.sqrt(scale)], seed=seed)


# -- what is wrong is found ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("complex_step", [True, False])
def test_a_gradient_wrong_by_a_thousandth_is_found_in_every_direction(seed, complex_step):
    wrong = op(np.exp, lambda g, out: g * out * 1.001, inputs=("x",))
    with pytest.raises(GradientError, match="order 1 with respect to input 0"):
        gradcheck(wrong, [X], seed=seed, complex_step=complex_step)


def test_one_wrong_element_is_named_with_both_numbers():
    weights = np.ones((2, 3))
    weights[1, 2] = 1.5
    wrong = op(lambda x: x * x, lambda g, x: g * x * 2.0 * weights)

    def total(y, x):
        return y + wrong(x)

    with pytest.raises(GradientError, match=r"total: .*input 1.*\(2, 3\).*at index \(1, 2\)") as error:
        gradcheck(total, [X, X])
    analytic, numeric = (
        float(str(error.value).split(word)[1].split()[0].rstrip(",")) for word in ("analytic ", "numeric ")
    )
    assert analytic / numeric == pytest.approx(1.5)


def test_a_wrong_second_order_is_found_though_the_first_is_right():
    def outside_the_graph(g, x):
        return g * (3 * np.square(x.numpy() if isinstance(x, te.Tensor) else x))

    wrong = op(lambda x: x**3, outside_the_graph)
    gradcheck(wrong, [X], order=1)
    with pytest.raises(GradientError, match=r"order 2 .*(no path|lower orders are right)"):
        gradcheck(wrong, [X], order=2)


def test_a_wrong_rule_of_an_op_used_only_in_vjps_is_found():
    slope = te.Op("slope", np.cos, (lambda g, x: g * e.sin(x),), inputs=("x",), register=False)  # the sign
    sine = op(np.sin, lambda g, x: g * slope(x), inputs=("x",))
    gradcheck(sine, [X], order=1)
    with pytest.raises(GradientError, match=r"order 2 with respect to input 0.*lower orders are right"):
        gradcheck(sine, [X])


@pytest.mark.parametrize(
    "f",
    [lambda x: te.exp(x).sum() + te.exp(x.detach()).sum(), lambda x: te.exp(x.detach())],
    ids=["one of two", "the only"],
)
def test_a_missing_edge_is_found(f):
    with pytest.raises(GradientError, match="order 1"):
        gradcheck(f, [X])


def test_a_missing_edge_is_explained():
    with pytest.raises(GradientError, match=r"no path.*detach"):
        gradcheck(lambda x, y: x * te.exp(y).detach(), [X, X])


def test_nan_never_passes():
    with np.errstate(all="ignore"), pytest.raises(GradientError, match="NaN"):
        gradcheck(te.log, [-X])
    with pytest.raises(GradientError):
        gradcheck(op(np.exp, lambda g, out: g * math.nan, inputs=("x",)), [X])


def test_randomness_that_cannot_be_repeated_is_refused():
    random = np.random.default_rng(0)
    with pytest.raises(ValueError, match="different numbers"):
        gradcheck(lambda x: x * random.normal(), [X])


@pytest.mark.parametrize("dtype", ["float32", "int64", "bool"])
def test_other_dtypes_are_refused_with_advice(dtype):
    with pytest.raises(TypeError, match=rf"input 1 is {dtype}.*x\.to\('float64'\)"):
        gradcheck(lambda x, y: x, [X, te.ones(2, dtype=dtype)])
    with pytest.raises(TypeError, match="returned float32"):
        gradcheck(lambda x: x.to("float32"), [X])


def test_order_must_be_positive():
    with pytest.raises(ValueError, match="order"):
        gradcheck(te.exp, [X], order=0)


# -- a user's op ---------------------------------------------------------------------------------------------


def test_a_right_op_of_a_user_is_proven():
    opcheck(
        op(
            lambda x, y, *, scale=2.0: x * y * scale,
            lambda g, y, scale: g * y * scale,
            lambda g, x, scale: g * x * scale,
        )
    )


@pytest.mark.parametrize(("planted", "words"), [
    (lambda: op(lambda x: x * x, lambda g, x: g * x), "order 1"),
    (lambda: op(np.asarray, lambda g: g, inputs=("x",)), "shares memory"),
    (lambda: op(lambda x: np.float64(2) * np.asarray(x, np.float64), lambda g: g * 2.0), "float64 result"),
    (lambda: op(lambda x: np.square(x).astype(np.float32), lambda g, x: g * x * 2.0), "float32 result"),
    (lambda: op(lambda x, y: x * y, lambda g, y: g * y, None), "no path"),
    (lambda: op(lambda x: np.sin(x) * (2 if x.dtype == np.float32 else 1), lambda g, x: g * e.cos(x)),
     "branch on the dtype"),
    (lambda: op(np.exp, lambda g, out: g * out, inputs=("x",), edges=(te.edge(x=0.0, out=2.0),)),
     "declared is 2.0"),
    (lambda: op(np.exp, lambda g, out: g * out, inputs=("x",), edges=(te.edge(x=0.0, out=1.0, slope=0.5),)),
     "slope of planted by x"),
    (lambda: op(lambda x: x * x, lambda g, x: g * 2.0 * e.where(e.greater(x, 1.0), x, x * 1.001)), "order 1"),
], ids=["slope", "memory", "widened", "narrowed", "edge missing", "by dtype", "edge value", "edge slope",
        "a branch"])  # fmt: skip
def test_planted_faults_of_an_op_are_found(planted, words):
    with pytest.raises(GradientError, match=words):
        opcheck(planted())


def test_an_op_that_writes_to_its_input_fails():
    def careless(x):
        x *= 2.0
        return x + 0.0

    with pytest.raises(ValueError, match="read-only"):
        opcheck(op(careless, lambda g: g * 2.0))


def test_the_domain_is_respected():
    opcheck(op(np.log, lambda g, x: g / x, inputs=("x",), domain=Interval(0.5, 2.0)))


def test_what_the_function_changes_in_place_is_set_back():
    norm = te.nn.BatchNorm1d(3).to("float64")
    x = te.tensor(np.random.default_rng(0).normal(size=(6, 3)))
    norm(x)
    before = {name: np.array(value) for name, value in norm.state_dict().items()}
    counts = [b.storage.writes.count for b in norm.buffers()]
    gradcheck(lambda x: (norm(x) ** 3).sum(), [x])
    with pytest.raises(GradientError):
        gradcheck(lambda x: norm(x).detach(), [x])
    for name, value in norm.state_dict().items():
        np.testing.assert_array_equal(before[name], value, err_msg=name)
    assert counts == [b.storage.writes.count for b in norm.buffers()]
