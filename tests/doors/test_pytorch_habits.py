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
