"""The free memory, and an early error for requests that would not fit.

Some systems grant more memory than they have, and kill the process without a message when it uses the memory.
So a request is compared with the free memory before it is made.
"""

from __future__ import annotations

import os
from pathlib import Path

from tinygrad_edu.errors import wrong

_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_UNITS = ("bytes", "KB", "MB", "GB", "TB", "PB", "EB")


def available() -> int | None:
    """The bytes that this process can still allocate: free memory, within the limit of its container."""
    free: list[int] = []
    try:
        lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        free.append(1024 * int(lines["MemAvailable"].split()[0]))
    except (OSError, KeyError, ValueError):
        try:
            free.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
        except (AttributeError, OSError, ValueError):
            return None
    for path in _LIMITS:
        try:
            free.append(int(path.read_text()))
        except (OSError, ValueError):  # no container, or one without a limit: "max"
            continue
    return min(free)


def words(count: float) -> str:
    """A number of bytes as readable text: `3.7 GB`."""
    unit = 0
    while count >= 1000 and unit < len(_UNITS) - 1:
        count, unit = count / 1000, unit + 1
    return f"{count:.3g} {_UNITS[unit]}"


def require(count: int, what: str, remedy: str) -> None:
    """Raise MemoryError, with the figures and a remedy, if `count` bytes for `what` are not available."""
    if count < 1 << 26:  # 64 MB: not worth the check
        return
    free = available()
    if free is not None and count > free:
        raise wrong(
            MemoryError, None, f"{what} would take {words(count)} of memory, {words(free)} are free", remedy
        )
