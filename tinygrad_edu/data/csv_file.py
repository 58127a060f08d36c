"""Comma-separated files to Tables: delimiter and header found out, every bad cell named.

Source of the format: RFC 4180, and what spreadsheets make of it (`;`, tab, `|`, blanks, a byte order mark).
Numbers are converted in one step by NumPy; only when that fails are the cells gone through one by one, to
find the one to blame. So the good case is fast and the bad case is explained.
"""
from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt

from tinygrad_edu.data.dataset import Array
from tinygrad_edu.data.labels import MISSING, Task, number, read_labels
from tinygrad_edu.data.source import DataError, PathLike, place, read_text
from tinygrad_edu.data.table import Table

_DELIMITERS = "\t;|, "  # the likelier to stand inside a cell, the later
_SNIFFED_LINES = 50


def read_csv(
    path: PathLike, label: int | str = -1, *, delimiter: str | None = None, header: bool | None = None,
    names: int | str | None = None, task: Task | None = None, dtype: npt.DTypeLike = np.float32,
    source: str = "",
) -> Table:
    """Read a CSV file, plain or gzipped, into a Table.

    label      the column to predict: its name, or its number from 0 (negative: from the end)
    delimiter  one character, " " meaning any run of blanks; None: the one that cuts the lines evenly
    header     whether line 1 holds column names; None: it does when no feature in it is a number
    names      a column that names the rows instead of describing them (an identifier)
    task       "regression" for whole-numbered quantities; None: see `read_labels`
    dtype      of features and regression labels

    Raises DataError with file, line and column for: an empty file, ragged rows, text where a number should
    be, missing values, NaN, infinities, numbers too large for `dtype`.
    """
    lines, rows = _cells(path, read_text(path), delimiter)
    width = len(rows[0])
    title = rows[0] if header is not False else None
    label_at = _column(path, label, title, width, "label")
    names_at = None if names is None else _column(path, names, title, width, "names")
    features_at = [i for i in range(width) if i not in (label_at, names_at)]
    if not features_at:
        raise DataError(f"{place(path, lines[0])}: no column is left for features; try another delimiter=")
    if header is None:
        by_name = isinstance(label, str) or isinstance(names, str)
        header = by_name or not any(number(rows[0][i]) is not None for i in features_at)
    columns = [f"column{i + 1}" for i in range(width)]
    if header:
        columns = [word or column for word, column in zip(rows[0], columns, strict=True)]
        lines, rows = lines[1:], rows[1:]
        if not rows:
            raise DataError(f"{place(path)}: nothing below the header; if line 1 is data pass header=False")

    def where(row: int, column: int) -> str:
        return place(path, lines[row], column + 1, columns[column] if header else None)

    features = _numbers([[cells[i] for i in features_at] for cells in rows])
    if features is None:
        raise DataError(_blame(rows, features_at, where, suspect_header=not header))
    labels, class_names = read_labels([cells[label_at] for cells in rows], lambda i: where(i, label_at), task)
    if not class_names:
        labels = _fit(labels[:, None], dtype, lambda row, _: where(row, label_at))[:, 0]
    return Table(
        features=_fit(features, dtype, lambda row, column: where(row, features_at[column])),
        labels=labels,
        feature_names=tuple(columns[i] for i in features_at),
        class_names=class_names,
        row_names=() if names_at is None else tuple(cells[names_at] for cells in rows),
        name=place(path).split(".")[0],
        source=source or f"read from {place(path)}",
    )


def _cells(path: PathLike, text: str, delimiter: str | None) -> tuple[list[int], list[list[str]]]:
    """Line numbers and stripped cells of all rows; there is at least one, and all have the same width."""
    if delimiter is None:
        delimiter = _sniff(path, text)
    elif len(delimiter) != 1:
        raise ValueError(f"read_csv: delimiter must be one character, not {delimiter!r}; ' ' is any blanks")
    lines: list[int] = []
    rows: list[list[str]] = []
    for line, cells in _rows(path, text, delimiter):
        if rows and len(cells) != len(rows[0]):
            raise DataError(
                f"{place(path, line)}: {len(cells)} cells, but line {lines[0]} has {len(rows[0])} (delimiter "
                f"{delimiter!r}); complete the line, or quote cells that contain the delimiter"
            )
        lines.append(line)
        rows.append(cells)
    if not rows:
        raise DataError(f"{place(path)}: the file is empty; it needs a line for each example")
    return lines, rows


def _rows(path: PathLike, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(line number, stripped cells) of every line that is not blank; a quoted cell may span lines."""
    stream = io.StringIO(text, newline="")
    if delimiter == " ":
        yield from ((i, line.split()) for i, line in enumerate(stream, 1) if line.strip())
        return
    reader = csv.reader(stream, delimiter=delimiter, skipinitialspace=True, strict=True)
    line = 1
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped) or len(stripped) > 1:
                yield line, stripped
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{place(path, line)}: {error}; look for an unclosed quotation mark") from error


def _sniff(path: PathLike, text: str) -> str:
    """The delimiter that cuts most of the first lines into the same number of cells, more than one."""
    best, score = "", 0.0
    unreadable: DataError | None = None
    for delimiter in _DELIMITERS:
        try:
            widths = [len(cells) for _, cells in islice(_rows(path, text, delimiter), _SNIFFED_LINES)]
        except DataError as error:
            unreadable = error
            continue
        if not widths:
            raise DataError(f"{place(path)}: the file is empty; it needs a line for each example")
        width, votes = Counter(widths).most_common(1)[0]
        if width > 1 and votes / len(widths) > score:
            best, score = delimiter, votes / len(widths)
    if not best:
        raise unreadable or DataError(
            f"{place(path, 1)}: none of {list(_DELIMITERS)} cuts the lines into cells; pass delimiter="
        )
    return best


def _column(path: PathLike, column: int | str, title: Sequence[str] | None, width: int, what: str) -> int:
    """The position of a column given by name or number."""
    if isinstance(column, str):
        if title is None:
            raise ValueError(f"read_csv: {what}={column!r} is a name, but header=False; pass a number")
        if title.count(column) != 1:
            found = f"{title.count(column)} columns are" if column in title else "no column is"
            raise DataError(
                f"{place(path, 1)}: {found} called {column!r}, they are {', '.join(title[:20])}; "
                f"pass another name or a number for {what}="
            )
        return title.index(column)
    if not -width <= column < width:
        raise DataError(f"{place(path, 1)}: {what} is column {column}, the file has {width}; count from 0")
    return column % width


def _numbers(cells: list[list[str]]) -> npt.NDArray[np.float64] | None:
    """All cells as float64, or None if one of them is not a finite number."""
    try:
        values = np.array(cells, dtype=np.float64)
    except ValueError:
        return None
    # NumPy, like Python, reads 1_000; a data file that says so is likelier damaged.
    doubtful = any("_" in cell for row in cells for cell in row)
    return None if doubtful or not np.isfinite(values).all() else values


def _fit(values: Array, dtype: npt.DTypeLike, where: Callable[[int, int], str]) -> Array:
    """`values` (rows, columns) as `dtype`; DataError names the first that is too large for it."""
    with np.errstate(over="ignore"):
        cast = values.astype(dtype)
    for row, column in np.argwhere(~np.isfinite(cast))[:1].tolist():
        raise DataError(
            f"{where(row, column)}: {values[row, column]} does not fit {cast.dtype}; pass dtype=numpy.float64"
        )
    return cast


def _blame(
    rows: list[list[str]], columns: list[int], where: Callable[[int, int], str], *, suspect_header: bool
) -> str:
    """The message about the first cell, line by line, that is not a finite number."""
    row, column = next((r, c) for r in range(len(rows)) for c in columns if number(rows[r][c]) is None)
    cell = rows[row][column]
    if cell.lower() in MISSING:
        return f"{where(row, column)}: the value is missing ({cell!r}); fill it in or delete the line"
    if cell.lower().lstrip("+-") in ("inf", "infinity"):
        return f"{where(row, column)}: the value is infinite ({cell!r}); correct it or delete the line"
    if number(cell.replace(",", ".", 1)) is not None:
        return f"{where(row, column)}: {cell!r} has a decimal comma; write {cell.replace(',', '.', 1)}"
    hint = "; if this line is a header pass header=True" if row == 0 and suspect_header else ""
    return (
        f"{where(row, column)}: {cell!r} is not a number; correct it, or encode the column as numbers, "
        f"or pass it as label= or names={hint}"
    )
