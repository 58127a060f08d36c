"""Adding slices at positions along an axis: the bits of `np.add.at`, which adds one element at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_edu.backend import sums

pytestmark = pytest.mark.cpu


@given(st.integers(1, 3), st.data())
@settings(max_examples=80, deadline=None)
def test_slices_are_added_to_the_same_bits(axes, data):
    shape = tuple(data.draw(st.integers(1, 40)) for _ in range(axes))
    axis, count = data.draw(st.integers(0, axes - 1)), data.draw(st.integers(0, 12))
    random = np.random.default_rng(data.draw(st.integers(0, 9)))
    positions = random.integers(-shape[axis], shape[axis], count)
    source = random.standard_normal((*shape[:axis], count, *shape[axis + 1 :])).astype(np.float32)
    if data.draw(st.booleans()):
        source = np.asfortranarray(source)
    key = (*(slice(None),) * axis, positions)
    wanted = np.zeros(shape, np.float32)
    np.add.at(wanted, key, source)
    keys = [key, positions] if axis == 0 else [key]
    for k in keys:
        np.testing.assert_array_equal(sums.add_at(shape, k, source), wanted)


@pytest.mark.parametrize(
    ("key", "shape", "is_long"),
    [
        ((slice(None), np.arange(3)), (200, 3), True),
        (np.arange(3), (3, 200), True),
        ((slice(None), np.arange(3)), (20, 3), False),
        ((slice(0, 200), np.arange(3)), (200, 3), False),
        ((np.arange(200), np.arange(200)), (200,), False),
        ((slice(None), np.arange(3) > 0), (200, 2), False),
        (np.zeros((3, 1), int), (3, 1, 200), False),
        ((), (200,), False),
    ],
)
def test_which_keys_select_long_slices(key, shape, is_long):
    assert (sums._long_slices(key, np.ones(shape)) is not None) == is_long


def test_an_index_out_of_range_is_an_error():
    with pytest.raises(IndexError):
        sums.add_at((2, 300), np.array([0, 2]), np.ones((2, 300)))
