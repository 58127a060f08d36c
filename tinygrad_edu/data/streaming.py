"""Files larger than memory: rows of .npy and .npz by memory map, lines of text and rows of CSV as streams.

A memory map reads only the parts of a file that a batch needs, in any order, so `ArrayFile` is a dataset with
rows. Text has to be read from its beginning: `TextLines` and `CSVRows` are streams, for `ShuffleBuffer` to
shuffle. Each worker opens the file for itself.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import os
import struct
import zipfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from tinygrad_edu.data.combining import IterableDataset
from tinygrad_edu.data.csv_text import DELIMITERS
from tinygrad_edu.data.dataset import Array, Indices
from tinygrad_edu.data.source import DataError, PathLike, bad, place
from tinygrad_edu.data.spelling import exact
from tinygrad_edu.errors import wrong
from tinygrad_edu.scalars import integer

_BLOCK = 1 << 20  # bytes of text that are read at once


class ArrayFile:
    """The arrays of .npy files, or of an uncompressed .npz, as a dataset: row i is `(x[i], y[i], ...)`.

    paths  files that share their first dimension, `ArrayFile("x.npy", "y.npy")`; or one .npz
    names  which arrays of an .npz, in their order; by default all

    Nothing is read before it is needed, and rows are copied out. FileNotFoundError, and DataError for a file
    that is no array, holds Python objects, or is compressed.
    """

    def __init__(self, *paths: PathLike, names: Sequence[str] | None = None) -> None:
        if not paths:
            raise wrong(ValueError, "ArrayFile", "there is no file", "pass for example 'x.npy', 'y.npy'")
        self.paths = tuple(os.path.abspath(os.fspath(path)) for path in paths)
        self.names = None if names is None else tuple(names)
        self.arrays = self._open()
        shapes = ", ".join(f"{array.shape}" for array in self.arrays)
        if any(array.ndim == 0 for array in self.arrays) or len({len(array) for array in self.arrays}) > 1:
            raise wrong(
                ValueError,
                "ArrayFile",
                f"first dimensions differ: {shapes}",
                "row i must be one example in every array",
            )

    def _open(self) -> tuple[Array, ...]:
        if len(self.paths) == 1 and _magic(self.paths[0]).startswith(b"PK"):
            return _archive(self.paths[0], self.names)
        if self.names is not None:
            raise wrong(ValueError, "ArrayFile", "names= are those of the arrays of one .npz file")
        return tuple(map(_mapped, self.paths))

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, index: int, /) -> tuple[Any, ...]:
        return tuple(np.array(array[index]) for array in self.arrays)

    def take(self, indices: Indices, /) -> tuple[Array, ...]:
        """The rows `indices` of every array, each (len(indices), ...): a copy in memory."""
        return tuple(np.array(array[indices]) for array in self.arrays)

    def __getstate__(self) -> dict[str, Any]:
        """A pickled one is its paths: a worker maps the files again, and copies no array."""
        return {"paths": self.paths, "names": self.names}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.arrays = self._open()

    def __repr__(self) -> str:
        arrays = ", ".join(f"{array.dtype}{array.shape}" for array in self.arrays)
        return f"ArrayFile({', '.join(Path(path).name for path in self.paths)}: {arrays})"


class TextLines(IterableDataset):
    """The lines of text files without their line ends, one file after another: a stream of strings.

    paths       one file or several; those packed by gzip are unpacked
    encoding    of the text; a byte order mark is dropped
    skip_empty  leave out lines of nothing but blanks

    DataError names the file and the line of bytes that are no text.
    """

    def __init__(self, *paths: PathLike, encoding: str = "utf-8", skip_empty: bool = False) -> None:
        self.paths = _existing("TextLines", paths)
        self.encoding, self.skip_empty = encoding, bool(skip_empty)

    def __iter__(self) -> Iterator[str]:
        for path in self.paths:
            for _, line in _lines(path, self.encoding):
                line = line.rstrip("\r\n")
                if not self.skip_empty or line.strip():
                    yield line

    def __repr__(self) -> str:
        return f"TextLines({', '.join(Path(path).name for path in self.paths)})"


class _Line(NamedTuple):
    path: str
    number: int
    cells: list[str]


class CSVRows(IterableDataset):
    """The rows of a CSV file of numbers, read in blocks: items (features, label), or features alone.

    label      the column to predict: its name, or its number from 0 (negative: from the end); None: none
    columns    the columns of the features, in their order, each once and without the label; None: all others
    delimiter  one character
    header     whether line 1 holds column names; None: if some cell of it is no number
    dtype      of the features, (columns,), and the label

    For a file that fits into memory, `read_csv` detects more and checks more. DataError names file, line and
    column of a cell that is no finite number, or none of `dtype`, and of a row with another number of cells.
    Features of a float dtype are rounded to it, large integers too; a label that is an integer is kept
    exactly, or is an error.
    """

    def __init__(
        self,
        path: PathLike,
        label: int | str | None = -1,
        *,
        columns: Sequence[int | str] | None = None,
        delimiter: str = ",",
        header: bool | None = None,
        dtype: npt.DTypeLike = np.float32,
        encoding: str = "utf-8",
    ) -> None:
        (self.path,) = _existing("CSVRows", (path,))
        self.delimiter, self.encoding, self.dtype = delimiter, encoding, np.dtype(dtype)
        if self.dtype.kind not in "fiub":
            raise wrong(
                TypeError, "CSVRows", f"dtype={self.dtype} is not one of numbers", "pass for example float"
            )
        self.largest = float(np.finfo(self.dtype).max) if self.dtype.kind == "f" else 0.0
        first = next(self._rows(), None)
        if first is None:
            raise bad(place(path), "the file is empty", "look at how it was written")
        is_named = not all(map(_is_number, first.cells)) if header is None else bool(header)
        self.header = tuple(cell.strip() for cell in first.cells) if is_named else ()
        self.width = len(first.cells)
        self.label = None if label is None else self._position("label", label)
        if columns is None:
            self.columns = [i for i in range(self.width) if i != self.label]
        else:
            self.columns = [self._position("columns", column) for column in columns]
            self._check_columns()
        if not self.columns:
            raise bad(place(path), "no column is left for features",
                      self._delimiter_within(first.cells[0], "pass label=None"))  # fmt: skip

    def _check_columns(self) -> None:
        """Raise ValueError if the label is one of the features, or a column is there twice."""
        names = self.header or tuple(map(str, range(self.width)))
        if self.label in self.columns:
            problem = f"column {names[self.label]} is the label, and in columns=, too"
            raise wrong(ValueError, "CSVRows", problem, "leave it out of columns=, or pass label=None")
        twice = [column for column in self.columns if self.columns.count(column) > 1]
        if twice:
            problem = f"column {names[twice[0]]} is {len(twice)} times in columns="
            raise wrong(ValueError, "CSVRows", problem, "name each column once")

    def _delimiter_within(self, text: str, usual: str) -> str:
        """The remedy for cells that another delimiter would cut; `usual` if none does."""
        other = next((mark for mark in DELIMITERS if mark in text.strip() and mark != self.delimiter), None)
        return usual if other is None else f"pass delimiter={other!r}"

    def _position(self, argument: str, column: int | str) -> int:
        if isinstance(column, str):
            if column not in self.header:
                known = f"there are {list(self.header)}" if self.header else "line 1 holds no names"
                raise wrong(ValueError, "CSVRows", f"{argument}={column!r} is no column; {known}")
            if (count := self.header.count(column)) > 1:
                places = ", ".join(str(i) for i, name in enumerate(self.header) if name == column)
                problem = f"{argument}={column!r}: {count} columns have this name"
                raise wrong(ValueError, "CSVRows", problem, f"give its number, one of {places}")
            return self.header.index(column)
        number = integer(column, f"CSVRows: {argument}")
        if not -self.width <= number < self.width:
            raise wrong(ValueError, "CSVRows", f"{argument}={number}: there are {self.width} columns")
        return number % self.width

    def _rows(self) -> Iterator[_Line]:
        lines = _lines(self.path, self.encoding)
        reader = csv.reader((line for _, line in lines), delimiter=self.delimiter)
        try:
            for cells in reader:
                if cells:
                    yield _Line(self.path, reader.line_num, cells)
        except csv.Error as error:
            raise bad(place(self.path, reader.line_num), f"this is no CSV: {error}") from None

    def __iter__(self) -> Iterator[_Line]:
        rows = self._rows()
        if self.header:
            next(rows, None)
        return rows

    def decode(self, item: _Line) -> Any:
        """The numbers of a line."""
        if len(item.cells) != self.width:
            raise bad(
                place(item.path, item.number),
                f"{len(item.cells)} cells, and {self.width} in line 1",
                "repair the line, or pass delimiter=",
            )
        read = self._float if self.dtype.kind == "f" else self._integer
        features = np.array([read(item, column) for column in self.columns], self.dtype)
        if self.label is None:
            return (features,)
        label = np.array(read(item, self.label), self.dtype)[()]
        if self.dtype.kind == "f" and label == np.rint(label):
            known = exact(item.cells[self.label])
            if known is not None and known != Decimal(float(label)) and known == known.to_integral_value():
                raise self._misfit(item, self.label, "pass dtype=numpy.float64, or an integer dtype")
        return features, label

    def _float(self, item: _Line, column: int) -> float:
        number = _plain_float(item.cells[column])
        if not math.isfinite(number):
            raise self._no_number(item, column)
        if abs(number) > self.largest:
            raise self._misfit(item, column, "pass dtype=numpy.float64")
        return number

    def _integer(self, item: _Line, column: int) -> int:
        """The number of a cell for a dtype of integers or truths, exactly."""
        cell = item.cells[column]
        number = exact(cell) if math.isfinite(_plain_float(cell)) else None
        if number is None:
            raise self._no_number(item, column)
        is_bool = self.dtype.kind == "b"
        low, high = (0, 1) if is_bool else (np.iinfo(self.dtype).min, np.iinfo(self.dtype).max)
        if not low <= number <= high or number != number.to_integral_value():
            raise self._misfit(item, column, "pass dtype=numpy.float64")
        return int(number)

    def _where(self, item: _Line, column: int) -> str:
        return place(item.path, item.number, column + 1, self.header[column] if self.header else None)

    def _no_number(self, item: _Line, column: int) -> DataError:
        remedy = "fill it in, or leave the column out of columns="
        remedy = self._delimiter_within(item.cells[column], remedy)
        return bad(self._where(item, column), f"{item.cells[column]!r:.40} is no finite number", remedy)

    def _misfit(self, item: _Line, column: int, remedy: str) -> DataError:
        return bad(self._where(item, column), f"{item.cells[column]!r:.40} does not fit {self.dtype}", remedy)

    def __repr__(self) -> str:
        return f"CSVRows({Path(self.path).name}: {len(self.columns)} features)"


def _existing(caller: str, paths: tuple[PathLike, ...]) -> tuple[str, ...]:
    """Absolute paths of files that exist."""
    if not paths:
        raise wrong(ValueError, caller, "there is no file", "pass at least one path")
    found = tuple(os.path.abspath(os.fspath(path)) for path in paths)
    for path in found:
        if not os.path.isfile(path):
            remedy = f"a relative path is looked up in {Path.cwd()}"
            raise wrong(FileNotFoundError, caller, f"no such file: {path}", remedy)
    return found


def _magic(path: str) -> bytes:
    _existing("ArrayFile", (path,))
    with open(path, "rb") as file:
        return file.read(6)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _plain_float(cell: str) -> float:
    """The number of a cell as `read_csv` reads it, NaN for none: Python's 1_000 is not a number in a file."""
    try:
        return float(cell) if "_" not in cell and cell.isascii() else math.nan
    except ValueError:
        return math.nan


def _lines(path: str, encoding: str) -> Iterator[tuple[int, str]]:
    """The lines of a file with their numbers from 1; at no time more than a block of it is in memory."""
    packed = _magic(path).startswith(b"\x1f\x8b")
    with open(path, "rb", buffering=_BLOCK) as raw:
        binary: Any = io.BufferedReader(gzip.GzipFile(fileobj=raw), _BLOCK) if packed else raw
        name = "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
        number = 0
        try:
            for number, line in enumerate(io.TextIOWrapper(binary, name, newline=""), 1):
                yield number, line
        except LookupError:
            raise wrong(ValueError, None, f"no encoding is called {encoding!r}", "try utf-8") from None
        except UnicodeDecodeError as error:
            problem = f"byte 0x{error.object[error.start]:02x} is not {encoding}"
            raise bad(place(path), f"{problem}, after line {number}", "pass its encoding=") from None
        except (EOFError, gzip.BadGzipFile) as error:
            raise bad(place(path), f"damaged gzip after line {number} ({error})", "copy it again") from None


def _mapped(path: str) -> Array:
    """The array of a .npy file, mapped."""
    _existing("ArrayFile", (path,))
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        problem = f"this is no .npy file of numbers ({error})"
        raise bad(place(path), problem, "write it by numpy.save") from None


def _archive(path: str, names: Sequence[str] | None) -> tuple[Array, ...]:
    """The arrays of an uncompressed .npz, mapped: each is a .npy file that lies in it as it is."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    except zipfile.BadZipFile as error:
        raise bad(place(path), f"damaged archive ({error})", "copy it again") from None
    for name in names or ():
        if name not in members:
            raise wrong(ValueError, "ArrayFile", f"there is no array {name!r}; there are {list(members)}")
    arrays = []
    for name in names or members:
        info = members[name]
        if info.compress_type != zipfile.ZIP_STORED:
            raise bad(place(path), f"{name!r} is compressed", "write it by numpy.savez, not savez_compressed")
        with open(path, "rb") as file:
            # A member's local header: 30 bytes that end with the lengths of its name and extra field.
            file.seek(info.header_offset + 26)
            file.seek(info.header_offset + 30 + sum(struct.unpack("<HH", file.read(4))))
            try:
                version = np.lib.format.read_magic(file)
                read = {(1, 0): np.lib.format.read_array_header_1_0,
                        (2, 0): np.lib.format.read_array_header_2_0}[version]  # fmt: skip
                shape, is_fortran, dtype = read(file)
            except (ValueError, KeyError) as error:
                raise bad(place(path), f"{name!r} is no array ({error})", "write it by numpy.savez") from None
            if dtype.hasobject:
                raise bad(place(path), f"{name!r} holds Python objects", "write arrays of numbers")
            order: Literal["C", "F"] = "F" if is_fortran else "C"
            if 0 in shape:
                arrays.append(np.empty(shape, dtype))
            else:
                arrays.append(np.memmap(path, dtype, "r", file.tell(), shape, order))
    return tuple(arrays)
