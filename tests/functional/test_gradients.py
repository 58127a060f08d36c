"""Gradients, and gradients of gradients, of every composition, against central differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te
from tests.functional.differences import prove
from tests.functional.proofs import PROOFS
from tests.functional.table import TABLE

random = np.random.default_rng(7)
LABELS = te.tensor([0, 2, 1])
SIGNS = np.array([[1.0, -1.0, 1.0, 1.0], [-1.0, 1.0, -1.0, 1.0], [1.0, 1.0, 1.0, -1.0]])


def numbers(*shape: int) -> Any:
    """Numbers between 0.2 and 2 of either sign, no two alike: away from every kink and tie."""
    size = int(np.prod(shape))
    spread = np.linspace(0.2, 2.0, size) * np.where(np.arange(size) % 2, 1.0, -1.0)
    return random.permutation(spread).reshape(shape)


def positive(*shape: int) -> Any:
    return np.abs(numbers(*shape))


def unit(*shape: int) -> Any:
    return np.abs(numbers(*shape)) / 2.5 + 0.1


X = numbers(3, 4)
Composition = tuple[Callable[..., Any], list[Any]]
COMPOSITIONS: dict[str, Composition] = {
    "gelu": (te.gelu, [X]),
    "pow": (te.pow, [positive(3, 4), numbers(4)]),
    "clip": (lambda x, y: te.clip(x, y, 1.0), [X, numbers(4) - 3.0]),
    "mean": (lambda x: te.mean(x, 1), [X]),
    "var": (lambda x: te.var(x, (0, 1)), [X]),
    "std": (lambda x: te.std(x, 0, correction=1), [X]),
    "logsumexp": (lambda x: te.logsumexp(x, -1), [X]),
    "sum": (lambda x: te.sum(x, 0, keepdims=True), [X]),
    "prod": (lambda x: te.prod(x, 1), [X]),
    "max": (lambda x: te.max(x, 1), [X]),
    "min": (lambda x: te.min(x), [X]),
    "norm 1": (lambda x: te.norm(x, 1, 0), [X]),
    "norm 2": (lambda x: te.norm(x, 2, 1), [X]),
    "norm 3": (lambda x: te.norm(x, 3, 1), [X]),
    "norm inf": (lambda x: te.norm(x, np.inf, 1), [X]),
    "norm 0.5": (lambda x: te.norm(x, 0.5), [X]),
    "norm -inf": (lambda x: te.norm(x, -np.inf, 1), [X]),
    "cumsum": (lambda x: te.cumsum(x, 1), [X]),
    "cumprod": (lambda x: te.cumprod(x, 1), [X]),
    "softmax": (lambda x: te.softmax(x, 0), [X]),
    "log_softmax": (te.log_softmax, [X]),
    "layer_norm": (lambda x, w, b: te.layer_norm(x, -1, w, b), [X, numbers(4), numbers(4)]),
    "sort": (lambda x: te.sort(x, 0, descending=True), [X]),
    "topk": (lambda x: te.topk(x, 2), [X]),
    "broadcast_to": (lambda x: te.broadcast_to(x, (2, 3, 4)), [X]),
    "expand": (lambda x: te.expand(x, (3, -1)), [numbers(1, 4)]),
    "clone": (te.clone, [X]),
    "concat": (lambda x, y: te.concat([x, y, x], 1), [X, numbers(3, 2)]),
    "stack": (lambda x, y: te.stack([x, y], -1), [X, numbers(3, 4)]),
    "split": (lambda x: te.split(x, 3, 1), [X]),
    "expand_dims": (lambda x: te.expand_dims(x, 1), [X]),
    "flatten": (te.flatten, [X]),
    "flip": (te.flip, [X]),
    "matrix_transpose": (te.matrix_transpose, [X]),
    "transpose": (te.transpose, [X]),
    "pad": (lambda x: te.pad(x, 1), [X]),
    "permute_dims": (lambda x: te.permute_dims(x, (1, 0)), [X]),
    "repeat": (lambda x: te.repeat(x, 2, 1), [X]),
    "reshape": (lambda x: te.reshape(x, (2, -1)), [X]),
    "roll": (lambda x: te.roll(x, (1, -1), (0, 1)), [X]),
    "squeeze": (te.squeeze, [numbers(1, 3, 1)]),
    "tile": (lambda x: te.tile(x, (2, 1, 2)), [X]),
    "sliding_windows": (lambda x: te.sliding_windows(x, (2, 2), stride=(1, 2)), [X]),
    "getitem": (lambda x: x[[0, 0, 2], 1:], [X]),
    "take": (lambda x: te.take(x, te.tensor([1, 1]), 1), [X]),
    "index_select": (lambda x: te.index_select(x, te.tensor([-1, 0])), [X]),
    "embedding": (lambda w: te.embedding(LABELS, w), [X]),
    "gather": (lambda x: te.gather(x, te.tensor([[0, 0]] * 3), 1), [X]),
    "take_along_axis": (lambda x: te.take_along_axis(x, te.tensor([[2, -1, 0, 0]]), 0), [X]),
    "scatter_add": (lambda x, s: te.scatter_add(x, te.tensor([[0, 0, 1]] * 3), s, 1), [X, numbers(3, 3)]),
    "matmul": (te.matmul, [X, numbers(4, 2)]),
    "matmul vector": (te.matmul, [X, numbers(4)]),
    "matmul batch": (te.matmul, [numbers(2, 1, 2, 3), numbers(2, 3, 2)]),
    "vector matmul": (te.matmul, [numbers(3), X]),
    "dot": (te.dot, [numbers(4), numbers(4)]),
    "outer": (te.outer, [numbers(3), numbers(2)]),
    "trace": (te.trace, [numbers(3, 3)]),
    "linear": (te.linear, [X, numbers(2, 4), numbers(2)]),
    "linear bare": (te.linear, [X, numbers(2, 4)]),
    "einsum": (lambda x, y: te.einsum("ij,kj->ik", x, y), [X, numbers(2, 4)]),
    "einsum chain": (lambda *xs: te.einsum("ij,jk,kl->l", *xs), [X, numbers(4, 2), numbers(2, 2)]),
    "mse": (te.mse, [X, numbers(3, 4)]),
    "l1": (lambda x: te.l1(x, te.zeros(3, 4)), [X]),
    "huber": (lambda x: te.huber(x, te.zeros(3, 4), delta=1.03), [X]),
    "hinge": (lambda x: te.hinge(x, SIGNS, margin=1.03), [X]),
    "logistic": (lambda x: te.logistic(x, SIGNS), [X]),
    "binary_cross_entropy": (lambda p: te.binary_cross_entropy(p, SIGNS > 0), [unit(3, 4)]),
    "binary_cross_entropy_with_logits": (lambda z: te.binary_cross_entropy_with_logits(z, SIGNS > 0), [X]),
    "cross_entropy": (lambda z: te.cross_entropy(z, LABELS), [X]),
    "cross_entropy none": (lambda z: te.cross_entropy(z, LABELS, reduction="none"), [X]),
    "nll": (lambda z: te.nll(te.log_softmax(z), LABELS), [X]),
}
COMPOSITIONS |= PROOFS
PRIMITIVES = {name for name in TABLE if hasattr(getattr(te, name), "op")}  # proven op by op in tests/ops
OF_OTHER_ARGUMENTS = {"allclose", "isclose", "searchsorted", "one_hot", "nonzero", "histogram"}
NOT_DIFFERENTIABLE = {
    "nonzero",
    "histogram",
    "any",
    "all",
    "argmax",
    "argmin",
    "argsort",
    "allclose",
    "isclose",
    "count_nonzero",
    "searchsorted",
    "one_hot",
}


@pytest.mark.parametrize("name", sorted(COMPOSITIONS))
def test_gradient(name: str) -> None:
    f, arrays = COMPOSITIONS[name]
    prove(f, arrays)


def test_every_composition_is_proven() -> None:
    proven = {name.split(" ")[0] for name in COMPOSITIONS}
    assert set(TABLE) - PRIMITIVES - NOT_DIFFERENTIABLE - proven - {"vector"} == set()


@pytest.mark.parametrize("name", sorted(NOT_DIFFERENTIABLE - OF_OTHER_ARGUMENTS))
def test_what_has_no_derivative_records_nothing(name: str) -> None:
    assert not getattr(te, name)(te.ones(3, requires_grad=True)).requires_grad


@pytest.mark.cpu
def test_the_oracle_notices_a_wrong_gradient() -> None:
    wrong = te.Op("wrong_square", lambda x: x * x, (lambda g, x: g * x * 2.002,), register=False)
    with pytest.raises(AssertionError):
        prove(wrong, [X], second=False)
    forgets = te.Op(
        "forgets", lambda x: x * x * x, (lambda g, x: g * 3.0 * te.as_tensor(x).numpy() ** 2,), register=False
    )
    with pytest.raises(AssertionError):
        prove(forgets, [X])
