"""The four problems in the plane: balanced, inside the square, one for each seed, separable."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu import data
from tinygrad_edu.data.catalogue import GENERATED

GENERATORS = [*GENERATED.values()]


@given(st.sampled_from(GENERATORS), st.integers(2, 200), st.floats(0, 1), st.integers(0, 2**64 - 1))
def test_promises(generate, n, noise, seed):
    table = generate(n, noise, seed)
    assert table.features.shape == (n, 2) and table.features.dtype == np.float32
    assert table.labels.dtype == np.int64 and abs(n - 2 * table.labels.sum()) <= 1
    assert np.abs(table.features).max() <= 6
    again = generate(n=n, noise=noise, seed=seed)
    assert (again.features == table.features).all() and (again.labels == table.labels).all()
    assert f"seed={seed}" in table.source


def test_seeds_differ():
    for generate in GENERATORS:
        assert not np.array_equal(generate(seed=1).features, generate(seed=2).features)


def test_without_noise_the_shapes_are_the_formulas():
    (x, y), label = data.xor(500, 0).features.T, data.xor(500, 0).labels
    assert ((x * y > 0) == label).all() and np.abs([x, y]).min() >= 0.3 - 1e-6
    table = data.circle(500, 0)
    radius = np.hypot(*table.features.T)
    assert ((radius < 3) == table.labels).all() and not ((radius > 2.51) & (radius < 3.49)).any()
    table = data.spiral(500, 0)
    radius, angle = np.hypot(*table.features.T), np.arctan2(*table.features.T)
    turned = angle - (3.5 * np.pi * radius / 5 + np.pi * table.labels)
    np.testing.assert_allclose(np.cos(turned[radius > 0.1]), 1, atol=1e-3)
    table = data.gaussian(500, 0)
    assert ((table.features.sum(1) > 0) == table.labels).all()


@pytest.mark.parametrize("generate", GENERATORS)
def test_bad_arguments(generate):
    with pytest.raises(ValueError, match="n must be at least 2"):
        generate(1)
    with pytest.raises(ValueError, match=r"noise must lie in \[0, 1\]"):
        generate(noise=1.5)
    with pytest.raises(ValueError, match="seed must lie"):
        generate(seed=-1)
