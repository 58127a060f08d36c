"""The tensor itself: what it says of itself, how it becomes Python and NumPy again, changes in place."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te


@pytest.mark.cpu
def test_facts() -> None:
    x = te.zeros(2, 3, dtype="float64")
    assert (x.shape, x.ndim, x.size, x.nbytes, x.dtype, x.device) == ((2, 3), 2, 6, 48, np.float64, "cpu")
    assert len(x) == 2 and [row.shape for row in x] == [(3,), (3,)]
    assert x.T.shape == x.mT.shape == (3, 2)
    assert te.tensor(1.0).size == 1 and te.zeros(0, 4).size == 0


def test_iteration_keeps_the_graph() -> None:
    x = te.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    first, second = x
    (first * second).sum().backward()
    assert x.grad.tolist() == [[3.0, 4.0], [1.0, 2.0]]
    assert 3.0 in second and 9.0 not in second


def test_conversions() -> None:
    for x in (te.tensor(2.0), te.tensor([2.0]), te.tensor([[2]])):
        assert float(x) == int(x) == x.item() == 2 and bool(x)
    assert math.sqrt(te.tensor(4.0)) == 2.0 and not te.tensor(0)
    assert list(range(5))[te.tensor(3, dtype="uint8")] == 3 and te.tensor([[1, 2]]).tolist() == [[1, 2]]
    assert type(te.tensor(2).item()) is int and type(te.tensor(True).item()) is bool
    for convert in (float, int, bool, lambda x: x.item()):
        with pytest.raises(ValueError, match=r"\(2,\)"):
            convert(te.ones(2))
    with pytest.raises(ValueError, match=r"any.*all"):
        if te.ones(2) > 0:
            pass


@pytest.mark.cpu
def test_repr() -> None:
    assert repr(te.tensor([1.0, 2.5])) == "tensor([1. , 2.5])"
    assert repr(te.tensor(3)) == "tensor(3)"
    assert repr(te.tensor([1.0], dtype="float64")) == "tensor([1.], dtype=float64)"
    x = te.tensor([1.0], requires_grad=True)
    assert repr(x) == "tensor([1.], requires_grad=True)"
    assert repr(x * 2.0) == "tensor([2.], op=mul)"
    assert repr(te.zeros(0, 2)) == "tensor([])"
    assert len(repr(te.zeros(1000, 1000))) < 1000
    page = (x * 2.0)._repr_html_()
    assert "<b>mul</b>" in page and "float32" in page and "<pre>[2.]</pre>" in page
    assert "2×3" in te.zeros(2, 3)._repr_html_() and "scalar" in te.tensor(1.0)._repr_html_()


def test_to_numpy() -> None:
    x = te.tensor([1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        x.numpy()[0] = 5.0
    x.numpy().copy()[0] = 5.0
    np.testing.assert_array_equal(np.asarray(x), [1.0, 2.0])
    assert np.asarray(x, dtype=np.float64).dtype == np.float64 and np.array(x, copy=True).flags.writeable
    leaf = te.ones(2, requires_grad=True)
    with pytest.raises(TypeError, match=r"lose its graph .*test_tensor.py:\d+.*detach"):
        np.asarray(leaf)
    with pytest.raises(TypeError):
        np.sin(leaf)
    with te.no_grad():
        assert np.asarray(leaf).tolist() == [1.0, 1.0]
    assert np.asarray(leaf.detach()).tolist() == leaf.numpy().tolist()


def test_in_place() -> None:
    x = te.zeros(2, 3)
    assert x.fill_(2.0) is x and x.mul_(3.0) is x
    assert x.add_(te.ones(3), alpha=-1.0).tolist() == [[5.0] * 3] * 2
    assert te.ones(3).add_(range(3)).mul_([1, 2, 3]).tolist() == [1.0, 4.0, 9.0]
    assert x.copy_([1.0, 2.0, 3.0]).tolist() == [[1.0, 2.0, 3.0]] * 2
    assert x.zero_().tolist() == [[0.0] * 3] * 2
    for change in (lambda: x.copy_(te.ones(4)), lambda: x.add_(te.ones(4)), lambda: te.ones(3).add_(x)):
        with pytest.raises(ValueError):
            change()
    assert x.dtype == np.float32


@pytest.mark.parametrize("change", ["add_", "mul_"])
@pytest.mark.parametrize(
    "other, words",
    [
        (np.ones(4, np.float32), r"_: \(4,\) does not broadcast to \(2, 3\)"),
        (np.ones((5, 2, 3), np.float32), r"\(5, 2, 3\) does not broadcast to \(2, 3\) \(at .*test_tensor"),
        ("a", "str 'a' is not a number"),
        (0.5, r"float64 numbers do not fit into a int64 tensor \(at .*test_tensor.*\.to\(dtype\)"),
        (np.ones(3), r"float64 numbers do not fit into a int64 tensor"),
    ],
)
def test_what_does_not_fit_in_place_is_refused_in_the_same_words_everywhere(
    change: str, other: Any, words: str
) -> None:
    x = te.ones(2, 3, dtype="int64" if "int64" in words else "float32")
    for value in (other, te.tensor(other)) if isinstance(other, np.ndarray) else (other,):
        with pytest.raises((ValueError, TypeError), match=words):
            getattr(x, change)(value)
    assert x.tolist() == [[1, 1, 1]] * 2


def test_training_by_hand_under_no_grad() -> None:
    w = te.tensor([4.0], requires_grad=True)
    for _ in range(50):
        w.grad = None
        (w * w).sum().backward()
        with te.no_grad():
            w.add_(w.grad, alpha=-0.1)
    assert abs(w.item()) < 1e-3 and w.is_leaf


def test_requires_grad_is_switched() -> None:
    x = te.ones(2)
    assert not x.requires_grad and x.requires_grad_().requires_grad
    y = x * 2.0
    assert not y.is_leaf and y.requires_grad and not y.detach().requires_grad
    with pytest.raises(RuntimeError, match="detach"):
        y.requires_grad = False
    x.requires_grad = False
    assert not (x * 2.0).requires_grad
    with te.no_grad():
        z = te.ones(2, requires_grad=True) * 2.0
        assert not z.requires_grad
        with te.enable_grad():
            assert (te.ones(2, requires_grad=True) * 2.0).requires_grad


def test_grad_is_checked_and_accumulates() -> None:
    x = te.tensor([1.0, 2.0], requires_grad=True)
    (x * 3.0).sum().backward()
    (x * 4.0).sum().backward()
    assert x.grad.tolist() == [7.0, 7.0]
    x.grad = None
    with pytest.raises(ValueError, match=r"shape \(2,\)"):
        x.grad = te.ones(3)
    with pytest.raises(RuntimeError, match="requires_grad_"):
        te.ones(2).grad = te.ones(2)
    assert te.ones(2).grad is None


def test_hooks_and_retained_gradients() -> None:
    x = te.tensor([1.0, 2.0], requires_grad=True)
    y = (x * 3.0).retain_grad()
    seen: list[Any] = []
    hook = y.register_hook(lambda g: seen.append(g.tolist()))
    doubled = x.register_hook(lambda g: g * 2.0)
    y.sum().backward(retain_graph=True)
    assert seen == [[1.0, 1.0]] and y.grad.tolist() == [1.0, 1.0] and x.grad.tolist() == [6.0, 6.0]
    hook.remove()
    doubled.remove()
    y.sum().backward()
    assert len(seen) == 1 and x.grad.tolist() == [9.0, 9.0] and y.grad.tolist() == [2.0, 2.0]


def test_methods_are_the_functions() -> None:
    x = te.tensor(np.linspace(0.1, 0.9, 6).reshape(2, 3), requires_grad=True)
    for name in (
        "sum",
        "mean",
        "prod",
        "max",
        "min",
        "var",
        "std",
        "exp",
        "log",
        "sqrt",
        "square",
        "abs",
        "sin",
        "cos",
        "tanh",
        "sigmoid",
        "relu",
        "softmax",
        "log_softmax",
        "flatten",
        "clone",
        "argmax",
        "argmin",
    ):
        np.testing.assert_array_equal(getattr(x, name)().numpy(), getattr(te, name)(x).numpy(), err_msg=name)
    assert (
        x.reshape(3, 2).shape
        == x.reshape((3, -1)).shape
        == x.permute(1, 0).shape
        == x.transpose(0, 1).shape
        == (3, 2)
    )
    assert x.unsqueeze(0).squeeze(0).expand(4, 2, 3).shape == (4, 2, 3)
    assert x.clip(0.2, 0.5).max().item() == 0.5 and x.sum(0, keepdims=True).shape == (1, 3)
    assert not (x > 1).any() and (x > 0).all()


def test_tensors_are_keys() -> None:
    x, y = te.ones(2), te.ones(2)
    assert {x: "x", y: "y"}[x] == "x" and len({x, y}) == 2
