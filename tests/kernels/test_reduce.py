"""Reductions: every rung and rule, any axes and layout; corners, long rows, planted bugs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.harness import RUNGS, bugs_of, checked, layouts, placed, planted, report
from tinygrad_edu.backend.cuda.families import reduce as reducing
from tinygrad_edu.backend.cuda.families import using
from tinygrad_edu.engine.op import REGISTRY
from tinygrad_edu.ops.reduce import Reduce

NAMES = sorted(name for name, op in REGISTRY.items() if isinstance(op, Reduce))
ONE_AXIS = ("argmax", "argmin")
RTOL = {"float32": 2e-5, "float64": 1e-12}


def test_every_reduction_has_its_line():
    assert sorted(reducing._NAMES) == NAMES


def run(device, name, x, axes):
    return device.numpy(REGISTRY[name].kernel(device)(x, axes=axes))


@pytest.mark.parametrize("rung", RUNGS("reduce"))
@pytest.mark.parametrize("name", NAMES)
@given(
    data=st.data(),
    layout=layouts(),
    dtype=st.sampled_from(("float32", "float64", "int64", "int32", "uint8", "bool")),
)
@settings(max_examples=5)
@checked
def test_every_rung_and_rule_is_numpys(device, rung, name, data, layout, dtype):
    shape = tuple(
        data.draw(
            st.lists(st.sampled_from((1, 2, 3, 7, 33, 70)), min_size=1, max_size=3).filter(
                lambda s: np.prod(s) < 6000
            )
        )
    )
    axes = tuple(a for a in range(len(shape)) if data.draw(st.booleans()))
    if name in ONE_AXIS:
        axes = axes[:1] or (0,)
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x = (rng.uniform(0.5, 1.5, shape) if name == "prod" else rng.normal(size=shape) * 3).astype(dtype)
    wanted = np.asarray(REGISTRY[name].numpy(x, axes=axes))
    wide = np.asarray(REGISTRY[name].numpy(x.astype(np.float64) if x.dtype.kind == "f" else x, axes=axes))
    with using("reduce", rung):
        found = run(device, name, placed(device, x, layout), axes)
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
    if found.dtype.kind == "f":
        np.testing.assert_allclose(found, wide, rtol=RTOL[found.dtype.name], atol=RTOL[found.dtype.name] * 30)
    else:
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("rung", RUNGS("reduce"))
@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("any", "all")])
def test_nan_and_infinity(device, rung, name):
    nan, inf = np.nan, np.inf
    x = np.array(
        [
            [1, nan, 3, 5],
            [nan, 1, nan, 2],
            [1, inf, 2, inf],
            [-inf, -inf, -inf, -inf],
            [-inf, 1, 2, 3],
            [inf, -inf, 0, 1],
            [0, 0, 0, 0],
            [-2, -1, -2, -1],
            [3, 3, 1, 1],
        ],
        np.float64,
    )
    with np.errstate(all="ignore"):
        wanted = REGISTRY[name].numpy(x, axes=(1,))
    for layout in ("contiguous", "transposed"):
        with using("reduce", rung):
            np.testing.assert_allclose(run(device, name, placed(device, x, layout), (1,)), wanted, rtol=1e-12)


@pytest.mark.parametrize("shape", [(1, 100_003), (3, 5000), (5000, 3), (100_003, 2), (40, 33, 50)])
@pytest.mark.parametrize("axes", [(0,), (1,)])
@pytest.mark.parametrize("rung", RUNGS("reduce")[3:])
def test_long_rows_and_columns_are_split_and_joined(device, rung, shape, axes):
    x = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    for name in ("sum", "argmax", "logsumexp"):
        wanted = REGISTRY[name].numpy(x.astype(np.float64), axes=axes)
        with using("reduce", rung):
            found = run(device, name, device.asarray(x), axes)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-3)


def test_ten_million_float32_add_up(device):
    x = np.random.default_rng(2).random(10_000_000, np.float32)
    found = run(device, "sum", device.asarray(x), (0,))
    np.testing.assert_allclose(found, x.sum(dtype=np.float64, keepdims=True), rtol=1e-6)


@pytest.mark.parametrize("rung", RUNGS("reduce"))
def test_the_same_bits_in_any_order_of_threads_and_blocks(device, rung):
    x = device.asarray(np.random.default_rng(3).normal(size=(3, 9000)).astype(np.float32))
    found = set()

    @checked
    def once():
        with using("reduce", rung):
            found.update(run(device, "sum", x, axes).tobytes() for axes in ((1,),))

    once()
    assert len(found) == 1


def test_nothing_to_reduce(device):
    empty = device.asarray(np.zeros((3, 0), np.float32))
    for name in ("sum", "prod", "any", "all", "logsumexp", "norm2"):
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(
                run(device, name, empty, (1,)), REGISTRY[name].numpy(np.zeros((3, 0), np.float32), axes=(1,))
            )
    assert run(device, "sum", empty, (0,)).shape == (1, 0)
    for name in ("max", "argmin"):
        with pytest.raises(ValueError, match="no elements along the reduced axes"):
            run(device, name, empty, (1,))


def test_overlapping_windows_are_reduced_where_they_lie(device):
    x = np.arange(12, dtype=np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(x, 4)
    here = device.view(device.asarray(x), windows.shape, windows.strides, 0)
    np.testing.assert_array_equal(run(device, "max", here, (1,)), windows.max(1, keepdims=True))


@bugs_of("reduce")
def test_a_bug_in_a_copy_of_a_rung_is_reported(device, rung, old, new, says):
    def body():
        x = device.asarray(np.ones((1300, 70) if rung != "05_vector_loads" else (3, 1031), np.float32))
        with planted("reduce", rung, old, new):
            axes = (0,) if rung == "04_two_pass" else (1,)
            run(device, "sum", x, axes)

    assert says in report(body)
