"""Graphs of any depth, and what is left of them: nothing. Reference counts alone must free everything."""

from __future__ import annotations

import contextlib
import gc
import weakref

import numpy as np
import pytest

import tinygrad_edu as te
from tinygrad_edu.errors import FreedGraphError


@contextlib.contextmanager
def no_collector():
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _alive(x):
    """Weak references to all nodes that x depends on, leaves excluded."""
    seen, stack = {}, [x.node]
    while stack:
        node = stack.pop()
        if node is None or node.op is None or id(node) in seen:
            continue
        seen[id(node)] = weakref.ref(node)
        stack.extend(node.parents)
    return list(seen.values())


def test_a_chain_of_a_million_ops_differentiates_and_is_freed():
    with no_collector():
        x = te.tensor(2.0, dtype="float64", requires_grad=True)
        y = x
        for _ in range(999_999):
            y = y + 1.0
        y = y * 3.0
        deep = weakref.ref(y.node.parents[0])
        y.backward()
        assert x.grad.item() == 3.0
        assert y.item() == 3.0 * (2.0 + 999_999)
        del y
        assert deep() is None


@pytest.mark.parametrize("how", [{}, {"retain_graph": True}, {"create_graph": True}])
def test_a_graph_dies_with_its_last_name_whatever_backward_did(how):
    with no_collector():
        x = te.tensor(np.linspace(0.5, 1.0, 6).reshape(2, 3), requires_grad=True)
        y = (te.softmax(te.tanh(x) @ x.T) * te.exp(x[0].sum())).sum()
        nodes = _alive(y)
        y.backward(**how)
        assert all(node() is not None for node in nodes[:1])
        del y
        x.grad = None
        assert [node() for node in nodes if node() is not None] == []


def test_second_order_graphs_die_too():
    with no_collector():
        x = te.tensor([0.5, 1.5], dtype="float64", requires_grad=True)
        y = (te.sin(x) * x).sum()
        y.backward(create_graph=True)
        slope = x.grad
        x.grad = None
        (slope * slope).sum().backward()
        nodes = _alive(slope)
        assert nodes
        del slope, y
        assert [node() for node in nodes if node() is not None] == []
        assert x.grad.shape == (2,)


def test_a_failed_op_leaves_no_graph_behind():
    with no_collector():
        x = te.ones(2, 3, requires_grad=True)
        y = te.exp(x)
        node = weakref.ref(y.node)
        with pytest.raises(ValueError, match="matmul"):
            y @ te.ones(2, 3)
        del y
        assert node() is None


def test_backward_frees_what_was_saved_as_it_goes():
    x = te.tensor([1.0, 2.0], requires_grad=True)
    y = te.exp(x)
    z = (y * y).sum()
    kept = weakref.ref(y.storage)
    node = z.node
    z.backward()
    del y, z
    assert kept() is None
    assert node.saved == () or node.saved is None


def test_a_second_backward_says_that_the_graph_is_freed():
    x = te.tensor([1.0, 2.0], requires_grad=True)
    y = te.exp(x).sum()
    y.backward()
    with pytest.raises(FreedGraphError, match="retain_graph=True"):
        y.backward()


def test_a_retained_graph_gives_the_same_again():
    x = te.tensor([1.0, 2.0], dtype="float64", requires_grad=True)
    y = te.exp(x).sum()
    y.backward(retain_graph=True)
    once = x.grad.numpy().copy()
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), 2 * once)


def test_a_graph_without_gradients_is_never_built():
    x = te.ones(3)
    assert te.exp(x).node is None
    with te.no_grad():
        assert (te.ones(3, requires_grad=True) * 2.0).node is None


def test_only_what_rules_name_is_saved():
    x, y = te.ones(3, requires_grad=True), te.ones(3)
    assert [kept[0] for kept in (x * y).node.saved] == ["y"]
    assert [kept[0] for kept in (x + y).node.saved] == []
    assert [kept[0] for kept in te.exp(x).node.saved] == ["out"]


def test_a_retained_gradient_is_no_cycle():
    with no_collector():
        x = te.ones(3, requires_grad=True)
        y = (x * 2).retain_grad()
        node = weakref.ref(y.node)
        (y * y).sum().backward()
        assert y.grad.tolist() == [4.0, 4.0, 4.0]
        del y
        assert node() is None
