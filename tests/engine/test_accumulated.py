"""Hooks on leaves that backward calls when their `grad` is complete, before it goes on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu import nn
from tinygrad_edu.engine.hooks import after_backward
from tinygrad_edu.errors import NotDifferentiableError


def chain(hidden=4, layers=3):
    te.manual_seed(0)
    return nn.Sequential(*[m for _ in range(layers) for m in (nn.Linear(hidden, hidden), nn.Tanh())])


def record(model, events, note=lambda p: True):
    names = {id(p): name for name, p in model.named_parameters()}
    return [p.register_post_accumulate_grad_hook(lambda p: events.append((names[id(p)], note(p))))
            for p in model.parameters()]  # fmt: skip


def test_each_leaf_is_told_as_soon_as_it_is_complete():
    model, events = chain(), []
    hidden = []

    def watch(p):
        return model[0].weight.grad is None

    record(model, events, watch)
    x = te.ones(2, 4, requires_grad=True)
    x.register_hook(lambda g: hidden.append(len(events)))
    model(x).sum().backward()
    assert [name.partition(".")[0] for name, _ in events] == ["4", "4", "2", "2", "0", "0"]
    assert all(early for name, early in events if name[0] in "42"), "the first layer has no gradient yet"
    assert hidden == [6], "leaves without such a hook are delivered at the end, as ever"


@st.composite
def programs(draw):
    """Which of three leaves each of some operations uses, and which of them has a hook."""
    steps = draw(st.lists(st.tuples(st.integers(0, 2), st.sampled_from("+*@")), min_size=1, max_size=8))
    return steps, draw(st.sets(st.integers(0, 2)))


def run_program(steps, leaves, create_graph=False):
    y = leaves[steps[0][0]] * 1.5
    for i, kind in steps:
        x = leaves[i]
        y = y + x if kind == "+" else y * x if kind == "*" else te.tanh(y @ x)
    y.sum().backward(create_graph=create_graph)


@pytest.mark.parametrize("create_graph", [False, True])
@given(programs(), st.integers(0, 99))
def test_gradients_are_the_same_with_and_without(create_graph, program, seed):
    steps, hooked = program
    random = np.random.default_rng(seed)
    data = [random.normal(size=(3, 3)) for _ in range(3)]
    plain = [te.tensor(d, requires_grad=True) for d in data]
    watched = [te.tensor(d, requires_grad=True) for d in data]
    seen = []
    for i in hooked:
        watched[i].register_post_accumulate_grad_hook(lambda p, i=i: seen.append((i, p.grad.numpy().copy())))
    for _ in range(2):  # the second adds to the first
        run_program(steps, plain, create_graph)
        run_program(steps, watched, create_graph)
    for p, w in zip(plain, watched, strict=True):
        assert (p.grad is None) == (w.grad is None)
        assert p.grad is None or p.grad.numpy().tobytes() == w.grad.numpy().tobytes()
    used = {i for i, _ in steps}
    assert sorted(i for i, _ in seen) == sorted([*(hooked & used)] * 2), "once in each backward"
    for i in hooked & used:
        last = [g for j, g in seen if j == i][-1]
        assert last.tobytes() == watched[i].grad.numpy().tobytes(), "complete when the hook is called"


def test_checkpoints_deliver_what_they_compute_again():
    model, events = chain(), []
    x = te.ones(2, 4)
    model(x).sum().backward()
    expected = [p.grad.numpy().copy() for p in model.parameters()]
    model.zero_grad()
    record(model, events)
    out = model[3](model[2](te.checkpoint(lambda t: model[1](model[0](t)), x)))
    model[5](model[4](out)).sum().backward()
    assert sorted(name for name, _ in events) == sorted(name for name, _ in model.named_parameters())
    for p, g in zip(model.parameters(), expected, strict=True):
        assert p.grad.numpy().tobytes() == g.tobytes()


def test_other_hooks_of_the_leaf_come_first():
    x = te.tensor([1.0, 2.0], requires_grad=True)
    found = []
    x.register_hook(lambda g: g * 10)
    x.register_post_accumulate_grad_hook(lambda p: found.append(p.grad.tolist()))
    (x * 3).sum().backward()
    assert found == [[30.0, 30.0]]


def test_a_hook_may_change_the_gradient_and_the_leaf():
    """An optimizer in the backward pass: a step as soon as the gradient exists, and its memory is free."""
    x = te.tensor([1.0, 2.0], requires_grad=True)

    def descend(p):
        p.detach().add_(p.grad, alpha=-0.5)
        p.grad = None

    x.register_post_accumulate_grad_hook(descend)
    (x * 4).sum().backward()
    assert x.tolist() == [-1.0, 0.0] and x.grad is None


def test_a_leaf_that_is_the_root():
    x = te.tensor(2.0, requires_grad=True)
    found = []
    x.register_post_accumulate_grad_hook(lambda p: found.append(p.grad.item()))
    x.backward()
    assert found == [1.0]


def test_callbacks_at_the_end_of_their_own_backward():
    events = []
    x, y = te.tensor(1.0, requires_grad=True), te.tensor(1.0, requires_grad=True)

    def outer(p):
        after_backward(lambda: events.append("outer ends"))
        with te.enable_grad():
            (y * 2).backward()

    x.register_post_accumulate_grad_hook(outer)
    y.register_post_accumulate_grad_hook(lambda p: after_backward(lambda: events.append("inner ends")))
    (x * 3).backward()
    assert events == ["inner ends", "outer ends"]


def test_removed_and_collected():
    import gc
    import weakref

    events = []
    model = chain(layers=1)
    handles = record(model, events)
    for handle in handles:
        handle.remove()
    model(te.ones(1, 4)).sum().backward()
    assert events == []
    gone = weakref.ref(model[0].weight)
    record(model, events)
    del model, handles
    gc.collect()
    assert gone() is None, "a hook does not keep its leaf alive"


def test_functions_that_take_gradients_call_no_such_hook():
    x = te.tensor([1.0, 2.0], requires_grad=True)
    x.register_post_accumulate_grad_hook(lambda p: pytest.fail("te.grad accumulates nothing"))
    assert te.grad(lambda t: (t * x).sum())(te.tensor([3.0, 4.0])).tolist() == [1.0, 2.0]


def test_only_leaves_have_them():
    x = te.tensor(1.0, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"on a tensor that is computed.*register_hook"):
        (x * 2).register_post_accumulate_grad_hook(print)
    with pytest.raises(NotDifferentiableError, match="does not require grad"):
        te.tensor(1.0).register_post_accumulate_grad_hook(print)
