"""Modes of running kernels as context managers and decorators: checked, and deferred."""
from __future__ import annotations

import gc
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tinygrad_edu.simulator import control
from tinygrad_edu.simulator.control import SimulatorError

_SHOWN = 20     # allocations in a report of leaks


@contextmanager
def check(*, leaks: bool = False, strict_volatile: bool = False) -> Iterator[None]:
    """Kernels launched inside are watched; the first error in one is raised by PyCUDA, with a report as text.

    `with sim.check():`, or `@sim.check()` over a function. Found are data races on shared and global memory,
    accesses out of bounds or misaligned, use after free, host pointers, reads of memory that nobody wrote,
    wrong barriers and shuffle masks. `leaks` also raises SimulatorError at the end if device memory allocated
    inside is still held; `strict_volatile` reports warp-synchronous code through `volatile` as races too.
    """
    _installed()
    mode, strict = control.get_value("mode"), control.get_value("strict_volatile")
    since = control.get_value("serial")
    control.set_value("mode", "check")
    control.set_value("strict_volatile", str(int(strict_volatile)))
    try:
        yield
        if (report := control.finish()) is not None:
            raise SimulatorError(report)
    finally:
        control.set_value("mode", mode)
        control.set_value("strict_volatile", strict)
    if leaks and (held := allocations(int(since))):
        raise SimulatorError(leak_report(held))


def _installed() -> None:
    """Put the simulator under PyCUDA, if it is not; SimulatorError, with what to do, where it is too late."""
    if not control.is_loaded():
        importlib.import_module("tinygrad_edu.simulator.install").install()


def is_checking() -> bool:
    """Whether kernels launched now are watched."""
    return control.get_value("mode") == "check"


@contextmanager
def deferred() -> Iterator[None]:
    """Work given to streams inside waits until somebody synchronises, as it may on a GPU.

    So a result read too early is old, and a host buffer changed too early is the new one.
    """
    _installed()
    before = control.get_value("deferred")
    control.set_value("deferred", "1")
    try:
        yield
    finally:
        control.set_value("deferred", before)


def allocations(since: int = 0) -> list[dict[str, Any]]:
    """Device memory still held of what was allocated from serial number `since` on, after the garbage."""
    gc.collect()
    held: list[dict[str, Any]] = control.get_json(f"allocations:{since}")
    return held


def leak_report(held: list[dict[str, Any]]) -> str:
    """The text that tells of allocations which nobody freed."""
    total = sum(entry["bytes"] for entry in held)
    many = "1 allocation is" if len(held) == 1 else f"{len(held)} allocations are"
    lines = [f"Memory leak: {many} still held, {total} bytes"]
    for entry in held[:_SHOWN]:
        lines.append(f"  {entry['bytes']} bytes of {entry['kind']} memory, allocated at "
                     f"{entry['made_at'] or 'an unknown line'}")
    if len(held) > _SHOWN:
        lines.append(f"  and {len(held) - _SHOWN} more")
    lines.append("  What to do: free each with .free() or let its last reference go; of a memory pool, call "
                 "free_held().")
    return "\n".join(lines)


def configure(*, workers: int | None = None, time_limit: float | None = None,
              memory: int | None = None, devices: int | None = None) -> None:
    """Settings of the simulated device; what is not given stays.

    `workers`: OS threads that run blocks, 0 for one on each core. `time_limit`: seconds after which a block
    is taken to hang (30 at first). `memory`: bytes that each device claims to have (4 GiB at first).
    `devices`: how many there are (1 at first), alike, each with its own memory and no link to the others.
    """
    _installed()
    given = {"workers": (workers, 0, 64), "time_limit": (time_limit, 1e-3, 1e6),
             "memory": (memory, 2**20, 2**37), "devices": (devices, 1, 16)}
    for key, (value, least, most) in given.items():
        if value is not None:
            if not least <= value <= most:
                raise ValueError(f"{key} is {least:g} to {most:g}, not {value}")
            control.set_value(key, str(value))


def last_report() -> str:
    """What the driver said about the last error, "" when there was none."""
    return control.get_value("report")
