"""Devices by name. A backend is created at its first use, so an import never initialises a device."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.backend import forks
from tinygrad_edu.backend.numpy_backend import NumpyBackend
from tinygrad_edu.backend.protocol import Backend
from tinygrad_edu.errors import DeviceError, wrong


def _cuda(name: str) -> Backend:
    """A GPU or the simulator, by a name such as "cuda:1"; PyCUDA is imported now."""
    made: Backend = importlib.import_module("tinygrad_edu.backend.cuda.backend").Cuda(name)
    return made


cpu = NumpyBackend()
_factories: dict[str, Callable[[str], Backend]] = {"cuda": _cuda, "simulator": _cuda}
_backends: dict[str, Backend] = {"cpu": cpu}
_lock = forks.lock()
_default = ""  # the device of tensors that are created without device=; "" until the first use


def register(name: str, factory: Callable[[], Backend]) -> None:
    """Make `device=name` available; `factory` runs at its first use."""
    _factories[name] = lambda _: factory()


def get(device: str | Backend | None = None) -> Backend:
    """The backend of a device; of the default device if `device` is None.

    "cuda:1" is the second GPU, "cuda" and "cuda:0" the first. Raises DeviceError, with advice, for a name
    that is not registered and for a device that cannot be used. One device is never used in place of another.
    """
    if device is None:
        device = default()
    if not isinstance(device, str):
        if not hasattr(device, "array_type"):
            raise wrong(
                DeviceError,
                None,
                f"device={device!r} is no name of a device",
                f"say one of {', '.join(devices())}, or cuda:1 for the second GPU",
            )
        return device
    found = _backends.get(device)
    return found if found is not None else _open_backend(device)


def default() -> str:
    """The name of the default device, which may not be open yet."""
    return _default or set_default(os.environ.get("TINYGRAD_EDU_DEVICE") or "cpu")


def set_default(device: str) -> str:
    """Set the device of tensors that are created without `device=`, and return its name.

    Before the first call it is that of the environment variable `TINYGRAD_EDU_DEVICE`, or the cpu. Raises
    DeviceError, and changes nothing, for a name that is not registered and for a device that cannot be used.
    """
    global _default
    get(device)
    _default = canonical(device)
    return _default


@contextlib.contextmanager
def temporary_default(device: str | None) -> Iterator[None]:
    """`set_default(device)` inside a `with` block; None changes nothing."""
    global _default
    before = _default
    try:
        if device is not None:
            get(set_default(device))
        yield
    finally:
        _default = before


def canonical(device: str) -> str:
    """The one name of a device that has several: "cuda:0" and "cuda:00" are "cuda", "cuda:01" is "cuda:1"."""
    kind, _, index = device.partition(":")
    if not (index.isascii() and index.isdigit()):
        return device
    return f"{kind}:{int(index)}" if int(index) else kind


def _open_backend(device: str) -> Backend:
    if not known(device):
        raise wrong(DeviceError, None, f"no device {device!r} here", f"there are: {', '.join(devices())}")
    name = canonical(device)
    with _lock:
        if name not in _backends:
            _backends[name] = _factories[name.partition(":")[0]](name)
        return _backends[name]


def close(device: str) -> None:
    """Remove an open device; its next use creates it again. Its old tensors can no longer be used."""
    with _lock:
        _backends.pop(canonical(device), None)


def is_open(device: str) -> bool:
    """Whether the device has been used."""
    return canonical(device) in _backends


def opened() -> list[str]:
    """The names of the devices that are in use."""
    return sorted(_backends)


def known(device: str) -> bool:
    """Whether `get` would try to open this name."""
    name = canonical(device)
    kind, colon, index = name.partition(":")
    return name in _backends or (kind in _factories and (not colon or (index.isascii() and index.isdigit())))


def dtype_of(target: Any) -> np.dtype[Any]:
    """The dtype that `x.to(target)` means, which is no device. Raises TypeError if it is no dtype either."""
    try:
        return dtypes.as_dtype(target)
    except TypeError:
        if not isinstance(target, str):
            raise
    there = f"the devices are {', '.join(devices())}, the dtypes {', '.join(dtypes.DTYPES)}"
    raise wrong(TypeError, "to", f"{target!r:.60} is no device and no dtype", there)


def devices() -> list[str]:
    """The names that `device=` accepts."""
    return sorted({*_backends, *_factories})
