"""The host side of each family of kernels, a file each: its table of rungs, its cases, what calls it."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import Any

from tinygrad_edu.backend.cuda.kernels import Case, Ladder

Host = Callable[..., Any]

# In the order of a first reading. A file may hold several ladders: one a folder of kernels/.
# fmt: off
FAMILIES = ("elementwise", "copy", "reduce", "scan", "softmax", "cross_entropy", "norm", "matmul", "einsum",
            "gather", "scatter", "sort", "random", "convolution", "pooling", "fold",
            "optim")
# fmt: on
STEPS = ("sgd_step", "adam_step", "adagrad_step", "rmsprop_step")
FUSED: dict[str, Host] = {}
REDUCTIONS: dict[str, Host] = {}


def fused(name: str) -> Callable[[Host], Host]:
    """Register how the op `name` runs: `(device, *arrays, **params) -> DeviceArray`."""

    def register(host: Host) -> Host:
        FUSED[name] = host
        return host

    return register


def reduction(name: str) -> Callable[[Host], Host]:
    """Register how the reduction `name` runs: `(device, array, axes, dtype, **params) -> DeviceArray`."""

    def register(host: Host) -> Host:
        REDUCTIONS[name] = host
        return host

    return register


@functools.cache
def load_all() -> None:
    """Import every family, so that their host functions are registered."""
    for name in FAMILIES:
        importlib.import_module(f"tinygrad_edu.backend.cuda.families.{name}")


@functools.cache
def ladders() -> Mapping[str, Ladder]:
    """All ladders, by folder of kernels/."""
    found: dict[str, Ladder] = {}
    for name in FAMILIES:
        module = importlib.import_module(f"tinygrad_edu.backend.cuda.families.{name}")
        for value in vars(module).values():
            if isinstance(value, Ladder):
                found[value.family] = value
    return found


def ladder(family: str) -> Ladder:
    """The ladder of a folder of kernels/. Raises KeyError naming those there are."""
    try:
        return ladders()[family]
    except KeyError:
        raise KeyError(f"no family of kernels {family!r}; there are {', '.join(ladders())}") from None


def cases(family: str) -> Mapping[str, Case]:
    """The cases "count" and "time" of a ladder."""
    for name in FAMILIES:
        module = importlib.import_module(f"tinygrad_edu.backend.cuda.families.{name}")
        if any(isinstance(v, Ladder) and v.family == family for v in vars(module).values()):
            found: Mapping[str, Case] = getattr(module, "CASES", {})
            return found
    return {}
