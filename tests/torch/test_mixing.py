"""Tensors of both faces in one call: the result is of the face whose function or method was called."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
import tinygrad_edu.torch as torch
from tests.functional.table import TABLE
from tests.functional.test_table import KEEP_ARRAYS, lifted
from tinygrad_edu.testing import HypothesisDraw
from tinygrad_edu.torch.core.border import faced


def test_a_function_of_te_takes_the_faces_tensors_and_returns_tes() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = te.exp(x) * x
    assert type(y) is te.Tensor
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp([1, 2]) * [2, 3], rtol=1e-6)


def test_a_function_of_the_face_takes_tes_tensors_and_returns_the_faces() -> None:
    x = te.tensor([1.0, 2.0], requires_grad=True)
    y = torch.exp(x)
    assert type(y) is torch.Tensor
    y.backward(torch.ones(2))
    np.testing.assert_allclose(x.grad.numpy(), np.exp([1, 2]), rtol=1e-6)


def test_of_an_operator_the_left_operand_decides() -> None:
    ours, theirs = te.tensor([1.0]), torch.tensor([2.0])
    assert type(ours + theirs) is te.Tensor and type(theirs + ours) is torch.Tensor
    assert (ours - theirs).item() == -1 and (theirs - ours).item() == 1


def test_the_two_share_memory_and_gradient() -> None:
    x = torch.ones(3)
    with te.no_grad():
        x.inner.add_(1)
    assert x.tolist() == [2, 2, 2]


def test_layers_of_te_take_the_faces_tensors() -> None:
    layer = te.nn.Linear(2, 3)
    out = layer(torch.ones(4, 2))
    assert type(out) is te.Tensor and out.shape == (4, 3)


def _faced(x: Any) -> Any:
    """The same arguments, with the face's tensors."""
    if isinstance(x, list):
        return [_faced(v) for v in x]
    return faced(te.functional.wrap(x)) if isinstance(x, np.ndarray) else x


def _alike(found: Any, expected: Any) -> None:
    if isinstance(expected, te.Tensor):
        assert type(found) is te.Tensor and found.dtype == expected.dtype
        np.testing.assert_array_equal(found.numpy(), expected.numpy())
    elif isinstance(expected, (list, tuple)):
        for one, other in zip(found, expected, strict=True):
            _alike(one, other)
    else:
        assert found == expected


@pytest.mark.parametrize("name", sorted(TABLE))
@settings(max_examples=3)
@given(data=st.data())
def test_every_function_of_te_computes_the_same_of_the_faces_tensors(name: str, data: st.DataObject) -> None:
    call = TABLE[name].calls(HypothesisDraw(data.draw))
    kept = KEEP_ARRAYS.get(name, ())
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        options = {k: v if k in kept else lifted(v) for k, v in call.params.items()}
        try:
            expected = getattr(te, name)(*lifted(list(call.arrays)), **options)
        except ValueError:
            return
        options = {k: v if k in kept else _faced(v) for k, v in call.params.items()}
        _alike(getattr(te, name)(*_faced(list(call.arrays)), **options), expected)
