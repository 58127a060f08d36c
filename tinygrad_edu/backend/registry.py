"""Devices by name. A backend is made when it is first asked for, so an import never touches a device."""

from __future__ import annotations

import contextlib
import importlib
import os
import threading
from collections.abc import Callable, Iterator

from tinygrad_edu.backend.numpy_backend import NumpyBackend
from tinygrad_edu.backend.protocol import Backend
from tinygrad_edu.errors import DeviceError


def _cuda(name: str) -> Backend:
    """A GPU or the simulator, by a name such as "cuda:1"; PyCUDA is imported now."""
    made: Backend = importlib.import_module("tinygrad_edu.backend.cuda.backend").Cuda(name)
    return made


cpu = NumpyBackend()
_factories: dict[str, Callable[[str], Backend]] = {"cuda": _cuda, "simulator": _cuda}
_open: dict[str, Backend] = {"cpu": cpu}
_lock = threading.RLock()
_default = ""  # the device of tensors that name none; "" until it is first asked for


def register(name: str, factory: Callable[[], Backend]) -> None:
    """Make `device=name` available; `factory` runs at its first use."""
    _factories[name] = lambda _: factory()


def get(device: str | Backend | None = None) -> Backend:
    """The backend of a device; of the default device when none is named.

    "cuda:1" is the second GPU, "cuda" and "cuda:0" the first. Raises DeviceError for a name nobody
    registered, and where a device cannot be used, with what to do. No device ever stands in for another.
    """
    if device is None:
        device = default()
    if not isinstance(device, str):
        if not hasattr(device, "arithmetic"):
            raise DeviceError(f"device={device!r} is no name of a device; say one of {', '.join(devices())}, "
                              "or cuda:1 for the second GPU")
        return device
    found = _open.get(device)
    return found if found is not None else _opened(device)


def default() -> str:
    """The name of the default device, which may not be open yet."""
    return _default or set_default(os.environ.get("TINYGRAD_EDU_DEVICE") or "cpu")


def set_default(device: str) -> str:
    """Where tensors live from now on that name no device; at first that of `TINYGRAD_EDU_DEVICE`, or the cpu.

    Raises DeviceError for a name nobody registered, and for a device that cannot be used here; then nothing
    changed.
    """
    global _default
    get(device)
    _default = canonical(device)
    return _default


@contextlib.contextmanager
def defaulting(device: str | None) -> Iterator[None]:
    """`set_default(device)` for a while; None changes nothing."""
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


def _opened(device: str) -> Backend:
    if not known(device):
        raise DeviceError(f"no device {device!r} here; there are: {', '.join(devices())}")
    name = canonical(device)
    with _lock:
        if name not in _open:
            _open[name] = _factories[name.partition(":")[0]](name)
        return _open[name]


def close(device: str) -> None:
    """Forget an open device; its next use makes it anew. Tensors that lived there can no longer be used."""
    with _lock:
        _open.pop(canonical(device), None)


def is_open(device: str) -> bool:
    """Whether the device has been used."""
    return canonical(device) in _open


def opened() -> list[str]:
    """The names of the devices that are in use."""
    return sorted(_open)


def known(device: str) -> bool:
    """Whether `get` would try to open this name."""
    name = canonical(device)
    kind, colon, index = name.partition(":")
    return name in _open or (kind in _factories and (not colon or (index.isascii() and index.isdigit())))


def devices() -> list[str]:
    """The names that `device=` accepts."""
    return sorted({*_open, *_factories})
