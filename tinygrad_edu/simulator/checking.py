"""Ways to run kernels: checked, and deferred; and the settings of the simulated device."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tinygrad_edu.simulator import control
from tinygrad_edu.simulator.control import SimulatorError

_MOST_SHOWN = 20  # most allocations in a report of leaks


@contextmanager
def check(*, leaks: bool = False, strict_volatile: bool = False) -> Iterator[None]:
    """Check the kernels launched inside the block; PyCUDA raises the first error, with a report as its text.

    Use it as `with sim.check():`, or as `@sim.check()` above a function. It finds data races on shared and
    global memory, accesses out of bounds or misaligned, use after free, host pointers, reads of memory that
    was never written, wrong barriers and wrong shuffle masks. With `leaks`, SimulatorError is raised at the
    end if device memory that was allocated inside the block is not freed. With `strict_volatile`,
    warp-synchronous code through `volatile` is reported as a race too.
    """
    _ensure_installed()
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


def _ensure_installed() -> None:
    """Install the simulator if it is not; SimulatorError, with advice, if another driver is loaded."""
    if not control.is_loaded():
        importlib.import_module("tinygrad_edu.simulator.install").install()


def is_checking() -> bool:
    """Whether the checker is on for kernels launched now."""
    return control.get_value("mode") == "check"


@contextmanager
def deferred() -> Iterator[None]:
    """Inside the block, work in streams runs only when the program synchronises, as may happen on a GPU.

    So a program that reads a result too early gets the old value; and if it changes a host buffer too early,
    the work gets the new contents.
    """
    _ensure_installed()
    before = control.get_value("deferred")
    control.set_value("deferred", "1")
    try:
        yield
    finally:
        control.set_value("deferred", before)


def allocations(since: int = 0) -> list[dict[str, Any]]:
    """The allocations from serial number `since` on that are not freed, after a garbage collection."""
    gc.collect()
    held: list[dict[str, Any]] = control.get_json(f"allocations:{since}")
    return held


def leak_report(held: list[dict[str, Any]]) -> str:
    """The report of allocations that were not freed."""
    total = sum(entry["bytes"] for entry in held)
    many = "1 allocation is" if len(held) == 1 else f"{len(held)} allocations are"
    lines = [f"Memory leak: {many} still held, {total} bytes"]
    for entry in held[:_MOST_SHOWN]:
        lines.append(
            f"  {entry['bytes']} bytes of {entry['kind']} memory, allocated at "
            f"{entry['made_at'] or 'an unknown line'}"
        )
    if len(held) > _MOST_SHOWN:
        lines.append(f"  and {len(held) - _MOST_SHOWN} more")
    lines.append(
        "  What to do: free each with .free() or let its last reference go; of a memory pool, call "
        "free_held()."
    )
    return "\n".join(lines)


def configure(
    *,
    workers: int | None = None,
    time_limit: float | None = None,
    memory: int | None = None,
    devices: int | None = None,
) -> None:
    """Change settings of the simulated device; a setting that is None stays as it is.

    workers     number of OS threads that run blocks; 0 for one on each core
    time_limit  seconds of computation, or ten times as many of waiting, after which a block counts as hanging
                (default 30)
    memory      bytes of memory that each device reports (default 4 GiB)
    devices     number of equal devices (default 1), each with its own memory and no link to the others
    """
    _ensure_installed()
    given = {
        "workers": (workers, 0, 64),
        "time_limit": (time_limit, 1e-3, 1e6),
        "memory": (memory, 2**20, 2**37),
        "devices": (devices, 1, 16),
    }
    for key, (value, least, most) in given.items():
        if value is not None:
            if not least <= value <= most:
                raise ValueError(f"{key} is {least:g} to {most:g}, not {value}")
            control.set_value(key, str(value))


def last_report() -> str:
    """The driver's report of the last error; "" if there was none."""
    return control.get_value("report")
