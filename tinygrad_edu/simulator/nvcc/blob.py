"""The simulator's cubin: a container of named records, with the compiled module and its sources.

cuModuleLoadData gets only a pointer, so the container begins with its length and a checksum. All numbers are
little endian.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

MAGIC = b"\x7fTGESM2\0"
_HEAD = struct.Struct("<8sQQ")  # magic, total length in bytes, Adler-32 of the rest
_RECORD = struct.Struct("<IIQ")  # length of the name, 0, length of the data


class BlobError(ValueError):
    """The bytes are not a module of the simulator."""


def pack(records: dict[str, bytes]) -> bytes:
    """A container with these records, in this order."""
    parts = []
    for name, data in records.items():
        label = name.encode()
        parts += [_RECORD.pack(len(label), 0, len(data)), label, data]
    body = b"".join(parts)
    return _HEAD.pack(MAGIC, _HEAD.size + len(body), zlib.adler32(body)) + body


def unpack(content: bytes) -> dict[str, bytes]:
    """The records of a container."""
    if len(content) < _HEAD.size or content[: len(MAGIC)] != MAGIC:
        raise BlobError("this is no module compiled for the simulator: the first bytes differ")
    _, length, checksum = _HEAD.unpack_from(content)
    if length > len(content):
        raise BlobError(f"a module of {length} bytes, of which {len(content)} are here")
    if zlib.adler32(content[_HEAD.size : length]) != checksum:
        raise BlobError("this module was damaged since it was compiled")
    records, here = {}, _HEAD.size
    while here < length:
        name_bytes, _, data_bytes = _RECORD.unpack_from(content, here)
        here += _RECORD.size
        name = content[here : here + name_bytes].decode()
        here += name_bytes
        records[name] = content[here : here + data_bytes]
        here += data_bytes
    return records


def is_complete(path: Path) -> bool:
    """Whether a file has the start and the length of a container; quick, since whole folders are tested."""
    try:
        with open(path, "rb") as file:
            head, size = file.read(_HEAD.size), os.fstat(file.fileno()).st_size
            return len(head) == _HEAD.size and _HEAD.unpack(head)[:2] == (MAGIC, size)
    except OSError:
        return False
