"""Where gradients gather: leaves own theirs, hooks see it complete, broadcasting and promotion are undone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.testing import broadcastable

CONSTANT = np.full(3, 5.0)


def _own_memory(*tensors):
    arrays = [t.storage.array for t in tensors]
    for i, a in enumerate(arrays):
        assert a.flags.writeable
        for b in arrays[i + 1 :]:
            assert not np.shares_memory(a, b)


def test_two_leaves_never_share_a_gradient():
    x, y = te.ones(3, requires_grad=True), te.ones(3, requires_grad=True)
    (x + y).sum().backward()
    _own_memory(x.grad, y.grad)
    x.grad.add_(1.0)
    assert y.grad.tolist() == [1.0, 1.0, 1.0]


def test_the_incoming_gradient_is_not_taken_over():
    x, seed = te.ones(3, requires_grad=True), te.ones(3)
    (x + 0.0).backward(seed)
    x.backward(seed)
    _own_memory(x.grad, seed)
    x.grad.zero_()
    assert seed.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("rules", [
    (lambda g: g, lambda g: g), (lambda g: g.reshape(3), lambda g: g.reshape(3)),
    (lambda g: CONSTANT, lambda g: CONSTANT), (lambda x: x, lambda x: x)],
    ids=["g", "view", "constant", "saved"])  # fmt: skip
def test_rules_that_return_what_is_not_theirs_to_give(rules):
    op = te.Op("generous", lambda x, y: x + y, rules, register=False)
    x = te.tensor([1.0, 2.0, 3.0], dtype="float64", requires_grad=True)
    y = te.tensor([4.0, 5.0, 6.0], dtype="float64", requires_grad=True)
    op(x, y).backward(te.ones(3, dtype="float64"))
    _own_memory(x.grad, y.grad, x.detach(), y.detach())
    assert not np.shares_memory(x.grad.storage.array, CONSTANT)
    op(x, y).backward(te.ones(3, dtype="float64"))
    np.testing.assert_array_equal(CONSTANT, np.full(3, 5.0))
    np.testing.assert_array_equal(x.detach().numpy(), [1.0, 2.0, 3.0])


def test_a_joint_rule_may_return_one_array_twice():
    op = te.Op("twins", lambda x, y: x + y, joint=lambda g: [g * 1.0] * 2, register=False)
    x, y = te.ones(3, requires_grad=True), te.ones(3, requires_grad=True)
    for times in (1.0, 2.0):
        op(x, y).sum().backward()
        _own_memory(x.grad, y.grad)
        assert x.grad.tolist() == y.grad.tolist() == [times] * 3


def test_one_leaf_used_twice_gets_the_sum_and_intermediate_sums_do_not_leak():
    x = te.ones(2, requires_grad=True)
    y = x * 2.0
    (y + y + y * x).sum().backward()
    assert x.grad.tolist() == [8.0, 8.0]


@given(shapes=broadcastable(3))
def test_a_gradient_has_the_shape_of_its_operand(shapes):
    xs = [te.tensor(np.full(s, 2.0), requires_grad=True) for s in shapes]
    out = xs[0] * xs[1] + xs[2]
    out.sum().backward()
    count = out.size
    for x, slope in zip(xs, (2.0, 2.0, 1.0), strict=True):
        assert x.grad.shape == x.shape
        np.testing.assert_allclose(x.grad.numpy().sum(), slope * count)


def test_promotion_is_undone():
    x = te.ones(3, dtype="float32", requires_grad=True)
    y = te.ones(3, dtype="float64", requires_grad=True)
    z = x * y
    assert z.dtype == np.float64
    z.sum().backward()
    assert (x.grad.dtype, y.grad.dtype) == (np.float32, np.float64)


@pytest.mark.parametrize("create_graph", [False, True])
def test_hooks_see_the_complete_gradient_and_may_replace_it(create_graph):
    seen = []
    x = te.ones(2, dtype="float64", requires_grad=True)
    y = x * 3.0
    y.register_hook(lambda g: seen.append(g.tolist()))
    hook = y.register_hook(lambda g: g * 10.0)
    (y + y).sum().backward(create_graph=create_graph, retain_graph=True)
    assert seen == [[2.0, 2.0]]
    assert x.grad.tolist() == [60.0, 60.0]
    hook.remove()
    x.grad = None
    (y + y).sum().backward()
    assert x.grad.tolist() == [6.0, 6.0]


def test_a_hook_of_a_leaf_runs_once_per_backward():
    seen = []
    x = te.ones(2, requires_grad=True)
    x.register_hook(lambda g: seen.append(g.tolist()))
    (x + x).sum().backward()
    assert seen == [[2.0, 2.0]]
    assert x.grad.tolist() == [2.0, 2.0]


def test_a_hook_that_returns_the_wrong_shape_is_named():
    x = te.ones(2, requires_grad=True)
    x.register_hook(lambda g: te.ones(3))
    with pytest.raises(ShapeError, match=r"hook.*\(3,\).*\(2,\)"):
        x.sum().backward()


def test_retain_grad_keeps_what_flowed_through():
    x = te.ones(2, requires_grad=True)
    y = x * 3.0
    assert y.retain_grad() is y
    (y * y).sum().backward()
    assert y.grad.tolist() == [6.0, 6.0]
    assert x.grad.tolist() == [18.0, 18.0]


def test_a_retained_gradient_is_not_changed_by_what_happens_to_the_leafs():
    x = te.ones(2, requires_grad=True)
    y = (x + 0.0).retain_grad()
    y.sum().backward()
    x.grad.zero_()
    assert y.grad.tolist() == [1.0, 1.0]


def test_gradients_add_up_over_backwards_until_cleared():
    x = te.ones(2, requires_grad=True)
    for times in (1.0, 2.0, 3.0):
        (x * 2.0).sum().backward()
        assert x.grad.tolist() == [2.0 * times] * 2
    x.grad = None
    (x * 2.0).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_gradients_recorded_by_create_graph_can_be_added_to_and_differentiated():
    x = te.tensor([2.0], dtype="float64", requires_grad=True)
    (x * x * x).sum().backward(create_graph=True)
    first = x.grad
    (x * x).sum().backward()
    assert x.grad.tolist() == [16.0]
    assert first.tolist() == [12.0]
    assert te.grad(lambda v: te.grad(lambda w: (w * w * w).sum())(v).sum())(x).tolist() == [12.0]


@given(size=st.integers(0, 3))
def test_empty_tensors_have_empty_gradients(size):
    x = te.ones(size, 2, requires_grad=True)
    (te.exp(x) @ te.ones(2, 3)).sum().backward()
    assert x.grad.shape == (size, 2)


def test_an_op_that_returns_its_input_does_not_alias_it():
    same = te.Op("returns_its_input", lambda x: x, [lambda g: g], register=False)
    x = te.tensor(3.0, requires_grad=True)
    y = same(x)
    z = y * y
    with te.no_grad():
        x.mul_(10)
    z.backward()
    assert x.grad.item() == 6.0


def test_an_assigned_gradient_is_a_copy_of_the_leafs_dtype():
    x, y = te.tensor([1.0, 2.0], requires_grad=True), te.tensor([1.0, 2.0], requires_grad=True)
    given = te.tensor([1.0, 1.0], dtype="float64")
    x.grad = y.grad = given
    (x * x + y).sum().backward()
    assert x.grad.tolist() == [3.0, 5.0] and y.grad.tolist() == [2.0, 2.0] and given.tolist() == [1.0, 1.0]
    assert x.grad.dtype == te.float32
