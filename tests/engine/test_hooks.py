"""Gradient hooks: each has a gradient of its own to change, and what it returns goes on."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu import nn
from tinygrad_edu.errors import ShapeError

pytestmark = pytest.mark.usefixtures("boxed")
WHERE = ["cpu", "boxed"]
CHANGES: dict[str, Any] = {
    "mul_": lambda g: g.mul_(10.0),
    "in place, nothing returned": lambda g: (g.mul_(10.0), None)[1],
    "a part": lambda g: (g[:].mul_(10.0), None)[1],
    "a new tensor": lambda g: g * 10.0,
    "double": lambda g: (g * 10.0).to("float64"),
    "whole numbers": lambda g: te.full(g.shape, 10, dtype="int64", device=g.device),
    "an array": lambda g: np.full(g.shape, 10.0),
    "a list": lambda g: [10.0, 10.0],
}


def leaf(where: str = "cpu", **how: Any) -> te.Tensor:
    return te.tensor([1.0, 2.0], requires_grad=True, device=where, **how)


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("change", sorted(CHANGES))
def test_what_a_hook_does_reaches_only_what_follows(change: str, where: str, create_graph: bool) -> None:
    x, y = leaf(where), leaf(where)
    seed = te.ones(2, device=where)
    left = x * 1.0
    left.register_hook(CHANGES[change])
    (left + y).backward(seed, create_graph=create_graph)
    assert x.grad is not None and y.grad is not None
    assert (x.grad.tolist(), y.grad.tolist(), seed.tolist()) == ([10.0, 10.0], [1.0, 1.0], [1.0, 1.0])
    assert x.grad.dtype == te.float32 and x.grad.device == where


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("change", sorted(CHANGES))
def test_what_a_hook_returns_has_the_gradients_dtype_at_once(change: str, where: str) -> None:
    x = leaf(where)
    y = x * 1.0
    for hooked in (x, y):
        hooked.register_hook(CHANGES[change])
        hooked.register_hook(lambda g: seen.append((g.dtype, g.device)))
    seen: list[Any] = []
    y.retain_grad()
    y.sum().backward()
    assert x.grad is not None and y.grad is not None
    assert seen == [(te.float32, where)] * 2 and x.grad.dtype == y.grad.dtype == te.float32


@pytest.mark.parametrize("where", WHERE)
def test_a_hook_of_the_root_or_of_a_leaf_leaves_the_seed_alone(where: str) -> None:
    x, seed = leaf(where), te.ones(2, device=where)
    x.register_hook(lambda g: g.mul_(3.0))
    root = x + 0.0
    root.register_hook(lambda g: g.mul_(2.0))
    root.backward(seed)
    assert x.grad is not None
    assert (x.grad.tolist(), seed.tolist()) == ([6.0, 6.0], [1.0, 1.0])


@pytest.mark.parametrize("where", WHERE)
def test_what_a_hook_kept_may_be_changed_later(where: str) -> None:
    x, mine = leaf(where), te.ones(2, device=where)
    kept: list[te.Tensor] = []
    y = x * 1.0
    y.register_hook(kept.append)
    y.register_hook(lambda g: mine)
    y.retain_grad()
    x.register_hook(lambda g: (kept[0].zero_(), mine.zero_(), None)[2])
    y.sum().backward()
    assert x.grad is not None and y.grad is not None
    assert (x.grad.tolist(), y.grad.tolist()) == ([1.0, 1.0], [1.0, 1.0])


@given(order=st.permutations(range(4)), create_graph=st.booleans(), where=st.sampled_from(WHERE))
def test_hooks_run_in_their_order_and_retain_grad_last(order: Any, create_graph: bool, where: str) -> None:
    acts = [
        lambda t: t.retain_grad(),
        lambda t: t.register_hook(lambda g: g + 1.0),
        lambda t: t.register_hook(lambda g: g * 3.0),
        lambda t: t.register_hook(lambda g: None),
    ]
    x = leaf(where)
    y = x * 2.0
    for i in order:
        acts[i](y)
    y.sum().backward(create_graph=create_graph)
    expected = (1.0 + 1.0) * 3.0 if order.index(1) < order.index(2) else 1.0 * 3.0 + 1.0
    assert y.grad is not None and x.grad is not None
    assert (y.grad.tolist(), x.grad.tolist()) == ([expected] * 2, [2 * expected] * 2)


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (lambda g: "ab", TypeError, "returned str 'ab'"),
        (lambda g: g.tolist() == [1.0], ShapeError, r"returned shape \(\) for a gradient of \(2,\)"),
        (lambda g: 3.0, ShapeError, r"returned shape \(\) for a gradient of \(2,\)"),
        (lambda g: np.array([g, g], dtype=object), TypeError, "returned ndarray"),
        (lambda g: g.to("float64").numpy() * 1j, TypeError, "returned ndarray"),
    ],
)
@pytest.mark.parametrize("where", WHERE)
def test_what_is_no_gradient_is_refused(where: str, answer: Any, error: Any, said: str) -> None:
    x = leaf(where)
    y = x * 1.0
    y.register_hook(answer)
    with pytest.raises(error, match=f"a gradient hook on mul {said}"):
        y.sum().backward()
    assert x.grad is None and te.is_grad_enabled()


def test_a_number_replaces_the_gradient_of_a_number() -> None:
    x = te.tensor(2.0, requires_grad=True)
    x.register_hook(lambda g: 5)
    (x * 1.0).backward()
    assert x.grad is not None and x.grad.item() == 5.0 and x.grad.dtype == te.float32


def test_a_recorded_hook_is_differentiated_and_one_in_place_is_refused() -> None:
    x = te.tensor(3.0, dtype="float64", requires_grad=True)
    y = x * x
    y.register_hook(lambda g: g * x.detach() * x)
    (y * 1.0).backward(create_graph=True)
    assert x.grad is not None and x.grad.item() == 54.0  # 2 x^3
    x.register_hook(lambda g: g.mul_(2.0))
    with pytest.raises(RuntimeError, match="in place"):
        (x * x * x).backward(create_graph=True)


def test_each_handle_takes_away_its_own_hook() -> None:
    log: list[str] = []

    def say(word: str) -> Any:
        return lambda g: log.append(word)

    first = say("first")
    x = leaf()
    handles = [x.register_hook(h) for h in (first, say("second"), first)]
    handles[2].remove()
    handles[2].remove()
    (x * 1.0).sum().backward()
    assert log == ["first", "second"]
    module = nn.Linear(2, 2)
    heard: list[str] = []
    hooks = [lambda m, xs, out, w=w: heard.append(w) for w in "ab"]
    a, b, again = (module.register_forward_hook(h) for h in (*hooks, hooks[0]))
    again.remove()
    again.remove()
    module(te.ones(1, 2))
    a.remove()
    module(te.ones(1, 2))
    assert heard == ["a", "b", "b"]
    b.remove()


@pytest.mark.filterwarnings("error")
def test_grad_of_a_result_with_a_hook_but_not_retained_says_so() -> None:
    y = leaf() * 2.0
    y.register_hook(lambda g: None)
    with pytest.warns(UserWarning, match="retain_grad"):
        assert y.grad is None
    y.retain_grad()
    assert y.grad is None


def test_hooks_of_checkpoints_and_of_wanted_tensors() -> None:
    def slope(f: Any, hooked: bool) -> list[float]:
        x = leaf(dtype="float64")
        y = f(x)
        if hooked:
            y.register_hook(lambda g: g.mul_(10.0))
        y.retain_grad()
        (y + 0.0).sum().backward()
        assert x.grad is not None and y.grad is not None
        return [*x.grad.tolist(), *y.grad.tolist()]

    def recomputed(x: te.Tensor) -> te.Tensor:
        return te.checkpoint(te.square, x)

    for f, hooked in itertools.product((te.square, recomputed), (False, True)):
        scale = 10.0 if hooked else 1.0
        assert slope(f, hooked) == [2.0 * scale, 4.0 * scale, scale, scale]

    def loss(v: te.Tensor) -> te.Tensor:
        v.register_hook(lambda g: g.mul_(10.0))
        return te.square(v).sum()

    assert te.grad(loss)(te.tensor([1.0, 2.0])).tolist() == [20.0, 40.0]
