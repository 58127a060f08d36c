"""Schedules with PyTorch's names: their rates and momenta step by step, saved anywhere, with groups added."""

from __future__ import annotations

import copy
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu import nn, optim
from tinygrad_edu.optim import lr_scheduler as ours

UNIT = st.floats(0.05, 0.95)
SHORT = st.integers(1, 7)


def settings_of(kind):
    """What a schedule of this kind may be given, drawn."""
    return {
        "StepLR": st.fixed_dictionaries({"step_size": SHORT}, optional={"gamma": UNIT}),
        "MultiStepLR": st.fixed_dictionaries(
            {"milestones": st.lists(st.integers(0, 12), max_size=4)}, optional={"gamma": UNIT}
        ),
        "ConstantLR": st.fixed_dictionaries({}, optional={"factor": UNIT, "total_iters": st.integers(0, 7)}),
        "LinearLR": st.fixed_dictionaries(
            {}, optional={"start_factor": UNIT, "end_factor": UNIT, "total_iters": SHORT}
        ),
        "ExponentialLR": st.fixed_dictionaries({"gamma": UNIT}),
        "PolynomialLR": st.fixed_dictionaries(
            {}, optional={"total_iters": SHORT, "power": st.floats(0.5, 3)}
        ),
        "CosineAnnealingLR": st.fixed_dictionaries(
            {"T_max": SHORT}, optional={"eta_min": st.floats(0, 0.01)}
        ),
        "CosineAnnealingWarmRestarts": st.fixed_dictionaries(
            {"T_0": SHORT}, optional={"T_mult": st.integers(1, 3), "eta_min": st.floats(0, 0.01)}
        ),
        "CyclicLR": st.fixed_dictionaries(
            {"base_lr": st.floats(0.01, 0.1), "max_lr": st.just([0.5, 0.7]), "step_size_up": SHORT},
            optional={
                "step_size_down": SHORT,
                "mode": st.sampled_from(["triangular", "triangular2", "exp_range"]),
                "gamma": UNIT,
                "cycle_momentum": st.booleans(),
                "max_momentum": st.just([0.9, 0.95]),
            },
        ),
        "OneCycleLR": st.fixed_dictionaries(
            {"max_lr": st.one_of(UNIT, st.just([0.3, 0.6])), "total_steps": st.just(20)},
            optional={
                "pct_start": st.floats(0.1, 0.4),
                "anneal_strategy": st.sampled_from(["cos", "linear"]),
                "cycle_momentum": st.booleans(),
                "div_factor": st.floats(2, 30),
                "final_div_factor": st.floats(2, 1e4),
                "three_phase": st.booleans(),
            },
        ),
        "LambdaLR": st.just({"lr_lambda": [lambda t: 1 / (1 + t), lambda t: 0.9**t]}),
        "MultiplicativeLR": st.just({"lr_lambda": lambda t: 0.9 + 0.01 * (t % 3)}),
    }[kind]


SIMPLE = ["StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR",
          "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "OneCycleLR", "LambdaLR",
          "MultiplicativeLR"]  # fmt: skip
DRAWN = st.sampled_from(SIMPLE).flatmap(lambda kind: st.tuples(st.just(kind), settings_of(kind)))


def made(rule="SGD", rates=(0.4, 0.2)):
    leaves = [te.ones(1, requires_grad=True) for _ in rates]
    options = {"momentum": 0.5} if rule == "SGD" else {}
    groups = [{"params": [p], "lr": lr} for p, lr in zip(leaves, rates)]
    return getattr(optim, rule)(groups, lr=1.0, **options)


def facts(optimizer):
    """Rates and momenta of all groups."""
    return [
        (g["lr"], g.get("momentum", g.get("betas", (None,))[0] if "betas" in g else None))
        for g in optimizer.param_groups
    ]


# -- against PyTorch ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def torch():
    import torch

    return torch


def theirs_made(torch, rule, rates=(0.4, 0.2)):
    leaves = [torch.ones(1, requires_grad=True) for _ in rates]
    options = {"momentum": 0.5} if rule == "SGD" else {}
    groups = [{"params": [p], "lr": lr} for p, lr in zip(leaves, rates)]
    return getattr(torch.optim, rule)(groups, lr=1.0, **options)


def same_facts(one, other):
    for (lr, momentum), (lr2, momentum2) in zip(facts(one), facts(other), strict=True):
        np.testing.assert_allclose(lr, lr2, rtol=1e-10, atol=1e-14)
        if momentum is not None:
            np.testing.assert_allclose(momentum, momentum2, rtol=1e-10)


@pytest.mark.oracle
@settings(max_examples=150, deadline=None)
@given(DRAWN, st.sampled_from(["SGD", "Adam"]))
def test_twenty_steps_are_pytorchs(torch, drawn, rule):
    kind, options = drawn
    one, other = made(rule), theirs_made(torch, rule)
    schedule = getattr(ours, kind)(one, **options)
    reference = getattr(torch.optim.lr_scheduler, kind)(other, **options)
    same_facts(one, other)
    for _ in range(19):  # at the 20th, PyTorch's OneCycleLR goes on past its end
        other.step()
        schedule.step()
        reference.step()
        same_facts(one, other)
        np.testing.assert_allclose(schedule.get_last_lr(), reference.get_last_lr(), rtol=1e-10, atol=1e-14)


CHAINABLE = [k for k in SIMPLE if k not in ("CyclicLR", "OneCycleLR")]
CHAINS = st.lists(
    st.sampled_from(CHAINABLE).flatmap(lambda kind: st.tuples(st.just(kind), settings_of(kind))),
    min_size=1,
    max_size=3,
)


def build(module, optimizer, chain, how):
    inner = [getattr(module, kind)(optimizer, **options) for kind, options in chain]
    if how == "chained":
        return module.ChainedScheduler(inner)
    return module.SequentialLR(optimizer, inner, milestones=[4, 9][: len(inner) - 1])


@pytest.mark.oracle
@settings(max_examples=100, deadline=None)
@given(CHAINS, st.sampled_from(["chained", "sequential"]))
def test_schedules_of_schedules_are_pytorchs(torch, chain, how):
    one, other = made(), theirs_made(torch, "SGD")
    schedule, reference = build(ours, one, chain, how), build(torch.optim.lr_scheduler, other, chain, how)
    same_facts(one, other)
    for _ in range(15):
        other.step()
        reference.step()
        # PyTorch goes on with a negative rate, also of a schedule in the chain that a later one makes up for.
        between = [lr for inner in reference._schedulers for lr in inner.get_last_lr()]
        if min([lr for lr, _ in facts(other)] + between) < -1e-14:
            with pytest.raises(ValueError, match="learning rate of -"):
                schedule.step()
            return
        schedule.step()
        same_facts(one, other)


PLATEAU = st.fixed_dictionaries(
    {"mode": st.sampled_from(["min", "max"]), "threshold_mode": st.sampled_from(["rel", "abs"])},
    optional={
        "factor": UNIT,
        "patience": st.integers(0, 3),
        "threshold": st.floats(0, 0.5),
        "cooldown": st.integers(0, 3),
        "min_lr": st.one_of(st.floats(0, 0.1), st.just([0.01, 0.05])),
        "eps": st.floats(0, 0.01),
    },
)
SCORES = st.lists(st.sampled_from([1.0, 0.9, 1.1, -0.5, -0.4, math.nan, 0.0]), min_size=15, max_size=30)


@pytest.mark.oracle
@settings(max_examples=100, deadline=None)
@given(PLATEAU, SCORES)
def test_a_plateau_is_pytorchs(torch, options, scores):
    one, other = made(), theirs_made(torch, "SGD")
    schedule = ours.ReduceLROnPlateau(one, **options)
    reference = torch.optim.lr_scheduler.ReduceLROnPlateau(other, **options)
    for score in scores:
        schedule.step(te.tensor(score))
        reference.step(float(np.float32(score)))
        same_facts(one, other)


@pytest.mark.oracle
@pytest.mark.parametrize("anneal_epochs", [0, 1, 5])
@pytest.mark.parametrize("anneal_strategy", ["cos", "linear"])
def test_the_rates_of_swa_are_pytorchs(torch, anneal_epochs, anneal_strategy):
    one, other = made(), theirs_made(torch, "SGD")
    options = {"swa_lr": [0.05, 0.01], "anneal_epochs": anneal_epochs, "anneal_strategy": anneal_strategy}
    schedule = optim.swa_utils.SWALR(one, **options)
    reference = torch.optim.swa_utils.SWALR(other, **options)
    for _ in range(9):
        same_facts(one, other)
        other.step()
        schedule.step()
        reference.step()


# -- saved and loaded --------------------------------------------------------------------------------------

COMPOSED = st.one_of(
    DRAWN.map(lambda drawn: lambda o: getattr(ours, drawn[0])(o, **drawn[1])),
    st.tuples(CHAINS, st.sampled_from(["chained", "sequential"])).map(
        lambda drawn: lambda o: build(ours, o, *drawn)
    ),
    PLATEAU.map(lambda options: lambda o: ours.ReduceLROnPlateau(o, **options)),
    st.just(lambda o: optim.swa_utils.SWALR(o, [0.05, 0.01], 5)),
)


def one_step(schedule, t):
    schedule.step(math.cos(t)) if isinstance(schedule, ours.ReduceLROnPlateau) else schedule.step()


@settings(max_examples=30, deadline=None)
@given(COMPOSED, st.integers(0, 15))
def test_a_schedule_saved_anywhere_goes_on_bit_for_bit(tmp_path_factory, make, at):
    path = tmp_path_factory.mktemp("schedule") / "c"
    one = made()
    schedule = make(one)
    for t in range(at):
        one_step(schedule, t)
    nn.save_checkpoint(path, optimizer=one, schedule=schedule)
    other = made(rates=(0.7, 0.8))
    resumed = make(other)
    nn.load_checkpoint(path, optimizer=other, schedule=resumed)
    for t in range(at, 18):
        assert facts(one) == facts(other) and repr(schedule.state_dict()) == repr(resumed.state_dict())
        one_step(schedule, t)
        one_step(resumed, t)


ODD = [None, True, -2, 1.5, 2**70, math.nan, -math.inf, "x", [], [[]], {}, [None] * 2, [0.1, -1.0], [0.1]]


@settings(max_examples=60, deadline=None)
@given(COMPOSED, st.data())
def test_a_forged_state_is_refused_whole_or_goes_on(make, data):
    one = made()
    schedule = make(one)
    one_step(schedule, 0)
    state = json.loads(json.dumps(schedule.state_dict()))
    inner = state["schedulers"][-1] if "schedulers" in state and data.draw(st.booleans()) else state
    name, odd = data.draw(st.sampled_from(sorted(inner))), data.draw(st.sampled_from([..., *ODD]))
    if odd is ...:
        del inner[name]
    else:
        inner[name] = odd
    before = repr((schedule.state_dict(), facts(one)))
    try:
        schedule.load_state_dict(state)
    except ValueError:
        assert repr((schedule.state_dict(), facts(one))) == before
        return
    assert all(0.0 <= lr < math.inf for lr, _ in facts(one))


def test_the_state_of_another_schedule_is_refused():
    one = made()
    state = ours.StepLR(one, 3).state_dict()
    with pytest.raises(ValueError, match="state of 'StepLR'"):
        ours.ExponentialLR(one, 0.5).load_state_dict(state)
    with pytest.raises(ValueError, match=r"2 groups, this optimizer 1"):
        ours.StepLR(made(rates=(0.1,)), 3).load_state_dict(state)


# -- groups, rates and errors ------------------------------------------------------------------------------


def test_a_group_that_is_added_later_begins_with_its_own_rate():
    one = made()
    schedules = [ours.StepLR(one, 2, 0.5), ours.CosineAnnealingWarmRestarts(one, 4)]
    one.add_param_group({"params": te.ones(1, requires_grad=True), "lr": 0.8})
    schedules[0].step()
    assert [lr for lr, _ in facts(one)] == [0.4, 0.2, 0.8] and schedules[0].base_lrs == [0.4, 0.2, 0.8]
    schedules[1].step()
    np.testing.assert_allclose(facts(one)[2][0], 0.8 * (1 + math.cos(math.pi / 4)) / 2)


def test_a_rate_that_is_none_is_refused_and_nothing_moves():
    one = made()
    schedule = ours.LambdaLR(one, lambda t: -1.0 if t else 1.0)
    before = schedule.state_dict()
    with pytest.raises(ValueError, match=r"at step 1 it makes a learning rate of -0\.4"):
        schedule.step()
    assert schedule.state_dict() == before
    cycle = ours.OneCycleLR(one, 0.5, 2)
    cycle.step()
    cycle.step()
    with pytest.raises(ValueError, match="step 3 of a cycle of 2"):
        cycle.step()
    assert cycle.last_epoch == 2


def test_a_copy_of_optimizer_and_schedule_goes_on_as_the_original():
    one = made()
    schedule = ours.CosineAnnealingLR(one, 5)
    schedule.step()
    twin = copy.deepcopy(schedule)
    schedule.step()
    twin.step()
    assert facts(twin.optimizer) == facts(one) and twin.optimizer is not one


@pytest.mark.parametrize(("make", "kind", "said"), [
    (lambda o: ours.StepLR(3, 2), TypeError, "first argument is a int, not an optimizer"),
    (lambda o: ours.StepLR(o, 0), ValueError, "step_size=0 must be an integer >= 1"),
    (lambda o: ours.StepLR(o, 2.5), TypeError, "step_size must be an integer, not 2.5"),
    (lambda o: ours.StepLR(o, 2, math.nan), ValueError, "gamma=nan"),
    (lambda o: ours.StepLR(o, every=2), TypeError, "no argument every="),
    (lambda o: ours.MultiStepLR(o, 3), TypeError, "milestones=3 must be a list"),
    (lambda o: ours.ConstantLR(o, 0.0), ValueError, "factor=0 must be above 0"),
    (lambda o: ours.ConstantLR(o, 1.5), ValueError, "factor=1.5 must be a finite number from 0 to 1"),
    (lambda o: ours.LinearLR(o, 0.0), ValueError, "start_factor=0 must be above 0"),
    (lambda o: ours.CyclicLR(o, 0.1, [0.5]), ValueError, "max_lr has 1 numbers for 2 groups"),
    (lambda o: ours.CyclicLR(o, 0.1, 0.5, mode="up"), ValueError, "mode='up' must be one of triangular, "),
    (lambda o: ours.CyclicLR(optim.Adagrad([te.ones(1, requires_grad=True)]), 0.1, 0.5), ValueError,
     "Adagrad has no momentum and no betas to change.*cycle_momentum=False"),
    (lambda o: ours.OneCycleLR(o, 0.5), ValueError, "give total_steps=, or both"),
    (lambda o: ours.OneCycleLR(o, 0.5, 9, pct_start=2), ValueError, "pct_start=2"),
    (lambda o: ours.LambdaLR(o, 0.5), TypeError, "lr_lambda=0.5 is no function"),
    (lambda o: ours.LambdaLR(o, [abs]), ValueError, "1 functions for 2 groups"),
    (lambda o: ours.ReduceLROnPlateau(o, "low"), ValueError, "mode='low' must be one of min, max"),
    (lambda o: ours.ReduceLROnPlateau(o, factor=1.0), ValueError, "factor=1.0 must be below 1"),
    (lambda o: ours.ReduceLROnPlateau(o).step("good"), TypeError, "the score must be a number"),
    (lambda o: ours.SequentialLR(o, [], []), ValueError, "at least one schedule"),
    (lambda o: ours.SequentialLR(o, [ours.StepLR(o, 2)], [3]), ValueError, r"\[3\] must be 0 integers"),
    (lambda o: ours.SequentialLR(o, [ours.StepLR(o, 2)] * 3, [3, 1]), ValueError, "must be in order"),
    (lambda o: ours.ChainedScheduler([ours.ReduceLROnPlateau(o)]), TypeError, "0 is a ReduceLROnPlateau"),
    (lambda o: ours.ChainedScheduler([ours.StepLR(o, 2), ours.StepLR(made(), 2)]), ValueError,
     "schedule 1 belongs to another optimizer"),
])  # fmt: skip
def test_bad_arguments(make, kind, said):
    with pytest.raises(kind, match=said):
        make(made())


@pytest.mark.parametrize("total", range(1, 41))
def test_a_linear_fall_to_nothing_ends_at_nothing(total):
    for lr in (1.0, 0.1, 0.03, 1e-3):
        optimizer = optim.SGD([nn.Parameter(np.zeros(1))], lr=lr)
        schedule = ours.LinearLR(optimizer, end_factor=0.0, total_iters=total)
        for _ in range(total + 3):
            schedule.step()
        assert 0.0 <= optimizer.param_groups[0]["lr"] < 1e-12 * lr


@pytest.mark.parametrize("found", [None, "x", np.ones(2)], ids=["None", "text", "array"])
def test_a_function_of_the_step_returns_a_number(found: object) -> None:
    optimizer = optim.SGD([nn.Parameter([1.0])], lr=0.1)
    with pytest.raises(TypeError, match=r"LambdaLR: what lr_lambda\(0\) returns must be a number, not"):
        optim.lr_scheduler.LambdaLR(optimizer, lambda step: found)
    later = optim.lr_scheduler.MultiplicativeLR(optimizer, lambda step: found)
    with pytest.raises(TypeError, match=r"MultiplicativeLR: what lr_lambda\(1\) returns must be a number"):
        later.step()
    with pytest.raises(TypeError, match="Schedule: what a factor returns must be a number, not"):
        optim.Schedule(optimizer, lambda step: found)
    rates = [np.float32(0.5), te.tensor(0.5), 1]
    schedule = optim.lr_scheduler.LambdaLR(optimizer, lambda step: rates[step])
    for expected in (0.05, 0.05, 0.1):
        assert schedule.get_last_lr() == [pytest.approx(expected)]
        optimizer.step()
        if schedule.last_epoch < 2:
            schedule.step()
