"""Cross-entropy and its gradient: every rung, layouts, seeds, and classes out of range, under the checker."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.kernels.harness import RUNGS, bugs_of, checked, layouts, placed, planted, report
from tinygrad_edu.backend.cuda.families import using
from tinygrad_edu.engine.op import REGISTRY
from tinygrad_edu.errors import ShapeError

LOSS, GRAD = REGISTRY["cross_entropy"], REGISTRY["cross_entropy_grad"]
TOLERANCE = {"float32": 3e-5, "float64": 1e-12}


@pytest.mark.parametrize("rung", RUNGS("cross_entropy"))
@given(
    rows=st.sampled_from((1, 2, 9, 40)),
    classes=st.sampled_from((1, 2, 10, 33, 70)),
    layout=layouts(),
    dtype=st.sampled_from(("float32", "float64")),
    kind=st.sampled_from(("int64", "int32", "uint8")),
    reduction=st.sampled_from(("mean", "sum", "none")),
    seed=st.integers(0, 99),
)
@settings(max_examples=10)
@checked
def test_every_rung_is_numpys(device, rung, rows, classes, layout, dtype, kind, reduction, seed):
    rng = np.random.default_rng(seed)
    logits = (rng.normal(size=(rows, classes)) * 4).astype(dtype)
    target = rng.integers(0, classes, rows).astype(kind)
    weight = rng.normal(size=(rows,) if reduction == "none" else ()).astype(dtype)
    here = placed(device, logits, layout), placed(device, target, "stepped")
    with using("cross_entropy", rung):
        loss = device.numpy(LOSS.kernel(device)(*here, reduction=reduction))
        slope = device.numpy(GRAD.kernel(device)(device.asarray(weight), *here, reduction=reduction))
    wide = logits.astype(np.float64)
    tolerance = TOLERANCE[dtype]
    wanted = LOSS.numpy(wide, target, reduction=reduction)
    assert (loss.shape, loss.dtype) == (np.shape(wanted), logits.dtype)
    np.testing.assert_allclose(loss, wanted, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(
        slope,
        GRAD.numpy(weight.astype(np.float64), wide, target, reduction=reduction),
        rtol=tolerance,
        atol=tolerance,
    )


@pytest.mark.parametrize("rung", RUNGS("cross_entropy"))
@pytest.mark.parametrize("classes", [300, 1024, 1025, 3000])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_many_classes(device, rung, classes, dtype):
    rng = np.random.default_rng(0)
    logits, target = rng.normal(size=(3, classes)).astype(dtype), np.array([0, classes - 1, 7])
    logits[1, : classes - 40] = -np.inf  # as a mask leaves them
    here, wide, tolerance = (device.asarray(logits), device.asarray(target)), logits.astype(float), TOLERANCE
    with using("cross_entropy", rung):
        loss = device.numpy(LOSS.kernel(device)(*here, reduction="none"))
        slope = device.numpy(GRAD.kernel(device)(2.0, *here, reduction="mean"))
    np.testing.assert_allclose(loss, LOSS.numpy(wide, target, reduction="none"), rtol=tolerance[dtype])
    np.testing.assert_allclose(
        slope, GRAD.numpy(2.0, wide, target, reduction="mean"), rtol=tolerance[dtype], atol=tolerance[dtype]
    )


@pytest.mark.parametrize("rung", RUNGS("cross_entropy"))
@pytest.mark.parametrize("bad", [-1, 3, 2**40])
def test_a_class_out_of_range_is_an_index_error_when_somebody_waits(device, rung, bad):
    logits = te.tensor(np.zeros((4, 3), np.float32), device=device.name)
    target = te.tensor(np.array([0, 1, bad, 2]), device=device.name)
    with using("cross_entropy", rung):
        loss = LOSS(logits, target)  # nothing waits here
        with pytest.raises(
            IndexError, match=rf"target {bad} is out of range for 3 classes \(0 to 2\).*test_cross"
        ):
            loss.numpy()
    assert device.numpy(device.asarray(np.ones(3))).sum() == 3  # and the device works on


def test_no_rows(device):
    logits, target = device.asarray(np.zeros((0, 3), np.float32)), device.asarray(np.zeros(0, np.int64))
    with np.errstate(all="ignore"):
        for reduction in ("mean", "sum", "none"):
            np.testing.assert_array_equal(
                device.numpy(LOSS.kernel(device)(logits, target, reduction=reduction)),
                LOSS.numpy(np.zeros((0, 3), np.float32), np.zeros(0, int), reduction=reduction),
            )


@pytest.mark.parametrize(
    ("shape", "kind", "error"), [((4,), "int64", ShapeError), ((3,), "float32", TypeError)]
)
def test_wrong_targets_are_refused_at_once(device, shape, kind, error):
    with pytest.raises(error):
        LOSS(
            te.tensor(np.zeros((3, 2), np.float32), device=device.name),
            te.tensor(np.zeros(shape, kind), device=device.name),
        )


@bugs_of("cross_entropy")
def test_a_bug_in_a_copy_of_a_rung_is_reported(device, rung, old, new, says):
    def body():
        op, rows, n = LOSS, 2, 40
        if rung == "04_registers":
            op, rows, n = (LOSS, 2, 1500) if "race" in says else (GRAD, 1 if "have" in old else 2, 40)
        # Rows of 40 logits, 41 apart: the second begins at no address for packs.
        wide = device.asarray(np.zeros((rows, n + (new == "true")), np.float32))
        logits = device.view(wide, (rows, n), wide.strides, 0)
        target = device.asarray(np.array([3, 40])[:rows])
        with planted("cross_entropy", rung, old, new):
            device.numpy(op.kernel(device)(*([1.0] if op is GRAD else []), logits, target))

    assert says in report(body)
