"""`tinygrad-edu predict`: it applies a checkpoint to rows and writes a CSV of classes and probabilities."""

from __future__ import annotations

import argparse
import csv
import io
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu import data, files, metrics
from tinygrad_edu.cli import source
from tinygrad_edu.cli.arguments import UsageError, as_usage
from tinygrad_edu.cli.train_files import CHECKPOINT
from tinygrad_edu.data.sheet import Sheet, read_sheet
from tinygrad_edu.data.source import DataError, bad, place
from tinygrad_edu.data.spelling import is_missing, is_plain, number
from tinygrad_edu.errors import without_line
from tinygrad_edu.nn import CheckpointError
from tinygrad_edu.phrases import Phrase
from tinygrad_edu.training import PredictionError, Predictor

Array = np.ndarray[Any, Any]

_STANDARD_OUTPUT = (None, "-")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # a spreadsheet may execute a cell that begins so


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows to predict. names, truth: one per row, or empty; None in `truth` if a label is missing.

    titles  of the columns of names
    """

    features: Array
    where: Callable[[int], str]
    names: Sequence[Sequence[str]] = ()
    truth: Sequence[str | float | None] = ()
    titles: Sequence[str] = ("name",)


def run(asked: argparse.Namespace) -> int:
    """Execute the command; returns the exit code."""
    path = Path(asked.checkpoint)
    path = path / CHECKPOINT if path.is_dir() else path
    if source.is_table(asked.checkpoint) and Path(asked.data).suffix == ".safetensors":
        raise UsageError(f"the model comes first: tinygrad-edu predict {asked.data} {asked.checkpoint}")
    predictor, notes = Predictor.load(path)
    _refuse_overwriting(asked, path)
    if asked.task not in (None, predictor.task):
        raise UsageError(f"{path} was trained for a {predictor.task}; leave out --task {asked.task}")
    preparation = _preparation(predictor, notes, path)
    if source.is_table(asked.data):
        rows = _sheet_rows(asked, predictor, preparation)
    else:
        rows = _table_rows(asked, predictor, preparation.layout)
    try:
        predicted = predictor(rows.features)
    except PredictionError as error:
        raise bad(rows.where(error.row), without_line(error)) from error
    text = _csv([_escape_formula(cell) for cell in line] for line in _lines(rows, predictor, predicted))
    if asked.out in _STANDARD_OUTPUT:
        sys.stdout.write(text)
    else:
        files.write(asked.out, text)
        print(f"wrote {len(predicted)} predictions to {asked.out}", file=sys.stderr)
    _print_scores(rows, predictor, predicted)
    return 0


def _refuse_overwriting(asked: argparse.Namespace, checkpoint: Path) -> None:
    if asked.out in _STANDARD_OUTPUT or not Path(asked.out).is_file():
        return
    written = Path(asked.out).stat()
    for read in (asked.data, checkpoint):
        try:
            found = os.fstat(sys.stdin.fileno()) if read == "-" else os.stat(read)
        except (OSError, ValueError):  # the file does not exist, or there is no standard input
            continue
        if os.path.samestat(found, written):
            raise UsageError(f"{asked.out} is read, and would be overwritten; give another name to -o")


def _preparation(predictor: Predictor, notes: dict[str, Any], path: Path) -> data.Preparation:
    """The preparation of the model's columns, from its checkpoint."""
    card = notes.get("columns")
    if card is None:  # written by a program or an earlier version: only the names are known
        made_up = tuple(f"column{i + 1}" for i in range(len(predictor.feature_names)))
        return data.Preparation.of_names(predictor.feature_names, header=predictor.feature_names != made_up)
    try:
        preparation = data.Preparation.from_json(card)
    except ValueError as error:
        raise CheckpointError(f"{path}: {without_line(error)}") from error
    if preparation.feature_names != predictor.feature_names:
        raise CheckpointError(f"{path}: the columns of its file are not those of its network")
    return preparation


# -- what is read ----------------------------------------------------------------------------------


def _sheet_rows(asked: argparse.Namespace, predictor: Predictor, preparation: data.Preparation) -> _Rows:
    """The rows of a CSV, its columns found by name, or by position if there are no names."""
    source.refuse_folder(asked.data)
    layout = preparation.layout
    label = None if asked.label is None else source.column(asked.label)
    names = None if asked.names is None else [source.column(word) for word in asked.names]
    try:
        sheet = read_sheet(
            asked.data,
            delimiter=asked.delimiter,
            header=asked.header,
            encoding=asked.encoding,
            expected=layout.names if layout.header else (),
            in_doubt=layout.header,
        )
        at, label_at, names_at = layout.find(sheet, label, names)
        features = preparation.read(sheet, at, decimal=asked.decimal)
    except DataError:
        raise
    except ValueError as error:  # of the parameters
        raise as_usage(error) from error
    signs = {".": "points", ",": "commas"}
    other = (
        []
        if asked.decimal or features.decimal == preparation.decimal
        else [
            f"{place(asked.data)}: its numbers have decimal {signs[features.decimal]}, those that the model "
            f"learned from had {signs[preparation.decimal]}"
        ]
    )
    source.print_notes(
        "predict",
        [
            *(Phrase(f"{place(asked.data)}: ", note) for note in sheet.notes),
            *other,
            *preparation.unknown(features),
        ],
    )
    return _Rows(
        preparation(features),
        lambda row: place(asked.data, sheet.lines[row]),
        [[row[at] for at in names_at] for row in sheet.cells] if names_at else (),
        ()
        if label_at is None
        else _true_labels(sheet, label_at, predictor, asked.decimal or features.decimal),
        ("name",) if len(names_at) == 1 else [sheet.names[at] for at in names_at],
    )


def _true_labels(
    sheet: Sheet, label_at: int, predictor: Predictor, decimal: str
) -> Sequence[str | float | None]:
    """The labels in the file: names of classes, or quantities."""
    cells = [row[label_at] for row in sheet.cells]
    if predictor.class_names:
        return [None if is_missing(cell) else cell for cell in cells]
    values = [number(cell, decimal) for cell in cells]
    for i, (cell, value) in enumerate(zip(cells, values, strict=True)):
        if value is None and not is_missing(cell):
            raise bad(
                sheet.where(i, label_at),
                f"label {cell!r} is not a number",
                "correct it, or leave the cell empty",
            )
    return values


def _table_rows(asked: argparse.Namespace, predictor: Predictor, layout: Any) -> _Rows:
    """The rows of a data set by name, or of an .fp file."""
    asked.encode = asked.categories = asked.impute = None
    table: data.Table = source.read(asked.data, asked, task=predictor.task, seed=predictor.settings.seed)
    wanted, found = predictor.feature_names, table.feature_names
    if sorted(wanted) != sorted(found) or not layout.header:
        raise UsageError(
            f"{asked.data} has {len(found)} feature columns ({', '.join(found[:5])}, ...), the "
            f"model was trained on {len(wanted)} ({', '.join(wanted[:5])}, ...); give it those"
        )
    position = {name: j for j, name in enumerate(found)}
    features = table.features if wanted == found else table.features[:, [position[name] for name in wanted]]
    truth: Sequence[str | float | None] = (
        [table.class_names[k] for k in table.labels] if table.class_names else table.labels.tolist()
    )
    return _Rows(
        features, lambda row: f"{asked.data}, row {row + 1}", [[name] for name in table.row_names], truth
    )


# -- what is written -------------------------------------------------------------------------------


def _lines(rows: _Rows, predictor: Predictor, predicted: Array) -> Iterable[list[str]]:
    """Header and rows of the output: [names,] class and probabilities, or [names,] value."""
    front = rows.titles if rows.names else []
    names: Sequence[Sequence[str]] = rows.names or [[] for _ in predicted]
    if not predictor.class_names:
        yield [*front, "prediction"]
        yield from ([*n, f"{p:.9g}"] for n, p in zip(names, predicted, strict=True))
        return
    yield [*front, "class", *(f"p({name})" for name in predictor.class_names)]
    best = predicted.argmax(axis=1)
    for n, k, p in zip(names, best, predicted, strict=True):
        yield [*n, predictor.class_names[k], *(f"{x:.6g}" for x in p)]


def _csv(lines: Iterable[list[str]]) -> str:
    """The text of these lines, each with a line feed at its end."""
    text = io.StringIO(newline="")
    # The csv module quotes only the line ends that it writes itself, but a name may hold any.
    writer = csv.writer(text, lineterminator="\r\n")
    written = []
    for line in lines:
        writer.writerow(line)
        written.append(text.getvalue().removesuffix("\r\n"))
        text.seek(0)
        text.truncate()
    return "\n".join([*written, ""])


def _escape_formula(cell: str) -> str:
    """The cell, changed so that a spreadsheet reads a formula as text; numbers do not change.

    Source: OWASP, "CSV Injection".
    """
    return f"'{cell}" if cell.startswith(_FORMULA) and not is_plain(cell) else cell


def _print_scores(rows: _Rows, predictor: Predictor, predicted: Array) -> None:
    """Print the scores to standard error, because the output may be standard output."""
    known = [i for i, label in enumerate(rows.truth) if label is not None]
    if not known:
        return
    whole = len(known) == len(predicted)
    count = f"{len(known)} rows" if whole else f"{len(known)} of {len(predicted)} rows"
    truth, predicted = [rows.truth[i] for i in known], predicted[known]
    if not predictor.class_names:
        print(f"R² {metrics.r2(np.array(truth, np.float64), predicted):.4f} on {count}", file=sys.stderr)
        return
    index = {name: k for k, name in enumerate(predictor.class_names)}
    labels = np.array([index.get(str(word), -1) for word in truth])
    said = f"accuracy {float((labels == predicted.argmax(axis=1)).mean()):.4f}"
    if (labels >= 0).all():
        area = metrics.roc_auc(labels, predicted)
        said += "" if np.isnan(area) else f", ROC AUC {area:.4f}"
    else:
        new = dict.fromkeys(repr(word) for word in truth if word not in index)
        said += f" (labels that are none of the model's classes: {', '.join([*new][:5])})"
    print(f"{said} on {count}", file=sys.stderr)
