"""`tinygrad-edu predict`: a checkpoint applied to rows, as a CSV of classes and probabilities."""
from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu import metrics
from tinygrad_edu.cli import source
from tinygrad_edu.cli.arguments import UsageError
from tinygrad_edu.cli.train import CHECKPOINT
from tinygrad_edu.data import DataError, Table
from tinygrad_edu.training import Predictor

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class _Rows:
    """What is predicted on: features and their names, and, where the file has them, labels and row names."""

    features: Array
    names: tuple[str, ...]
    table: Table | None = None


def run(asked: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    path = Path(asked.checkpoint)
    predictor, notes = Predictor.load(path / CHECKPOINT if path.is_dir() else path)
    if source.is_file(asked.data):
        for option in ("label", "names"):
            if getattr(asked, option) is None and ".fp" not in Path(asked.data).suffixes:
                setattr(asked, option, notes[option])
    rows = _read(asked, predictor)
    features = _in_order(rows, predictor, asked.data)
    predicted = predictor(features)
    head, cells = _cells(rows, predictor, predicted)
    if asked.out is None:
        _write(sys.stdout, head, cells)
    else:
        temporary = Path(asked.out).with_name(f".{Path(asked.out).name}.{os.getpid()}.tmp")
        with open(temporary, "w", newline="", encoding="utf-8") as stream:
            _write(stream, head, cells)
        os.replace(temporary, asked.out)
        print(f"wrote {len(features)} predictions to {asked.out}")
    if rows.table is not None:
        _judge(rows.table, predictor, predicted)
    return 0


def _read(asked: argparse.Namespace, predictor: Predictor) -> _Rows:
    """The rows of DATA with their labels, or, if a CSV has exactly the model's columns, without."""
    wanted = len(predictor.feature_names)
    problem: Exception | None = None
    try:
        table = source.read(asked.data, asked, task=predictor.task, seed=predictor.settings.seed)
        if not source.is_file(asked.data) or table.features.shape[1] == wanted:
            return _Rows(table.features, table.feature_names, table)
        count = table.features.shape[1]
    except DataError as error:
        problem, count = error, -1      # perhaps only because the last column is no label
    if ".fp" not in Path(asked.data).suffixes:
        with suppress(DataError):       # what is wrong with it as a labelled file is what will be said
            features, names = source.unlabelled(asked.data)
            if features.shape[1] == wanted:
                return _Rows(features, names)
    if problem is not None:
        raise problem
    raise UsageError(_mismatch(asked.data, count, predictor) + ", beside a label or without one")


def _mismatch(word: str, count: int, predictor: Predictor) -> str:
    names = predictor.feature_names
    listed = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return (f"{word} has {count} feature columns, the model was trained on {len(names)} ({listed}); "
            "give it the same columns")


def _in_order(rows: _Rows, predictor: Predictor, word: str) -> Array:
    """The features in the model's order of columns, found by name where both have names."""
    wanted, found = predictor.feature_names, rows.names
    if len(found) != len(wanted):
        raise UsageError(_mismatch(word, len(found), predictor))
    if wanted == found or _numbered(wanted) or _numbered(found):
        return rows.features
    missing = [name for name in wanted if name not in found]
    if missing:
        raise UsageError(f"{word} has no column {missing[0]!r}, which the model was trained on (it has "
                         f"{', '.join(found[:5])}{', ...' if len(found) > 5 else ''}); "
                         "rename it, or drop the header")
    return rows.features[:, [found.index(name) for name in wanted]]


def _numbered(names: Sequence[str]) -> bool:
    """Whether these are the names that a file without a header is given."""
    return all(name.removeprefix("column").isdigit() for name in names)


def _cells(rows: _Rows, predictor: Predictor, predicted: Array) -> tuple[list[str], Iterable[list[Any]]]:
    """Header and rows of the output: [name,] class and probabilities, or [name,] value."""
    labels = rows.table.row_names if rows.table is not None else ()
    front = ["name"] if labels else []
    names: list[list[str]] = [[name] for name in labels] if labels else [[] for _ in predicted]
    if not predictor.class_names:
        return [*front, "prediction"], ([*n, repr(float(p))] for n, p in zip(names, predicted, strict=True))
    head = [*front, "class", *(f"p({name})" for name in predictor.class_names)]
    best = predicted.argmax(axis=1)
    return head, ([*n, predictor.class_names[k], *(f"{x:.6g}" for x in p)]
                  for n, k, p in zip(names, best, predicted, strict=True))


def _write(stream: Any, head: list[str], cells: Iterable[list[Any]]) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(cells)


def _judge(table: Table, predictor: Predictor, predicted: Array) -> None:
    """Say how good it is, on standard error, for the output may be standard output."""
    if not predictor.class_names:
        print(f"R² {metrics.r2(table.labels, predicted):.4f} on {len(table)} rows", file=sys.stderr)
        return
    words = np.array(table.class_names)[table.labels]
    guess = np.array(predictor.class_names)[predicted.argmax(axis=1)]
    said = f"accuracy {float((words == guess).mean()):.4f}"
    if set(words) <= set(predictor.class_names):
        area = metrics.roc_auc([predictor.class_names.index(word) for word in words], predicted)
        said += "" if np.isnan(area) else f", ROC AUC {area:.4f}"
    print(f"{said} on {len(table)} rows", file=sys.stderr)
