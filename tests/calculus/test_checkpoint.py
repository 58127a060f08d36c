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
    plain, = gradients(stage, x)
    again, = gradients(lambda v: te.checkpoint(stage, v), x)
    np.testing.assert_array_equal(plain, again)


@given(x=tensors(shape=(2, 3)))
@settings(max_examples=5)
def test_is_differentiable_twice(x):
    gradcheck(lambda v: te.checkpoint(stage, v) * v, [x])


def test_nested_and_in_a_row():
    x = te.tensor(np.linspace(-1, 1, 5), requires_grad=True)
    plain, = gradients(lambda v: stage(stage(stage(v))), x)
    again, = gradients(lambda v: te.checkpoint(
        lambda u: te.checkpoint(stage, te.checkpoint(stage, u)), te.checkpoint(stage, v)), x)
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
    plain, = gradients(lambda w: te.exp(w), w)
    again, = gradients(lambda w: te.checkpoint(lambda v: te.exp(w) * v, te.ones(2, dtype="float64")), w)
    np.testing.assert_array_equal(plain, again)


def test_dropout_draws_the_same_mask_again_and_the_stream_goes_on_undisturbed():
    def dropped(v):
        return v * te.bernoulli(0.5, v.shape, dtype="float64") * te.exp(v)

    x = te.tensor(np.linspace(-1, 1, 50), requires_grad=True)
    te.manual_seed(0)
    plain, = gradients(dropped, x)
    after = te.rand(3).tolist()
    te.manual_seed(0)
    again, = gradients(lambda v: te.checkpoint(dropped, v), x)
    np.testing.assert_array_equal(plain, again)
    assert te.rand(3).tolist() == after


def test_a_generator_of_ones_own_is_set_back_when_named():
    def noisy(v):
        return v * te.rand(4, generator=stream, dtype="float64")

    x = te.ones(4, dtype="float64", requires_grad=True)
    stream = te.Generator(7)
    plain, = gradients(noisy, x)
    stream = te.Generator(7)
    again, = gradients(lambda v: te.checkpoint(noisy, v, generators=[stream]), x)
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
        doubled = w * 2.0                           # made outside the stretch, older than it
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
