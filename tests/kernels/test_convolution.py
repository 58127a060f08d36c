"""Convolution and its gradients: every rung, stride, padding, dilation and groups, under the checker."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.harness import RUNGS, bugs_of, checked, layouts, placed, planted, report
from tinygrad_edu.backend.cuda.families import using
from tinygrad_edu.backend.cuda.families.convolution import _rung_for
from tinygrad_edu.engine.op import REGISTRY
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.testing import calls

NAMES = ("convolution", "convolution_input", "convolution_weight")


@pytest.mark.parametrize("rung", RUNGS("convolution"))
@pytest.mark.parametrize("name", NAMES)
@given(data=st.data(), layout=layouts(), dtype=st.sampled_from(("float32", "float64")))
@settings(max_examples=6)
@checked
def test_every_rung_is_numpys(device, rung, name, data, layout, dtype):
    op = REGISTRY[name]
    call = data.draw(calls(op))
    arrays = [a.astype(dtype) for a in call.arrays]
    with using("convolution", rung):
        found = device.numpy(op.kernel(device)(*(placed(device, a, layout) for a in arrays), **call.params))
    wanted = op.numpy(*(a.astype(np.float64) for a in arrays), **call.params)
    assert (found.shape, found.dtype) == (wanted.shape, arrays[0].dtype)
    np.testing.assert_allclose(found, wanted, rtol=1e-4 if dtype == "float32" else 1e-12, atol=1e-4)


@pytest.mark.parametrize("rung", RUNGS("convolution"))
@pytest.mark.parametrize("name", NAMES)
def test_more_than_one_tile_and_three_axes(device, rung, name):
    rng = np.random.default_rng(0)
    for x, weight, how in (
        (
            (3, 6, 9, 8),
            (70, 3, 3, 2),
            {"strides": (1, 2), "padding": (1, 0), "dilations": (1, 2), "groups": 2},
        ),
        (
            (2, 2, 3, 4, 3),
            (3, 2, 2, 2, 2),
            {"strides": (1,) * 3, "padding": (0,) * 3, "dilations": (1,) * 3, "groups": 1},
        ),
    ):
        x, weight = rng.normal(size=x), rng.normal(size=weight)
        out = REGISTRY["convolution"].numpy(x, weight, **how)
        seed = rng.normal(size=out.shape)
        arrays, params = {
            "convolution": ((x, weight), {}),
            "convolution_input": ((seed, weight), {"shape": x.shape}),
            "convolution_weight": ((seed, x), {"shape": weight.shape}),
        }[name]
        with using("convolution", rung):
            found = device.numpy(REGISTRY[name].kernel(device)(*map(device.asarray, arrays), **params, **how))
        np.testing.assert_allclose(
            found, REGISTRY[name].numpy(*arrays, **params, **how), rtol=1e-10, atol=1e-10
        )


@pytest.mark.parametrize("name", NAMES[:2])
def test_groups_of_few_channels_get_a_thread_for_each_result(device, name):
    """Their rung is another one, where there are enough positions for it."""
    assert _rung_for(name, 1, 4096) == "01_direct" and _rung_for(name, 64, 4096) is None
    assert _rung_for("convolution_weight", 1, 4096) is None
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(1, 3, 70, 66)), rng.normal(size=(3, 1, 3, 2))
    how = {"strides": (1, 1), "padding": (1, 0), "dilations": (1, 2), "groups": 3}
    seed = rng.normal(size=REGISTRY["convolution"].numpy(x, weight, **how).shape)
    arrays, params = ((x, weight), {}) if name == "convolution" else ((seed, weight), {"shape": x.shape})
    found = device.numpy(REGISTRY[name].kernel(device)(*map(device.asarray, arrays), **params, **how))
    expected = REGISTRY[name].numpy(*arrays, **params, **how)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("weight", "padding"), [((4, 2, 3), 0), ((4, 3, 9), 1)])
def test_shapes_that_do_not_fit_are_refused(device, weight, padding):
    with pytest.raises(ShapeError):
        REGISTRY["convolution"].kernel(device)(
            device.asarray(np.ones((2, 3, 5))),
            device.asarray(np.ones(weight)),
            strides=(1,),
            padding=(padding,),
            dilations=(1,),
            groups=1,
        )


@bugs_of("convolution")
def test_a_bug_in_a_copy_of_a_rung_is_reported(device, rung, old, new, says):
    def body():
        x, weight = (
            device.asarray(np.ones((1, 4, 9), np.float32)),
            device.asarray(np.ones((3, 4, 5), np.float32)),
        )
        with planted("convolution", rung, old, new):
            device.numpy(
                REGISTRY["convolution"].kernel(device)(
                    x, weight, strides=(1,), padding=(2,), dilations=(1,), groups=1
                )
            )

    assert says in report(body)
