"""The table of host functions, by the name of the op that each computes; each family registers its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Host = Callable[..., Any]

FUSED: dict[str, Host] = {}
REDUCTIONS: dict[str, Host] = {}


def fused(name: str) -> Callable[[Host], Host]:
    """Register the host function of the op `name`: `(device, *arrays, **params) -> DeviceArray`."""

    def register(host: Host) -> Host:
        FUSED[name] = host
        return host

    return register


def reduction(name: str) -> Callable[[Host], Host]:
    """Register the host function of a reduction: `(device, array, axes, dtype, **params) -> DeviceArray`."""

    def register(host: Host) -> Host:
        REDUCTIONS[name] = host
        return host

    return register
