"""Columns of cells by kind: numbers, dates, booleans, words. Only this file reads the value of a cell.

Numbers are converted in one step. Only if that fails, the cells are read one by one, to find what their
column holds, or which cell is wrong. So a correct file is read fast, and an error is explained.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from tinygrad_edu.data.dataset import Indices
from tinygrad_edu.data.dates import day_first, days, is_date
from tinygrad_edu.data.sheet import BOOLEANS, Sheet, boolean_pair
from tinygrad_edu.data.source import DataError, bad
from tinygrad_edu.data.spelling import INFINITE, decimal_sign, is_missing, number, numberlike
from tinygrad_edu.phrases import Argument, Phrase, passing

NUMBER, WORDS = "number", "words"
_DATES = {"date, day first": True, "date, month first": False}
_PAIRS = {"/".join(pair): pair for pair in BOOLEANS}
KINDS = (NUMBER, WORDS, *_DATES, *_PAIRS)


@dataclass(frozen=True, eq=False)
class Features:
    """Columns of a sheet, typed.

    kinds   one of KINDS a column
    values  (rows, columns) float64: numbers, days since 1970, 0 and 1; NaN where a cell is empty
    words   the cells of the columns of words, by their position; "" where a cell is empty
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    values: npt.NDArray[np.float64]
    words: Mapping[int, Sequence[str]]
    decimal: str

    def __len__(self) -> int:
        return len(self.values)

    def rows(self, indices: Indices, /) -> Features:
        """The same columns of those rows, in that order."""
        words = {j: [cells[i] for i in indices] for j, cells in self.words.items()}
        return replace(self, values=self.values[indices], words=words)

    def doubts(self) -> list[str]:
        """A sentence for each column that may name the rows: many words differ, or its numbers count."""
        counts = {self.names[j]: len({*cells}) for j, cells in self.words.items()}
        said: list[str] = [
            Phrase(
                f"column {name!r} holds {count} different words in {len(self)} rows; if it names the rows ",
                passing("names"),
                "; if they are dates, write them as 2021-03-31",
            )
            for name, count in counts.items()
            if count > max(20, len(self) // 2)
        ]
        steps = np.diff(self.values, axis=0) if len(self) > 9 else np.zeros((1, self.values.shape[1]))
        counting = np.flatnonzero((steps == 1).all(axis=0)).tolist()
        return said + [
            Phrase(f"column {self.names[j]!r} counts the rows; if it names them ", passing("names"))
            for j in counting
        ]

    def taken(self) -> list[str]:
        """For each column that does not hold numbers, a text that says how it was interpreted."""
        called = dict.fromkeys(_DATES, "dates")
        said = []
        for j, (name, kind) in enumerate(zip(self.names, self.kinds, strict=True)):
            words = f"{len({*self.words[j]} - {''})} words" if j in self.words else called.get(kind, kind)
            said += [f"{name}: {words}"] if kind != NUMBER else []
        return said


def read_features(
    sheet: Sheet,
    at: Sequence[int],
    *,
    kinds: Sequence[str] | None = None,
    encode: bool = False,
    categories: Collection[int] = (),
    gaps: bool = False,
    decimal: str | None = None,
    usual: str = "",
) -> Features:
    """The columns `at` of a sheet.

    kinds       what each column holds, if that is known; None: it is detected
    encode      whether columns of words, dates and booleans are allowed
    categories  columns (positions in the sheet) whose numbers are names
    gaps        whether cells may be empty
    decimal     the decimal sign; None: the one that the cells prove; `usual` where they prove none

    Raises DataError with file, line and column for the first cell that does not fit.
    """
    names = tuple(sheet.names[j] for j in at)
    plain = not categories if kinds is None else all(kind == NUMBER for kind in kinds)
    point = "," not in (decimal, usual) and (decimal or usual or sheet.delimiter != ";")
    if plain and point and (values := _number_block(sheet.cells, at, ".")) is not None:
        return Features(names, (NUMBER,) * len(at), values, {}, decimal or ".")
    decimal = decimal or sign(sheet, at, usual)
    if plain and (values := _number_block(sheet.cells, at, decimal)) is not None:
        return Features(names, (NUMBER,) * len(at), values, {}, decimal)
    values = np.full((len(sheet), len(at)), np.nan)
    words: dict[int, Sequence[str]] = {}
    found: list[str] = []
    faults: list[tuple[int, int]] = []
    for k, j in enumerate(at):
        cells = [row[j] for row in sheet.cells]
        if kinds is not None:
            kind = kinds[k]
        elif j in categories:
            kind = WORDS
        else:
            kind = _column_kind(cells, sheet, j) if encode else NUMBER
        found.append(kind)
        if kind == WORDS:
            words[k] = ["" if is_missing(cell) else cell for cell in cells]
            values[:, k] = 0.0
            fault = None if gaps or "" not in words[k] else list(words[k]).index("")
        else:
            values[:, k], fault = _convert_cells(cells, _reader(kind, decimal), gaps)
        if fault is not None:
            faults.append((fault, k))
    if faults:
        row, k = min(faults)
        raise _cell_error(sheet, row, at[k], found[k], decimal, encode, known=kinds is not None)
    return Features(names, tuple(found), values, words, decimal)


def _number_block(
    cells: Sequence[Sequence[str]], at: Sequence[int], decimal: str
) -> npt.NDArray[np.float64] | None:
    """All cells as float64, or None if one of them is not a finite number, plainly written."""

    def pick(row: Sequence[str]) -> Sequence[str]:
        return (row[at[0]],)

    pick = itemgetter(*at) if len(at) > 1 else pick  # type: ignore[assignment]
    try:
        read: Iterable[float] = map(
            float if decimal == "." else _with_comma, chain.from_iterable(map(pick, cells))
        )
        values = np.fromiter(read, np.float64, len(cells) * len(at)).reshape(len(cells), len(at))
    except ValueError:
        return None
    # Python also reads 1_000; a data file with such a cell is more likely damaged.
    doubtful = any("_" in "".join(pick(row)) for row in cells)
    return None if doubtful or not np.isfinite(values).all() else values


def _with_comma(word: str) -> float:
    if "." in word:
        raise ValueError(word)
    return float(word.replace(",", "."))


def sign(sheet: Sheet, at: Sequence[int], usual: str = "") -> str:
    """The decimal sign that the cells prove; else `usual`; else the point, if no cell has two meanings.

    In a file separated by commas, a comma inside a cell is no decimal sign unless another cell proves it.
    Semicolons suggest a country where the comma is the sign, and a point separates thousands: 1.500.
    """
    found, cell = decimal_sign(row[j] for row in sheet.cells for j in at)
    foreign = usual == "." and sheet.delimiter == ";" and "," in cell
    if found or (usual and not foreign):
        return found or usual
    if not cell or sheet.delimiter == "," or not ("," in cell or sheet.delimiter == ";"):
        return "."
    i, j = next((i, j) for i, row in enumerate(sheet.cells) for j in at if row[j] == cell)
    meanings = f"{number(cell, '.'):.15g} or {number(cell, ','):.15g}"
    raise bad(
        sheet.where(i, j),
        f"{cell!r} may mean {meanings}, and no other cell tells",
        Phrase(passing("decimal", ","), " or ", Argument("decimal", ".")),
    )


def sign_of_labels(sheet: Sheet, at: Sequence[int], label_at: int) -> str:
    """The decimal sign that the labels prove, or, if they have two meanings, the features `at`; else ""."""
    found, doubtful = decimal_sign(row[label_at] for row in sheet.cells)
    if found or not doubtful:
        return found
    return decimal_sign(row[j] for row in sheet.cells for j in at)[0] or sign(sheet, [label_at])


def _column_kind(cells: Sequence[str], sheet: Sheet, column: int) -> str:
    """What a column holds. With one number it is numeric: a typing mistake must not make it words."""
    known = [cell for cell in dict.fromkeys(cells) if not is_missing(cell)]
    pair = boolean_pair(known)
    if pair is not None:
        return "/".join(pair)
    numbers = sum(map(numberlike, known))
    if numbers or not known:
        return NUMBER
    dates = sum(map(is_date, known))
    if not dates:
        return WORDS
    first = day_first(cell for cell in known if is_date(cell))
    if first is None:
        i = next(i for i, cell in enumerate(cells) if days(cell) != days(cell, day_first=False))
        raise bad(
            sheet.where(i, column),
            f"in {cells[i]!r} either number may be the day, and no other cell tells",
            "write dates as year-month-day",
        )
    return next(kind for kind, value in _DATES.items() if value == first)


def _reader(kind: str, decimal: str) -> Callable[[str], float | None]:
    if kind in _DATES:
        return partial(days, day_first=_DATES[kind])
    if kind in _PAIRS:
        values = {word: float(i) for i, word in enumerate(_PAIRS[kind])}
        return lambda cell: values.get(cell.strip().lower())
    return partial(number, decimal=decimal)


def _convert_cells(
    cells: Sequence[str], read: Callable[[str], float | None], gaps: bool
) -> tuple[list[float], int | None]:
    """The values, and the first row whose cell has no value."""
    values: list[float] = []
    fault: int | None = None
    for i, cell in enumerate(cells):
        value = read(cell)
        if value is None:
            if fault is None and not (gaps and is_missing(cell)):
                fault = i
            value = np.nan
        values.append(value)
    return values, fault


def _cell_error(
    sheet: Sheet, row: int, column: int, kind: str, decimal: str, encoded: bool, *, known: bool
) -> DataError:
    """The error for a cell that does not fit its column."""
    cell, where = sheet.cells[row][column], sheet.where(row, column)
    other = "." if decimal == "," else ","
    remedy: str
    if is_missing(cell):
        remedy = Phrase("fill it in, delete the line, or ", passing("impute", "median", to="read_examples"))
        if known:
            remedy = "fill it in or delete the line, for the model was not trained to fill gaps"
        return bad(where, f"the value is missing ({cell!r})", remedy)
    if cell.strip().lower().lstrip("+-") in INFINITE:
        return bad(where, f"the value is infinite ({cell!r})", "correct it or delete the line")
    if kind != NUMBER:
        problem = f"{cell!r} is not {kind.replace('/', ' or ')}, as the column's others are"
        return bad(where, problem, "correct it")
    if number(cell, other) is not None:
        sign_of = {".": "point", ",": "comma"}
        problem = f"{cell!r} is not a number where the decimal sign is a {sign_of[decimal]}"
        return bad(where, problem, Phrase("correct it, or ", passing("decimal", other)))
    if known:
        problem = f"{cell!r} is not a number, as the column's values were in training"
        return bad(where, problem, "correct it")
    if not sheet.header and row == 0:
        remedy = Phrase("correct it, or if this line is a header ", passing("header", True))
        return bad(where, f"{cell!r} is not a number", remedy)
    if encoded:
        problem = f"{cell!r} is not a number, others in its column are"
        by = Argument("categories", ...)
        return bad(where, problem, Phrase("correct it, or name the column by ", by, " if these are names"))
    return bad(
        where,
        f"{cell!r} is not a number",
        Phrase(
            "correct it, or encode the column as numbers, or name its column by ",
            Argument("label", ...),
            " or ",
            Argument("names", ...),
            "; if all of the column is words, dates, or yes and no, ",
            passing("encode", True, to="read_examples"),
        ),
    )
