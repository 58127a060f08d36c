"""What a program for PyTorch writes out of habit: PyTorch's result, or an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te

X = np.array([[3.0, 1.0, 2.0], [4.0, 6.0, 5.0]])
ALONE = {"max": "argmax", "min": "argmin", "sort": "argsort", "median": "argsort"}


@pytest.mark.parametrize("name", sorted(ALONE))
@pytest.mark.parametrize("given", [{"dim": 1}, {"axis": 1, "keepdim": True}])
def test_two_rows_of_values_never_unpack_as_pytorchs_pair(name: str, given: dict[str, Any]) -> None:
    calls: list[Callable[..., Any]] = [lambda **k: getattr(te, name)(te.tensor(X), **k)]
    if hasattr(te.Tensor, name):
        calls.append(getattr(te.tensor(X), name))
    for call in calls:
        with pytest.raises(TypeError, match=rf"values alone.*te\.{name}\(x, axis=1\).*te\.{ALONE[name]}"):
            call(**given)
        assert call(axis=1).shape == getattr(np, name)(X, axis=1).shape


@pytest.mark.parametrize("name", ["topk", "cummax", "cummin"])
def test_what_returns_a_pair_names_its_parts(name: str) -> None:
    arguments = (2,) if name == "topk" else ()
    found = getattr(te.tensor(X), name)(*arguments, dim=1)
    values, indices = found
    assert found.values is values and found.indices is indices
    np.testing.assert_array_equal(np.take_along_axis(X, indices.numpy(), 1), values.numpy())


@pytest.mark.parametrize(
    ("read", "hint"),
    [
        (lambda x: x.sort(1).indices, r"te\.argsort"),
        (lambda x: x.max(1).values, r"te\.argmax"),
        (lambda x: x.mode(), r"te\.unique_counts"),
        (lambda x: x.kthvalue(2), r"te\.sort\(x, axis\)\[\.\.\., k - 1\]"),
        (lambda x: te.vander(x), r"te\.stack"),
        (lambda x: te.set_grad_enabled(False), r"te\.no_grad\(\), te\.enable_grad\(\)"),
    ],
)
def test_pytorchs_word_is_explained(read: Callable[[Any], Any], hint: str) -> None:
    with pytest.raises(AttributeError, match=hint) as problem:
        read(te.tensor(X))
    assert "did you mean" not in str(problem.value)


@pytest.mark.parametrize(
    ("call", "error", "hint"),
    [
        (lambda x: te.max(x, x), TypeError, r"te\.maximum\(x, y\)"),
        (lambda x: x.min(x), TypeError, r"te\.minimum\(x, y\)"),
        (lambda x: te.where(x > 0), TypeError, r"needs x and y.*te\.nonzero"),
        (lambda x: te.where(x > 0, x), TypeError, r"needs y"),
        (lambda x: te.layer_norm(x, (3,)), IndexError, r"normalized_shape=\(3,\) is axis=-1 here"),
        (lambda x: te.rms_norm(x, (2, 3)), IndexError, r"normalized_shape=\(2, 3\) is axis=\(-2, -1\) here"),
        (lambda x: te.pad(x, (1, 2)), ValueError, r"is \[\(0, 0\), \(1, 2\)\] here"),
        (lambda x: te.pad(x, (1, 2, 0, 3)), ValueError, r"is \[\(0, 3\), \(1, 2\)\] here"),
        (lambda x: te.checkpoint(te.exp, x, use_reentrant=False), TypeError, r"leave it out"),
        (lambda x: te.multinomial(x, num_samples=1), TypeError, r"count="),
        (lambda x: x.norm(p=1), TypeError, r"ord="),
        (lambda x: x.var(unbiased=False), TypeError, r"unbiased=False correction=0"),
    ],
)
def test_pytorchs_way_to_call_is_explained(call: Callable[[Any], Any], error: Any, hint: str) -> None:
    with pytest.raises(error, match=hint):
        call(te.tensor(X))


def test_aux_is_passed_on_beside_the_gradient() -> None:
    x = te.tensor([1.0, 2.0])

    def f(x: te.Tensor, k: float = 1.0) -> tuple[te.Tensor, dict[str, Any]]:
        return (x * x).sum() * k, {"twice": x * 2, "text": "t", "none": None}

    (value, aux), gradient = te.value_and_grad(f, has_aux=True)(x, k=3.0)
    assert value.item() == 15.0 and gradient.tolist() == [6.0, 12.0]
    assert aux["twice"].tolist() == [2.0, 4.0] and not aux["twice"].requires_grad
    assert aux["text"] == "t" and aux["none"] is None
    found, same = te.grad(f, has_aux=True)(x)
    assert found.tolist() == [2.0, 4.0] and same["twice"].tolist() == [2.0, 4.0]
    w = te.tensor([3.0, 4.0], requires_grad=True)
    (_, linked), _ = te.value_and_grad(lambda x: ((x * w).sum(), x * w), has_aux=True)(x)
    linked.sum().backward()
    assert w.grad is not None and w.grad.tolist() == [1.0, 2.0]
    with pytest.raises(TypeError, match=r"must return \(number, aux\)"):
        te.grad(lambda x: x.sum(), has_aux=True)(x)
