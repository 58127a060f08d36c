"""Sheet: the cells of a CSV file as text, with the names of their columns; and the rule for a header.

The rule, in this order. Line 1 is a header when `header` says so, when a column is asked for by its name, or
when it holds the names that the reader expects. Else it is one when it has a word above a column of numbers,
dates or booleans. Where no column is of those, it is one when none of its words occurs again below. A gap is
no word: `NA,1` is a row. Numbers above numbers are a row, unless another column has a word above numbers:
`2019,2020,y` is a header. Where some columns have numbers and others words above words, nobody can tell, and
the reader asks the user.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from tinygrad_edu.data.csv_text import Dialect, read_rows
from tinygrad_edu.data.dataset import Indices
from tinygrad_edu.data.dates import is_date
from tinygrad_edu.data.source import PathLike, bad, decoded, place, read_bytes
from tinygrad_edu.data.spelling import is_missing, numberlike
from tinygrad_edu.errors import wrong
from tinygrad_edu.phrases import Argument, Phrase, passing
from tinygrad_edu.scalars import integer

_NAME = re.compile(r"\s*[^\W\d]")  # a word that can be a name: 2x, among numbers, is a slip
_LOOKED_AT = 100  # rows below the first that show what a column holds
# The words that spreadsheets and programs write for no and yes; compared in lower case.
BOOLEANS = (("false", "true"), ("no", "yes"), ("f", "t"), ("n", "y"), ("off", "on"), ("falsch", "wahr"),
            ("nein", "ja"), ("faux", "vrai"), ("non", "oui"), ("falso", "verdadero"))  # fmt: skip


@dataclass(frozen=True, eq=False)
class Sheet:
    """Rows of cells, all of the same width.

    names   one a column; `column1`, `column2`, ... where there is no header
    header  whether the names come from the file
    lines   the line of each row
    notes   what was left out or guessed, for people
    """

    path: PathLike
    names: tuple[str, ...]
    header: bool
    lines: Sequence[int]
    cells: Sequence[Sequence[str]]
    delimiter: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.cells)

    def rows(self, indices: Indices, /) -> Sheet:
        """A Sheet of those rows, in that order."""
        return replace(self, lines=[self.lines[i] for i in indices], cells=[self.cells[i] for i in indices])

    def where(self, row: int, column: int) -> str:
        """The text that names a cell: file, line, column and the column's name."""
        name = self.names[column] if self.header else None
        return place(self.path, self.lines[row], column + 1, name)

    def position(self, column: int | str, what: str) -> int:
        """The position of a column given by name or number; `what` is the parameter's name."""
        width = len(self.names)
        if isinstance(column, str):
            if not self.header:
                problem = Phrase(Argument(what, column), " is a name, but the file has no header")
                raise wrong(ValueError, "read_csv", problem, "pass a number")
            if self.names.count(column) != 1:
                count = self.names.count(column)
                found = f"{count} columns are" if count else "no column is"
                raise bad(
                    place(self.path),
                    f"{found} called {column!r}, they are {', '.join(self.names[:20])}",
                    Phrase("give another name or a number to ", Argument(what, ...)),
                )
            return self.names.index(column)
        column = integer(column, what)
        if not -width <= column < width:
            raise bad(
                place(self.path, self.lines[0]),
                Phrase(Argument(what), f" is column {column}, the file has {width}"),
                "count from 0",
            )
        return column % width


def read_sheet(
    path: PathLike,
    *,
    delimiter: str | None = None,
    header: bool | None = None,
    encoding: str | None = None,
    dialect: Dialect | None = None,
    expected: Collection[str] = (),
    in_doubt: bool | None = None,
) -> Sheet:
    """The cells of a CSV file; there is at least one row.

    expected  names of columns: a first line that holds all of them is a header, whatever they look like
    in_doubt  whether the first line is a header where nobody can tell; None: DataError
    The other parameters are those of `read_csv`.
    """
    text, found = decoded(path, read_bytes(path), encoding)
    rows = read_rows(path, text, delimiter, dialect)
    notes = list(rows.notes)
    if encoding is None and found != "utf-8":
        notes.append(Phrase(f"it is not UTF-8 and read as {found}; if that is wrong ", passing("encoding")))
    first = rows.cells[0]
    if header is None:
        known = bool(expected) and set(expected) <= set(first)
        header = known or has_header(path, rows.lines, rows.cells, in_doubt)
        if header and not known and any(map(numberlike, first)):
            named = f"line {rows.lines[0]} ({', '.join(first)[:60]}) names the columns"
            notes.append(Phrase(named, "; if it is a row ", passing("header", False)))
    names = [f"column{i + 1}" for i in range(len(first))]
    lines, cells = rows.lines, rows.cells
    if header:
        names = [word if word.strip() else name for word, name in zip(first, names, strict=True)]
        lines, cells = lines[1:], cells[1:]
        if not cells:
            remedy = Phrase("write a line for each example, or if line 1 is one ", passing("header", False))
            raise bad(place(path), "nothing below the header", remedy)
    return Sheet(path, tuple(names), bool(header), lines, cells, rows.delimiter, tuple(notes))


def has_header(
    path: PathLike, lines: Sequence[int], cells: Sequence[Sequence[str]], in_doubt: bool | None = None
) -> bool:
    """Whether the first row names the columns; `in_doubt` where nobody can tell, or DataError if None."""
    first, below = cells[0], cells[1 : 1 + _LOOKED_AT]
    spelled = [numberlike(cell) for cell in first]
    words = [j for j, cell in enumerate(first) if not (spelled[j] or is_missing(cell) or is_date(cell))]
    numbers = [cell.strip() for j, cell in enumerate(first) if spelled[j]]
    different = len(set(numbers)) == len(numbers)  # names differ from one another
    if not below:
        return not numbers
    if any(_of_values([row[j] for row in below]) for j in words):
        return not numbers or (different and all(_NAME.match(first[j]) for j in words))
    again = any(first[j] == row[j] for row in cells[1:] for j in words)
    if not words or again or any(is_missing(cell) for cell in first):
        return False
    if not numbers:
        return True
    if different and all(number.isdecimal() for number in numbers):
        if in_doubt is not None:
            return in_doubt
        raise bad(
            place(path, lines[0]),
            "this line may name the columns, or be a row",
            Phrase(passing("header", True), " or ", Argument("header", False)),
        )
    return False


def _is_value(cell: str) -> bool:
    return numberlike(cell) or is_date(cell)


def _of_values(column: Sequence[str]) -> bool:
    """Whether all cells are numbers or dates, or all are booleans; gaps aside."""
    known = [cell for cell in column if not is_missing(cell)]
    return bool(known) and (all(map(_is_value, known)) or boolean_pair(known) is not None)


def boolean_pair(cells: Sequence[str]) -> tuple[str, str] | None:
    """The pair of BOOLEANS that all of the cells are from."""
    found = {cell.strip().lower() for cell in cells}
    return next((pair for pair in BOOLEANS if found <= {*pair}), None) if found else None
