"""Pickles and archives written by hand: what `torch.save` writes, and what it never would."""

from __future__ import annotations

import io
import struct
import zipfile


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value):
    data = (
        value.to_bytes(9, "little", signed=True)
        if abs(value) < 2**70
        else value.to_bytes(40, "little", signed=True)
    )
    return b"\x8a" + bytes([len(data)]) + data


def numbers(values):
    return b"(" + b"".join(map(number, values)) + b"t"


def storage(kind, key, count, module="torch", device="cpu"):
    """The reference to a storage."""
    return (
        b"("
        + text("storage")
        + f"c{module}\n{kind}\n".encode()
        + text(key)
        + text(device)
        + number(count)
        + b"tQ"
    )


def tensor(memory, offset=0, size=(), stride=(), requires_grad=False, hooks=b"ccollections\nOrderedDict\n)R"):
    grad = b"\x88" if requires_grad else b"\x89"
    arguments = memory + number(offset) + numbers(size) + numbers(stride) + grad + hooks
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + arguments + b"tR"


def program(*items):
    """The pickle of the list of these items."""
    return b"\x80\x02](" + b"".join(items) + b"e."


def zipped(data, storages=(), *, folder="archive", compress=zipfile.ZIP_STORED, extra=(), **records):
    """The archive with this pickle; `records` are further entries, `extra` pairs of a name and content."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compress) as archive:
        archive.writestr(f"{folder}/data.pkl", data)
        for name, content in {"version": b"3\n", **records}.items():
            archive.writestr(f"{folder}/{name}", content)
        for key, content in dict(storages).items():
            archive.writestr(f"{folder}/data/{key}", content)
        for name, content in extra:
            archive.writestr(name, content)
    return file.getvalue()


def row(data, storages, *, magic=0x1950A86A20F9469CFC6C, version=1001, keys=None, counts=None):
    """The file of PyTorch before 1.6: `storages` are pairs (element size, bytes) by key."""
    keys = list(storages) if keys is None else keys
    head = b"".join(b"\x80\x02" + number(n) + b"." for n in (magic, version))
    facts = b"\x80\x02}(" + text("little_endian") + b"\x88u."
    names = b"\x80\x02](" + b"".join(map(text, keys)) + b"e."
    body = b""
    for key in keys:
        size, content = storages[key]
        count = len(content) // size if counts is None else counts[key]
        body += struct.pack("<q", count) + content
    return head + facts + data + names + body
