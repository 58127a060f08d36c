"""Seals: a checksum at the end of each cache file, which shows whether the file is complete.

After a full disk, a crash or an interrupted copy, a file may have the right name and the wrong contents. So
each file ends with its length and a checksum. Compilers, linkers and loaders ignore bytes after the end of an
object file. The checksum does not protect against an attacker.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from pathlib import Path

_SEAL = struct.Struct("<8sQI")  # magic, bytes before the seal, their Adler-32
_MAGIC = b"TGESEAL1"


def seal(path: Path) -> None:
    """Append the seal to a file that no other process uses yet."""
    content = path.read_bytes()
    with open(path, "ab") as file:
        file.write(_SEAL.pack(_MAGIC, len(content), zlib.adler32(content)))


def is_whole(path: Path, contents: bool = True) -> bool:
    """Whether a file exists and is as it was sealed. Without `contents`, check only length and seal."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - _SEAL.size))
            end = file.read()
            if len(end) < _SEAL.size:
                return False
            magic, length, checksum = _SEAL.unpack(end)
            if magic != _MAGIC or length != size - _SEAL.size:
                return False
            file.seek(0)
            return not contents or zlib.adler32(file.read(length)) == checksum
    except OSError:  # the file is missing, is a folder, or cannot be read
        return False


def put(temporary: Path, path: Path) -> None:
    """Move a finished file to its path in the cache, and replace what is there."""
    seal(temporary)
    make_way(path)
    os.replace(temporary, path)


def make_way(path: Path) -> None:
    """Rename a folder that is at the path of a cache file; nothing is deleted."""
    if path.is_dir() and not path.is_symlink():
        _rename_existing(path)


def folder(path: Path, root: Path) -> Path:
    """Create a folder below `root`; a file at its path, or at the path of a parent, is renamed."""
    for part in (*reversed(path.parents), path):
        if part.is_relative_to(root) and os.path.lexists(part) and not part.is_dir():
            _rename_existing(part)
    path.mkdir(parents=True, exist_ok=True)
    return path


def _rename_existing(path: Path) -> None:
    aside = path.with_name(f"{path.name}.aside.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):  # another process has renamed it
        os.rename(path, aside)
