"""What the word DATA on a command line means: a data set by name, or a file."""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu import data
from tinygrad_edu.cli.arguments import NAMES, UsageError


def is_file(word: str) -> bool:
    """Whether DATA is a path: anything that is no name, but has a suffix, a slash, or exists."""
    return word not in NAMES and (Path(word).suffix != "" or "/" in word or Path(word).exists())


def short_name(word: str) -> str:
    """What outputs are called after: the data set, or the file without folder and suffixes."""
    return Path(word).name.split(".")[0] if is_file(word) else word


def read(word: str, options: argparse.Namespace, *, task: Any = None, seed: int = 0) -> data.Table:
    """The Table that DATA names. `task` overrides what the labels look like.

    Raises UsageError for an unknown name or a package that is missing, DataError for a bad file.
    """
    if not is_file(word):
        return _named(word, options, seed)
    if Path(word).is_dir():
        raise UsageError(f"{word} is a folder; name a file in it, or one of {', '.join(NAMES)}")
    task = options.task or task
    if ".fp" in Path(word).suffixes:
        if options.label is not None or options.names is not None:
            raise UsageError("a .fp file has name and label in front; --label and --names are for CSV files")
        return data.read_fp(word, task=task).table(short_name(word), f"read from {Path(word).name}")
    label = -1 if options.label is None else column(options.label)
    names = None if options.names is None else column(options.names)
    return data.read_csv(word, label, names=names, task=task, dtype=np.float64)


def _named(word: str, options: argparse.Namespace, seed: int) -> data.Table:
    if word not in NAMES:
        raise UsageError(f"no data set {word!r}; there are {', '.join(NAMES)}, "
                         f"or give a file such as {word}.csv")
    if options.label is not None or options.names is not None or options.task is not None:
        raise UsageError(f"{word} knows its labels; --label, --names and --task are for files")
    try:
        return data.load(word, seed=seed)
    except ImportError as error:
        raise UsageError(f"{word}: {error}") from error


def unlabelled(path: str) -> tuple[np.ndarray[Any, Any], tuple[str, ...]]:
    """The numbers (rows, columns) of a CSV file in which every column is a feature, and the column names."""
    # A reader of labelled tables, told that an end column is a quantity, reads a table of quantities.
    table = data.read_csv(path, 0, task="regression", dtype=np.float64)
    first = data.read_csv(path, -1, task="regression", dtype=np.float64).feature_names[0]
    return np.column_stack([table.labels, table.features]), (first, *table.feature_names)


def column(word: str) -> int | str:
    """A column as `read_csv` takes it: a number where it reads as one, else a name."""
    return int(word) if word.lstrip("-").isdigit() else word

