"""Devices by name. A backend is made when it is first asked for, so an import never touches a device."""
from __future__ import annotations

import os
from collections.abc import Callable

from tinygrad_edu.backend.numpy_backend import NumpyBackend
from tinygrad_edu.backend.protocol import Backend
from tinygrad_edu.errors import DeviceError

cpu = NumpyBackend()
_factories: dict[str, Callable[[], Backend]] = {}
_open: dict[str, Backend] = {"cpu": cpu}


def register(name: str, factory: Callable[[], Backend]) -> None:
    """Make `device=name` available; `factory` runs at its first use."""
    _factories[name] = factory


def get(device: str | Backend | None = None) -> Backend:
    """The backend of a device; of `TINYGRAD_EDU_DEVICE`, or the cpu, when none is named.

    Raises DeviceError for a name nobody registered. No device ever stands in for another.
    """
    if device is None:
        device = os.environ.get("TINYGRAD_EDU_DEVICE", "cpu")
    if not isinstance(device, str):
        return device
    if device not in _open:
        if device not in _factories:
            raise DeviceError(f"no device {device!r} here; there are: {', '.join(devices())}")
        _open[device] = _factories[device]()
    return _open[device]


def devices() -> list[str]:
    """The names that `device=` accepts."""
    return sorted({*_open, *_factories})
