"""Max pooling and its adjoints: every rung, sizes, strides and ties, under the checker."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.harness import RUNGS, bugs_of, checked, layouts, placed, planted, report
from tinygrad_edu.backend.cuda.families import using
from tinygrad_edu.engine.op import REGISTRY


@pytest.mark.parametrize("rung", RUNGS("pooling"))
@pytest.mark.parametrize("name", ["max_pool", "max_pool_spread", "max_pool_read"])
@given(
    data=st.data(), axes=st.integers(1, 3), layout=layouts(), dtype=st.sampled_from(("float32", "float64"))
)
@settings(max_examples=10)
@checked
def test_every_rung_is_numpys(device, rung, name, data, axes, layout, dtype):
    sizes, strides, extra = (
        tuple(data.draw(st.integers(low, high)) for _ in range(axes))
        for low, high in ((1, 3), (1, 3), (0, 4))
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    x = rng.integers(0, 4, (2, *(n + e for n, e in zip(sizes, extra, strict=True)))).astype(
        dtype
    )  # with ties
    how = {"sizes": sizes, "strides": strides}
    out = REGISTRY["max_pool"].numpy(x, **how)
    other = {
        "max_pool": [],
        "max_pool_spread": [rng.normal(size=out.shape).astype(dtype)],
        "max_pool_read": [rng.normal(size=x.shape).astype(dtype)],
    }[name]
    with using("pooling", rung):
        found = device.numpy(
            REGISTRY[name].kernel(device)(*(placed(device, a, layout) for a in (*other, x)), **how)
        )
    wanted = REGISTRY[name].numpy(*(a.astype(np.float64) for a in (*other, x)), **how)
    assert (found.shape, found.dtype) == (wanted.shape, x.dtype)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_nan_wins_and_a_window_that_does_not_fit_is_refused(device):
    x = np.array([1.0, np.nan, 2.0, 3.0])
    run = REGISTRY["max_pool"].kernel(device)
    np.testing.assert_array_equal(
        device.numpy(run(device.asarray(x), sizes=(2,), strides=(1,))), [np.nan, np.nan, 3.0]
    )
    with pytest.raises(ValueError, match="do not fit"):
        run(device.asarray(x), sizes=(5,), strides=(1,))


@bugs_of("pooling")
def test_a_bug_in_a_copy_of_the_rung_is_reported(device, rung, old, new, says):
    def body():
        x = device.asarray(np.ones((1, 6), np.float32))
        with planted("pooling", rung, old, new):
            device.numpy(REGISTRY["max_pool"].kernel(device)(x, sizes=(2,), strides=(2,)))

    assert says in report(body)
