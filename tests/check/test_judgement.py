"""Right, wrong, or not to be judged: functions where steps, scales and roundoff mislead a check."""

from __future__ import annotations

import contextlib
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu.check import CannotJudge, GradientError, gradcheck
from tinygrad_edu.check.slopes import slope

X = np.linspace(0.5, 1.5, 6)


def scaled(factor, numpy=lambda x: x * 1.0, by=lambda x: 1.0):
    """An op that is right but for a factor of its gradient."""
    return te.Op("planted", numpy, (lambda g, x: g * by(x) * factor,), inputs=("x",), register=False)


def real(factor):
    """The same, of a function that no complex step can see."""
    return scaled(factor, np.abs, te.sign)


# -- nothing to judge by ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "inputs", "because"),
    [
        (lambda: te.ones(2, dtype="float64"), [], "the inputs are none"),
        (te.exp, [np.empty((0, 3))], r"of shape \(0, 3\), empty"),
        (lambda x, y: x.sum() + y.sum(), [np.empty(0), np.empty((2, 0))], "empty"),
        (lambda x: x[:0], [X], r"the result is empty, of shape \(0,\)"),
        (lambda x: x / 0.0, [X], "infinite in every element"),
        (lambda x: te.exp(1e4 * x).sum(), [X], "infinite in every element"),
        (te.sqrt, [np.array([0.0, 1.0])], r"at index \(0,\).*the gradient is infinite there"),
    ],
)
def test_where_there_is_nothing_to_judge_it_says_so(f, inputs, because):
    with pytest.raises(CannotJudge, match=because):
        gradcheck(f, inputs)


def test_infinite_elements_beside_finite_ones_are_left_out():
    def f(g):
        return lambda x: g(x) + te.tensor([0.0, np.inf])

    gradcheck(f(te.exp), [np.array([1.0, 2.0])])
    with pytest.raises(GradientError, match=r"at index \(0,\)"):
        gradcheck(f(scaled(1.01, np.exp, te.exp)), [np.array([1.0, 2.0])])


@pytest.mark.parametrize("word", ["eps", "tolerance"])
@pytest.mark.parametrize("value", [math.nan, math.inf, 0.0, -1e-6])
def test_numbers_that_mean_nothing_are_refused(word, value):
    with pytest.raises(ValueError, match=f"{word} must be a number above 0"):
        gradcheck(te.exp, [X], **{word: value})


def test_a_tolerance_of_ones_own_decides():
    gradcheck(scaled(1.0001), [X], tolerance=1e-3)
    with pytest.raises(GradientError, match="1e-05 is allowed"):
        gradcheck(scaled(1.0001), [X], tolerance=1e-5)


def test_inputs_stay_as_they_are():
    given_, kept = X.copy(), X.copy()

    def careless(x):
        with te.no_grad():
            x.mul_(2.0)
        return x * 1.0

    with pytest.raises(GradientError):
        gradcheck(careless, [given_])
    assert np.array_equal(given_, kept)


# -- nothing hides behind something large --------------------------------------------------------------


@pytest.mark.parametrize("factor", [0.0, 0.5, 0.999, 1.0001, 2.0, -1.0])
@pytest.mark.parametrize(
    "f",
    [
        lambda g: lambda x, y: (1e9 * x).sum() + g(y).sum(),
        lambda g: lambda x, y: te.stack([(1e9 * x).sum(), g(y).sum()]),
        lambda g: lambda x, y: te.concat([1e9 * x, g(y)]) * te.tensor(X[0]),
        lambda g: lambda x, y: 1e9 + g(y).sum() + x.sum(),
        lambda g: lambda x, y: (x @ x) * 1e6 + g(y * 1e-6).sum(),
    ],
    ids=["a term", "a row", "elements", "an offset", "scales"],
)
def test_a_wrong_gradient_beside_large_numbers_is_found(f, factor):
    with pytest.raises(GradientError, match="input 1"):
        gradcheck(f(scaled(factor)), [X, X])
    gradcheck(f(scaled(1.0)), [X, X])


@pytest.mark.parametrize("factor", [0.0, 2.0, -1.0])
def test_what_only_the_complex_step_can_see_in_a_sum_is_found(factor):
    wrong = scaled(factor)
    with pytest.raises(GradientError, match="by complex step"):
        gradcheck(lambda x: (1e9 * x).sum() + wrong(x).sum(), [X])


@pytest.mark.parametrize("factor", [0.0, 0.5, 2.0, -1.0])
@pytest.mark.parametrize("f", [lambda g: lambda x: 1e12 + g(x).sum(),
                               lambda g: lambda x: (1e11 * te.abs(x[:1])).sum() + g(x[1:]).sum()],
                         ids=["an offset", "a term"])  # fmt: skip
def test_where_roundoff_covers_the_last_digits_only_differences_still_find_it(f, factor):
    with pytest.raises(GradientError, match="by differences"):
        gradcheck(f(real(factor)), [X])
    with pytest.raises(CannotJudge, match=r"since values of size .* are rounded.*tolerance="):
        gradcheck(f(real(1.0)), [X])


def test_the_tolerance_that_is_advised_is_one_that_decides():
    def f(x):
        return 1e11 + real(1.0)(x)

    with pytest.raises(CannotJudge) as error:
        gradcheck(f, [X], order=1)
    advised = float(re.search(r"tolerance=(\S+)$", str(error.value))[1])
    gradcheck(f, [X], tolerance=advised, order=1)


# -- steps that fit the function -----------------------------------------------------------------------


@pytest.mark.parametrize("complex_step", [True, False])
@pytest.mark.parametrize(("f", "x"), [
    (te.sin, [1000.0, 1001.3]), (te.sin, [1e6, -1e6]), (te.exp, [300.0, 299.0]),
    (te.log, [1e-3, 2e-3, 1e-12]),
    (te.relu, [1e-5, 1.0, -1e-5]), (lambda x: te.relu(x - 1.0), [1 + 1e-5, 1 - 1e-6, 3.0]),
    (te.sqrt, [1e-3, 1e3]), (lambda x: 1 / x, [1e-100, -2e-100]), (te.tanh, [0.01, 8.0]),
    (lambda x: te.asin(x), [0.9999, -0.99999]), (lambda x: te.max(x), [1.0, 1.0 + 1e-6, 0.5]),
    (lambda x: x * x, [0.0, 0.0]), (lambda x: te.sin(x) - x, [0.0, 1e-3]),
    (lambda x: te.sin(x) / 1e150, [1.0]),
    (te.floor, [0.51, 1.3, -2.7]), (te.sign, [0.5, -1e-9]),
    (lambda x: te.sin(x) ** 2 + te.cos(x) ** 2, [1.0, 2.0]),
])  # fmt: skip
def test_right_gradients_are_right_where_functions_turn(f, x, complex_step):
    gradcheck(f, [np.array(x)], complex_step=complex_step)


@pytest.mark.parametrize("factor", [0.0, 0.9999, 1.0001, 2.0])
@pytest.mark.parametrize(("f", "by", "x"), [
    (np.sin, te.cos, [1000.0, 1001.3]), (np.exp, te.exp, [300.0, 299.0]),
    (np.log, te.reciprocal, [1e-3, 1e-12]),
    (np.abs, te.sign, [1e-5, -1e-5]), (np.square, lambda x: 2.0 * x, [1e-6, 1e6]),
])  # fmt: skip
@pytest.mark.parametrize("complex_step", [True, False])
def test_wrong_gradients_are_wrong_there(f, by, x, factor, complex_step):
    with pytest.raises(GradientError, match="order 1"):
        gradcheck(scaled(factor, f, by), [np.array(x)], complex_step=complex_step)


N = np.random.default_rng(0).normal(size=(4, 3))


@pytest.mark.parametrize(("f", "x"), [
    (lambda x: (x ** 3).sum(), [0.0, 1.0, -1.0]), (te.prod, [0.0, 0.0, 2.0]),
    (lambda w: w @ w @ w, np.zeros((2, 2))), (lambda x: te.relu(x) ** 3, [0.0, 1.0]),
    (lambda x: te.sin(x) ** 3, [0.0, 1.0]), (lambda x: x ** 4, [0.0, 0.0]),
    (te.log_softmax, [15.0, 0.0, 0.0]), (te.log_softmax, N * 10), (te.softmax, N + 1e7),
    (lambda x: te.cross_entropy(x, te.tensor([0])), [[25.0, 0.0, 0.0]]),
    (te.tanh, [20.0, -400.0]), (te.erf, [0.5, 7.0]), (te.atan, [1e17, -1e10]),
    (lambda x: 3 * x ** 2 - 2 * x ** 3, [0.0, 0.5, 1.0]), (lambda x: te.softmax(x).sum(), N),
])  # fmt: skip
def test_zeros_of_the_gradient_and_saturated_tails_are_right(f, x):
    assert max(gradcheck(f, [np.array(x)]).errors) < 1e-5


@pytest.mark.parametrize(("f", "x"), [
    (lambda x: (te.nn.BatchNorm1d(3).to("float64")(x) ** 3).sum(), N + 1e6),
    (lambda x: (te.layer_norm(x) ** 3).sum(), N + 1e6), (lambda x: te.sin(x - 1e9), N + 1e9),
    (te.sigmoid, [-700.0, 1.0]),
    (te.log_softmax, [30.0, 0.0, 0.0]), (te.log_softmax, [40.0, 0.0, 0.0]),
    (lambda x: (3 * te.sin(x)).sum(), [1.234e-303, 1.0]),
    (lambda x: te.sign(x) * x ** 2, [0.0, 1.0]), (te.erf, np.linspace(-9, 9, 5)),
    (te.gelu, np.linspace(-40, 40, 9)), (lambda x: te.sin(x).sum(), [3e10, 1e10]),
])  # fmt: skip
def test_what_is_right_is_never_called_wrong(f, x):
    with contextlib.suppress(CannotJudge):
        gradcheck(f, [np.array(x)])


@pytest.mark.parametrize(("f", "x", "because"), [
    (te.step, [0.0, 2.0], "jumps"), (lambda x: te.where(x > 1, 2 * x, x), [1.0, 2.0], "jumps"),
    (lambda x: te.round(x) + x, [0.5, 2.0], "jumps"), (lambda x: x[x >= 1], [1.0, 2.2], "shape"),
])  # fmt: skip
def test_where_a_function_jumps_or_changes_its_shape_nothing_is_judged(f, x, because):
    with pytest.raises(CannotJudge, match=because):
        gradcheck(f, [np.array(x)])


# -- where there is no derivative ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "x", "sides"),
    [
        (te.relu, [0.0, 1.0], "0 on one side and 1 on the other"),
        (te.abs, [1.0, 0.0], "-1 on one side and 1 on the other"),
        (lambda x: te.max(x), [1.0, 1.0, 0.5], "0 on one side and 1 on the other"),
        (lambda x: 3.0 + te.maximum(2.0 * x, -x), [0.0], "-1 on one side and 2 on the other"),
    ],
)
def test_a_kink_is_no_fault_and_is_named_with_both_slopes(f, x, sides):
    with pytest.raises(CannotJudge, match=rf"at index .*a kink there, with slope {sides}, so it has no"):
        gradcheck(f, [np.array(x)])


def test_a_gradient_that_is_on_no_side_of_a_kink_is_wrong():
    with pytest.raises(GradientError, match="kink"):
        gradcheck(scaled(1.0, np.abs, lambda x: te.sign(x) + 3.0), [np.array([0.0])])


@pytest.mark.parametrize(
    "f",
    [lambda x: te.exp(x.to("float32")).to("float64"), lambda x: te.round(te.exp(x) * 1e5) / 1e5],
    ids=["cast", "rounded"],
)
def test_values_in_stairs_cannot_be_judged(f):
    with pytest.raises(CannotJudge, match="float32"):
        gradcheck(f, [X], order=1)


def test_a_wrong_gradient_of_values_in_stairs_is_wrong_all_the_same():
    wrong = scaled(2.0, lambda x: x.real.astype(np.float32).astype(np.float64))
    with pytest.raises(GradientError):
        gradcheck(wrong, [X])


def test_a_gradient_that_is_nan_is_wrong_unless_the_result_is_infinite():
    nan = scaled(math.nan, np.exp, te.exp)
    with pytest.raises(GradientError, match=r"is NaN at index \(0,\), though the result is finite"):
        gradcheck(nan, [X])
    with pytest.raises(CannotJudge, match="where elements of the result are infinite"):
        gradcheck(lambda x: 1.0 / (x * x), [np.array([0.0, 1.0])])


# -- the numbers themselves ----------------------------------------------------------------------------


@given(k=st.floats(-6, 6), a=st.floats(-5, 5), turn=st.floats(-2, 2))
@settings(max_examples=60)
def test_a_slope_is_as_good_as_it_says(k, a, turn):
    scale = 10.0**k
    found = slope(
        lambda t: np.array([math.sin(a + scale * t) + turn]),
        np.ones(1),
        np.array([math.sin(a) + turn]),
        1e-15,
        lambda value: 1e-6 * abs(value),
        scale * math.cos(a),
    )
    assert found is not None and found.sides is None
    assert abs(found.value - scale * math.cos(a)) <= 4 * found.error + 1e-12 * scale


@pytest.mark.parametrize("seed", range(3))
def test_the_functions_of_the_benchmark_are_judged_right(seed):
    from benchmarks.proofs import cases, ours

    for case in cases(40, seed + 100):
        with np.errstate(all="ignore"):
            assert ours(case, case.pulled) != "wrong", case.name
            assert ours(case, case.wrong) != "right", case.name


@pytest.mark.parametrize("order", [(0.0, 1.0), (1.0, 0.0), (0.0, 0.5, 1.0, 0.0)])
def test_kinks_in_several_elements_accuse_nobody(order):
    """Each element may have a side of its own: along a direction the sum of them is no side."""
    with pytest.raises(CannotJudge, match=r"at index \(\d,\), because the function has a kink there"):
        gradcheck(lambda x: te.clip(x, 0.0, 1.0).sum(), [te.tensor(np.array(order))])
    bad = te.Op("bad_abs", np.abs, (lambda g, x: g * te.where(x == 0.0, 3.0, te.sign(x)),), register=False)
    with pytest.raises(GradientError, match=r"is wrong at index \(\d,\): analytic 3"):
        gradcheck(lambda x: bad(x).sum(), [te.tensor(np.array(order))])
