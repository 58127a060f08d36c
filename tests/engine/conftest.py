"""Fixtures of the engine's tests."""
from __future__ import annotations

import pytest

from tests.backend.boxed import BoxedBackend
from tinygrad_edu.backend import registry


@pytest.fixture
def boxed():
    """The opaque backend, as device "boxed"."""
    registry.register("boxed", BoxedBackend)
    return registry.get("boxed")
