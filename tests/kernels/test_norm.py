"""Standardization and its gradient: every rung, any axes and layout, under the checker."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.harness import RUNGS, bugs_of, checked, layouts, placed, planted, report
from tinygrad_edu.backend.cuda.families import using
from tinygrad_edu.engine.op import REGISTRY

TOLERANCE = {"float32": 3e-4, "float64": 1e-11}


def check(device, name, arrays, axes, eps, layout="contiguous"):
    op = REGISTRY[name]
    found = device.numpy(op.kernel(device)(*(placed(device, a, layout) for a in arrays), axes=axes, eps=eps))
    wide = op.numpy(*(a.astype(np.float64) for a in arrays), axes=axes, eps=eps)
    assert (found.shape, found.dtype) == (wide.shape, arrays[0].dtype)
    tolerance = TOLERANCE[found.dtype.name]
    np.testing.assert_allclose(found, wide, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("rung", RUNGS("norm"))
@pytest.mark.parametrize("name", ["standardize", "standardize_grad"])
@given(data=st.data(), layout=layouts(), dtype=st.sampled_from(("float32", "float64")))
@settings(max_examples=7)
@checked
def test_every_rung_and_layout_is_numpys(device, rung, name, data, layout, dtype):
    shape = tuple(
        data.draw(
            st.lists(st.sampled_from((1, 2, 3, 7, 33, 60)), min_size=1, max_size=4).filter(
                lambda s: np.prod(s) < 4000
            )
        )
    )
    axes = tuple(a for a in range(len(shape)) if data.draw(st.booleans())) or (len(shape) - 1,)
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    arrays = [rng.normal(size=shape).astype(dtype) for _ in range(1 + name.endswith("grad"))]
    with using("norm", rung):
        check(device, name, arrays, axes, 0.1, layout)


@pytest.mark.parametrize("rung", RUNGS("norm"))
@pytest.mark.parametrize("name", ["standardize", "standardize_grad"])
@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((3, 1024), (1,)),
        ((2, 1025), (1,)),
        ((2, 7000), (1,)),
        ((700, 40), (0,)),
        ((4, 5, 6, 7), (0, 2, 3)),
        ((33,), (0,)),
        ((3, 520), (1,)),
        ((2, 9000), (1,)),
    ],
)
def test_layer_and_batch_norm_shapes(device, rung, name, shape, axes):
    rng = np.random.default_rng(0)
    with using("norm", rung):
        check(
            device,
            name,
            [rng.normal(size=shape).astype(np.float32) for _ in range(1 + name.endswith("grad"))],
            axes,
            1e-5,
        )


@pytest.mark.parametrize("rung", RUNGS("norm"))
def test_a_large_mean_does_not_cancel(device, rung):
    """The mean of squares minus the square of the mean would have no digit left here."""
    x = (np.random.default_rng(0).normal(size=(2, 512)) + 4096).astype(np.float32)
    with using("norm", rung):
        check(device, "standardize", [x], (1,), 1e-5)


def test_whole_numbers_become_float64_and_nothing_stays_nothing(device):
    x = np.array([[1, 2, 3]])
    found = device.numpy(REGISTRY["standardize"].kernel(device)(device.asarray(x), axes=(1,)))
    np.testing.assert_allclose(found, REGISTRY["standardize"].numpy(x, axes=(1,)), rtol=1e-14)
    empty = device.asarray(np.zeros((0, 3), np.float32))
    assert device.numpy(REGISTRY["standardize"].kernel(device)(empty, axes=(1,))).shape == (0, 3)


@bugs_of("norm")
def test_a_bug_in_a_copy_of_a_rung_is_reported(device, rung, old, new, says):
    def body():
        axes = (0,) if rung == "03_warp_per_group" else (1,)
        # A row of a block, alone; 03's columns; and the second row of 1503 is on no address for packs.
        shape = (30, 40) if rung != "04_registers" else (2, 1500) if "memory" in old else (1, 1500)
        x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        x = placed(device, x, "offset" if "memory" in old else "contiguous")
        with planted("norm", rung, old, new):
            device.numpy(REGISTRY["standardize"].kernel(device)(x, axes=axes))

    assert says in report(body)


@pytest.mark.parametrize("rung", RUNGS("norm"))
@pytest.mark.parametrize("name", ["standardize", "standardize_grad"])
@pytest.mark.parametrize(("dtype", "size"), [("float32", 1e20), ("float32", 1e38), ("float64", 1e160)])
@pytest.mark.parametrize(("shape", "axes"), [((2, 33), (1,)), ((2, 5000), (1,)), ((40, 16), (0,))])
def test_no_square_overflows(device, rung, name, dtype, size, shape, axes):
    rng = np.random.default_rng(0)
    x = (rng.uniform(-1, 1, shape) * size).astype(dtype)
    seeds = [rng.normal(size=shape).astype(dtype)] * name.endswith("grad")
    op = REGISTRY[name]
    with using("norm", rung):
        found = device.numpy(op.kernel(device)(*map(device.asarray, (*seeds, x)), axes=axes, eps=1e-5))
    x = x / np.dtype(dtype).type(size)
    near = op.numpy(*(a.astype(np.float64) for a in (*seeds, x)), axes=axes, eps=0.0)
    scale = size if name.endswith("grad") else 1.0
    np.testing.assert_allclose(found * scale, near, rtol=3e-4, atol=3e-4)


def test_a_long_column_is_added_up_in_parts(device):
    x = np.full((200_000, 8), 0.1, np.float32)
    x[::2] = 1.1
    found = device.numpy(REGISTRY["standardize"].kernel(device)(device.asarray(x), axes=(0,), eps=0.0))
    np.testing.assert_allclose(found[:2, 0], [1.0, -1.0], rtol=1e-5)
