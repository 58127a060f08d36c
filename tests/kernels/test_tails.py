"""Rows of widely spread logits: every rung gives each result to its last digits, as the cpu does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.harness import RUNGS, checked, layouts, placed
from tinygrad_edu.backend.cuda.families import using
from tinygrad_edu.engine.op import REGISTRY

# A warp's rows, those of a block, and rows that neither keeps in registers: also of float64.
LENGTHS = (1, 2, 3, 10, 33, 130, 300, 1030, 2100)


@st.composite
def rows(draw):
    """(3, n) logits; the largest are 0, others lie between -spread and -gap, those of row 0 at -40."""
    n, dtype = draw(st.sampled_from(LENGTHS)), draw(st.sampled_from(("float32", "float64")))
    spread = draw(st.sampled_from((0.01, 3, 40, 100, 200)))
    gap = spread * draw(st.sampled_from((0, 0.5, 0.95)))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    x = rng.uniform(-spread, -gap, (3, n))
    if draw(st.booleans()):
        x = x.round()  # ties, of the largest too
    x[np.arange(3), rng.integers(0, n, 3)] = 0
    x[0, x[0] < 0] = -40
    return x.astype(dtype)


def units(found, wanted):
    """The largest distance of two results, in units of the last place of the larger."""
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
    place = np.spacing(np.maximum(np.abs(found), np.abs(wanted)))
    return float(np.max(np.abs(found - wanted) / place, initial=0))


def everywhere(family, names):
    """Each of `names` by each rung of `family`, under the checker."""

    def decorate(test):
        test = given(x=rows(), layout=layouts())(settings(max_examples=20)(checked(test)))
        return pytest.mark.parametrize("rung", RUNGS(family))(pytest.mark.parametrize("name", names)(test))

    return decorate


def compare(device, family, rung, name, x, arrays, **params):
    """The op of rows x on the cpu and on the device; `arrays` are pairs of what lies here and there."""
    op = REGISTRY[name]
    with using(family, rung), np.errstate(all="ignore"):
        found = device.numpy(op.kernel(device)(*(there for _, there in arrays), **params))
        wanted = np.asarray(op.numpy(*(here for here, _ in arrays), **params))
    # Half a unit a term: in the sums of naive rungs, and in terms that are whole units, as the smallest are.
    assert (off := units(found, wanted)) <= 8 + x.shape[1] / 2, f"{off:.3g} units: {found} for {wanted}"


@everywhere("reduce", ["logsumexp"])
def test_reductions(device, rung, name, x, layout):
    compare(device, "reduce", rung, name, x, [(x, placed(device, x, layout))], axes=(1,))


@everywhere("softmax", ["softmax", "log_softmax", "softmax_grad", "log_softmax_grad"])
def test_softmax(device, rung, name, x, layout):
    arrays = [(x, placed(device, x, layout))]
    if name.endswith("_grad"):
        y = REGISTRY[name.removesuffix("_grad")].numpy(x, axis=1)
        seed = np.zeros_like(x)
        seed[:, 0] = 1
        if name == "softmax_grad":  # as its rule gives it: less the mean
            seed -= y[:, :1]
        arrays = [(a, placed(device, a, layout)) for a in (seed, y)]
    compare(device, "softmax", rung, name, x, arrays, axis=1)


@everywhere("cross_entropy", ["cross_entropy", "cross_entropy_grad"])
def test_cross_entropy(device, rung, name, x, layout):
    for k in {0, x.shape[1] - 1}:
        target = np.full(3, k)
        arrays = [(x, placed(device, x, layout)), (target, device.asarray(target))]
        if name.endswith("_grad"):
            ones = np.ones(3, x.dtype)
            arrays.insert(0, (ones, device.asarray(ones)))
        compare(device, "cross_entropy", rung, name, x, arrays, reduction="none")
