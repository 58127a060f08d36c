"""Softmax, its logarithm and the gradients of both: every rung, axis and layout, under the checker."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.harness import RUNGS, bugs_of, checked, layouts, placed, planted, report
from tinygrad_edu.backend.cuda.families import using
from tinygrad_edu.engine.op import REGISTRY

NAMES = ("softmax", "log_softmax", "softmax_grad", "log_softmax_grad")
RTOL = {"float32": 2e-5, "float64": 1e-12}


def inputs(name, shape, dtype, seed, axis):
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=shape) * 3).astype(dtype)
    if name == "softmax" or name == "log_softmax":
        return (x,)
    function = REGISTRY[name.removesuffix("_grad")].numpy
    return rng.normal(size=shape).astype(dtype), function(x, axis=axis).astype(dtype)


def agree(found, op, arrays, axis):
    wide = op.numpy(*(a.astype(np.float64) for a in arrays), axis=axis)
    assert (found.shape, found.dtype) == (wide.shape, arrays[0].dtype)
    tolerance = RTOL[found.dtype.name]
    np.testing.assert_allclose(found, wide, rtol=tolerance * 5, atol=tolerance * 5)


@pytest.mark.parametrize("rung", RUNGS("softmax"))
@pytest.mark.parametrize("name", NAMES)
@given(data=st.data(), layout=layouts(), dtype=st.sampled_from(("float32", "float64")))
@settings(max_examples=7)
@checked
def test_every_rung_and_layout_is_numpys(device, rung, name, data, layout, dtype):
    shape = tuple(
        data.draw(
            st.lists(st.sampled_from((1, 2, 3, 7, 33, 130)), min_size=1, max_size=3).filter(
                lambda s: np.prod(s) < 5000
            )
        )
    )
    axis = data.draw(st.integers(0, len(shape) - 1))
    arrays = inputs(name, shape, dtype, data.draw(st.integers(0, 99)), axis)
    with using("softmax", rung):
        found = device.numpy(
            REGISTRY[name].kernel(device)(*(placed(device, a, layout) for a in arrays), axis=axis)
        )
    agree(found, REGISTRY[name], arrays, axis)


@pytest.mark.parametrize("rung", RUNGS("softmax"))
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "shape", [(3, 1), (5, 32), (2, 129), (3, 513), (2, 1024), (2, 1025), (2, 5000), (1, 8201)]
)
def test_rows_of_every_length(device, rung, name, shape):
    arrays = inputs(name, shape, "float32", 0, 1)
    with using("softmax", rung):
        found = device.numpy(REGISTRY[name].kernel(device)(*(device.asarray(a) for a in arrays), axis=1))
    agree(found, REGISTRY[name], arrays, 1)


@pytest.mark.parametrize("rung", RUNGS("softmax"))
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("width", [3, 2000])
def test_extremes_are_numpys(device, rung, name, width):
    nan, inf = np.nan, np.inf
    rows = [
        [1e4, -1e4, 0],
        [-inf, 0, 1],
        [-inf, -inf, -inf],
        [inf, 0, 1],
        [inf, inf, 0],
        [nan, 0, 1],
        [0, nan, inf],
        [3e38, 3e38, -3e38],
    ]
    x = np.array([row + [row[0]] * (width - 3) for row in rows], np.float32)
    with np.errstate(all="ignore"):
        wanted = REGISTRY[name].numpy(x, axis=1)
    for layout in ("contiguous", "transposed"):
        with using("softmax", rung):
            found = device.numpy(REGISTRY[name].kernel(device)(placed(device, x, layout), axis=1))
        np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=1e-30)


def test_whole_numbers_become_float64_and_nothing_stays_nothing(device):
    x = np.array([[1, 2, 3]])
    found = device.numpy(REGISTRY["softmax"].kernel(device)(device.asarray(x), axis=1))
    np.testing.assert_allclose(found, REGISTRY["softmax"].numpy(x, axis=1), rtol=1e-14)
    assert found.dtype == np.float64
    assert device.numpy(
        REGISTRY["softmax"].kernel(device)(device.asarray(np.zeros((3, 0))), axis=1)
    ).shape == (3, 0)


@bugs_of("softmax")
def test_a_bug_in_a_copy_of_a_rung_is_reported(device, rung, old, new, says):
    def body():
        rows, n = {"01_three_pass": (255, 40), "03_online": (2, 41)}.get(rung, (1, 41))
        if rung == "05_vector_rows" and "__syncthreads" in old:  # rows of a block, one after the other
            rows, n = 2, 1500
        x = device.asarray(np.ones((rows, n), np.float32))
        with planted("softmax", rung, old, new):
            kernel = device.kernel("softmax", "softmax", np.dtype(np.float32))
            from tinygrad_edu.backend.cuda.families.softmax import rows_along

            if rows == 2:
                out = device.empty(x.shape, x.dtype)
                packed, *_ = rows_along(1, out, x, None)
                kernel.launch_on((1, 1, 1), (256, 1, 1), out.pointer, x.pointer, 0, rows, n, packed)
                device.synchronize()
            else:
                device.numpy(REGISTRY["softmax"].kernel(device)(x, axis=1))

    assert says in report(body)
