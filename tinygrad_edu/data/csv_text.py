"""A text to rows of cells: which delimiter separates them, and which lines are not rows.

Source of the format: RFC 4180, and what spreadsheets make of it: `sep=;` in line 1, titles above the table,
comments, delimiters at the end of every line, empty lines below. Everything left out is listed in `notes`.
Cells keep the text of the file, with its blanks: `dog ` and `dog` differ.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from tinygrad_edu.data.source import DataError, PathLike, bad, place
from tinygrad_edu.data.spelling import is_missing, numberlike
from tinygrad_edu.errors import wrong

Dialect = str | csv.Dialect | type[csv.Dialect]

DELIMITERS = "\t;|, "  # those that occur more often inside a cell come later
_SNIFFED_LINES = 50
_SNIFFED_CELLS = 1000  # of a line
_SNIFFED_TEXT = 1 << 16  # characters
_SEP_LINE = re.compile(r'"?sep=(.)"?[;,\t ]*(\r\n|\r|\n|$)', re.IGNORECASE)
_QUOTED_AFTER_BLANKS = re.compile(' +"')


@dataclass
class Rows:
    """Rows of cells, all of the same width, each with the number of its line."""

    lines: list[int] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)
    delimiter: str = ","
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Form:
    """How lines are split: by a dialect of the csv module, or by a delimiter and the blanks after it."""

    delimiter: str
    skip_blanks: bool = False
    dialect: Dialect | None = None


def read_rows(path: PathLike, text: str, delimiter: str | None, dialect: Dialect | None) -> Rows:
    """The rows of a text; there is at least one.

    Raises DataError for an empty file, an open quotation mark, and lines of different widths.
    """
    first_line = 1
    if found := _SEP_LINE.match(text):
        text, first_line = text[found.end() :], 2
        delimiter = delimiter or found[1]
    if delimiter is not None and len(delimiter) != 1:
        problem = f"delimiter must be one character, not {delimiter!r}"
        raise wrong(ValueError, "read_csv", problem, "' ' is any blanks")
    form = _detect_form(path, text, delimiter, dialect)
    rows = Rows(delimiter=form.delimiter)
    empty = []
    for line, cells in _split_lines(path, text, form):
        if cells:
            rows.lines.append(line + first_line - 1)
            rows.cells.append(cells)
        else:
            empty.append(line + first_line - 1)
    _remove_surroundings(rows)
    within = [line for line in empty if rows.cells and rows.lines[0] < line < rows.lines[-1]]
    if within:
        listed = ", ".join(map(str, within[:5])) + (f" and {len(within) - 5} more" if len(within) > 5 else "")
        several = "lines" if within[1:] else "line"
        rows.notes.append(f"{several} {listed} {'are' if within[1:] else 'is'} empty and left out")
    if not rows.cells:
        raise bad(place(path), "the file is empty", "it needs a line for each example")
    _refuse_ragged(path, rows)
    return rows


def _split_lines(path: PathLike, text: str, form: _Form) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of every line that is not blank; a quoted cell may span lines."""
    stream = io.StringIO(text, newline="")
    if form.delimiter == " ":
        yield from ((i, line.split()) for i, line in enumerate(stream, 1) if line.strip())
        return
    if form.dialect is not None:
        # `features.py` reads the numbers of all cells; QUOTE_NONNUMERIC would convert some of them here.
        quoted = _dialect_object(form.dialect).quoting != csv.QUOTE_NONE
        reader = csv.reader(
            stream, form.dialect, strict=True, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
        )
    else:
        reader = csv.reader(stream, delimiter=form.delimiter, skipinitialspace=form.skip_blanks, strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, cells if len(cells) > 1 or (cells and cells[0].strip()) else []
            line = reader.line_num + 1
    except csv.Error as error:
        raise bad(place(path, line), str(error), "look for an unclosed quotation mark") from error


def _detect_form(path: PathLike, text: str, delimiter: str | None, dialect: Dialect | None) -> _Form:
    """The delimiter that splits most of the first lines into the same number of cells, more than one.

    If no delimiter splits them, the file has one column.
    """
    if dialect is not None:
        return _Form(delimiter or str(_dialect_object(dialect).delimiter), dialect=dialect)
    best, score = _Form(delimiter or ","), 0.0
    unreadable: DataError | None = None
    for candidate in DELIMITERS if delimiter is None else delimiter:
        if candidate not in text:
            continue
        form = _Form(candidate)
        try:
            rows = _sample(path, text, form)
            if _blanks_follow_delimiter(rows, candidate, text[:_SNIFFED_TEXT]):
                form = _Form(candidate, skip_blanks=True)
                rows = _sample(path, text, form)
        except DataError as error:
            unreadable = unreadable or error
            continue
        width, votes = Counter(map(len, rows)).most_common(1)[0] if rows else (0, 0)
        if width > 1 and votes / len(rows) > score:
            best, score = form, votes / len(rows)
    if unreadable is not None and not score:
        raise unreadable
    return best


def _dialect_object(dialect: Dialect) -> Any:
    return csv.get_dialect(dialect) if isinstance(dialect, str) else dialect


def _sample(path: PathLike, text: str, form: _Form) -> list[list[str]]:
    """The first rows, without comments unless all are comments. Reads only the start if that is enough."""
    start = text[:_SNIFFED_TEXT]
    try:
        rows = [cells for _, cells in _split_lines(path, start, form) if cells]
    except DataError:
        if len(start) == len(text):
            raise
        rows = []
    if len(rows) <= _SNIFFED_LINES and len(start) < len(text):
        rows = [cells for _, cells in islice(_split_lines(path, text, form), _SNIFFED_LINES) if cells]
    return ([cells for cells in rows if not _is_comment(cells)] or rows)[:_SNIFFED_LINES]


def _blanks_follow_delimiter(rows: list[list[str]], delimiter: str, text: str) -> bool:
    """Whether blanks belong to the delimiter: they follow it everywhere, or stand before a quotation mark."""
    inner = [cell for row in rows for cell in row[1:_SNIFFED_CELLS]]
    return bool(inner) and (
        all(cell.startswith(" ") for cell in inner)
        or any(
            cell[:1] == " " and _QUOTED_AFTER_BLANKS.match(cell) and delimiter + cell in text
            for cell in inner
        )
    )


def _filled_width(row: list[str]) -> int:
    """The number of cells up to the last one with content."""
    return next((i + 1 for i in range(len(row) - 1, -1, -1) if row[i].strip()), 0)


def _may_be_header(row: list[str]) -> bool:
    """Whether a row could be a header: no number in it, and words in most of its cells."""
    words = sum(not is_missing(cell) for cell in row)
    return 2 * words > len(row) and not any(numberlike(cell) for cell in row)


def _remove_surroundings(rows: Rows) -> None:
    """Remove what spreadsheets and people add around a table, so that only its rows are left."""
    cells = rows.cells
    end = next((i + 1 for i in range(len(cells) - 1, -1, -1) if _filled_width(cells[i])), 0)
    if end < len(cells):
        rows.notes.append(f"from line {rows.lines[end]} on it is empty; that is left out")
        del rows.lines[end:], cells[end:]
    if not cells:
        return
    width, _ = Counter(map(len, cells)).most_common(1)[0]
    # A delimiter at the end of every line makes a column that is always empty.
    if any(not row[-1].strip() for row in (cells[0], cells[-1])) or len({*map(len, cells)}) > 1:
        width = max(_filled_width(row) for row in cells if len(row) == width)
        for i, row in enumerate(cells):
            if len(row) > width and _filled_width(row) <= width:
                cells[i] = row[:width]
    _remove_comments(rows, width)
    while len(cells) > 1 and _is_title(cells, width):
        if _filled_width(cells[0]):
            rows.notes.append(f"line {rows.lines[0]} ({_short(cells[0])}) is a title and left out")
        _remove_row(rows, 0)


def _remove_comments(rows: Rows, width: int) -> None:
    """Remove lines that begin with # and differ in width from the table; at the top, those of its width, too.

    The last of those at the top is the header if no other header follows, as `numpy.savetxt` writes it.
    """
    cells = rows.cells
    top = next((i for i, row in enumerate(cells) if not _is_comment(row)), len(cells))
    if 0 < top < len(cells):
        last = cells[top - 1]
        if len(last) == width and not _may_be_header(cells[top]):
            named = [last[0].lstrip().lstrip("#").lstrip(), *last[1:]]
            if _may_be_header(named):
                cells[top - 1] = named
            top -= 1  # it is the header, or else an ordinary row: keep it
        headed = _may_be_header(cells[top])
        for i in range(top - 1, -1, -1):
            if headed or len(cells[i]) != width:
                _remove_comment(rows, i)
    for i in range(len(cells) - 1, -1, -1):
        if len(cells[i]) != width and _is_comment(cells[i]):
            _remove_comment(rows, i)


def _is_comment(row: list[str]) -> bool:
    return row[0].lstrip().startswith("#")


def _is_title(cells: list[list[str]], width: int) -> bool:
    """Whether the first row is a title: it begins with a word and fills at most half of the columns."""
    row = cells[0]
    if width < 2 or 2 * _filled_width(row) > width or (row[0].strip() and numberlike(row[0])):
        return False
    padded = len(row) == width
    return not padded or not _filled_width(row) or any(_may_be_header(below) for below in cells[1:4])


def _remove_row(rows: Rows, i: int) -> None:
    del rows.lines[i], rows.cells[i]


def _remove_comment(rows: Rows, i: int) -> None:
    rows.notes.append(f"line {rows.lines[i]} ({_short(rows.cells[i])}) is a comment and left out")
    _remove_row(rows, i)


def _short(row: list[str]) -> str:
    return repr(" ".join(" ".join(row).split()))[:40]


def _refuse_ragged(path: PathLike, rows: Rows) -> None:
    widths = Counter(map(len, rows.cells))
    if len(widths) == 1:
        return
    usual = widths.most_common(1)[0][0] if widths.most_common(1)[0][1] > 1 else len(rows.cells[0])
    model = next(i for i, row in enumerate(rows.cells) if len(row) == usual)
    odd = next(i for i, row in enumerate(rows.cells) if len(row) != usual)
    mend = "take out the cells that are too many, such as that of a decimal comma"
    raise bad(
        place(path, rows.lines[odd]),
        f"{len(rows.cells[odd])} cells, but line {rows.lines[model]} has {usual} (delimiter "
        f"{rows.delimiter!r})",
        f"{'complete the line' if len(rows.cells[odd]) < usual else mend}, or quote cells that contain the "
        "delimiter",
    )
