"""Values in the tails, at corners and over the whole range of a dtype: nothing is rounded away there."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from benchmarks import exact, ulps
from benchmarks.exact import mp
from tinygrad_edu import evidence
from tinygrad_edu.engine.op import REGISTRY
from tinygrad_edu.ops.elementwise import Map

STATED = json.loads(ulps.FILE.read_text(encoding="utf-8"))
EVERY = 9  # as many points as a test may take time for; the command takes all


def test_every_elementwise_op_that_rounds_has_stated_errors():
    missing = [name for name in exact.measurable() if name not in STATED]
    assert not missing, f"measure them: python -m benchmarks.ulps {' '.join(missing)}"
    assert set(STATED) == set(exact.measurable()) and not set(STATED) & exact.CHOICES


@pytest.mark.cpu
@pytest.mark.parametrize("dtype", ulps.DTYPES)
@pytest.mark.parametrize("name", sorted(STATED))
def test_no_error_is_larger_than_its_page_says(name, dtype):
    stated = STATED[name][dtype]
    for order, (found, at) in ulps.measure(name, dtype, every=EVERY).items():
        assert found <= 2 * stated[order] + 4, f"{order} of {name} at {at}: {found:.3g} units"


@pytest.mark.cpu
def test_the_measure_sees_a_tail_that_is_rounded_away(monkeypatch):
    """The formulas that stood here once; each is right to 1e-16 of 1."""
    once = {
        "sigmoid": Map(
            "once",
            lambda x: np.tanh(x * 0.5) * 0.5 + 0.5,
            (lambda g, out: g * out * (1.0 - out),),
            register=False,
            oracle=REGISTRY["sigmoid"].oracle,
        ),
        "tanh": Map(
            "once", np.tanh, (lambda g, out: g * (1.0 - out * out),), register=False, oracle="mpmath.tanh"
        ),
    }
    for name, op in once.items():
        monkeypatch.setitem(REGISTRY, name, op)
        assert ulps.measure(name, "float32", every=EVERY)["gradient"][0] > 1e6


@pytest.mark.parametrize(("got", "wanted", "units"), [
    (1.0, 1.0, 0.0), (1.0 + 2**-52, 1.0, 1.0), (0.0, 5e-324, 1.0), (math.inf, 2e308, 0.0),
    (-math.inf, 1.0, None), (math.nan, 1.0, math.inf),
    (math.inf, float(np.finfo(np.float64).max), 0.0), (0.0, 1.0, 2.0**52)])  # fmt: skip
def test_units_in_the_last_place(got, wanted, units):
    found = ulps.error(got, mp.mpf(wanted) if wanted < 1e308 else mp.mpf(10) ** 309, np.finfo(np.float64))
    assert found == units if units is not None else found > 1e300


def test_a_page_says_what_was_measured():
    said = evidence.accuracy(REGISTRY["erf"])
    assert f"| result | {STATED['erf']['float32']['forward']:.4g} |" in said
    assert evidence.accuracy(REGISTRY["sum"]) == ""


# -- the same on every device --------------------------------------------------------------------------------

E20, E40, BELOW = math.exp(-20.0), math.exp(-40.0), 1 - 2**-20
# fmt: off
TAILS = [                                       # function, x, result, slope
    (te.sigmoid, -20.0, E20 / (1 + E20), E20 / (1 + E20) ** 2),
    (te.sigmoid, -80.0, math.exp(-80), math.exp(-80)),
    (te.sigmoid, 40.0, 1.0, E40), (te.silu, -20.0, -20 * E20 / (1 + E20), -19 * E20 - 41 * E20 * E20),
    (te.silu, -math.inf, 0.0, 0.0), (te.silu, math.inf, math.inf, 1.0),
    (te.gelu, -10.0, -7.619853024160526e-23, -7.618400096464814e-22),
    (te.gelu, -math.inf, 0.0, 0.0), (te.gelu, math.inf, math.inf, 1.0),
    (te.tanh, 20.0, 1.0, 4 * E40), (te.expm1, -40.0, -1.0, E40), (te.elu, -40.0, -1.0, E40),
    (te.log_sigmoid, 40.0, -E40, E40), (te.softplus, -40.0, E40, E40),
    (te.erf, 4.0, 1.0, 2 / math.sqrt(math.pi) * math.exp(-16)),
    (te.asinh, 1e25, math.log(2e25), 1e-25), (te.acosh, 1e25, math.log(2e25), 1e-25),
    (te.atan, 1e15, math.pi / 2, 1e-30),
    (te.asin, BELOW, math.asin(BELOW), 1 / math.sqrt((1 - BELOW) * (1 + BELOW))),
    (te.atanh, BELOW, math.atanh(BELOW), 1 / ((1 - BELOW) * (1 + BELOW))),
]
# fmt: on


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("function", "x", "result", "slope"), TAILS)
def test_tails(function, x, result, slope, dtype):
    at = te.tensor(x, dtype=dtype, requires_grad=True)
    out = function(at)
    out.backward()
    rtol = 2e-6 if dtype == "float32" else 2e-7
    np.testing.assert_allclose(out.item(), result, rtol=rtol)
    np.testing.assert_allclose(at.grad.item(), slope, rtol=rtol)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_angles_and_distances_at_the_origin_and_far_away(dtype):
    for function in (te.atan2, te.hypot):
        x, y = (te.tensor(0.0, dtype=dtype, requires_grad=True) for _ in range(2))
        function(x, y).backward()
        assert (x.grad.item(), y.grad.item()) == (0.0, 0.0)
    largest = float(np.finfo(dtype).max)
    x, y = (te.tensor(largest, dtype=dtype, requires_grad=True) for _ in range(2))
    te.atan2(x, y).backward()
    np.testing.assert_allclose(x.grad.item() * largest, 0.5, rtol=1e-5)


def _twice(function, x):
    at = te.tensor(x, dtype="float64", requires_grad=True)
    first = te.grad(lambda v: function(v).sum())
    return function(at).tolist(), first(at).tolist(), te.grad(lambda v: first(v).sum())(at).tolist()


def test_huber_bends_within_delta_and_nowhere_else():
    x = [0.0, 0.5, -1.5, 3.0, -math.inf, math.inf]
    found = _twice(lambda v: te.huber(v, te.zeros(6, dtype="float64"), delta=2.0, reduction="none"), x)
    assert found == (
        [0.0, 0.125, 1.125, 4.0, math.inf, math.inf],
        [0.0, 0.5, -1.5, 2.0, -2.0, 2.0],
        [1.0, 1.0, 1.0, 0.0, 0.0, 0.0],
    )


def test_small_losses_of_two_classes_are_not_zero():
    for z, t in ((40.0, 1.0), (-40.0, 0.0)):
        loss, slope, bend = _twice(
            lambda v, t=t: te.binary_cross_entropy_with_logits(
                v, te.tensor([t], dtype="float64"), reduction="none"
            ),
            [z],
        )
        np.testing.assert_allclose([*loss, *np.abs(slope), *bend], E40, rtol=1e-14)
    loss, slope, _ = _twice(lambda p: te.binary_cross_entropy(p, te.zeros(1, dtype="float64")), [1e-20])
    np.testing.assert_allclose([loss, *slope], [1e-20, 1e-8], rtol=1e-14)  # 1e-20 / 1e-12


@pytest.mark.parametrize("p", [0.5, 1.5, 3.0])
@pytest.mark.parametrize("scale", [1e-250, 1.0, 1e250])
def test_norms_of_any_order_neither_overflow_nor_vanish(p, scale):
    x = te.tensor([3 * scale, -4 * scale, 0.0], dtype="float64", requires_grad=True)
    out = te.norm(x, p)
    out.backward()
    wanted = (3**p + 4**p) ** (1 / p)
    np.testing.assert_allclose(out.item() / scale, wanted, rtol=1e-14)
    np.testing.assert_allclose(
        x.grad.numpy(), [(3 / wanted) ** (p - 1), -((4 / wanted) ** (p - 1)), 0.0], rtol=1e-13
    )


@pytest.mark.cpu
@given(st.lists(st.floats(-300, 300), min_size=2, max_size=6), st.integers(0, 5))
@example([0.0, -40.0], 0)
@example([-40.0, 0.0, -40.0], 1)
@settings(max_examples=60)
def test_rows_of_logits_are_right_relative_to_each_of_their_results(row, k):
    k %= len(row)
    with mp.workprec(2000):
        z = [mp.mpf(v) for v in row]
        total = sum(mp.exp(v) for v in z)
        shares = [float(mp.exp(v) / total) for v in z]
        others = [float(1 - mp.exp(v) / total) for v in z]
        logs = [float(v - mp.log(total)) for v in z]
        whole = float(mp.log(total))
    x = te.tensor([row], dtype="float64", requires_grad=True)
    near = {"rtol": 1e-12, "atol": 1e-300}
    np.testing.assert_allclose(te.log_softmax(x).numpy()[0], logs, **near)
    if abs(max(row)) < 1e-3 or max(row) > 0:
        np.testing.assert_allclose(te.logsumexp(x).item(), whole, **near)
    np.testing.assert_allclose(te.grad(te.logsumexp)(x).numpy()[0], shares, **near)
    target = te.tensor([k])
    slope = [-others[i] if i == k else shares[i] for i in range(len(row))]
    np.testing.assert_allclose(te.cross_entropy(x, target).item(), -logs[k], **near)
    np.testing.assert_allclose(te.grad(lambda v: te.cross_entropy(v, target))(x).numpy()[0], slope, **near)
    apart = te.grad(lambda v: te.nll(te.log_softmax(v), target))(x)
    np.testing.assert_allclose(apart.numpy()[0], slope, **near)
    chosen = te.grad(lambda v: te.softmax(v)[0, k])(x)
    np.testing.assert_allclose(chosen.numpy()[0], [-shares[k] * s for s in slope], **near)
