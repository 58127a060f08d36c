"""Opening, unpacking and decoding a file, and naming the exact place of an error.

Every reader of this folder raises `DataError`, which names the file, the line, the column and what to do: a
training run fails on its data more often than on its mathematics, and "could not convert string to float"
costs an hour where "patients.csv:12, column 3 ('age')" costs a minute.
"""

from __future__ import annotations

import codecs
import contextlib
import gzip
import importlib
import io
import os
import sys
import zlib
from pathlib import Path
from typing import TypeAlias

from tinygrad_edu import files
from tinygrad_edu.errors import wrong
from tinygrad_edu.phrases import Phrase, passing

PathLike: TypeAlias = str | os.PathLike[str]

STANDARD_INPUT = "-"
_PACKED = {b"\x1f\x8b": "gzip", b"BZh91AY&SY": "bz2", b"\xfd7zXZ\0": "lzma"}
_FOREIGN = {
    b"PK\x03\x04": "a zip archive or a workbook (.xlsx, .ods)",
    b"\xd0\xcf\x11\xe0": "a workbook (.xls)",
}
# UTF-32 comes first: its mark begins with the mark of UTF-16.
_MARKS = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF8, "utf-8"),
          (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip


class DataError(ValueError):
    """A file that is not what its reader was promised: the message names the place and the remedy."""


def bad(place: str, problem: str, remedy: str = "") -> DataError:
    """The error to raise for a place in a file."""
    return wrong(DataError, None, problem, remedy, place=place)


def place(path: PathLike, line: int | None = None, column: int | None = None, name: str | None = None) -> str:
    """The text for a place in a file, counted from 1: `patients.csv:12, column 3 ('age')`."""
    words = "standard input" if os.fspath(path) == STANDARD_INPUT else Path(path).name
    if line is not None:
        words += f":{line}"
    if column is not None:
        words += f", column {column}"
    if name:
        words += f" ({name!r})"
    return words


def read_bytes(path: PathLike) -> bytes:
    """The content of a file, unpacked; its first bytes show how it is packed, because a suffix can be wrong.

    `-` is standard input. Raises FileNotFoundError with the working directory (the usual culprit), DataError
    for a damaged archive.
    """
    if os.fspath(path) == STANDARD_INPUT:
        raw = sys.stdin.buffer.read()
    else:
        try:
            raw = Path(path).read_bytes()
        except FileNotFoundError:
            remedy = f"a relative path is looked up in {Path.cwd()}"
            raise wrong(FileNotFoundError, None, "no such file", remedy, place=os.fspath(path)) from None
    for magic, module in _PACKED.items():
        if raw.startswith(magic):
            try:
                unpacked: bytes = importlib.import_module(module).decompress(raw)
            except (EOFError, OSError, ValueError, zlib.error, _lzma_error(module)) as error:
                problem = f"damaged {module} after {len(raw)} compressed bytes ({error})"
                raise bad(place(path), problem, "fetch or copy it again") from error
            return unpacked
    return raw


def _lzma_error(module: str) -> type[Exception]:
    """The exception of lzma, which is no OSError; not every machine has this module."""
    return importlib.import_module(module).LZMAError if module == "lzma" else EOFError


def read_text(path: PathLike) -> str:
    """The content of a text file, in the encoding that `decoded` finds."""
    return decoded(path, read_bytes(path), None)[0]


def decoded(path: PathLike, raw: bytes, encoding: str | None) -> tuple[str, str]:
    """The text of these bytes, byte order mark dropped, and the encoding it was in.

    Without `encoding`: what a byte order mark says, else UTF-16 if every other byte is 0, else UTF-8, else
    Windows' cp1252 (Latin-1 with more signs) unless it is damaged UTF-8. DataError names the line.
    """
    for magic, kind in _FOREIGN.items():
        if raw.startswith(magic):
            raise bad(place(path), f"this is {kind}, no text", "save the table as CSV")
    if encoding is None:
        encoding = next((name for mark, name in _MARKS if raw.startswith(mark)), None) or _utf_16(raw)
    try:
        return raw.decode(encoding or "utf-8").removeprefix("\ufeff"), encoding or "utf-8"
    except LookupError:
        problem = f"no encoding is called {encoding!r}"
        raise wrong(ValueError, None, problem, "try utf-8, utf-16 or cp1252") from None
    except UnicodeDecodeError as error:
        if encoding is None and raw.decode("utf-8", "ignore").isascii():
            with contextlib.suppress(UnicodeDecodeError):
                return raw.decode("cp1252"), "cp1252"
        line = raw.count(b"\n", 0, error.start) + 1
        raise bad(
            place(path, line),
            f"byte 0x{raw[error.start]:02x} is not {encoding or 'UTF-8'}",
            Phrase("save the file as UTF-8, or ", passing("encoding")),
        ) from error


def _utf_16(raw: bytes) -> str | None:
    """UTF-16 without its mark: in text of mostly Latin letters every other byte is 0."""
    start = raw[:4096]
    zeros = (start[0::2].count(0), start[1::2].count(0))
    for mine, other, name in ((zeros[1], zeros[0], "utf-16-le"), (zeros[0], zeros[1], "utf-16-be")):
        if 4 * mine > len(start) and not other and len(raw) % 2 == 0:
            return name
    return None


def write_bytes(path: PathLike, content: bytes) -> None:
    """Write `content`, gzipped when the name ends in `.gz`.

    The gzip header carries no name and no time, so the same content always gives the same bytes.
    """
    if Path(path).suffix == ".gz":
        packed = io.BytesIO()
        with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=packed, mtime=0) as stream:
            stream.write(content)
        content = packed.getvalue()
    files.write(path, content)
