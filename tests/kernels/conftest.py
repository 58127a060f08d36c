"""The device that kernels are tested on: the simulator, or a real GPU with `pytest --device cuda`."""

from __future__ import annotations

import pytest

import tinygrad_edu as te
import tinygrad_edu.simulator as sim
from tinygrad_edu.backend import registry
from tinygrad_edu.backend.cuda.device import driver
from tinygrad_edu.errors import DeviceError


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest):
    """The backend under test."""
    name = request.config.getoption("--device")
    try:
        return registry.get("simulator" if name in (None, "cpu") else name)
    except DeviceError as error:
        pytest.skip(str(error))


@pytest.fixture
def second(device):
    """The name of a second device."""
    if sim.is_installed():
        sim.configure(devices=2)
    elif driver.device_count() < 2:
        pytest.skip("one GPU here; with two the test runs as it is, and `--device simulator` always has two")
    name = f"{device.name}:1"
    yield name
    if registry.is_open(name):
        te.cuda.shutdown(name)
    if sim.is_installed():
        sim.configure(devices=1)
