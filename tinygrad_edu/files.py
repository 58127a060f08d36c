"""Writing a file whole or not at all, even if the process is killed or the power fails.

The new contents go to a temporary file in the same folder, are flushed to the disk, and take the old file's
name in one step, which file systems promise to be atomic; then the folder itself is flushed.

Only a regular file is replaced in this way. A symbolic link stays, its target is replaced; a device, a pipe
and an open descriptor (`/dev/null`, `/dev/stdout`) are written to. Permissions stay, and a file that may not
be written does not change. Missing folders are made.
(A hard link is a second name: it keeps the old contents.)
"""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_LINKS = 40  # Linux follows as many, one after the other


def write(path: str | os.PathLike[str], content: bytes | str) -> Path:
    """Write `content` to `path`, in place of what it held; text is written as UTF-8. Returns the path.

    Raises OSError with `path` as its file name if that fails; then the file that was there does not change,
    and the temporary file is deleted.
    """
    given = os.fspath(path)
    data = content.encode() if isinstance(content, str) else content
    try:
        if given.endswith(("/", os.sep)):
            raise IsADirectoryError(errno.EISDIR, "this names a folder; name a file in it")
        target = _resolve_links(Path(given))
        if _descriptor(target) is not None or (target.exists() and not target.is_file()):
            with _stream(target) as stream:
                stream.write(data)
        else:
            _make(target.parent)
            _replace(target, data)
    except OSError as error:  # the caller does not know the temporary file's name
        raise OSError(error.errno, error.strerror or str(error), given) from error
    return Path(given)


def _resolve_links(path: Path) -> Path:
    """The path at the end of the symbolic links of `path`, whether it exists or not."""
    for _ in range(_LINKS):
        if _descriptor(path) is not None or not path.is_symlink():
            return path
        path = path.parent / os.readlink(path)
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _descriptor(path: Path) -> int | None:
    """The number in a system's name for an open file of this process, `/proc/self/fd/1`."""
    named = path.name.isdecimal() and os.path.realpath(path.parent) in (f"/proc/{os.getpid()}/fd", "/dev/fd")
    return int(path.name) if named else None


def _stream(path: Path) -> BinaryIO:
    """Open something that is no regular file. A descriptor keeps its position: `>> log` is not truncated."""
    number = _descriptor(path)
    return open(path, "wb") if number is None else os.fdopen(os.dup(number), "wb")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise NotADirectoryError(errno.ENOTDIR, f"{folder} is no folder, nor can it be made one") from None


def _replace(path: Path, data: bytes) -> None:
    """Give the name `path` to a new file, and delete those of dead writers on this machine."""
    old = path.stat() if path.exists() else None
    if old is not None and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "this file may not be written; chmod it, or give another name")
    for stale in _is_abandoned(path.parent):
        with contextlib.suppress(OSError):
            stale.unlink()
    temporary = path.parent / f"{_prefix()}{os.getpid()}.{os.urandom(4).hex()}.tmp"
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if old is not None:
            with contextlib.suppress(OSError, AttributeError):  # only root may, on systems with owners
                os.chown(temporary, old.st_uid, old.st_gid)
            os.chmod(temporary, stat.S_IMODE(old.st_mode))
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    with contextlib.suppress(OSError):  # not every system can open a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _prefix() -> str:
    """The start of the names of temporary files from this machine; the writer's process number follows.

    It does not contain the name of the file, which may be as long as the system allows.
    """
    return f".tinygrad_edu.{platform.node().replace('.', '_')}-"


def _is_abandoned(folder: Path) -> Iterator[Path]:
    start = _prefix()
    for name in sorted(os.listdir(folder)):
        pid = name.removeprefix(start).split(".")[0]
        if name.startswith(start) and name.endswith(".tmp") and pid.isdigit() and not _is_running(int(pid)):
            yield folder / name


def _is_running(pid: int) -> bool:
    if os.name != "posix":
        return (
            pid == os.getpid()
        )  # on other systems an open file cannot be deleted, so a running writer is safe
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
