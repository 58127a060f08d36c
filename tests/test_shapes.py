"""What is worked out on shapes alone, against NumPy's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.shapes import broadcast_strides

SHAPES = array_shapes(min_dims=0, max_dims=4, min_side=1, max_side=3)


@st.composite
def broadcasts(draw):
    """An array in some layout, and a shape that it broadcasts to."""
    shape = draw(SHAPES)
    array = np.arange(np.prod(shape, dtype=int), dtype=np.int32).reshape(shape)
    array = array.transpose(draw(st.permutations(range(array.ndim))))
    array = array[tuple(slice(None, None, draw(st.sampled_from((1, -1, 2)))) for _ in array.shape)]
    to = tuple(draw(st.integers(1, 3)) if n == 1 else n for n in array.shape)
    return array, draw(SHAPES.filter(lambda lead: len(lead) < 4)) + to


@given(broadcasts())
def test_strides_of_a_broadcast_are_numpys(call):
    array, to = call
    found = broadcast_strides(array.shape, array.strides, to)
    assert found == np.broadcast_to(array, to).strides
    in_elements = tuple(s // array.itemsize for s in array.strides)
    assert broadcast_strides(array.shape, in_elements, to) == tuple(s // array.itemsize for s in found)


@given(SHAPES, SHAPES)
def test_numpy_refuses_the_same(shape, to):
    array = np.empty(shape, np.uint8)
    try:
        wanted = np.broadcast_to(array, to).strides
    except ValueError:
        with pytest.raises(ShapeError, match="does not broadcast"):
            broadcast_strides(shape, array.strides, to)
    else:
        assert broadcast_strides(shape, array.strides, to) == wanted


@pytest.mark.parametrize(("shape", "to"), [((0, 3), (2, 0, 3)), ((1, 3), (0, 3)), ((0, 1), (0, 4))])
def test_an_empty_array_broadcasts_to_an_empty_one(shape, to):
    assert len(broadcast_strides(shape, (4, 4), to)) == len(to)
    assert np.broadcast_to(np.empty(shape), to).shape == to
