"""The gradient of layer norm where its terms cancel: seeds that are equal, or nearly so."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu.ops.fused import standardize_grad


@given(st.floats(-3, 3), st.floats(0, 1e-3), st.integers(0, 99))
def test_seeds_that_are_nearly_equal(size, apart, seed):
    rng = np.random.default_rng(seed)
    x, given_ = rng.uniform(-2, 2, (3, 4)), size + apart * rng.uniform(-1, 1, (3, 4))
    wide = [a.astype(np.longdouble) for a in (x, given_)]
    y = (wide[0] - wide[0].mean(1, keepdims=True)) / np.sqrt(
        wide[0].var(1, keepdims=True) + np.longdouble(0.1)
    )
    deviation = np.sqrt(wide[0].var(1, keepdims=True) + np.longdouble(0.1))
    g = wide[1]
    expected = (g - g.mean(1, keepdims=True) - y * (g * y).mean(1, keepdims=True)) / deviation
    found = standardize_grad(given_, x, axes=(1,), eps=0.1)
    np.testing.assert_allclose(found, expected.astype(float), rtol=0, atol=2e-14)
