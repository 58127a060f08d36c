"""The files of `tinygrad-edu train`: which it must not overwrite, the tables and the pictures it writes."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu import files
from tinygrad_edu.cli import source
from tinygrad_edu.cli.arguments import UsageError
from tinygrad_edu.data.source import STANDARD_INPUT
from tinygrad_edu.errors import without_line
from tinygrad_edu.nn import CheckpointError
from tinygrad_edu.training import Predictor, Trainer
from tinygrad_edu.training.trainer import Row

CHECKPOINT = "model.safetensors"
PICTURES = ("loss.png", "roc.png", "confusion.png", "boundary.png", "predicted.png", "residuals.png")
# The most classes with which a picture is readable; with more, it has too many curves, colours or cells.
_READABLE = {"roc.png": 12, "boundary.png": 12, "confusion.png": 20}


def refuse_overwriting(word: str, folder: Path) -> None:
    """Raise UsageError if DATA is a file that the run would write."""
    if not source.is_file(word) or not Path(word).exists() or not folder.is_dir():
        return
    names = re.compile(r"history\.csv|folds\.csv|.*\.safetensors|.*\.png")
    if any(names.fullmatch(file.name) and file.exists() and file.samefile(word) for file in folder.iterdir()):
        raise UsageError(f"{word} would be overwritten by what is written to {folder}; give another --out")


def refuse_replacing(word: str, folder: Path) -> None:
    """Raise UsageError if a folder called after DATA holds a run on another file of the same name."""
    if source.is_file(word) and word != STANDARD_INPUT and not Path(word).exists():
        return  # the reader reports that the file does not exist
    for checkpoint in (folder / CHECKPOINT, folder / "fold1.safetensors"):
        with suppress(CheckpointError, OSError):
            before = Predictor.load(checkpoint)[1].get("file")
            if before not in (None, file_identity(word)):
                raise UsageError(
                    f"{folder} holds a run on another file that is called {folder.name}, as "
                    f"{Path(word).name} is; say where this one goes with --out, "
                    "or remove that folder"
                )


def file_identity(word: str) -> str | None:
    """Identifies a file among others of its name, without its folder; None if DATA is no file."""
    if word == STANDARD_INPUT or not source.is_file(word):
        return None
    return hashlib.blake2b(str(Path(word).resolve()).encode(), digest_size=8).hexdigest()


def write_history(trainer: Trainer, path: Path) -> None:
    """Write the history of a run as a CSV."""
    write_rows(trainer.history, path)


def write_rows(rows: list[Row], path: Path) -> None:
    """A CSV with every digit of every number, replaced in one step."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["epoch"])
    writer.writeheader()
    writer.writerows(rows)
    files.write(path, text.getvalue())


def draw_pictures(trainer: Trainer, folder: Path) -> list[Path]:
    """Draw the pictures that suit the run; without matplotlib, print how to install it."""
    from tinygrad_edu import viz

    table, held_out = trainer.train, trainer.held_out
    assert held_out is not None
    names = trainer.predictor.class_names
    unit = "cross-entropy loss (nats)" if names else "squared error of standardised targets"
    dropped = " (with dropout)" if trainer.settings.dropout else ""  # why it may lie above the other curve
    history = [
        {name + dropped * (name == "train_loss"): x for name, x in row.items()} for row in trainer.history
    ]
    drawings: dict[str, Callable[[Path], Any]] = {
        "loss.png": lambda path: viz.loss_curve(history, path, title=table.name, loss_label=unit)
    }
    if names:
        title = f"{table.name}, held out"
        drawings["roc.png"] = lambda path: viz.roc(
            held_out.labels, trainer.predictor(held_out.features), path, class_names=names, title=title
        )
        drawings["confusion.png"] = lambda path: viz.confusion_matrix(
            held_out.labels, trainer.predictor(held_out.features), class_names=names, title=title, path=path
        )
    if not names:
        both = {"train": table, "held out": held_out}
        true = {part: rows.labels for part, rows in both.items()}
        guess = {part: trainer.predictor(rows.features) for part, rows in both.items()}
        drawings["predicted.png"] = lambda path: viz.predictions(true, guess, path, title=table.name)
        drawings["residuals.png"] = lambda path: viz.residuals(true, guess, path, title=table.name)
    if names and table.features.shape[1] == 2:
        drawings["boundary.png"] = lambda path: viz.decision_boundary(
            trainer.predictor,
            np.concatenate([table.features, held_out.features]),
            np.concatenate([table.labels, held_out.labels]),
            path,
            class_names=names,
            feature_names=table.feature_names,
            title=table.name,
        )
    pictures = []
    for name, draw in drawings.items():
        if len(names) > (most := _READABLE.get(name, len(names))):
            print(
                f"no {name}: {len(names)} classes cannot be told apart in it, at most {most} can",
                file=sys.stderr,
            )
            continue
        try:
            pictures.append(draw(folder / name))
        except ImportError as error:
            print(f"no pictures: {without_line(error)}", file=sys.stderr)
            break
        except ValueError as error:  # rows of one class have no ROC curve, a diverged network no predictions
            print(f"no {name}: {without_line(error)}", file=sys.stderr)
    return [Path(picture) for picture in pictures]
