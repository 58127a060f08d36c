"""Every public function against NumPy in float64, over drawn shapes, axes, layouts and parameters."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tests import oracles
from tests.functional.table import TABLE, TESTED_ELSEWHERE
from tinygrad_edu.testing import HypothesisDraw

ROOT = Path(__file__).resolve().parents[2]
COMPARISONS = {"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"}
KEEP_ARRAYS = {"getitem": ("key",)}  # parameters that stay NumPy arrays


def lifted(x: Any) -> Any:
    """Arrays become tensors over the same memory, with the same strides; all else stays."""
    if isinstance(x, list):
        return [lifted(v) for v in x]
    return te.functional.wrap(x) if isinstance(x, np.ndarray) else x


def agree(found: Any, expected: Any) -> None:
    if isinstance(expected, (list, tuple)):
        assert len(found) == len(expected)
        for f, e in zip(found, expected, strict=True):
            agree(f, e)
    elif isinstance(expected, bool):
        assert found is expected
    else:
        expected = np.ma.asarray(expected)
        assert isinstance(found, te.Tensor)
        assert found.dtype == expected.dtype
        oracles.agree(found.numpy(), expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", sorted(TABLE))
@given(data=st.data())
def test_every_function_agrees_with_numpy(name: str, data: st.DataObject) -> None:
    case = TABLE[name]
    call = case.calls(HypothesisDraw(data.draw))
    before = [np.array(x) for x in call.arrays if isinstance(x, np.ndarray)]
    tensors = lifted(list(call.arrays))
    params = {k: v if k in KEEP_ARRAYS.get(name, ()) else lifted(v) for k, v in call.params.items()}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            expected = case.oracle(*call.arrays, **call.params)
        except ValueError:
            with pytest.raises(ValueError):
                getattr(te, name)(*tensors, **params)
            return
        found = getattr(te, name)(*tensors, **params)
    agree(found, expected)
    for x, was in zip([x for x in call.arrays if isinstance(x, np.ndarray)], before, strict=True):
        np.testing.assert_array_equal(x, was, err_msg="an input was changed")


@pytest.mark.parametrize("name", sorted(set(TABLE) - {"einsum", "seed_for"}))
@given(data=st.data())
def test_functions_take_bare_arrays(name: str, data: st.DataObject) -> None:
    case = TABLE[name]
    call = case.calls(HypothesisDraw(data.draw))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            expected = case.oracle(*call.arrays, **call.params)
        except ValueError:
            return
        agree(getattr(te, name)(*call.arrays, **call.params), expected)


def test_the_table_is_complete() -> None:
    public = set(te.functional.__all__)
    assert public - set(TABLE) - set(TESTED_ELSEWHERE) == set(), "give the new function an entry in the table"
    assert set(TABLE) - public == set(), "the table names what is not there"
    assert public <= set(dir(te))


@pytest.mark.parametrize("name", sorted(TESTED_ELSEWHERE))
def test_what_is_tested_elsewhere_is_tested_there(name: str) -> None:
    assert name in (ROOT / TESTED_ELSEWHERE[name]).read_text()


@pytest.mark.parametrize("name", sorted(TABLE))
def test_every_function_says_what_it_does(name: str) -> None:
    assert len((getattr(te, name).__doc__ or "").strip()) > 10
