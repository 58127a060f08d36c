"""What all optimizers share: what they refuse, what they skip, and that stale graphs are caught."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_edu as te
from tinygrad_edu import nn, optim
from tinygrad_edu.errors import StaleValueError


def leaf(*values):
    return te.tensor(list(values), requires_grad=True)


@pytest.mark.parametrize(("make", "kind", "said"), [
    (lambda: optim.SGD([]), ValueError, r"no parameters.*test_optimizer\.py"),
    (lambda: optim.SGD(leaf(1.0)), TypeError, r"single tensor.*pass a list"),
    (lambda: optim.SGD(nn.Linear(2, 1)), TypeError, r"is a Linear .*test_optimizer.*model.parameters\(\)"),
    (lambda: optim.Adam(nn.Linear(2, 1).parameters), TypeError, r"is a method .*call it: parameters\(\)"),
    (lambda: optim.Adam(3), TypeError, r"is a int .*pass a list of tensors"),
    (lambda: optim.SGD([np.zeros(2)]), TypeError, "parameter 0 is a ndarray"),
    (lambda: optim.SGD([leaf(1.0) * 2]), ValueError, "result of mul"),
    (lambda: optim.SGD([leaf(1.0)], lr=-0.1), ValueError, r"lr=-0\.1"),
    (lambda: optim.SGD([leaf(1.0)], lr=float("nan")), ValueError, "lr=nan"),
    (lambda: optim.SGD([leaf(1.0)], lr="fast"), ValueError, "lr='fast'"),
    (lambda: optim.SGD([leaf(1.0)], momentum=-1), ValueError, "momentum=-1"),
    (lambda: optim.SGD([leaf(1.0)], dampening="x"), ValueError, "dampening"),
    (lambda: optim.SGD([leaf(1.0)], nesterov=True), ValueError, "nesterov needs momentum > 0"),
    (lambda: optim.SGD([leaf(1.0)], momentum=0.9, dampening=0.1, nesterov=True), ValueError, "dampening = 0"),
    (lambda: optim.Adam([leaf(1.0)], betas=(1.0, 0.9)), ValueError, r"betas\[0\]=1\.0"),
    (lambda: optim.Adam([leaf(1.0)], betas=0.9), ValueError, "two numbers"),
    (lambda: optim.AdamW([leaf(1.0)], weight_decay=-1), ValueError, "weight_decay=-1"),
    (lambda: optim.RMSprop([leaf(1.0)], alpha=1.5), ValueError, "alpha=1.5"),
    (lambda: optim.Adagrad([leaf(1.0)], lr_decay=-1), ValueError, "lr_decay=-1"),
    (lambda: optim.SGD([{"params": [leaf(1.0)], "speed": 3}]), ValueError, "not .*speed"),
    (lambda: optim.SGD([{"lr": 1.0}]), ValueError, "a group has 'params'"),
    (lambda: optim.SGD([{"params": []}]), ValueError, "without parameters"),
])  # fmt: skip
def test_what_is_refused(make, kind, said):
    with pytest.raises(kind, match=said):
        make()


def test_a_parameter_given_twice_is_refused():
    w = leaf(1.0)
    for params in ([w, w], [{"params": [w]}, {"params": [w]}]):
        with pytest.raises(ValueError, match="comes twice"):
            optim.SGD(params)


def test_a_generator_that_was_read_before_is_an_error():
    params = nn.Linear(2, 1).parameters()
    assert len(list(params)) == 2
    with pytest.raises(ValueError, match="read only once"):
        optim.Adam(params)


@pytest.mark.parametrize("rule", [optim.SGD, optim.Adam])
def test_without_a_gradient_nothing_moves_and_no_step_is_counted(rule):
    moved, still, frozen = leaf(1.0), leaf(1.0), te.tensor([1.0])
    optimizer = rule([moved, still, frozen], lr=0.1, weight_decay=0.5)
    moved.grad = te.ones(1)
    optimizer.step()
    assert moved.item() != 1.0 and still.item() == frozen.item() == 1.0
    assert list(optimizer.state_dict()["state"]) == [0]


def test_zero_grad_and_closure():
    w = leaf(1.0, 2.0)
    optimizer = optim.SGD([w], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 5.0 and w.tolist() == [0.0, 0.0]
    assert w.grad is not None
    optimizer.zero_grad(set_to_none=False)
    assert w.grad.tolist() == [0.0, 0.0]
    optimizer.zero_grad()
    assert w.grad is None


@pytest.mark.parametrize("rule", [optim.SGD, optim.Adam, optim.LBFGS])
@pytest.mark.parametrize("set_to_none", [True, False])
def test_the_gradient_of_a_frozen_parameter_is_removed_too(rule, set_to_none):
    w = leaf(1.0, 1.0)
    optimizer = rule([w], lr=0.1)
    (w * 3).sum().backward()
    w.requires_grad_(False)
    optimizer.zero_grad(set_to_none=set_to_none)
    w.requires_grad_(True)
    assert w.grad is None if set_to_none else w.grad.tolist() == [0.0, 0.0]
    (w * 3).sum().backward()
    assert w.grad.tolist() == [3.0, 3.0]


def test_a_parameter_that_never_had_a_gradient_has_none_to_remove():
    w, frozen = leaf(1.0), te.tensor([1.0])
    optimizer = optim.SGD([w, frozen])
    optimizer.zero_grad()
    optimizer.zero_grad(set_to_none=False)
    assert w.grad is None and frozen.grad is None and not frozen.requires_grad


def test_a_step_leaves_gradients_and_the_graph_mode_alone():
    for rule in (optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop, optim.Adagrad):
        w = leaf(1.0, -2.0)
        w.grad = te.tensor([3.0, 4.0])
        rule([w], lr=0.1, weight_decay=0.1).step()
        assert w.grad.tolist() == [3.0, 4.0] and w.is_leaf and w.requires_grad and te.is_grad_enabled()


def test_backward_through_a_graph_older_than_the_step_is_an_error():
    w = leaf(2.0)
    stale = (w * w).sum()
    w.grad = te.ones(1)
    optim.SGD([w], lr=0.1).step()
    with pytest.raises(StaleValueError, match="optimizer step"):
        stale.backward()


@pytest.mark.cpu
def test_read_only_memory_is_refused():
    w = te.functional.wrap(np.broadcast_to(np.float32(1), (3,)), requires_grad=True)
    w.grad = te.ones(3)
    with pytest.raises(RuntimeError, match="read-only view"):
        optim.SGD([w]).step()


@pytest.mark.parametrize(("change", "said"), [
    (lambda s: s.pop("state"), "no optimizer's state"),
    (lambda s: s["param_groups"].append({"params": [9]}), r"groups of \[2, 1\] parameters"),
    (lambda s: s["state"][1].update(exp_avg=np.zeros(3)), r"of parameter 1, its exp_avg is \(3,\)"),
    (lambda s: s["state"][1].pop("exp_avg_sq"), "its exp_avg_sq is missing"),
    (lambda s: s["state"][0].update(step=0), "step is 0"),
    (lambda s: s["state"][0].update(step=True), "its step is True, no number"),
    (lambda s: s["state"][0].update(step=np.array(True)), r"its step is array\(True\), no number"),
    (lambda s: s["state"][0].update(step="3"), "its step is '3', no number"),
    (lambda s: s["state"][0].update(step=np.array([1, 2])), r"its step is array\(\[1, 2\]\), no number"),
    (lambda s: s["state"][0].update(step=[3]), r"its step is \[3\], no number"),
    (lambda s: s["state"][0].update(step=math.nan), "step is nan"),
    (lambda s: s["state"][0].update(step=10**400), "no number"),
    (lambda s: s["state"][0].update(momentum_buffer=np.zeros(1)), "momentum_buffer is unknown: the rule has"),
    (lambda s: s["state"].update({5: s["state"].pop(1)}), r"a row 5, which belongs to no.*\[0, 1\]"),
    (lambda s: s["param_groups"][0].update(params=[7, 1]), "a row 0, which belongs to no parameter"),
    (lambda s: s["state"].update({"1": s["state"][0]}), "no optimizer's state"),
    (lambda s: s["param_groups"][0].update(params=[0, True]), "no optimizer's state"),
    (lambda s: s["state"].update({1.5: s["state"].pop(1)}), "no optimizer's state"),
    (lambda s: s["state"][1].update(exp_avg=np.array([1.0, 1e300])), "its exp_avg has numbers that float32"),
    (lambda s: s["state"][1].update(exp_avg_sq=np.array([1.0, -1e-9])), "its exp_avg_sq has negative"),
    (lambda s: s["param_groups"][0].update(betas=(2.0, 0.5)), r"betas\[0\]=2.0"),
])  # fmt: skip
def test_a_state_that_does_not_fit_changes_nothing(change, said):
    a, b = leaf(1.0), leaf(2.0, 3.0)
    optimizer = optim.Adam([a, b], lr=0.1)
    for w in (a, b):
        w.grad = te.ones(w.shape)
    optimizer.step()
    state = optimizer.state_dict()
    state["param_groups"][0]["lr"] = 0.7
    state["state"][0]["exp_avg"] += 1
    change(state)
    before = repr(optimizer.state_dict())
    with pytest.raises(ValueError, match=said):
        optimizer.load_state_dict(state)
    assert repr(optimizer.state_dict()) == before


def test_loading_a_state_from_before_the_first_step_forgets():
    w = leaf(1.0)
    optimizer = optim.Adam([w], lr=0.1)
    fresh = optimizer.state_dict()
    w.grad = te.ones(1)
    optimizer.step()
    optimizer.load_state_dict(fresh)
    assert optimizer.state_dict()["state"] == {}


def test_plain_sgd_remembers_no_arrays():
    w = leaf(1.0)
    optimizer = optim.SGD([w], lr=0.1)
    w.grad = te.ones(1)
    optimizer.step()
    assert optimizer.state_dict()["state"] == {0: {"step": 1}}
    assert "lr=0.1" in repr(optimizer)


def test_training_finds_the_minimum():
    te.manual_seed(0)
    x, w = te.randn(64, 3), te.tensor([[1.0, -2.0, 0.5]])
    for rule, options in (
        (optim.SGD, {"lr": 0.1, "momentum": 0.9}),
        (optim.Adam, {"lr": 0.05}),
        (optim.RMSprop, {"lr": 0.02}),
        (optim.Adagrad, {"lr": 1.0}),
    ):
        line = nn.Linear(3, 1)
        optimizer, loss_of = rule(line.parameters(), **options), nn.MSELoss()
        for _ in range(300):
            optimizer.zero_grad()
            loss_of(line(x), x @ w.T).backward()
            optimizer.step()
        np.testing.assert_allclose(line.weight.numpy(), w.numpy(), atol=0.02)


@pytest.mark.parametrize("change", [
    lambda params: params.append(leaf(1.0)), lambda params: params.pop(),
    lambda params: params.reverse(), lambda params: params.__setitem__(0, leaf(1.0, 2.0))])  # fmt: skip
def test_parameters_changed_by_hand_are_not_silently_left_out(change):
    a, b = leaf(1.0), leaf(2.0, 3.0)
    optimizer = optim.Adam([a, b], lr=0.1)
    for w in (a, b):
        w.grad = te.ones(w.shape)
    change(optimizer.param_groups[0]["params"])
    for use in (optimizer.step, optimizer.zero_grad, optimizer.state_dict):
        with pytest.raises(ValueError, match="not those that were added"):
            use()
    assert (a.tolist(), b.tolist()) == ([1.0], [2.0, 3.0])


@pytest.mark.parametrize(("change", "said"), [
    ({"lr": math.nan}, "lr=nan"), ({"lr": -1.0}, "lr=-1.0"), ({"lr": "0.5"}, "lr='0.5'"),
    ({"lr": np.array([0.5, 0.1])}, r"lr=array"), ({"betas": (1.5, 0.9)}, r"betas\[0\]=1.5"),
    ({"learning_rate": 0.5}, "no setting 'learning_rate'")])  # fmt: skip
def test_settings_changed_by_hand_are_looked_at(change, said):
    w = leaf(1.0)
    optimizer = optim.Adam([w], lr=0.1)
    w.grad = te.ones(1)
    optimizer.param_groups[0].update(change)
    with pytest.raises(ValueError, match=said):
        optimizer.step()
    assert w.tolist() == [1.0]
    optimizer = optim.Adam([w], lr=0.1)
    optimizer.param_groups[0]["lr"] = np.float32(0.25)
    optimizer.step()
    np.testing.assert_allclose(w.numpy(), [0.75], rtol=1e-6)


def test_parameters_with_their_names_are_parameters():
    te.manual_seed(0)
    one, two = nn.Linear(2, 3), nn.Linear(2, 3)
    two.load_state_dict(one.state_dict())
    pairs = [optim.SGD(one.named_parameters(), lr=0.1, momentum=0.9), optim.SGD(two.parameters(), 0.1, 0.9)]
    groups = [
        {"params": dict(one.named_parameters()).items(), "lr": 0.2},
        {"params": two.parameters(), "lr": 0.2},
    ]
    pairs += [optim.Adam([group]) for group in groups]
    for optimizer in pairs:
        assert all(isinstance(p, te.nn.Parameter) for p in optimizer.param_groups[0]["params"])
    for model, optimizer in ((one, pairs[0]), (two, pairs[1]), (one, pairs[2]), (two, pairs[3])):
        optimizer.zero_grad()
        model(te.ones(4, 2)).square().sum().backward()
        optimizer.step()
    for name, array in one.state_dict().items():
        np.testing.assert_array_equal(array, two.state_dict()[name])
    with pytest.raises(TypeError, match="parameter 0 is a tuple"):
        optim.SGD([("a", "b", "c")])


def test_a_gradient_that_is_no_tensor():
    p = nn.Parameter(np.zeros((2, 3)))
    with pytest.raises(te.errors.ShapeError, match=r"of shape \(2, 3\), not a ndarray.*assign te.tensor"):
        p.grad = np.zeros((2, 3))
    with pytest.raises(te.errors.ShapeError, match=r"of shape \(2, 3\), not \(3, 2\)"):
        p.grad = te.zeros(3, 2)
