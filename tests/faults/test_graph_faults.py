"""Faults of graphs and gradients, by their number in the list of faults: each is an error that says so."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import weakref
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import tinygrad_edu as te
from tinygrad_edu.errors import FreedGraphError, NotDifferentiableError, OpError, ShapeError, StaleValueError


def leaf(*values: float, dtype: str = "float64") -> te.Tensor:
    return te.tensor(list(values), dtype=dtype, requires_grad=True)


def test_01_a_saved_tensor_changed_in_place() -> None:
    x, factor = leaf(1.0, 2.0), te.tensor([3.0, 4.0])
    y = (x * factor).sum()
    factor[0] = 7.0
    with pytest.raises(
        StaleValueError, match=r"'y' of mul \(2,\) was changed in place .*test_graph_faults.py:\d+"
    ):
        y.backward()


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.fill_(0.0),
        lambda t: t.add_(1.0),
        lambda t: t.mul_(2.0),
        lambda t: t.copy_(te.zeros(2)),
        lambda t: t.zero_(),
        lambda t: t[:1].zero_(),
        lambda t: t.detach().zero_(),
        lambda t: t.reshape(1, 2).zero_(),
    ],
)
def test_01_every_way_of_changing_in_place_is_seen(change: Any) -> None:
    x, factor = leaf(1.0, 2.0), te.tensor([3.0, 4.0])
    y = (x * factor).sum()
    change(factor)
    with pytest.raises(StaleValueError):
        y.backward()


def test_01_a_saved_result_changed_in_place() -> None:
    y = leaf(0.0, 1.0).exp()
    y.detach().zero_()
    with pytest.raises(StaleValueError, match="'out' of exp"):
        y.sum().backward()


def test_01_a_change_of_what_nobody_saved_is_allowed() -> None:
    x, term = leaf(1.0, 2.0), te.tensor([3.0, 4.0])
    y = (x + term).sum()
    term.zero_()
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [1.0, 1.0])


def test_02_numpy_views_are_read_only() -> None:
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    for view in (
        x.numpy(),
        x.detach().numpy(),
        np.asarray(x.detach()),
        y.numpy(),
        x.numpy()[:1],
        x.numpy().T,
    ):
        with pytest.raises(ValueError, match="read-only"):
            view[...] = 0.0
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2.0, 4.0])


def test_02_the_caller_may_change_his_own_array() -> None:
    data = np.array([1.0, 2.0])
    x, factor = te.tensor(data, requires_grad=True), np.array([3.0, 4.0])
    y = (x * factor).sum() + (factor * x).sum() + (x * te.as_tensor(factor)).sum()
    data[:], factor[:] = 0.0, 0.0
    y.backward()
    np.testing.assert_array_equal(x.numpy(), [1.0, 2.0])
    np.testing.assert_array_equal(x.grad.numpy(), [9.0, 12.0])


def test_02_an_index_array_may_be_changed_afterwards() -> None:
    x, places = leaf(1.0, 2.0, 3.0), np.array([0, 0, 2])
    y = x[places].sum()
    places[:] = 1
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2.0, 0.0, 1.0])


@pytest.mark.parametrize(
    "change",
    [lambda x: x.add_(1.0), lambda x: x.fill_(0.0), lambda x: x.__setitem__(0, 1.0), lambda x: x[0].zero_()],
)
def test_03_in_place_on_a_tensor_that_requires_grad(change: Any) -> None:
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match=r"changed in place \(at .*test_graph_faults.py:\d+\).*no_grad"):
        change(x)
    np.testing.assert_array_equal(x.numpy(), [1.0, 2.0])
    with te.no_grad():
        change(x)
    assert x.requires_grad


def test_04_writing_to_elements_that_share_memory() -> None:
    for view in (
        te.zeros(1).expand(3),
        te.broadcast_to(te.zeros(3), (2, 3)),
        te.sliding_windows(te.zeros(5), 3),
    ):
        with pytest.raises(RuntimeError, match=r"share memory.*clone"):
            view.fill_(1.0)
    written = te.zeros(1).expand(3).clone().fill_(1.0)
    np.testing.assert_array_equal(written.numpy(), np.ones(3, np.float32))


def test_05_backward_twice() -> None:
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(FreedGraphError, match="retain_graph=True"):
        y.backward()
    again = (x * x).sum()
    again.backward(retain_graph=True)
    again.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [6.0, 12.0])


def test_06_three_misuses_of_backward() -> None:
    with pytest.raises(NotDifferentiableError, match=r"single number.*\(2,\).*gradient="):
        (leaf(1.0, 2.0) * 2.0).backward()
    with pytest.raises(NotDifferentiableError, match=r"does not require grad.*requires_grad=True"):
        te.tensor([1.0]).sum().backward()
    with pytest.raises(ShapeError, match=r"shape \(3,\) is not this tensor's \(2,\)"):
        (leaf(1.0, 2.0) * 2.0).backward(te.ones(3))


def test_07_integers_have_no_gradient() -> None:
    for make in (
        lambda: te.tensor([1, 2], requires_grad=True),
        lambda: te.tensor([True], requires_grad=True),
        lambda: te.zeros(2, dtype="uint8", requires_grad=True),
        lambda: te.tensor([1]).requires_grad_(),
    ):
        with pytest.raises(TypeError, match="make it float"):
            make()


@given(
    shapes=npst.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3),
    op=st.sampled_from("+-*/"),
)
def test_08_a_broadcast_operand_gets_a_gradient_of_its_shape(shapes: Any, op: str) -> None:
    x, y = (te.full(s, 2.0, dtype="float64", requires_grad=True) for s in shapes.input_shapes)
    out = {"+": x + y, "-": x - y, "*": x * y, "/": x / y}[op]
    assert out.shape == shapes.result_shape
    out.backward(te.ones_like(out))
    slopes = {"+": (1, 1), "-": (1, -1), "*": (2, 2), "/": (0.5, -0.5)}[op]
    for operand, slope in zip((x, y), slopes, strict=True):
        assert operand.grad.shape == operand.shape
        times = out.size // operand.size if operand.size else 0
        np.testing.assert_array_equal(operand.grad.numpy(), np.full(operand.shape, slope * times, np.float64))


def test_22_a_long_chain_is_walked_and_freed_but_not_pickled() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(20_000):
        y = y + 1.0
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [1.0])
    for copied in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="detach"):
            copied(y)
    del y


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
def test_22_a_leaf_is_copied_without_a_graph(again: Any) -> None:
    x = leaf(1.0, 2.0)
    y = again(x)
    assert y.requires_grad and y.is_leaf and y.dtype == x.dtype
    (x * y).sum().backward()  # the same device, therefore computable together
    y.detach().zero_()
    np.testing.assert_array_equal(x.numpy(), [1.0, 2.0])
    assert not again(te.ones(2)).requires_grad


def test_23_a_graph_dies_with_its_last_tensor_without_the_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        x = leaf(1.0, 2.0)
        y = (x.exp() * x).sum()
        inner = weakref.ref(y.node)
        del y
        assert inner() is None
        y = (x.exp() * x).sum()
        y.backward(create_graph=True)
        inner = weakref.ref(y.node)
        x.grad = None
        del y
        assert inner() is None
    finally:
        gc.enable()


def test_24_no_grad_in_a_thread_a_generator_and_after_an_exception() -> None:
    seen = []
    with te.no_grad():
        thread = threading.Thread(target=lambda: seen.append(te.is_grad_enabled()))
        thread.start()
        thread.join()
        assert not te.is_grad_enabled()

    @te.no_grad()
    def numbers() -> Any:
        yield te.is_grad_enabled()

    for inside in numbers():
        seen += [inside, te.is_grad_enabled()]
    with pytest.raises(KeyError), te.no_grad():
        raise KeyError
    assert [*seen, te.is_grad_enabled()] == [True, False, True, True]


def test_25_threads_share_a_leaf() -> None:
    x = leaf(0.0)

    def work() -> None:
        for _ in range(50):
            (x * 1.0).sum().backward()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert x.grad.item() == 400.0


def custom(name: str, joint: Any) -> te.Op:
    return te.Op(name, lambda x, y: x * y, joint=joint, register=False)


def test_34_a_rule_returns_too_few_or_wrong_gradients() -> None:
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    with pytest.raises(OpError, match="few: its rule returned 1 gradients, expected 2"):
        custom("few", lambda g: [g])(x, y).sum().backward()
    with pytest.raises(ShapeError, match=r"wide: its rule returned a gradient of shape \(5,\).*\(2,\)"):
        custom("wide", lambda g: [te.ones(5).numpy(), g])(x, y).sum().backward()
    with pytest.raises(
        OpError, match=r"number: its rule returned float 3.0, expected an array of shape \(2,\)"
    ):
        custom("number", lambda g: [3.0, g])(x, y).sum().backward()
    with pytest.raises(OpError, match=r"2 inputs .* but 1 vjps"):
        te.Op("one_rule", lambda x, y: x * y, (lambda g, y: g * y,), register=False)
    with pytest.raises(OpError, match="asks for 'z'"):
        te.Op("unknown", lambda x: x, (lambda g, z: g * z,), register=False)


@pytest.mark.parametrize("create_graph", [False, True])
def test_35_gradients_are_nobody_elses_memory(create_graph: bool) -> None:
    x, y, seed = leaf(1.0, 2.0), leaf(3.0, 4.0), te.tensor([1.0, 1.0], dtype="float64")
    out = x + y
    out.retain_grad()
    out.backward(seed, create_graph=create_graph)
    x.grad.detach().fill_(9.0)
    (x * 2.0).backward(seed)
    np.testing.assert_array_equal(x.grad.numpy(), [11.0, 11.0])
    out.grad.detach().fill_(5.0)
    np.testing.assert_array_equal(y.grad.numpy(), [1.0, 1.0])
    np.testing.assert_array_equal(seed.numpy(), [1.0, 1.0])


def test_35_a_seed_changed_after_backward_changes_nothing() -> None:
    x, seed = leaf(1.0, 2.0), te.tensor([1.0, 1.0], dtype="float64")
    (x + 0.0).backward(seed)
    seed.fill_(7.0)
    np.testing.assert_array_equal(x.grad.numpy(), [1.0, 1.0])


def test_35_what_a_vjp_returns_may_be_changed() -> None:
    _, pull = te.vjp(lambda a, b: a + b, te.ones(2), te.ones(2))
    seed = te.ones(2)
    first, second = pull(seed)
    first.zero_()
    np.testing.assert_array_equal(second.numpy(), np.ones(2, np.float32))
    np.testing.assert_array_equal(seed.numpy(), np.ones(2, np.float32))
    slope = te.grad(lambda x: x.sum())(te.ones(3))
    np.testing.assert_array_equal(slope.mul_(2.0).numpy(), np.full(3, 2.0, np.float32))
