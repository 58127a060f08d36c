"""Where data comes from: opening a file, plain or gzipped, and naming the exact place where it is wrong.

Every reader of this folder fails through `DataError`, and says the file, the line, the column and what to do:
a training run dies on its data more often than on its mathematics, and "could not convert string to float"
costs an hour where "patients.csv:12, column 3 ('age')" costs a minute.
"""
from __future__ import annotations

import gzip
import io
import os
import zlib
from pathlib import Path
from typing import TypeAlias

PathLike: TypeAlias = str | os.PathLike[str]

_GZIP_MAGIC = b"\x1f\x8b"


class DataError(ValueError):
    """A file that is not what its reader was promised: the message names the place and the remedy."""


def place(path: PathLike, line: int | None = None, column: int | None = None, name: str | None = None) -> str:
    """The words for a spot in a file, counted from 1: `patients.csv:12, column 3 ('age')`."""
    words = Path(path).name
    if line is not None:
        words += f":{line}"
    if column is not None:
        words += f", column {column}"
    if name:
        words += f" ({name!r})"
    return words


def read_bytes(path: PathLike) -> bytes:
    """The content of a file; gzip is recognised by its first two bytes, for a suffix can lie.

    Raises FileNotFoundError with the working directory (the usual culprit), DataError for a damaged gzip.
    """
    try:
        raw = Path(path).read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{os.fspath(path)}: no such file; a relative path is looked up in {Path.cwd()}"
        ) from None
    if not raw.startswith(_GZIP_MAGIC):
        return raw
    try:
        return gzip.decompress(raw)
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(
            f"{place(path)}: damaged gzip after {len(raw)} compressed bytes ({error}); fetch or copy it again"
        ) from error


def read_text(path: PathLike) -> str:
    """The content of a UTF-8 file, byte order mark dropped; DataError names the line of a foreign byte."""
    raw = read_bytes(path)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{place(path, line)}: byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8"
        ) from error


def write_bytes(path: PathLike, content: bytes) -> None:
    """Write `content`, gzipped when the name ends in `.gz`.

    The gzip header carries no name and no time, so the same content gives the same bytes tomorrow.
    """
    if Path(path).suffix == ".gz":
        packed = io.BytesIO()
        with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=packed, mtime=0) as stream:
            stream.write(content)
        content = packed.getvalue()
    Path(path).write_bytes(content)
