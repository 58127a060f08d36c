"""Scans: every rung, any axis and layout, under the checker; carries between tiles, zeros, planted bugs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.harness import RUNGS, bugs_of, checked, layouts, placed, planted, report
from tinygrad_edu.backend.cuda.families import using
from tinygrad_edu.engine.op import REGISTRY

RTOL = {"float32": 3e-5, "float64": 1e-12}


@pytest.mark.parametrize("rung", RUNGS("scan"))
@pytest.mark.parametrize("name", ["cumsum", "cumprod", "prod_others"])
@given(
    data=st.data(), layout=layouts(), dtype=st.sampled_from(("float32", "float64", "int64", "int32", "uint8"))
)
@settings(max_examples=8)
@checked
def test_every_rung_is_numpys(device, rung, name, data, layout, dtype):
    shape = tuple(
        data.draw(
            st.lists(st.sampled_from((1, 2, 3, 33, 300)), min_size=1, max_size=3).filter(
                lambda s: np.prod(s) < 4000
            )
        )
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x = (
        rng.integers(0, 3, shape).astype(dtype)
        if np.dtype(dtype).kind != "f"
        else rng.uniform(0.9, 1.1, shape).astype(dtype)
    )
    axis = data.draw(st.integers(0, len(shape) - 1))
    if name == "prod_others":
        params = {"axes": tuple(sorted({axis, data.draw(st.integers(0, len(shape) - 1))}))}
    else:
        params = {"axis": axis}
    op = REGISTRY[name]
    with using("scan", rung):
        found = device.numpy(op.kernel(device)(placed(device, x, layout), **params))
    wanted = np.asarray(op.numpy(x, **params))
    assert found.shape == wanted.shape
    if wanted.dtype.kind == "f":
        assert found.dtype == wanted.dtype
        wide = op.numpy(x.astype(np.float64), **params)
        np.testing.assert_allclose(found, wide, rtol=RTOL[dtype])
    else:
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("rung", RUNGS("scan"))
@pytest.mark.parametrize("n", [1, 255, 256, 257, 1024, 1025, 5000])
def test_totals_are_carried_from_tile_to_tile(device, rung, n):
    x = np.random.default_rng(0).integers(-5, 5, (2, n))
    with using("scan", rung):
        np.testing.assert_array_equal(
            device.numpy(REGISTRY["cumsum"].kernel(device)(device.asarray(x), axis=1)), x.cumsum(1)
        )


@pytest.mark.parametrize("rung", RUNGS("scan"))
def test_products_of_others_with_zeros_and_nothing(device, rung):
    op = REGISTRY["prod_others"]
    for x in ([[0.0, 2.0, 3.0], [0.0, 0.0, 4.0], [1.0, 2.0, 3.0]], np.zeros((2, 0)), [[5.0]]):
        x = np.asarray(x)
        with using("scan", rung):
            found = device.numpy(op.kernel(device)(device.asarray(x), axes=(1,)))
        np.testing.assert_array_equal(found, op.numpy(x, axes=(1,)))


@bugs_of("scan")
def test_a_bug_in_a_copy_of_a_rung_is_reported(device, rung, old, new, says):
    def body():
        x = device.asarray(np.ones((1, 3001 if "syncwarp" in old else 3000), np.float32))
        with planted("scan", rung, old, new):
            device.numpy(REGISTRY["cumsum"].kernel(device)(x, axis=1))

    assert says in report(body)


@pytest.mark.parametrize("rung", RUNGS("scan"))
@pytest.mark.parametrize(("shape", "axis"), [((200_000,), 0), ((200_000, 3), 0), ((3, 200_000), 1)])
def test_what_is_carried_keeps_its_digits(device, rung, shape, axis):
    x = np.full(shape, 0.1, np.float32)
    with using("scan", rung):
        found = device.numpy(REGISTRY["cumsum"].kernel(device)(device.asarray(x), axis=axis))
    np.testing.assert_allclose(found, np.cumsum(x, axis, np.float64), rtol=1e-6)
