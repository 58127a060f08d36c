"""`tinygrad-edu train`: from a word on the command line to a checkpoint, a history and pictures."""
from __future__ import annotations

import argparse
import csv
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu import data
from tinygrad_edu.backend import registry
from tinygrad_edu.cli import source
from tinygrad_edu.cli.arguments import PRESETS, UsageError
from tinygrad_edu.data.labels import number
from tinygrad_edu.training import Predictor, Settings, Trainer, TrainingError
from tinygrad_edu.training.trainer import Row

CHECKPOINT = "model.safetensors"
_SECONDS_BETWEEN_SAVES = 5.0
# Up to how many classes a picture can be read; its curves, colours or cells are too many beyond.
_READABLE = {"roc.png": 12, "boundary.png": 12, "confusion.png": 20}
_TITLES = {"accuracy": "accuracy", "roc_auc": "ROC AUC", "r2": "R²", "mse": "squared error"}


def run(asked: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    folder = Path(asked.out or Path("tinygrad-edu-out", source.short_name(asked.data)))
    saved: dict[str, Any] = {}
    if asked.resume:
        if asked.folds is not None:
            raise UsageError("--resume continues one run; leave out --folds, or --resume")
        predictor, notes = Predictor.load(folder / CHECKPOINT)
        saved = {field.name: getattr(predictor.settings, field.name) for field in fields(Settings)}
        saved["test_fraction"] = notes["test_fraction"]
        _recall_columns(asked, notes)
    settings = _settings(asked, saved)
    fraction = saved.get("test_fraction", 0.25) if asked.test_fraction is None else asked.test_fraction
    if not 0 < fraction < 1:
        raise UsageError(f"--test-fraction must lie in (0, 1), not {fraction}")
    table = source.read(asked.data, asked, seed=settings.seed)
    _check(table)
    if asked.task is None and (doubt := _perhaps_quantities(table)):
        print(f"tinygrad-edu train: {doubt}", file=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    notes = {"data": table.name, "source": table.source, "test_fraction": fraction,
             "label": asked.label, "names": asked.names, "task": asked.task}
    try:
        with registry.defaulting(asked.device), _asked_to_stop() as stop:
            if asked.folds is not None:
                return _cross_validate(table, settings, folder, asked, notes, stop)
            return _train_once(table, settings, folder, asked, notes, stop, fraction)
    except TrainingError as error:
        print(f"tinygrad-edu train: {error}", file=sys.stderr)
        return 1


# -- what is asked for -----------------------------------------------------------------------------

def _settings(asked: argparse.Namespace, saved: dict[str, Any]) -> Settings:
    """The options given, over those of a resumed run, over what suits the data."""
    preset = PRESETS["FILE" if source.is_file(asked.data) else asked.data] if asked.data in PRESETS or \
        source.is_file(asked.data) else {}
    names = {field.name for field in fields(Settings)}
    given = {name: value for name, value in vars(asked).items() if name in names and value is not None}
    if "hidden" in given:
        given["hidden"] = tuple(units for group in given["hidden"] for units in group)
    before = {name: value for name, value in saved.items() if name in names}
    try:
        return Settings(**{**preset, **before, **given})
    except ValueError as error:
        raise UsageError(str(error)) from None


def _recall_columns(asked: argparse.Namespace, notes: dict[str, Any]) -> None:
    """Read the file as the first run did, where the command line does not say otherwise."""
    for option in ("label", "names", "task"):
        if getattr(asked, option) is None:
            setattr(asked, option, notes[option])


def _check(table: data.Table) -> None:
    if len(table) < 4:
        raise UsageError(f"{table.name}: {len(table)} rows are too few to learn and be judged on; 4 at least")
    if table.class_names and len(table.class_names) < 2:
        raise UsageError(f"{table.name}: all rows have the label {table.class_names[0]!r}; "
                         "there is nothing to tell apart; is another column the label? (--label)")


def _perhaps_quantities(table: data.Table) -> str:
    """A word of doubt about classes that are numbers and have fewer rows each than there are classes."""
    count = len(table.class_names)
    if count < 6 or len(table) >= count * count or any(number(name) is None for name in table.class_names):
        return ""
    return f"{count} classes in {len(table)} rows; if the column holds quantities, say --task regression"


def _classes(table: data.Table) -> np.ndarray[Any, Any] | None:
    return table.labels if table.class_names else None


# -- one run ---------------------------------------------------------------------------------------

def _train_once(table: data.Table, settings: Settings, folder: Path, asked: argparse.Namespace,
                notes: dict[str, Any], stop: Callable[[], bool], fraction: float) -> int:
    train, held_out = data.train_test_split(table, fraction, seed=settings.seed, stratify=_classes(table))
    trainer = Trainer(train, held_out, settings, notes=notes)
    checkpoint = folder / CHECKPOINT
    if asked.resume:
        trainer.resume(checkpoint)
    if not asked.quiet:
        print(f"{_describe(table)}: {len(train)} to train on, {len(held_out)} held out")
        print(_plan(trainer))
    finished = _fit(trainer, checkpoint, stop, asked.quiet)
    trainer.save(checkpoint)
    _write_history(trainer, folder / "history.csv")
    if not finished:
        steps = len(trainer.history) * len(trainer.loader) + trainer.loader.state_dict()["position"]
        print(f"\ninterrupted after epoch {len(trainer.history)}, step {steps}; "
              f"the model is in {checkpoint}; go on with --resume", file=sys.stderr)
        return 130
    _print_scores({"train": trainer.scores(train), "held out": trainer.scores(held_out)})
    files = [checkpoint, folder / "history.csv", *_draw(trainer, folder)]
    if not asked.quiet:
        print("wrote " + ", ".join(str(file) for file in files))
    return 0


def _fit(trainer: Trainer, checkpoint: Path, stop: Callable[[], bool], quiet: bool, title: str = "") -> bool:
    """Train under a progress bar, with a checkpoint now and then; returns whether it came to its end."""
    from tqdm import tqdm

    epochs, steps = trainer.settings.epochs, len(trainer.loader)
    begun = len(trainer.history) * steps + trainer.loader.state_dict()["position"]
    saved = time.monotonic()
    with tqdm(total=epochs * steps, initial=begun, desc=title or "training", unit="step", disable=quiet,
              file=sys.stderr, leave=False, mininterval=0.2, dynamic_ncols=True) as bar:

        def on_epoch(row: Row) -> None:
            nonlocal saved
            words = {"epoch": f"{row['epoch']:.0f}/{epochs}"}
            words |= {name.removeprefix("held_out_"): f"{row[name]:.4f}" for name in row
                      if name in ("train_loss", "held_out_accuracy", "held_out_r2")}
            bar.set_postfix(words, refresh=False)
            if time.monotonic() - saved > _SECONDS_BETWEEN_SAVES:
                trainer.save(checkpoint)
                saved = time.monotonic()

        def on_step(loss: float) -> None:
            bar.update()

        return trainer.fit(stop=stop, on_step=on_step, on_epoch=on_epoch)


@contextmanager
def _asked_to_stop() -> Iterator[Callable[[], bool]]:
    """A question whether Ctrl-C was pressed; while it can be asked, the first Ctrl-C interrupts nothing.

    So no step is left half done and what is saved is whole. The second Ctrl-C interrupts as usual.
    """
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False         # only the main thread may set a handler
        return

    def note(number: int, frame: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)


# -- cross-validation ------------------------------------------------------------------------------

def _cross_validate(table: data.Table, settings: Settings, folder: Path, asked: argparse.Namespace,
                    notes: dict[str, Any], stop: Callable[[], bool]) -> int:
    """K runs, each judged on the fold it has not seen; fold<k>.safetensors and folds.csv."""
    labels = _classes(table)
    try:
        folds = list(data.kfold(len(table) if labels is None else labels, asked.folds, seed=settings.seed))
    except ValueError as error:
        raise UsageError(str(error)) from None
    if not asked.quiet:
        print(f"{_describe(table)}: {asked.folds} folds")
    rows: list[Row] = []
    for k, (inside, outside) in enumerate(folds, 1):
        trainer = Trainer(table.rows(inside), table.rows(outside), settings, notes=notes)
        if k == 1 and not asked.quiet:
            print(_plan(trainer))
        checkpoint = folder / f"fold{k}.safetensors"
        finished = _fit(trainer, checkpoint, stop, asked.quiet, f"fold {k}/{asked.folds}")
        trainer.save(checkpoint)
        if not finished:
            print(f"\ninterrupted in fold {k}; its model is in {checkpoint}", file=sys.stderr)
            return 130
        scores = trainer.scores(table.rows(outside))
        rows.append({"fold": k, **scores})
        if not asked.quiet:
            print(f"fold {k:2d}   " + "   ".join(f"{_TITLES[name]} {x:.4f}" for name, x in scores.items()))
    names = [name for name in rows[0] if name != "fold"]
    for name in names:
        values = np.array([row[name] for row in rows])
        print(f"held out {_TITLES[name]}: {np.nanmean(values):.4f} ± {np.nanstd(values, ddof=1):.4f} "
              f"(mean ± sd of {len(rows)} folds)")
    _write_rows(rows, folder / "folds.csv")
    if not asked.quiet:
        print(f"wrote {folder / 'folds.csv'}, {folder / 'fold1.safetensors'} to fold{len(rows)}.safetensors")
    return 0


# -- what is said and written ----------------------------------------------------------------------

def _describe(table: data.Table) -> str:
    kind = f"{len(table.class_names)} classes" if table.class_names else "a quantity to predict"
    return f"{table.name}: {len(table)} rows x {table.features.shape[1]} features, {kind}"


def _plan(trainer: Trainer) -> str:
    settings, predictor = trainer.settings, trainer.predictor
    sizes = [len(predictor.feature_names), *settings.hidden, predictor.model[-1].out_features]
    count = sum(parameter.size for parameter in predictor.model.parameters())
    options = {"dropout": settings.dropout, "weight decay": settings.weight_decay,
               "patience": settings.patience}
    extras = "".join(f", {name} {value:g}" for name, value in options.items() if value)
    return (f"model: {' - '.join(map(str, sizes))}, {settings.activation}, {count} parameters{extras}\n"
            f"training: {settings.optimizer}, learning rate {settings.lr:g}, {settings.epochs} epochs of "
            f"{len(trainer.loader)} steps of {settings.batch_size} rows, seed {settings.seed}")


def _print_scores(scores: dict[str, Row]) -> None:
    names = list(next(iter(scores.values())))
    print(" " * 10 + "".join(f"{_TITLES[name]:>15}" for name in names))
    for part, row in scores.items():
        print(f"{part:<10}" + "".join(f"{row[name]:>15.4f}" for name in names))


def _write_history(trainer: Trainer, path: Path) -> None:
    _write_rows(trainer.history, path)


def _write_rows(rows: list[Row], path: Path) -> None:
    """A CSV with every digit of every number, replaced in one step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with open(temporary, "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]) if rows else ["epoch"])
        writer.writeheader()
        writer.writerows(rows)
    os.replace(temporary, path)


def _draw(trainer: Trainer, folder: Path) -> list[Path]:
    """The pictures that suit the run; without matplotlib none, and a word on how to get them."""
    from tinygrad_edu.viz import plots

    table, held_out = trainer.train, trainer.held_out
    assert held_out is not None
    names = trainer.predictor.class_names
    unit = "cross-entropy loss (nats)" if names else "squared error of standardised targets"
    drawings: dict[str, Callable[[Path], Any]] = {"loss.png": lambda path: plots.loss_curve(
        trainer.history, path, title=table.name, loss_label=unit)}
    if names:
        drawings["roc.png"] = lambda path: plots.roc(
            held_out.labels, trainer.predictor(held_out.features), path, class_names=names,
            title=f"{table.name}, held out")
        drawings["confusion.png"] = lambda path: plots.confusion_matrix(
            held_out.labels, trainer.predictor(held_out.features), class_names=names,
            title=f"{table.name}, held out", path=path)
    if names and table.features.shape[1] == 2:
        drawings["boundary.png"] = lambda path: plots.decision_boundary(
            trainer.predictor, np.concatenate([table.features, held_out.features]),
            np.concatenate([table.labels, held_out.labels]), path, class_names=names,
            feature_names=table.feature_names, title=table.name)
    pictures = []
    for name, draw in drawings.items():
        if len(names) > (most := _READABLE.get(name, len(names))):
            print(f"no {name}: {len(names)} classes cannot be told apart in it, at most {most} can",
                  file=sys.stderr)
            continue
        try:
            pictures.append(draw(folder / name))
        except ImportError as error:
            print(f"no pictures: {error}", file=sys.stderr)
            break
        except ValueError as error:     # rows of one class have no ROC curve, a diverged network no answers
            print(f"no {name}: {error}", file=sys.stderr)
    return [Path(picture) for picture in pictures]

