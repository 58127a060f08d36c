"""Comma-separated files to Tables. Delimiter, header and encoding are detected, and every bad cell is named.

`csv_text.py`, `spelling.py` and `source.py` define what a file may look like; `sheet.py`, what a header is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tinygrad_edu.data.csv_text import DELIMITERS, Dialect
from tinygrad_edu.data.dataset import Array, Indices
from tinygrad_edu.data.features import Features, read_features, sign_of_labels
from tinygrad_edu.data.labels import Task, read_labels
from tinygrad_edu.data.preparation import Impute, Layout, Names, Preparation, listed
from tinygrad_edu.data.sheet import Sheet, read_sheet
from tinygrad_edu.data.source import DataError, PathLike, bad, place
from tinygrad_edu.data.table import Table
from tinygrad_edu.errors import wrong
from tinygrad_edu.phrases import Argument, Phrase, passing


@dataclass(frozen=True, eq=False)
class Examples:
    """The rows of a file before its columns become numbers: the conversion is learned from a part of them.

    Split them as a Table is split; then `train.table()`, and `test.table(train.preparation())`.
    """

    features: Features
    layout: Layout
    labels: Array
    class_names: tuple[str, ...]
    row_names: tuple[str, ...]
    impute: Impute | None
    name: str
    source: str
    sheet: Sheet

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        kind = f"{len(self.class_names)} classes" if self.class_names else "regression"
        return f"Examples({self.name!r}, {len(self)} rows x {len(self.layout.names)} columns, {kind})"

    def rows(self, indices: Indices, /) -> Examples:
        """Those rows, in that order."""
        names = tuple(self.row_names[i] for i in indices) if self.row_names else ()
        return replace(
            self,
            features=self.features.rows(indices),
            labels=self.labels[indices],
            row_names=names,
            sheet=self.sheet.rows(indices),
        )

    def preparation(self) -> Preparation:
        """The preparation learned from these rows: the words of the columns, their medians."""
        return Preparation.learn(self.features, self.layout, self.impute)

    def table(self, preparation: Preparation | None = None) -> Table:
        """The rows as numbers, float64, converted by a preparation, by default their own."""
        prepared = preparation or self.preparation()
        return Table(
            prepared(self.features),
            self.labels,
            prepared.feature_names,
            self.class_names,
            self.row_names,
            self.name,
            self.source,
        )


def read_csv(
    path: PathLike,
    label: int | str = -1,
    *,
    delimiter: str | None = None,
    header: bool | None = None,
    names: Names = None,
    task: Task | None = None,
    dtype: npt.DTypeLike = np.float32,
    source: str = "",
    decimal: str | None = None,
    encoding: str | None = None,
    dialect: Dialect | None = None,
) -> Table:
    """Read a CSV file, plain or packed, into a Table.

    path       `-` is standard input
    label      the column to predict: its name, or its number from 0 (negative: from the end)
    delimiter  one character, " " meaning any run of blanks; None: the one that cuts the lines evenly
    header     whether line 1 holds column names; None: by the rule in `sheet.py`
    names      a column, or several, that name the rows instead of describing them (identifiers)
    task       "regression" for whole-numbered quantities; None: see `read_labels`
    dtype      of features and regression labels
    decimal    the decimal sign, "." or ","; None: the one that the cells prove
    encoding   of the text; None: what its bytes say, see `source.decoded`
    dialect    further ways of the file, as Python's csv module describes them

    Raises DataError with file, line and column for: an empty file, ragged rows, text where a number should
    be, missing values, NaN, infinities, numbers too large for `dtype`. Numbers are rounded to `dtype`:
    float32 holds all integers up to 16777216, float64 those up to 2^53. Classes are kept as they are.
    """
    examples = read_examples(
        path,
        label,
        delimiter=delimiter,
        header=header,
        names=names,
        task=task,
        source=source,
        decimal=decimal,
        encoding=encoding,
        dialect=dialect,
    )
    table, sheet, layout = examples.table(), examples.sheet, examples.layout
    assert layout.label is not None
    apart = [at for _, at in (layout.label, *layout.row_names)]
    columns = [j for j in range(len(sheet.names)) if j not in apart]
    labels = table.labels
    if not table.class_names:
        labels = _as_dtype(labels[:, None], dtype, sheet, apart[:1])[:, 0]
    return replace(table, features=_as_dtype(table.features, dtype, sheet, columns), labels=labels)


def read_examples(
    path: PathLike,
    label: int | str = -1,
    *,
    delimiter: str | None = None,
    header: bool | None = None,
    names: Names = None,
    task: Task | None = None,
    source: str = "",
    decimal: str | None = None,
    encoding: str | None = None,
    dialect: Dialect | None = None,
    encode: bool = False,
    categories: Collection[int | str] = (),
    impute: Impute | None = None,
) -> Examples:
    """Read a CSV file whose columns may hold words, dates, no and yes, and nothing at all.

    encode      whether such columns are allowed; `Preparation` says how they are converted
    categories  columns whose numbers are names, such as postcodes; they are treated as words
    impute      "median", "mean" or a number: what an empty cell becomes; None: it is an error
    The other parameters, and the errors, are those of `read_csv`.
    """
    if decimal not in (None, ".", ","):
        raise wrong(ValueError, "read_csv", f"decimal must be '.' or ',', not {decimal!r}")
    if header is None and any(isinstance(word, str) for word in (label, *listed(names), *categories)):
        header = True
    sheet = read_sheet(path, delimiter=delimiter, header=header, encoding=encoding, dialect=dialect)
    label_at = sheet.position(label, "label")
    names_at = [sheet.position(name, "names") for name in listed(names)]
    if label_at in names_at:
        problem = f"column {sheet.names[label_at]!r} is the label, and in "
        raise wrong(ValueError, "read_csv", Phrase(problem, Argument("names", ...), ", too"))
    columns = [j for j in range(len(sheet.names)) if j not in (label_at, *names_at)]
    if not columns:
        raise _no_feature_error(sheet, delimiter or dialect)
    features = read_features(
        sheet,
        columns,
        encode=encode,
        categories={sheet.position(word, "categories") for word in categories},
        gaps=impute is not None,
        decimal=decimal,
        usual="" if decimal or task == "classification" else sign_of_labels(sheet, columns, label_at),
    )
    labels, class_names = read_labels(
        [row[label_at] for row in sheet.cells],
        lambda i: sheet.where(i, label_at),
        task,
        decimal=features.decimal,
    )
    layout = Layout(
        features.names,
        sheet.header,
        (sheet.names[label_at], label_at),
        tuple((sheet.names[at], at) for at in names_at),
    )
    return Examples(
        features,
        layout,
        labels,
        class_names,
        tuple(", ".join(row[at] for at in names_at) for row in sheet.cells) if names_at else (),
        impute,
        place(path).split(".")[0],
        source or f"read from {place(path)}",
        sheet,
    )


def _no_feature_error(sheet: Sheet, asked: object) -> DataError:
    """The error for a file without features: it has one column only, or all others are labels or names."""
    where = place(sheet.path, sheet.lines[0])
    if len(sheet.names) > 1:
        return bad(where, "no column is left for features; every one is the label or names the rows")
    shown = f"there is only one column, {sheet.names[0][:40]!r}, and nothing beside it to predict it from"
    if asked:
        return bad(where, shown)
    return bad(
        where,
        f"{shown}; if there are more, none of {list(DELIMITERS)} cuts the lines into cells",
        Phrase("separate them by commas, or ", passing("delimiter")),
    )


def _as_dtype(values: Array, dtype: npt.DTypeLike, sheet: Sheet, columns: Sequence[int]) -> Array:
    """`values`, those `columns` of the sheet, as `dtype`. DataError names the first that is too large."""
    with np.errstate(over="ignore"):
        cast = values.astype(dtype)
    if np.isfinite(cast).all():
        return cast
    row, column = np.argwhere(~np.isfinite(cast))[0].tolist()
    raise bad(
        sheet.where(row, columns[column]),
        f"{values[row, column]} does not fit {cast.dtype}",
        "pass dtype=numpy.float64",
    )
