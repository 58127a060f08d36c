"""Clipping against NumPy's norms, and learning rates against their formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu import optim


def with_grads(*grads):
    out = []
    for g in grads:
        w = te.zeros(np.shape(g), dtype="float64", requires_grad=True)
        w.grad = te.tensor(np.asarray(g, float))
        out.append(w)
    return [*out, te.zeros(2, requires_grad=True)]  # one without a gradient


# numpy.linalg.norm squares without scaling, so the oracle holds where squares and cubes do not vanish
NUMBERS = st.floats(-1e3, 1e3).map(lambda x: x if abs(x) > 1e-90 else 0.0)


@given(
    st.lists(st.lists(NUMBERS, min_size=1, max_size=4), min_size=1, max_size=3),
    st.sampled_from([0.1, 1.0, 50.0]),
    st.sampled_from([1.0, 2.0, 3.0, math.inf]),
)
def test_norm_and_scaling(grads, most, order):
    params = with_grads(*grads)
    flat = np.concatenate([np.asarray(g) for g in grads])
    norm = optim.clip_grad_norm_(params, most, order)
    np.testing.assert_allclose(norm.item(), np.linalg.norm(flat, order), rtol=1e-9, atol=1e-300)
    after = np.concatenate([p.grad.numpy() for p in params if p.grad is not None])
    np.testing.assert_allclose(after, flat * min(1.0, most / (norm.item() + 1e-6)), rtol=1e-12, atol=1e-300)


def test_norms_beyond_the_range_of_squares():
    assert optim.clip_grad_norm_(with_grads([3e200, 4e200]), 1.0).item() == pytest.approx(5e200)
    assert optim.clip_grad_norm_(with_grads([3e-200, 4e-200]), 1.0).item() == pytest.approx(5e-200)
    assert optim.clip_grad_norm_([te.zeros(2, requires_grad=True)], 1.0).item() == 0.0


def test_not_a_number_is_reported_when_asked_for():
    params = with_grads([1.0, math.nan])
    with pytest.raises(RuntimeError, match=r"norm is nan.*detect_anomaly"):
        optim.clip_grad_norm_(params, 1.0, error_if_nonfinite=True)
    assert params[0].grad.numpy()[0] == 1.0
    assert math.isnan(optim.clip_grad_norm_(params, 1.0).item())


def test_clip_value():
    params = with_grads([-3.0, 0.5], [[2.0]])
    optim.clip_grad_value_(params, 1.0)
    assert params[0].grad.tolist() == [-1.0, 0.5] and params[1].grad.tolist() == [[1.0]]
    optim.clip_grad_value_(params[0], 0.25)
    assert params[0].grad.tolist() == [-0.25, 0.25]


@pytest.mark.parametrize("call", [
    lambda: optim.clip_grad_norm_([], -1.0), lambda: optim.clip_grad_norm_([], 1.0, 0.0),
    lambda: optim.clip_grad_value_([], -1.0), lambda: optim.StepLR(0), lambda: optim.CosineLR(0),
    lambda: optim.CosineLR(5, 2.0), lambda: optim.LinearWarmup(0),
    lambda: optim.Schedule(optim.SGD(with_grads([1.0])))])  # fmt: skip
def test_bad_arguments(call):
    with pytest.raises(ValueError, match=r"must be|at least"):
        call()


def rates(schedule, optimizer, steps):
    out = []
    for _ in range(steps):
        out.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return out


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        ([optim.StepLR(3, 0.5)], lambda t: 0.5 ** (t // 3)),
        ([optim.CosineLR(8, 0.1)], lambda t: 0.1 + 0.9 * (1 + math.cos(math.pi * min(t, 8) / 8)) / 2),
        ([optim.LinearWarmup(4)], lambda t: min(1.0, (t + 1) / 4)),
        ([optim.LinearWarmup(4), optim.StepLR(6)], lambda t: min(1.0, (t + 1) / 4) * 0.1 ** (t // 6)),
        ([lambda t: 1 / (1 + t)], lambda t: 1 / (1 + t)),
    ],
)
def test_schedules_follow_their_formulas_and_resume(factors, expected):
    optimizer = optim.SGD(with_grads([1.0]), lr=0.4)
    schedule = optim.Schedule(optimizer, *factors)
    wanted = [0.4 * expected(t) for t in range(12)]
    np.testing.assert_allclose(rates(schedule, optimizer, 7), wanted[:7], rtol=1e-12)
    other = optim.SGD(with_grads([1.0]), lr=99.0)
    resumed = optim.Schedule(other, *factors)
    resumed.load_state_dict(schedule.state_dict())
    np.testing.assert_allclose(rates(resumed, other, 5), wanted[7:], rtol=1e-12)


def test_a_schedule_state_of_other_groups_is_refused():
    schedule = optim.Schedule(optim.SGD(with_grads([1.0])), optim.StepLR(2))
    with pytest.raises(ValueError, match="2 groups"):
        schedule.load_state_dict({"count": 3, "base": [1.0, 2.0]})
    assert schedule.count == 0
