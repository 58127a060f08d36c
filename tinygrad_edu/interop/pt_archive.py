"""The two containers of a `.pt` file: a zip archive, since PyTorch 1.6, and before that a row of pickles.

Zip archive, of which each entry is in one folder, and none is compressed:

    name/data.pkl     the pickle: containers, and tensors that name their storages
    name/data/0 ...   the bytes of each storage
    name/byteorder    "little" or "big"; little if there is none
    name/version      of the format, a number

Row of pickles: a number by which to know the format, its version, facts about the machine, the object, the
names of its storages; then for each of these, in this order, its number of elements, in 8 bytes, and the
elements.
"""

from __future__ import annotations

import io
import pickletools
import struct
import zipfile
from collections.abc import Callable
from typing import Any, BinaryIO

from tinygrad_edu.interop.pt_errors import refuse
from tinygrad_edu.interop.pt_globals import Globals
from tinygrad_edu.interop.pt_pickle import interpret
from tinygrad_edu.interop.pt_storage import Kind, Storage, StorageType

MAGIC = 0x1950A86A20F9469CFC6C
_NEWEST = 3  # of both formats: PyTorch raises it when an older one can no longer be read
_DAMAGED = "it is damaged, or was not copied whole"


def is_zip(start: bytes) -> bool:
    """Whether a file that begins with these bytes is a zip archive."""
    return start[:4] == b"PK\x03\x04"


def is_row(start: bytes) -> bool:
    """Whether a file that begins with these bytes is one of PyTorch's rows of pickles."""
    try:
        first = [(code.name, argument) for code, argument, _ in pickletools.genops(start)]
    except ValueError:
        return False
    return ("LONG1", MAGIC) in first or ("LONG", MAGIC) in first


def _reference(given: Any) -> tuple[StorageType, str, str, int]:
    """(type, key, device, number) of a pickle's reference to a storage; PTError for another reference."""
    if type(given) is tuple and len(given) == 6 and given[-1] is None:  # no view of another storage
        given = given[:-1]
    if type(given) is not tuple or len(given) != 5 or given[0] not in ("storage", b"storage"):
        raise refuse("its pickle refers to something that is no storage")
    _, kind, key, device, count = given
    if not isinstance(kind, StorageType) or type(key) not in (str, int) or type(device) is not str:
        raise refuse("its pickle refers to a storage without a type, a name or a device")
    if type(count) is not int or count < 0:
        raise refuse(f"the storage {key!r:.60} has {count!r:.30} elements")
    return kind, str(key), device, count


def read_zip(file: BinaryIO, names: Globals) -> Any:
    """The object of a zip archive. PTError if it is damaged, or no archive of PyTorch."""
    try:
        with zipfile.ZipFile(file) as archive:
            entries = _entries(archive)
            return _Zip(archive, entries).read(names)
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, ValueError, struct.error) as error:
        if hasattr(error, "fault"):
            raise
        raise refuse(
            f"its zip archive cannot be read: {error!s:.200}", f"{_DAMAGED}, or zipped by another program"
        ) from error


def _entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The entries by their names below the one folder; PTError for what PyTorch does not write."""
    given = archive.infolist()
    names = [entry.filename for entry in given]
    if len(set(names)) != len(names):
        raise refuse("its zip archive has two entries of one name", "write it again with torch.save")
    if any(name.startswith("/") or "\\" in name or ".." in name.split("/") for name in names):
        raise refuse("its zip archive has an entry whose name leads out of it", "do not trust this file")
    packed = [e.filename for e in given if e.compress_type != zipfile.ZIP_STORED or e.flag_bits & 1]
    if packed:
        raise refuse(
            f"its entry {packed[0]!r:.80} is compressed or encrypted, and PyTorch writes plain ones",
            "unpack it, or write it again with torch.save",
        )
    # plain entries that do not overlap have together no more bytes than the file
    end = archive.fp.seek(0, io.SEEK_END) if archive.fp else 0
    if sum(entry.file_size for entry in given) > end or any(e.file_size != e.compress_size for e in given):
        raise refuse("its zip archive has more bytes in its entries than in all", _DAMAGED)
    folder = names[0].partition("/")[0] if names else ""
    if any(not name.startswith(f"{folder}/") for name in names) or f"{folder}/data.pkl" not in names:
        raise refuse(
            "it is a zip archive without a data.pkl in one folder, so no file of torch.save",
            "arrays of NumPy are read by numpy.load",
        )
    if f"{folder}/constants.pkl" in names:
        raise refuse("it is a program of torch.jit.save", "load it in PyTorch, and save its state_dict()")
    return {entry.filename[len(folder) + 1 :]: entry for entry in given}


class _Zip:
    """The storages of an archive, each read once."""

    def __init__(self, archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo]) -> None:
        self.archive, self.entries = archive, entries
        self.contents: dict[str, bytearray] = {}
        self.storages: dict[tuple[str, Kind], Storage] = {}
        self.big = self._text("byteorder", "little") == "big"

    def _text(self, name: str, default: str) -> str:
        return self.archive.read(self.entries[name]).decode().strip() if name in self.entries else default

    def read(self, names: Globals) -> Any:
        version = self._text("version", self._text(".data/version", "1"))
        if not version.isdecimal() or int(version[:9]) > _NEWEST:
            raise refuse(f"its format is {version!r:.30}, and this version reads up to {_NEWEST}",
                         "update tinygrad_edu")  # fmt: skip
        program = io.BytesIO(self.archive.read(self.entries["data.pkl"]))
        return interpret(program, names.find, self.storage, names.build)

    def storage(self, given: Any) -> Storage:
        kind, key, device, count = _reference(given)
        if key not in self.contents:
            entry = self.entries.get(f"data/{key}")
            if entry is None:
                raise refuse(f"it has no storage {key!r:.60}", _DAMAGED)
            self.contents[key] = self._content(entry)
        content = self.contents[key]
        if len(content) != count * kind.kind.size:
            raise refuse(
                f"the storage {key!r:.60} has {len(content)} bytes, and {count} elements of "
                f"{kind.kind.name} have {count * kind.kind.size}",
                _DAMAGED,
            )
        return self.storages.setdefault((key, kind.kind), Storage(key, kind.kind, content, device, self.big))

    def _content(self, entry: zipfile.ZipInfo) -> bytearray:
        content = bytearray(self.archive.read(entry))  # which compares its CRC
        if len(content) != entry.file_size:
            raise refuse(f"its entry {entry.filename!r:.80} is shorter than it says", _DAMAGED)
        return content


def read_row(file: BinaryIO, remaining: int, names: Globals) -> Any:
    """The object of a row of pickles, at the position of `file`, of which `remaining` bytes are left."""
    start = file.tell()
    plain = Globals(lambda *_: None, None)
    first, version, machine = (interpret(file, plain.find, _no_storage, plain.build) for _ in range(3))
    if first != MAGIC or version != 1001 or type(machine) is not dict:
        raise refuse(f"its format is {version!r:.30}, and this version reads 1001")
    big = machine.get("little_endian") is False
    program = file.tell()
    sizes: dict[str, tuple[StorageType, int]] = {}

    def measure(given: Any) -> Storage:
        kind, key, device, count = _reference(given)
        if sizes.setdefault(key, (kind, count)) != (kind, count):
            raise refuse(f"the storage {key!r:.60} has two types or two numbers of elements")
        return Storage(key, kind.kind, None, device, big)

    sketch = Globals(names.make, None if names.given is None else _sketched(names.given))
    interpret(file, sketch.find, measure, sketch.build)
    keys = interpret(file, plain.find, _no_storage, plain.build)
    if type(keys) is not list or set(map(str, keys)) != sizes.keys() or len(keys) != len(sizes):
        raise refuse("its list of storages is not that of its tensors", _DAMAGED)
    contents: dict[str, bytearray] = {}
    for key in map(str, keys):
        kind, count = sizes[key]
        length = count * kind.kind.size
        if length > remaining - (file.tell() - start) - 8:
            raise refuse(f"it ends before its storage {key!r:.60} of {length} bytes", _DAMAGED)
        if int.from_bytes(file.read(8), "big" if big else "little") != count:
            raise refuse(f"the storage {key!r:.60} has another number of elements than its tensors say")
        contents[key] = bytearray(length)
        if file.readinto(contents[key]) != length:  # type: ignore[attr-defined]
            raise refuse(f"it ends in its storage {key!r:.60}", _DAMAGED)
    end = file.tell()
    storages: dict[str, Storage] = {}

    def find_storage(given: Any) -> Storage:
        kind, key, device, _ = _reference(given)
        return storages.setdefault(key, Storage(key, kind.kind, contents[key], device, big))

    file.seek(program)
    value = interpret(file, names.find, find_storage, names.build)
    file.seek(end)
    return value


def _no_storage(_: Any) -> Any:
    raise refuse("its first pickles refer to something outside of them")


class _Sketch:
    """An object that takes every argument and every state, while only the sizes of storages are collected."""

    def __init__(self, *_: Any) -> None:
        pass

    def __setstate__(self, _: Any) -> None:
        pass


def _sketched(find: Callable[[str, str], Any]) -> Callable[[str, str], Any]:
    """Like `find`, with a sketch in place of everything that can be called."""

    def found(module: str, name: str) -> Any:
        given = find(module, name)
        return _Sketch if callable(given) else given

    return found
