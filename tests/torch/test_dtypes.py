"""The face's dtypes: those that tensors have, and those that have a name only."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import tinygrad_edu as te
import tinygrad_edu.torch as torch
from tinygrad_edu.torch.core import dtypes


@pytest.mark.parametrize("kind", dtypes.NOT_HELD, ids=str)
def test_a_dtype_that_tensors_cannot_have_says_what_to_use(kind) -> None:
    for make in (
        lambda: torch.zeros(2, dtype=kind),
        lambda: torch.ones(2).to(kind),
        lambda: torch.tensor([1], dtype=kind),
    ):
        with pytest.raises(TypeError, match=f"tensors of {kind} are not here.*use"):
            make()


def test_methods_for_such_dtypes_say_so() -> None:
    for name in ("half", "bfloat16", "short", "char"):
        with pytest.raises(TypeError, match="not here"):
            getattr(torch.ones(2), name)()
    with pytest.raises(TypeError, match="not here"):
        torch.HalfTensor([1.0])
    with pytest.raises(TypeError, match="not here"):
        torch.nn.Linear(2, 2).half()


@pytest.mark.parametrize("kind", dtypes.HELD, ids=str)
def test_numpy_and_te_take_the_faces_dtypes(kind) -> None:
    assert np.zeros(2, kind).dtype == kind.dtype == te.zeros(2, dtype=kind).dtype
    assert pickle.loads(pickle.dumps(kind)) is kind and copy.deepcopy(kind) is kind
    assert torch.zeros(1, dtype=kind).dtype is kind


def test_the_default_dtype_of_floats_can_be_set() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        assert torch.tensor(1.0).dtype is torch.get_default_dtype() is torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    with pytest.raises(TypeError, match="float32 or float64"):
        torch.set_default_dtype(torch.int64)
