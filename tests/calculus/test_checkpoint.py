"""checkpoint: the same gradients to the last bit, for less memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

import tinygrad_edu as te
from tinygrad_edu.check import gradcheck
from tinygrad_edu.errors import FreedGraphError, StaleValueError
from tinygrad_edu.testing import tensors


def saved_bytes(y):
    """What the graph behind y keeps for backward, each memory counted once."""
    seen, kept, stack = set(), {}, [y.node]
    while stack:
        node = stack.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        for _, storage, _, count in node.saved or ():
            if count >= 0:
                kept[id(storage)] = storage.array.nbytes
        stack.extend(node.parents)
    return sum(kept.values())


def stage(x):
    for _ in range(3):
        x = te.tanh(te.exp(x * 0.3))
    return x


def gradients(f, *xs):
    for x in xs:
        x.grad = None
    f(*xs).sum().backward()
    return [x.grad.numpy().copy() for x in xs]


@given(x=tensors(requires_grad=True))
def test_gives_the_plain_gradient(x):
    (plain,) = gradients(stage, x)
    (again,) = gradients(lambda v: te.checkpoint(stage, v), x)
    np.testing.assert_array_equal(plain, again)


@given(x=tensors(shape=(2, 3)))
@settings(max_examples=5)
def test_is_differentiable_twice(x):
    gradcheck(lambda v: te.checkpoint(stage, v) * v, [x])


def test_nested_and_in_a_row():
    x = te.tensor(np.linspace(-1, 1, 5), requires_grad=True)
    (plain,) = gradients(lambda v: stage(stage(stage(v))), x)
    (again,) = gradients(
        lambda v: te.checkpoint(
            lambda u: te.checkpoint(stage, te.checkpoint(stage, u)), te.checkpoint(stage, v)
        ),
        x,
    )
    np.testing.assert_array_equal(plain, again)


def test_parameters_it_closes_over_get_their_gradients():
    x = te.tensor(np.linspace(-1, 1, 6).reshape(2, 3), requires_grad=True)
    w = te.tensor(np.linspace(0, 1, 9).reshape(3, 3), requires_grad=True)
    plain = gradients(lambda x, w: te.tanh(x @ w), x, w)
    again = gradients(lambda x, w: te.checkpoint(lambda v: te.tanh(v @ w), x), x, w)
    for a, b in zip(plain, again, strict=True):
        np.testing.assert_array_equal(a, b)


def test_parameters_alone_are_enough():
    w = te.tensor([1.0, 2.0], dtype="float64", requires_grad=True)
    (plain,) = gradients(lambda w: te.exp(w), w)
    (again,) = gradients(lambda w: te.checkpoint(lambda v: te.exp(w) * v, te.ones(2, dtype="float64")), w)
    np.testing.assert_array_equal(plain, again)


def test_dropout_draws_the_same_mask_again_and_the_stream_goes_on_undisturbed():
    def dropped(v):
        return v * te.bernoulli(0.5, v.shape, dtype="float64") * te.exp(v)

    x = te.tensor(np.linspace(-1, 1, 50), requires_grad=True)
    te.manual_seed(0)
    (plain,) = gradients(dropped, x)
    after = te.rand(3).tolist()
    te.manual_seed(0)
    (again,) = gradients(lambda v: te.checkpoint(dropped, v), x)
    np.testing.assert_array_equal(plain, again)
    assert te.rand(3).tolist() == after


def test_a_generator_of_ones_own_is_set_back_when_named():
    def noisy(v):
        return v * te.rand(4, generator=stream, dtype="float64")

    x = te.ones(4, dtype="float64", requires_grad=True)
    stream = te.Generator(7)
    (plain,) = gradients(noisy, x)
    stream = te.Generator(7)
    (again,) = gradients(lambda v: te.checkpoint(noisy, v, generators=[stream]), x)
    np.testing.assert_array_equal(plain, again)


def test_keeps_less():
    x = te.ones(1000, requires_grad=True)
    deep = saved_bytes(stage(stage(x)))
    shallow = saved_bytes(te.checkpoint(stage, te.checkpoint(stage, x)))
    assert shallow * 4 < deep


def test_an_input_changed_before_backward_is_noticed():
    x = te.ones(3, requires_grad=True)
    y = te.checkpoint(stage, x)
    with te.no_grad():
        x.mul_(2.0)
    with pytest.raises(StaleValueError, match="checkpoint"):
        y.sum().backward()


def test_under_no_grad_it_is_the_function():
    with te.no_grad():
        assert not te.checkpoint(stage, te.ones(3, requires_grad=True)).requires_grad


def test_what_a_stretch_captured_counts_when_only_some_inputs_are_wanted():
    def f(w):
        doubled = w * 2.0  # made outside the stretch, older than it
        return te.checkpoint(lambda x: te.tanh(x * doubled), te.ones(3, dtype="float64")).sum()

    w = te.tensor([0.1, 0.2, 0.3], dtype="float64")
    np.testing.assert_allclose(te.grad(f)(w).numpy(), 2 * (1 - np.tanh(2 * w.numpy()) ** 2), rtol=1e-12)


def test_a_captured_parameter_changed_in_place_is_an_error():
    w, x = te.tensor(3.0, requires_grad=True), te.tensor(2.0, requires_grad=True)
    y = te.checkpoint(lambda x: x * w * w, x)
    with te.no_grad():
        w.mul_(10)
    with pytest.raises(StaleValueError, match="checkpoint"):
        y.backward()


def test_second_derivatives_reach_what_was_captured():
    def f(w):
        return te.checkpoint(lambda x: (x * w * w * w).sum(), te.tensor([1.0, 2.0], dtype="float64"))

    w = te.tensor([2.0, 3.0], dtype="float64")
    assert te.hvp(f, w, te.ones_like(w)).tolist() == [12.0, 36.0]
    assert te.jvp(f, [w], [te.ones_like(w)])[1].item() == 66.0


def test_nothing_is_recorded_when_nothing_wants_a_gradient():
    assert not te.checkpoint(te.square, te.tensor(2.0)).requires_grad
    assert not te.checkpoint(te.argmax, te.tensor([1.0, 2.0], requires_grad=True)).requires_grad


def test_a_second_backward_needs_the_graph_retained():
    x = te.tensor(2.0, requires_grad=True)
    y = te.checkpoint(te.square, x)
    y.backward()
    with pytest.raises(FreedGraphError):
        y.backward()
    assert x.grad.item() == 4.0


def leaking(kept):
    """A stretch of whose middle somebody keeps hold, beside its result."""

    def f(x, w):
        h = te.tanh(x * w)
        kept.append(h)
        return te.exp(h) * x

    return f


@pytest.mark.parametrize("use", [
    lambda y, h: h.sum(), lambda y, h: (y * h).sum(), lambda y, h: (h * h).sum() + y.sum(),
    lambda y, h: te.checkpoint(lambda u: u * te.sin(h), y).sum()])  # fmt: skip
def test_what_leaves_a_stretch_by_another_way_has_its_gradient_too(use):
    x = te.tensor(np.linspace(-1, 1, 5), requires_grad=True)
    w = te.tensor(np.linspace(2, 3, 5), requires_grad=True)
    kept = []
    plain = gradients(lambda x, w: use(leaking(kept)(x, w), kept[-1]), x, w)
    again = gradients(lambda x, w: use(te.checkpoint(leaking(kept), x, w), kept[-1]), x, w)
    for a, b in zip(plain, again, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_what_leaves_nested_stretches_has_its_gradient():
    x = te.tensor(np.linspace(-1, 1, 5), requires_grad=True)
    w = te.tensor(np.linspace(2, 3, 5), requires_grad=True)
    kept = []

    def nested(x, w):
        return te.checkpoint(lambda v, w: te.checkpoint(leaking(kept), v, w) * te.checkpoint(te.sin, v), x, w)

    plain = gradients(lambda x, w: leaking(kept)(x, w) * te.sin(x) + kept[-1] ** 3, x, w)
    again = gradients(lambda x, w: nested(x, w) + kept[-1] ** 3, x, w)
    for a, b in zip(plain, again, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_what_leaves_a_stretch_detached_or_whole_has_none():
    x, kept = te.ones(3, requires_grad=True), []
    y = te.checkpoint(lambda x: (kept.append((x * 2).detach()), kept.append(te.argmax(x * 3)), x * 2)[2], x)
    assert y.requires_grad and not kept[0].requires_grad and not kept[1].requires_grad
    with te.no_grad():
        te.checkpoint(leaking(kept), x, x)
    assert not kept[-1].requires_grad


def test_what_only_one_result_of_a_stretch_needs_is_kept_no_longer_than_it():
    x, kept = te.ones(1000, requires_grad=True), []
    y = te.checkpoint(leaking(kept), x, x)
    assert saved_bytes(kept[0]) == saved_bytes(y) == 0
    kept[0].sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 / np.cosh(1) ** 2, rtol=1e-6)
    with pytest.raises(FreedGraphError):
        kept[0].sum().backward()


def test_a_stretch_sees_which_of_its_tensors_require_grad_and_may_hook_them():
    x, seen = te.ones(3, requires_grad=True), []

    def f(x):
        h = x * 2
        assert h.requires_grad and not h.detach().requires_grad and not h.is_leaf
        h.register_hook(lambda g: seen.append(g.tolist()))
        return h * h

    te.checkpoint(f, x).sum().backward()
    assert seen == [[4.0] * 3] and x.grad.tolist() == [8.0] * 3


def both_ways(f, loss, *xs):
    """The gradients of loss(f(*xs), what f kept): plain, and with f in a checkpoint."""
    kept = []
    plain = gradients(lambda *xs: loss(f(kept, *xs), kept[-1]), *xs)
    again = gradients(lambda *xs: loss(te.checkpoint(lambda *xs: f(kept, *xs), *xs), kept[-1]), *xs)
    return plain, again


@pytest.mark.parametrize("loss", [lambda y, h: (y * h).sum(), lambda y, h: h.sum(), lambda y, h: y + 3 * h])
def test_a_result_that_leaves_by_two_ways_is_one(loss):
    def f(kept, x):
        kept.append(te.exp(x))
        return kept[-1]

    def nested(kept, x):
        r = te.checkpoint(lambda x: f(kept, x * x), x)
        return r * x

    for function in (f, nested):
        plain, again = both_ways(function, loss, te.tensor(np.linspace(-1, 1, 4), requires_grad=True))
        np.testing.assert_allclose(plain, again, rtol=1e-13)


@pytest.mark.parametrize("hooked", ["argument", "leaf", "captured", "result"])
def test_a_hook_hung_inside_passes_once(hooked):
    def f(x):
        y = x * x * captured
        {"argument": x, "leaf": w, "captured": captured, "result": y}[hooked].register_hook(lambda g: g * 10)
        return y

    found = []
    for run in (f, lambda x: te.checkpoint(f, x)):
        w = te.tensor([1.0, 2.0], requires_grad=True)
        captured = w * 3
        run(w * 2).sum().backward()
        found.append(w.grad.tolist())
    assert found[0] == found[1]


def test_what_left_on_its_way_takes_no_hooks_from_outside():
    kept, x = [], te.tensor([1.0, 2.0], requires_grad=True)
    y = te.checkpoint(leaking(kept), x, x)
    for ask in (kept[0].retain_grad, lambda: kept[0].register_hook(lambda g: g)):
        with pytest.raises(RuntimeError, match="from the inside of a checkpoint"):
            ask()
    y.retain_grad()
    y.register_hook(lambda g: g * 2)
    y.sum().backward()
    assert y.grad.tolist() == [2, 2]


def test_what_would_happen_again_unseen_is_refused():
    x = te.tensor([1.0, 2.0], requires_grad=True)

    def makes_a_leaf(h):
        return (h * 2).detach().requires_grad_() * h

    def calls_backward(h):
        (x * h.detach()).sum().backward()
        return h * 2

    with pytest.raises(RuntimeError, match=r"a leaf of shape \(2,\) was made inside"):
        te.checkpoint(makes_a_leaf, x).sum().backward()
    with pytest.raises(RuntimeError, match=r"backward\(\) inside a function given to te.checkpoint"):
        te.checkpoint(calls_backward, x)
    assert x.grad is None


def test_weights_made_the_first_time_are_trained():
    class Lazy(te.nn.Module):
        w = None

        def forward(self, x):
            if self.w is None:
                self.w = te.nn.Parameter(te.ones(2))
            return x * self.w

    lazy, x = Lazy(), te.tensor([1.0, 2.0], requires_grad=True)
    te.checkpoint(lazy, x).sum().backward()
    assert lazy.w.grad.tolist() == [1, 2]


@pytest.mark.parametrize("captured", [False, True])
def test_derivatives_through_a_stretch_are_linked_to_what_the_function_is_linked_to(captured):
    w = te.tensor([1.0, 2.0], requires_grad=captured)
    for f in (
        lambda z: (z * z * w).sum(),
        lambda a: te.checkpoint(lambda z: (z * z * w).sum(), a),
        lambda a: te.checkpoint(lambda one: (a * a * w * one).sum(), te.ones(2)),
    ):
        x = te.tensor([1.5, 2.0])
        found = te.grad(f)(x), *te.jvp(f, (x,), (x,)), te.vjp(f, x)[0], te.vjp(f, x)[1](1.0)[0]
        assert {y.requires_grad for y in found} == {captured}
        if captured:
            w.grad = None
            te.grad(f)(x).sum().backward()
            assert w.grad.tolist() == [3, 4]
