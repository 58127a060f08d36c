"""The argument DATA of a command line: a data set by name, a file, or `-` for standard input."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu import data
from tinygrad_edu.catalogue import DATA_SETS
from tinygrad_edu.cli.arguments import UsageError, as_usage, in_options
from tinygrad_edu.data.labels import twins
from tinygrad_edu.data.source import STANDARD_INPUT
from tinygrad_edu.errors import without_line
from tinygrad_edu.nn import CheckpointError
from tinygrad_edu.phrases import Phrase

# Options for reading a CSV, and options for preparing its columns before training.
READING = ("label", "names", "header", "delimiter", "decimal", "encoding")
PREPARING = ("encode", "categories", "impute")
# The types of options in a checkpoint; all others are text.
_KEPT_AS: dict[str, tuple[type, ...]] = {"header": (bool,), "encode": (bool,), "categories": (list,),
                                         "names": (list, str), "impute": (str, float),
                                         "test_fraction": (float,)}  # fmt: skip


def is_file(word: str) -> bool:
    """Whether DATA is a path: not a name of a data set, and it has a suffix or a slash, or exists."""
    return word == STANDARD_INPUT or (
        word not in DATA_SETS and (Path(word).suffix != "" or "/" in word or Path(word).exists())
    )


def is_table(word: str) -> bool:
    """Whether DATA is a CSV, and not a data set by name or bits in an `.fp` file."""
    return is_file(word) and ".fp" not in Path(word).suffixes


def short_name(word: str) -> str:
    """The name for outputs: that of the data set, or of the file without folder and suffixes."""
    if word == STANDARD_INPUT:
        return "stdin"
    return Path(word).name.split(".")[0] if is_file(word) else word


def refuse_folder(word: str) -> None:
    """Raise UsageError if DATA is a folder."""
    if Path(word).is_dir():
        raise UsageError(f"{word} is a folder; name a file in it, or one of {', '.join(DATA_SETS)}")


def read(word: str, options: argparse.Namespace, *, task: Any = None, seed: int = 0) -> Any:
    """The rows that DATA names: data.Examples of a CSV, else a data.Table. `task`: what labels mean.

    Raises UsageError for an unknown name or a package that is missing, DataError for a bad file.
    """
    given = [name for name in (*READING, *PREPARING) if getattr(options, name, None) is not None]
    task = options.task or task
    if not is_file(word):
        return _named(word, [*given, *(["task"] if options.task else [])], seed)
    refuse_folder(word)
    if not is_table(word):
        if given:
            raise UsageError(
                "a .fp file has name and label in front; options such as "
                f"--label and --names are for CSV files: leave out {_listed(given)}"
            )
        return data.read_fp(word, task=task).table(short_name(word), f"read from {Path(word).name}")
    try:
        return data.read_examples(
            word,
            -1 if options.label is None else column(options.label),
            names=[column(name) for name in options.names or ()],
            task=task,
            encode=bool(options.encode),
            categories=[column(name) for name in options.categories or ()],
            impute=options.impute,
            **{name: getattr(options, name) for name in READING[2:]},
        )
    except data.DataError:
        raise
    except ValueError as error:  # of the parameters
        raise as_usage(error) from error


def _named(word: str, given: list[str], seed: int) -> data.Table:
    if word not in DATA_SETS:
        raise UsageError(
            f"no data set {word!r}; there are {', '.join(DATA_SETS)}, or give a file such as {word}.csv"
        )
    if given:
        raise UsageError(
            f"{word} knows its labels and columns; leave out {_listed(given)}: they are for files"
        )
    try:
        return data.load(word, seed=seed)
    except ImportError as error:
        raise UsageError(f"{word}: {without_line(error)}") from error


def _listed(options: list[str]) -> str:
    return ", ".join(f"--{name}" for name in options)


def column(word: str) -> int | str:
    """A column as `read_csv` takes it: a number if the text is one, else a name."""
    return int(word) if word.lstrip("-").isdigit() else word


def print_notes(command: str, notes: list[str]) -> None:
    """Print to standard error what was guessed or left out."""
    for note in notes:
        print(f"tinygrad-edu {command}: {in_options(note)}", file=sys.stderr)


def notes_on(examples: Any) -> list[str]:
    """Notes for the user about the rows that were read."""
    sheet = getattr(examples, "sheet", None)
    said: list[str] = []
    if sheet is not None:
        notes = (*sheet.notes, *examples.features.doubts())
        said += [Phrase(f"{examples.name}: ", note) for note in notes]
        if taken := examples.features.taken():
            said.append(f"{examples.name}: columns that are not numbers were taken as {'; '.join(taken)}")
        numbers = [j for j in range(len(examples.features.names)) if j not in examples.features.words]
        if gaps := int(np.isnan(examples.features.values[:, numbers]).sum()):
            said.append(f"{examples.name}: empty cells that are filled in: {gaps}")
    if pair := twins(examples.class_names):
        said.append(
            f"{examples.name}: the labels {pair[0]!r} and {pair[1]!r} are two classes, as they are written"
        )
    return said


def saved_option(notes: Mapping[str, Any], option: str) -> Any:
    """An option as a checkpoint keeps it; None if it was not given, or is not kept."""
    value = notes.get(option)
    if value is not None and type(value) not in _KEPT_AS.get(option, (str,)):
        raise CheckpointError(f"the checkpoint has {option} {value!r:.60}, which `train` cannot have written")
    return [value] if option == "names" and isinstance(value, str) else value  # as earlier versions kept it
