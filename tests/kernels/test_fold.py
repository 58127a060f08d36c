"""Windows added back: against NumPy, in any layout, under the checker."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.harness import RUNGS, bugs_of, checked, layouts, placed, planted, report
from tinygrad_edu.backend.cuda.families import using
from tinygrad_edu.engine.op import REGISTRY

FOLD, WINDOWS = REGISTRY["fold"], REGISTRY["windows"]


@pytest.mark.parametrize("rung", RUNGS("fold"))
@given(
    data=st.data(),
    axes=st.integers(1, 3),
    lead=st.lists(st.integers(1, 3), max_size=2).map(tuple),
    layout=layouts(),
    dtype=st.sampled_from(("float32", "float64", "int64")),
)
@settings(max_examples=15)
@checked
def test_fold_is_numpys(device, rung, data, axes, lead, layout, dtype):
    def draw(low, high):
        return tuple(data.draw(st.integers(low, high)) for _ in range(axes))

    sizes, strides, dilations, counts = draw(1, 3), draw(1, 3), draw(1, 2), draw(1, 3)
    extra = draw(0, 2)
    shape = (
        *lead,
        *(
            (c - 1) * s + d * (n - 1) + 1 + min(e, s - 1)
            for c, s, d, n, e in zip(counts, strides, dilations, sizes, extra, strict=True)
        ),
    )
    x = np.random.default_rng(0).integers(-9, 9, (*lead, *counts, *sizes)).astype(dtype)
    params = {"shape": shape, "sizes": sizes, "strides": strides, "dilations": dilations}
    with using("fold", rung):
        found = device.numpy(FOLD.kernel(device)(placed(device, x, layout), **params))
    np.testing.assert_array_equal(found, FOLD.numpy(x, **params))


@bugs_of("fold")
def test_a_bug_in_a_copy_of_the_rung_is_reported(device, rung, old, new, says):
    def body():
        x = device.asarray(np.ones((2, 4, 3), np.float32))
        with planted("fold", rung, old, new):
            device.numpy(FOLD.kernel(device)(x, shape=(2, 6), sizes=(3,), strides=(1,), dilations=(1,)))

    assert says in report(body)
