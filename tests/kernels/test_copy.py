"""Copies between layouts: every rung, any strides, under the checker; and the ops that only move elements."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.harness import RUNGS, bugs_of, checked, layouts, placed, planted, report
from tinygrad_edu.backend.cuda.device.layouts import copy_layout
from tinygrad_edu.backend.cuda.families import using

DTYPES = ("float32", "float64", "int64", "int32", "uint8", "bool")


def numbered(shape, dtype):
    return (np.arange(np.prod(shape, dtype=int)).reshape(shape) % 251).astype(dtype)


@st.composite
def shapes(draw):
    return tuple(
        draw(
            st.lists(st.sampled_from((1, 2, 3, 5, 33, 40)), max_size=4).filter(
                lambda s: np.prod(s, dtype=int) <= 6000
            )
        )
    )


@pytest.mark.parametrize("rung", RUNGS("copy"))
@given(
    shape=shapes(), order=st.randoms(use_true_random=False), layout=layouts(), dtype=st.sampled_from(DTYPES)
)
@settings(max_examples=10)
@checked
def test_every_rung_copies_any_layout_to_any_other(device, rung, shape, order, layout, dtype):
    x = numbered(shape, dtype)
    axes = list(range(len(shape)))
    order.shuffle(axes)
    here = placed(device, x, layout)
    turned = device.view(here, tuple(shape[a] for a in axes), tuple(here.strides[a] for a in axes), 0)
    out = placed(device, np.zeros(turned.shape, dtype), "stepped")
    with using("copy", rung):
        dense, strided = device.copy(turned), device.copy(turned, out=out)
    assert dense.contiguous
    np.testing.assert_array_equal(device.numpy(dense), x.transpose(axes))
    np.testing.assert_array_equal(device.numpy(strided), x.transpose(axes))


@pytest.mark.parametrize("rung", RUNGS("copy"))
def test_a_copy_of_many_axes_and_of_broadcast_ones(device, rung):
    x = numbered((2,) * 8, "float32")
    here = device.asarray(x)
    axes = (7, 0, 6, 1, 5, 2, 4, 3)
    with using("copy", rung):
        made = device.copy(device.view(here, x.shape, tuple(here.strides[a] for a in axes), 0))
        repeated = device.copy(device.broadcast(device.asarray(x[:1]), x.shape))
    np.testing.assert_array_equal(device.numpy(made), x.transpose(axes))
    np.testing.assert_array_equal(device.numpy(repeated), np.broadcast_to(x[:1], x.shape))


def test_nothing_is_copied_of_nothing(device):
    assert device.numpy(device.copy(device.asarray(np.zeros((0, 3), np.float32)))).shape == (0, 3)


@bugs_of("copy", names=("old", "new", "says"))
def test_a_bug_in_a_copy_of_the_kernel_is_reported(device, old, new, says):
    def body():
        x = device.asarray(numbered((70, 45), "float32"))
        turned = device.view(x, (45, 70), x.strides[::-1], 0)
        with planted("copy", "03_padded_tile", old, new):
            kernel = device.kernel("copy", "copy", np.dtype(np.int32))
            packed, tiles = copy_layout((45, 70), (70, 1), (1, 45))
            out = device.empty((45, 70), np.dtype(np.float32))
            kernel.launch(
                (1, 1), out.pointer, turned.pointer, out.size, tiles, packed
            )  # one block: it takes tile after tile
            device.synchronize()

    assert says in report(body)
