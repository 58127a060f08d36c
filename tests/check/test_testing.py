"""What the strategies promise: every awkward array is drawn, and everything drawn is allowed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import find, given
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu.domain import SeededDraw
from tinygrad_edu.engine.op import REGISTRY
from tinygrad_edu.testing import HypothesisDraw, arrays, broadcastable, calls, shapes, tensors

INTERVAL = te.Interval(-2, 3, avoid=(0, 3), gap=0.25)


@given(x=te.testing.tensors(shape=(3, 4)))
def test_a_user_writes_three_lines(x):
    te.check.gradcheck(lambda v: (te.tanh(v) ** 2).mean(), [x])


@given(x=arrays(interval=INTERVAL))
def test_floats_stay_in_their_interval(x):
    assert all(v in INTERVAL for v in x.ravel().tolist())


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "bool"])
def test_every_dtype_is_drawn(dtype):
    @given(x=tensors(dtype=dtype))
    def body(x):
        assert x.dtype == dtype
        assert not x.requires_grad

    body()


@given(x=tensors(requires_grad=True, shape=(2, 0)))
def test_leaves_are_drawn(x):
    assert x.requires_grad
    assert x.shape == (2, 0)


@pytest.mark.parametrize("wanted", [
    lambda x: x.ndim == 0, lambda x: x.size == 0, lambda x: 1 in x.shape and x.size > 1,
    lambda x: x.size > 1 and not x.flags.c_contiguous, lambda x: any(s < 0 for s in x.strides),
    lambda x: x.ndim > 1 and x.flags.f_contiguous and not x.flags.c_contiguous], ids=[
    "0-d", "empty", "size 1", "strided", "backwards", "transposed"])  # fmt: skip
def test_awkward_arrays_are_found(wanted):
    assert wanted(find(arrays(), wanted))


@given(sizes=broadcastable(3))
def test_shapes_broadcast(sizes):
    assert len(sizes) == 3
    assert len(np.broadcast_shapes(*sizes)) == max(map(len, sizes))


@given(size=shapes(min_dims=1, max_dims=2, min_side=2, max_side=5))
def test_shapes_keep_their_bounds(size):
    assert 1 <= len(size) <= 2
    assert all(2 <= n <= 5 for n in size)


@given(data=st.data())
def test_distinct_numbers_are_distinct(data):
    x = HypothesisDraw(data.draw).array((2, 3), te.Interval(0, 1), distinct=True)
    assert len(set(x.ravel().tolist())) == 6
    assert 0 <= x.min() <= x.max() <= 1


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_both_sources_draw_calls_that_run(name):
    op = REGISTRY[name]

    def run(call):
        return np.asarray(op.numpy(*call.arrays, **{**op.defaults, **call.params}))

    @given(call=calls(op))
    def drawn(call):
        assert isinstance(run(call), np.ndarray)

    drawn()
    for seed in range(5):
        first, again = (run(op.calls(SeededDraw(seed))) for _ in range(2))
        np.testing.assert_array_equal(first, again)


def test_without_hypothesis_the_error_says_how_to_install_it():
    code = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "try:\n    import tinygrad_edu.testing\nexcept ImportError as e:\n    print(e)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        check=True,
        text=True,
        capture_output=True,
    )
    assert "pip install hypothesis" in done.stdout
