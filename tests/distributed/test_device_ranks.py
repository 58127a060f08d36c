"""Ranks whose tensors are on a GPU, here the simulated one: copied to the host to be sent, and back."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as te
from tests.distributed.programs import all_reduced, rows, same_bits, served
from tinygrad_edu.distributed import run
from tinygrad_edu.errors import DeviceError

pytestmark = pytest.mark.long


@pytest.fixture
def where(request):
    """The name of a device that is not the cpu."""
    name = request.config.getoption("--device")
    name = "simulator" if name in (None, "cpu") else name
    try:
        te.zeros(1, device=name)
    except DeviceError as error:
        pytest.skip(str(error))
    return name


@pytest.mark.parametrize("program", [all_reduced, served])
def test_ranks_on_a_device_learn_what_ranks_on_the_cpu_learn(where, program):
    batches = [rows(6, seed=i) for i in range(3)]

    def last(result):
        return result[-1] if program is all_reduced else result[0]

    on_device = [last(r) for r in run(program, batches, device=where, dtype="float32", ranks=3)]
    on_cpu = [last(r) for r in run(program, batches, dtype="float32", ranks=3)]
    assert all(same_bits(on_device[0], other) for other in on_device)
    for name, array in on_cpu[0].items():
        np.testing.assert_allclose(on_device[0][name], array, rtol=1e-4, atol=1e-6)
        assert not np.array_equal(array, np.zeros_like(array))
