"""Every op, forward and backward and twice, on the device: what it does on the cpu, and its gradient proofs.

The device is the simulator unless `pytest --device cuda` says otherwise.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ops.test_boxed import run
from tinygrad_edu.backend import registry
from tinygrad_edu.backend.cuda import families
from tinygrad_edu.check import callcheck, edgecheck
from tinygrad_edu.engine.op import REGISTRY
from tinygrad_edu.errors import DeviceError
from tinygrad_edu.ops.elementwise import Map
from tinygrad_edu.testing import calls

OPS = sorted(name for name in REGISTRY if REGISTRY[name].inputs)


@pytest.fixture(scope="module")
def device(request):
    name = request.config.getoption("--device")
    name = "simulator" if name in (None, "cpu") else name
    try:
        registry.get(name)
    except DeviceError as error:
        pytest.skip(str(error))
    return name


def test_every_op_of_the_library_has_a_kernel():
    kernels = {*families.FUSED, *families.REDUCTIONS, "matmul", "gather", "scatter_add"}
    missing = [
        n
        for n, op in REGISTRY.items()
        if not isinstance(op, Map) and op.family not in ("restride", "host") and n not in kernels
    ]
    assert not missing


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", OPS)
@given(data=st.data())
@settings(max_examples=4)
def test_every_op_does_on_the_device_what_it_does_on_the_cpu(device, name, order, data):
    call = data.draw(calls(REGISTRY[name]))
    with np.errstate(all="ignore"):
        here, there = (run(REGISTRY[name], call, where, order) for where in ("cpu", device))
    assert len(here) == len(there)
    for a, b in zip(here, there, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(b, a, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", OPS)
@given(data=st.data())
@settings(max_examples=3)
def test_gradients_are_proven_on_the_device_twice(device, name, data):
    callcheck(REGISTRY[name], data.draw(calls(REGISTRY[name])), order=2, device=device)


@pytest.mark.parametrize(
    ("name", "at"), [pytest.param(n, e, id=f"{n}-{i}") for n in OPS for i, e in enumerate(REGISTRY[n].edges)]
)
def test_edges_hold_on_the_device(device, name, at):
    edgecheck(REGISTRY[name], at, device=device)
