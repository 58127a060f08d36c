"""Methods take PyTorch's names of their arguments, and explain the others; no error is Python's own."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te
from tinygrad_edu import nn, optim

X = te.tensor(np.arange(12.0).reshape(3, 4))
Y = X + 1.0
ROWS = te.tensor([[0], [1], [3]])
MODEL = nn.Linear(3, 2)
TOO_OFTEN = {"detach", "numpy", "tolist", "cast", "astype", "sum_to", "kind", "plus"}

SAME: dict[str, tuple[Any, Any]] = {
    "gather": (lambda: X.gather(dim=1, index=ROWS), lambda: X.gather(1, ROWS)),
    "gather, mixed": (lambda: X.gather(1, index=ROWS), lambda: X.gather(axis=1, indices=ROWS)),
    "index_select": (lambda: X.index_select(dim=0, index=te.tensor([2, 0])), lambda: X[[2, 0]]),
    "scatter_add": (lambda: X.scatter_add(dim=0, index=te.tensor([[0] * 4]), src=X[1:2]),
                    lambda: X.scatter_add(0, te.tensor([[0] * 4]), X[1:2])),
    "narrow": (lambda: X.narrow(dim=1, start=1, length=2), lambda: X[:, 1:3]),
    "flip": (lambda: X.flip(dims=[0]), lambda: X.flip(0)),
    "flip two": (lambda: X.flip(dims=(0, 1)), lambda: X.flip(0, 1)),
    "permute": (lambda: X.permute(dims=(1, 0)), lambda: X.T),
    "transpose": (lambda: X.transpose(dim0=0, dim1=1), lambda: X.T),
    "transpose, turned": (lambda: X.transpose(dim1=0, dim0=1), lambda: X.T),
    "transpose, mixed": (lambda: X.transpose(0, dim1=1), lambda: X.T),
    "swapaxes": (lambda: X.swapaxes(axis0=0, axis1=1), lambda: X.T),
    "swapdims": (lambda: X.swapdims(dim0=0, dim1=1), lambda: X.T),
    "tile": (lambda: X.tile(dims=(2, 1)), lambda: X.tile(2, 1)),
    "clip": (lambda: X.clip(min=1, max=5), lambda: X.clip(1, 5)),
    "clip from below": (lambda: X.clip(min=1), lambda: X.clip(1)),
    "reshape": (lambda: X.reshape(shape=(4, 3)), lambda: X.reshape(4, 3)),
    "view": (lambda: X.view(size=(4, 3)), lambda: X.reshape(4, 3)),
    "expand": (lambda: X[:1].expand(size=(3, 4)), lambda: X[:1].expand(3, 4)),
    "new_zeros": (lambda: X.new_zeros(size=(2, 3)), lambda: te.zeros(2, 3, dtype="float64")),
    "new_ones": (lambda: X.new_ones(size=(2,), dtype="int64"), lambda: te.ones(2, dtype="int64")),
    "new_empty": (lambda: X.new_empty(size=(0,)), lambda: te.zeros(0, dtype="float64")),
    "new_full": (lambda: X.new_full(size=(2,), fill_value=3.0), lambda: te.full((2,), 3.0, dtype="float64")),
    "pow": (lambda: X.pow(exponent=2), lambda: X**2),
    "add": (lambda: X.add(other=Y), lambda: X + Y),
    "sub": (lambda: X.sub(other=Y), lambda: X - Y),
    "div": (lambda: X.div(other=Y), lambda: X / Y),
    "eq": (lambda: X.eq(other=3.0), lambda: X == 3.0),
    "ge": (lambda: X.ge(other=3.0), lambda: X >= 3.0),
    "maximum": (lambda: X.maximum(other=Y), lambda: Y),
    "lerp": (lambda: X.lerp(end=Y, weight=0.5), lambda: X + 0.5),
    "lerp, mixed": (lambda: X.lerp(Y, weight=0.5), lambda: X + 0.5),
    "matmul": (lambda: X.matmul(other=Y.T), lambda: X @ Y.T),
    "mm": (lambda: X.mm(mat2=Y.T), lambda: X @ Y.T),
    "mv": (lambda: X.mv(vec=Y[0]), lambda: X @ Y[0]),
    "te.pow": (lambda: te.pow(X, exponent=2), lambda: X**2),
    "te.matmul": (lambda: te.matmul(X, other=Y.T), lambda: X @ Y.T),
    "te.full": (lambda: te.full(size=(2,), fill_value=3.0), lambda: te.full((2,), 3.0)),
    "te.zeros": (lambda: te.zeros(size=(2, 1)), lambda: te.zeros(2, 1)),
    "te.arange": (lambda: te.arange(start=1, end=3), lambda: te.arange(1, 3)),
    "te.clip": (lambda: te.clip(X, min=3), lambda: X.clip(3)),
    "te.linalg.solve": (lambda: te.linalg.solve(A=2 * te.eye(2), B=te.ones(2, 1)), lambda: te.ones(2, 1) / 2),
    "te.linalg.inv": (lambda: te.linalg.inv(A=2 * te.eye(2)), lambda: te.eye(2) / 2),
    "isclose": (lambda: X.isclose(other=Y, rtol=0.3), lambda: te.isclose(X, Y, rtol=0.3)),
    "roll": (lambda: X.roll(shifts=1, dims=0), lambda: te.roll(X, 1, 0)),
    "repeat_interleave": (lambda: X.repeat_interleave(repeats=2, dim=0), lambda: te.repeat(X, 2, 0)),
    "tril": (lambda: X.tril(diagonal=1), lambda: te.tril(X, 1)),
    "copy_": (lambda: te.zeros(3, 4).copy_(src=X), lambda: X.float()),
    "numpy": (lambda: te.tensor((X * 1.0).numpy(force=True)), lambda: X),
}  # fmt: skip


@pytest.mark.parametrize("title", SAME)
def test_a_method_takes_pytorchs_names(title: str) -> None:
    call, expected = (make() for make in SAME[title])
    assert call.dtype == expected.dtype
    np.testing.assert_array_equal(call.numpy(), expected.numpy())


def test_further_methods_take_pytorchs_names() -> None:
    nothing = te.tensor([float("nan"), 1.0])
    assert nothing.allclose(other=nothing, equal_nan=True) and not nothing.allclose(nothing)
    first, second = X.chunk(chunks=2, dim=0)
    assert first.shape == (2, 4) and second.shape == (1, 4)
    assert [part.shape for part in X.split(split_size=2, dim=0)] == [(2, 4), (1, 4)]
    leaf = te.tensor([1.0], requires_grad=True)
    assert not leaf.requires_grad_(requires_grad=False).requires_grad
    model = nn.Linear(3, 2)
    model.requires_grad_(requires_grad=False)
    assert not any(p.requires_grad for p in model.parameters())
    model.load_state_dict(state_dict=MODEL.state_dict())
    assert model.weight.tolist() == MODEL.weight.tolist()
    rule = optim.SGD([nn.Parameter(te.ones(1))], lr=0.1)
    rule.add_param_group(param_group={"params": [nn.Parameter(te.ones(2))]})
    assert len(rule.param_groups) == 2
    rule.load_state_dict(state_dict=rule.state_dict())
    schedule = optim.lr_scheduler.StepLR(rule, 3)
    schedule.load_state_dict(state_dict=schedule.state_dict())


@pytest.mark.parametrize(("call", "answer"), [
    (lambda: X.gather(1, dim=1, index=ROWS), "axis= is given by position, too"),
    (lambda: te.sum(X, 1, dim=1), "axis= is given by position, too"),
    (lambda: te.linear(X, Y, weight=Y), "weight= is given by position, too"),
    (lambda: X.gather(axis=1, dim=1, index=ROWS), "dim= and axis= mean the same"),
    (lambda: X.reshape(4, 3, shape=(4, 3)), "shape= is given by position, too"),
    (lambda: X.transpose(dim1=1), "transpose needs dim0, too"),
    (lambda: X.transpose(0, dim0=1, dim1=0), "dim0= is given by position, too"),
    (lambda: X.gather(dim=1), "gather needs indices"),
    (lambda: X.narrow(1, 1), "narrow needs length"),
    (lambda: X.swapaxes(0), "swapaxes needs second"),
    (lambda: X.gather(dim=1, index=ROWS, sparse_grad=True), "gather has no argument sparse_grad="),
    (lambda: X.t(1), "t takes 0 arguments by position"),
    (lambda: X.clone(memory_format=None), "clone has no argument memory_format="),
    (lambda: te.zeros(2).add_(1, 3), "name the others: alpha="),
    (lambda: X.size(dim=0), "PyTorch's x.size(0) is x.shape[0]"),
    (lambda: X.var(1, True), "name the others: correction=, keepdims="),
    (lambda: te.cross_entropy(X, ROWS[:, 0], te.ones(4)), "name the others: reduction=, weight="),
    (lambda: te.conv2d(te.zeros(1, 1, 3, 3), te.zeros(1, 1, 2, 2), te.zeros(1), 1, 0), "stride=, padding="),
    (lambda: te.avg_pool2d(te.zeros(1, 1, 4, 4), 2, 2), "name the others: stride="),
    (lambda: te.linalg.qr(X, "complete"), "name the others: mode="),
    (lambda: te.linalg.svd(X, False), "name the others: full_matrices="),
    (lambda: te.linalg.solve(B=te.ones(2, 1)), "solve needs A, too"),
    (lambda: te.linalg.inv(te.eye(2), A=te.eye(2)), "A= is given by position, too"),
    (lambda: X.add(Y, alpha=2), "write x + alpha * y"),
    (lambda: X.sum(dtype="float32"), "convert what goes in, x.cast(dtype)"),
    (lambda: X.topk(2, largest=False), "the smallest are those of -x"),
    (lambda: MODEL.load_state_dict({}, assign=True), "assign=: leave it out: numbers are copied"),
    (lambda: MODEL.state_dict(prefix="a."), "write {prefix + name: x for"),
    (lambda: optim.clip_grad_norm_(MODEL.parameters(), 1.0, foreach=True), "updates are fused here"),
    (lambda: optim.clip_grad_norm_(MODEL.parameters(), 1.0, 2.0, True), "others: error_if_nonfinite="),
    (lambda: optim.clip_grad_value_(MODEL.parameters(), 1.0, foreach=True), "updates are fused here"),
])  # fmt: skip
def test_a_call_that_does_not_fit_is_explained(call: Any, answer: str) -> None:
    with pytest.raises(TypeError, match=re.escape(answer)) as said:
        call()
    assert "test_keywords.py:" in str(said.value)


METHODS = [name for name in dir(te.Tensor) if not name.startswith("_") and name not in TOO_OFTEN
           and callable(getattr(te.Tensor, name))]  # fmt: skip


@pytest.mark.parametrize("name", METHODS)
def test_every_method_of_a_tensor_explains_its_arguments(name: str) -> None:
    with pytest.raises(TypeError, match=r"has no argument no_such_argument=.*test_keywords.py:"):
        getattr(X, name)(no_such_argument=1)


@pytest.mark.parametrize("name", ["state_dict", "load_state_dict", "train", "eval", "zero_grad", "summary",
                                  "requires_grad_", "to", "apply", "register_forward_hook"])  # fmt: skip
def test_methods_of_a_module_explain_their_arguments(name: str) -> None:
    with pytest.raises(TypeError, match=r"has no argument no_such_argument=.*test_keywords.py:"):
        getattr(MODEL, name)(no_such_argument=1)


def test_an_error_within_a_method_is_left_as_it_is() -> None:
    class Stubborn(nn.Module):
        def forward(self, x: Any) -> Any:
            return (lambda one: one)(x, x)

    with pytest.raises(TypeError, match=r"<lambda>\(\) takes 1 positional argument but 2 were given"):
        MODEL.apply(lambda module: (lambda one: one)(module, module))
    with pytest.raises(TypeError, match=r"<lambda>\(\) takes 1 positional"):
        Stubborn()(X)
