"""Replacing a file whole or not at all, whenever the process is killed or the power fails.

The new contents go to a temporary file in the same folder, are flushed to the disk, and take the old file's
name in one step that file systems promise to be indivisible; then the folder itself is flushed.
"""
from __future__ import annotations

import contextlib
import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path


def replace(path: Path, write: Callable[[str], None]) -> None:
    """Let `write(name)` fill a temporary file, then give it the name `path`.

    Temporary files of writers on this machine that died are deleted first. Raises what `write` raises, and
    OSError when the disk will not take it; the file that was at `path` is then still there, and the temporary
    one is not.
    """
    for stale in _abandoned(path):
        with contextlib.suppress(OSError):
            stale.unlink()
    prefix = f"{_prefix(path)}{os.getpid()}."
    handle, temporary = tempfile.mkstemp(prefix=prefix, suffix=".tmp", dir=path.parent)
    try:
        os.close(handle)
        write(temporary)
        os.chmod(temporary, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    with contextlib.suppress(OSError):          # not every system can open a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _prefix(path: Path) -> str:
    """How the temporary files begin that this machine makes for `path`; the writer's number follows."""
    return f".{path.name}.{platform.node().replace('.', '_')}-"


def _abandoned(path: Path) -> Iterator[Path]:
    start = _prefix(path)
    for name in sorted(os.listdir(path.parent)) if path.parent.is_dir() else ():
        pid = name.removeprefix(start).split(".")[0]
        if name.startswith(start) and name.endswith(".tmp") and pid.isdigit() and not _alive(int(pid)):
            yield path.parent / name


def _alive(pid: int) -> bool:
    if os.name != "posix":
        return pid == os.getpid()       # elsewhere an open file cannot be deleted: a live writer is safe
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
