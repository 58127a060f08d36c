"""The container that stands for a cubin: the compiled module and the sources it came from, each with a name.

cuModuleLoadData is given a bare pointer, so the length stands in front. All numbers are little endian.
"""

from __future__ import annotations

import struct

MAGIC = b"\x7fTGESIM\0"
_HEAD = struct.Struct("<8sQ")  # magic, bytes of the whole
_RECORD = struct.Struct("<IIQ")  # bytes of the name, 0, bytes of the data


class BlobError(ValueError):
    """These bytes are no module of the simulator."""


def pack(records: dict[str, bytes]) -> bytes:
    """The container of these records, in their order."""
    parts = []
    for name, data in records.items():
        label = name.encode()
        parts += [_RECORD.pack(len(label), 0, len(data)), label, data]
    return _HEAD.pack(MAGIC, _HEAD.size + sum(map(len, parts))) + b"".join(parts)


def unpack(content: bytes) -> dict[str, bytes]:
    """The records of a container."""
    if len(content) < _HEAD.size or content[: len(MAGIC)] != MAGIC:
        raise BlobError("this is no module compiled for the simulator: the first bytes differ")
    length = _HEAD.unpack_from(content)[1]
    if length > len(content):
        raise BlobError(f"a module of {length} bytes, of which {len(content)} are here")
    records, here = {}, _HEAD.size
    while here < length:
        name_bytes, _, data_bytes = _RECORD.unpack_from(content, here)
        here += _RECORD.size
        name = content[here : here + name_bytes].decode()
        here += name_bytes
        records[name] = content[here : here + data_bytes]
        here += data_bytes
    return records
