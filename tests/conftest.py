"""How hypothesis runs here: no deadlines (no test asserts time), the same examples every time under CI.

Ask for more with `pytest --hypothesis-profile=thorough`.
"""
from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("default", deadline=None, max_examples=25, derandomize="CI" in os.environ,
                          suppress_health_check=_SLOW)
settings.register_profile("thorough", deadline=None, max_examples=300, suppress_health_check=_SLOW)
settings.load_profile("default")


def pytest_addoption(parser):
    parser.addoption("--device", default=None,
                     help="where tensors live in the tests that take any device: cpu, simulator, cuda")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--device") in (None, "cpu"):
        return
    for item in items:
        if item.get_closest_marker("cpu"):
            item.add_marker(pytest.mark.skip(reason="is about NumPy's own memory; run it with --device cpu"))


def pytest_configure(config):
    device = config.getoption("--device")
    if device is not None:
        os.environ["TINYGRAD_EDU_DEVICE"] = device
