"""The device that kernels are tested on: the simulator, or a real GPU with `pytest --device cuda`."""

from __future__ import annotations

import pytest

from tinygrad_edu.backend import registry
from tinygrad_edu.errors import DeviceError


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest):
    """The backend under test."""
    name = request.config.getoption("--device")
    try:
        return registry.get("simulator" if name in (None, "cpu") else name)
    except DeviceError as error:
        pytest.skip(str(error))
