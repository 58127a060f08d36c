"""What is changed after an optimizer was made: settings, groups, rates, states; with PyTorch's numbers."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.optim.test_rules import gradient
from tinygrad_edu import nn, optim

START = np.linspace(-1.0, 2.0, 5)
# what may be changed on the way, and to what
CHANGES = {
    optim.SGD: {"momentum": [0.0, 0.5, 0.9], "dampening": [0.0, 0.3], "nesterov": [False, True]},
    optim.Adam: {"betas": [(0.5, 0.9), (0.0, 0.0)], "eps": [1e-8, 0.1]},
    optim.AdamW: {"betas": [(0.5, 0.9)], "eps": [0.1]},
    optim.RMSprop: {"alpha": [0.5, 0.0], "eps": [0.1], "momentum": [0.0, 0.7]},
    optim.Adagrad: {"lr_decay": [0.0, 0.5], "eps": [0.1]},
    optim.Adadelta: {"rho": [0.5, 0.0], "eps": [0.1], "maximize": [True, False]},
    optim.NAdam: {"betas": [(0.5, 0.9)], "momentum_decay": [0.0, 0.5], "decoupled_weight_decay": [True]},
    optim.RAdam: {"betas": [(0.5, 0.9), (0.5, 0.5)], "decoupled_weight_decay": [True], "maximize": [True]},
}
ALL = {"lr": [0.1, 0.0], "weight_decay": [0.0, 0.1]}


def one_step(optimizer, w, t):
    w.grad = te.tensor(gradient(w.numpy(), t))
    optimizer.step()


def changes(rule):
    return st.lists(
        st.one_of(
            [
                st.tuples(st.just(name), st.sampled_from(values))
                for name, values in {**ALL, **CHANGES[rule]}.items()
            ]
        ),
        min_size=1,
        max_size=8,
    )


@pytest.mark.parametrize("rule", CHANGES)
@settings(max_examples=40)
@given(data=st.data())
def test_a_state_saved_anywhere_goes_on_bit_for_bit(rule, data):
    """Through changed settings, also of a momentum that is off while it is saved."""
    plan, at = data.draw(changes(rule)), data.draw(st.integers(0, 8))
    w = te.tensor(START, requires_grad=True)
    copy, straight = None, rule([w], lr=0.3)
    for t, (name, value) in enumerate(plan):
        if t == min(at, len(plan) - 1):
            copy = te.tensor(w.numpy(), requires_grad=True)
            resumed = rule([copy], lr=9.0)
            resumed.load_state_dict(straight.state_dict())
        for optimizer, p in ((straight, w), *(((resumed, copy),) if copy is not None else ())):
            optimizer.param_groups[0][name] = value
            one_step(optimizer, p, t)
    assert np.array_equal(w.numpy(), copy.numpy())
    assert repr(resumed.state_dict()) == repr(straight.state_dict())


@pytest.mark.oracle
@pytest.mark.parametrize("rule", CHANGES)
@settings(max_examples=40)
@given(data=st.data())
def test_changed_settings_are_pytorchs(rule, data):
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # the dtype of NAdam's product of momenta
    try:
        go_through_changes(torch, rule, data.draw(changes(rule)))
    finally:
        torch.set_default_dtype(before)


def go_through_changes(torch, rule, plan):
    ours, theirs = te.tensor(START, requires_grad=True), torch.tensor(START, requires_grad=True)
    begin = {"momentum": 0.5} if rule is optim.RMSprop else {}  # in PyTorch it must be there at first
    assume(not begin or plan[0] != ("momentum", 0.0))
    optimizer = rule([ours], lr=0.3, **begin)
    reference = getattr(torch.optim, rule.__name__)([theirs], lr=0.3, **begin)
    for t, (name, value) in enumerate(plan):
        optimizer.param_groups[0][name] = reference.param_groups[0][name] = value
        one_step(optimizer, ours, t)
        theirs.grad = torch.tensor(gradient(theirs.detach().numpy(), t))
        reference.step()
        np.testing.assert_allclose(ours.numpy(), theirs.detach().numpy(), rtol=1e-10, atol=1e-12)


def test_amsgrad_that_is_switched_on_later_begins_with_the_second_moment_of_then():
    ends = []
    for switched in (0, 3):
        w = te.tensor(START, requires_grad=True)
        optimizer = optim.Adam([w], lr=0.1, betas=(0.5, 0.5), amsgrad=switched == 0)
        for t in range(6):
            optimizer.param_groups[0]["amsgrad"] = t >= switched
            w.grad = te.tensor(np.full(5, float(t + 1)))  # it grows, so that the largest is the last
            optimizer.step()
        ends.append(w.numpy())
    np.testing.assert_allclose(ends[1], ends[0], rtol=1e-12)
    assert optimizer.state_dict()["state"][0]["step"] == 6


@pytest.mark.parametrize("odd", [None, "x", True, -0.5, 1.5, math.nan, [0.5]])
def test_a_forged_product_of_momenta_is_refused(odd):
    w = te.tensor(START, requires_grad=True)
    optimizer = optim.NAdam([w])
    one_step(optimizer, w, 0)
    state = optimizer.state_dict()
    state["state"][0]["mu_product"] = odd
    before = repr(optimizer.state_dict())
    with pytest.raises(ValueError, match="nothing was loaded: of parameter 0"):
        optimizer.load_state_dict(state)
    assert repr(optimizer.state_dict()) == before


def test_momentum_begins_with_the_gradient_whenever_it_is_switched_on():
    w = te.tensor([0.0], dtype="float64", requires_grad=True)
    optimizer = optim.SGD([w], lr=1.0, dampening=0.5)
    path = []
    for momentum in (0.0, 0.5, 0.5):
        optimizer.param_groups[0]["momentum"] = momentum
        w.grad = te.tensor([1.0], dtype="float64")
        optimizer.step()
        path.append(w.item())
    assert path == [-1.0, -2.0, -3.0]  # steps of g; b = g; b = 0.5 b + 0.5 g


@pytest.mark.parametrize("rule", [optim.SGD, optim.RMSprop])
def test_a_momentum_that_is_off_while_it_is_saved_is_not_forgotten(rule):
    w = te.tensor(START, requires_grad=True)
    straight = rule([w], lr=0.1, momentum=0.9)
    one_step(straight, w, 0)
    straight.param_groups[0]["momentum"] = 0.0
    one_step(straight, w, 1)
    copy = te.tensor(w.numpy(), requires_grad=True)
    resumed = rule([copy])
    resumed.load_state_dict(straight.state_dict())
    for optimizer, p in ((straight, w), (resumed, copy)):
        optimizer.param_groups[0]["momentum"] = 0.9
        one_step(optimizer, p, 2)
    assert np.array_equal(w.numpy(), copy.numpy())


def test_groups_put_in_or_taken_out_by_hand_are_refused_before_anything_moves():
    a, b = te.ones(1, requires_grad=True), te.ones(1, requires_grad=True)
    optimizer = optim.SGD([{"params": a}, {"params": b}], lr=1.0)
    a.grad = b.grad = te.ones(1)
    for change in (lambda g: g.append({"params": [b], "lr": 1.0}), lambda g: g.pop()):
        optimizer.param_groups = optimizer.param_groups[:2]
        change(optimizer.param_groups)
        with pytest.raises(ValueError, match=r"2 were added \(at .*add_param_group"):
            optimizer.step()
        assert a.item() == b.item() == 1.0


# -- schedules ---------------------------------------------------------------------------------------------


def made(*rates):
    leaves = [te.ones(1, requires_grad=True) for _ in rates]
    return optim.SGD([{"params": p, "lr": lr} for p, lr in zip(leaves, rates)], lr=7.0)


def rates(optimizer):
    return [group["lr"] for group in optimizer.param_groups]


def test_a_group_added_later_goes_on_from_the_rate_it_was_given():
    optimizer = made(0.8, 0.4)
    schedule = optim.Schedule(optimizer, optim.StepLR(2, 0.5))
    schedule.step()
    schedule.step()
    assert rates(optimizer) == [0.4, 0.2]
    optimizer.add_param_group({"params": te.ones(1, requires_grad=True), "lr": 1.0})
    schedule.step()
    assert rates(optimizer) == [0.4, 0.2, 1.0]
    schedule.step()
    assert rates(optimizer) == [0.2, 0.1, 0.5]
    again = made(5.0, 5.0, 5.0)
    resumed = optim.Schedule(again, optim.StepLR(2, 0.5))
    again.load_state_dict(optimizer.state_dict())
    resumed.load_state_dict(schedule.state_dict())
    for one in (schedule, resumed):
        one.step()
        one.step()
    assert rates(again) == rates(optimizer) == [0.1, 0.05, 0.25]


def test_a_rate_set_by_hand_stays_and_moves_in_proportion():
    optimizer = made(0.8)
    schedule = optim.Schedule(optimizer, optim.StepLR(2, 0.5))
    schedule.step()
    optimizer.param_groups[0]["lr"] = 0.2
    schedule.step()
    assert rates(optimizer) == [0.1]
    optimizer = made(0.8)
    schedule = optim.Schedule(optimizer, lambda t: 0.0 if t == 1 else 1.0)
    schedule.step()
    optimizer.param_groups[0]["lr"] = 0.2  # from a factor of 0 there are no proportions
    schedule.step()
    assert rates(optimizer) == [0.2]


def test_a_schedule_made_anew_begins_at_the_first_rate():
    optimizer = made(0.8)
    schedule = optim.Schedule(optimizer, optim.StepLR(1, 0.5))
    schedule.step()
    schedule.step()
    other = made(3.0)
    other.load_state_dict(optimizer.state_dict())
    assert rates(other) == [0.2]
    assert optim.Schedule(other, optim.StepLR(1, 0.5)).base == [0.8] and rates(other) == [0.8]
    optimizer.param_groups[0]["lr"] = 0.3  # by hand: that is then the first
    assert optim.Schedule(optimizer, optim.StepLR(1, 0.5)).base == [0.3]
    assert optim.Schedule(optimizer, optim.StepLR(9)).base == [0.3]


@given(
    st.lists(st.sampled_from(["step", "save", "hand", "group"]), max_size=12),
    st.sampled_from(
        [(optim.StepLR(2, 0.3),), (optim.CosineLR(5, 0.1),), (optim.LinearWarmup(3), optim.StepLR(2))]
    ),
)
def test_a_schedule_saved_anywhere_goes_on_bit_for_bit(tmp_path_factory, deeds, factors):
    path = tmp_path_factory.mktemp("schedule") / "c"
    one, groups = made(0.7), itertools.count(1)
    straight = optim.Schedule(one, *factors)
    pairs = [(one, straight)]
    for deed in deeds:
        if deed == "save":
            nn.save_checkpoint(path, optimizer=one, schedule=straight)
            other = made(*[0.1] * len(one.param_groups))
            resumed = optim.Schedule(other, *factors)
            nn.load_checkpoint(path, optimizer=other, schedule=resumed)
            pairs.append((other, resumed))
        number = next(groups)
        for optimizer, schedule in pairs:
            if deed == "step":
                schedule.step()
            elif deed == "hand":
                optimizer.param_groups[0]["lr"] = number / 7
            elif deed == "group":
                optimizer.add_param_group({"params": te.ones(1, requires_grad=True), "lr": 1 / number})
    assert all(rates(optimizer) == rates(one) for optimizer, _ in pairs)
    assert all(schedule.state_dict() == straight.state_dict() for _, schedule in pairs)


@pytest.mark.oracle
def test_groups_and_rates_changed_under_a_schedule_are_pytorchs():
    import torch

    ours = made(0.8)
    theirs = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.8)
    schedule = optim.Schedule(ours, optim.StepLR(3, 0.5))
    reference = torch.optim.lr_scheduler.StepLR(theirs, 3, 0.5)
    for t in range(12):
        if t == 4:
            ours.add_param_group({"params": te.ones(1, requires_grad=True), "lr": 0.3})
            theirs.add_param_group({"params": torch.ones(1, requires_grad=True), "lr": 0.3})
        if t == 7:
            ours.param_groups[0]["lr"] = theirs.param_groups[0]["lr"] = 5.0
        np.testing.assert_allclose(rates(ours), rates(theirs), rtol=1e-12)
        for one in (theirs, schedule, reference):
            one.step()


@pytest.mark.parametrize(
    "factor", [lambda t: -1.0 if t else 1.0, lambda t: math.nan if t else 1.0, lambda t: 1e400 if t else 1.0]
)
def test_a_rate_that_is_none_is_refused_and_nothing_moves(factor):
    optimizer = made(0.8, 0.4)
    schedule = optim.Schedule(optimizer, factor)
    with pytest.raises(ValueError, match="learning rate of"):
        schedule.step()
    assert rates(optimizer) == [0.8, 0.4] and schedule.count == 0


@pytest.mark.parametrize(("make", "kind", "said"), [
    (lambda o: optim.StepLR(o, 2), TypeError, r"optim\.Schedule\(optimizer, optim\.StepLR\(every=\.\.\.\)\)"),
    (lambda o: optim.CosineLR(o, 50), TypeError, r"optim\.CosineLR\(total=\.\.\.\)"),
    (lambda o: optim.LinearWarmup(o), TypeError, r"optim\.LinearWarmup\(steps=\.\.\.\)"),
    (lambda o: optim.StepLR(2.5), ValueError, "every=2.5 must be an integer"),
    (lambda o: optim.StepLR(2, math.nan), ValueError, "factor=nan"),
    (lambda o: optim.Schedule(o, 3), TypeError, "3 is no factor"),
    (lambda o: optim.Schedule([o], optim.StepLR(2)), TypeError, "first argument is a list"),
])  # fmt: skip
def test_a_schedule_made_as_in_pytorch_says_how_it_is_made_here(make, kind, said):
    with pytest.raises(kind, match=said):
        make(made(0.1))
    assert optim.StepLR(np.int64(2)).every == 2 and type(optim.StepLR(np.int64(2)).every) is int


def test_settings_may_be_numpys_numbers():
    w = te.ones(2, requires_grad=True)
    optimizer = optim.SGD(
        [w],
        lr=np.float32(0.5),
        momentum=np.float64(0.9),
        weight_decay=np.int64(0),
        dampening=np.float16(0.5),
        nesterov=np.bool_(False),
    )
    assert all(type(optimizer.param_groups[0][k]) in (int, float, bool) for k in optimizer.defaults)
    assert optim.Adam([w], betas=np.array([0.5, 0.25]).tolist()).param_groups[0]["betas"] == (0.5, 0.25)
    for bad in (True, np.nan, np.float32(np.inf), 10**400, 1j, "1"):
        with pytest.raises(ValueError, match="lr="):
            optim.SGD([w], lr=bad)


# -- clipping ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("clip", [optim.clip_grad_norm_, optim.clip_grad_value_])
def test_clipping_takes_a_model_a_tensor_or_several_and_nothing_else(clip):
    def graded():
        model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
        (model(te.ones(1, 2)).sum() * 100).backward()
        return model

    def after(model):
        return [p.grad.tolist() for p in model.parameters()]

    te.manual_seed(0)
    clip((one := graded()).parameters(), 0.5)
    for give in (
        lambda m: m,
        lambda m: list(m.parameters()),
        lambda m: dict(m.named_parameters()).values(),
        lambda m: iter([*m.parameters(), *m.parameters()]),
    ):
        te.manual_seed(0)
        clip(give(two := graded()), 0.5)
        assert after(two) == after(one)
    spent = one.parameters()
    list(spent)
    before = after(one)
    with pytest.raises(ValueError, match="read only once"):
        clip(spent, 0.25)
    for bad, said in ((one.parameters, r"call it: parameters\(\)"), ({"w": one[1].weight}, "is a dict"),
                      ([one[0]], "0 is a Linear"), (one.named_parameters(), "0 is a tuple"), (3, "is a int"),
                      ("weights", "is a str"), (None, "NoneType")):  # fmt: skip
        with pytest.raises(TypeError, match=said):
            clip(bad, 0.25)
    assert after(one) == before
    clip([], 1.0)  # an empty list is what it says
    clip(one[1].weight, 0.125)
    assert np.abs(one[1].weight.grad.numpy()).max() <= 0.125 and after(one)[:2] == before[:2]
