"""`tinygrad-edu train`: from DATA on the command line to a checkpoint, a history and pictures."""

from __future__ import annotations

import argparse
import functools
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu import catalogue, data
from tinygrad_edu.backend import registry
from tinygrad_edu.cli import source, workers
from tinygrad_edu.cli.arguments import UsageError, as_usage
from tinygrad_edu.cli.report import (
    TITLES,
    Rows,
    about_task,
    described,
    goes_on,
    plan_of,
    predicted,
    print_scores,
    readable,
    served,
)
from tinygrad_edu.cli.train_files import (
    CHECKPOINT,
    PICTURES,
    draw_pictures,
    file_identity,
    refuse_overwriting,
    refuse_replacing,
    write_history,
    write_rows,
)
from tinygrad_edu.cli.workers import JobOptions
from tinygrad_edu.data.csv_file import Examples
from tinygrad_edu.errors import without_line
from tinygrad_edu.nn.ranks import together
from tinygrad_edu.training import PredictionError, Predictor, Settings, Trainer, TrainingError
from tinygrad_edu.training.interrupt import interrupt_flag
from tinygrad_edu.training.progress import progress_bar
from tinygrad_edu.training.trainer import Row

_REMEMBERED = (*source.READING, *source.PREPARING, "task")  # a resumed run reads its file as the first did
_SECONDS_BETWEEN_SAVES = 5.0


def run(asked: argparse.Namespace) -> int:
    """Execute the command; returns the exit code."""
    job = workers.options(asked, _folder(asked) / CHECKPOINT)
    if job.ranks > 1 and asked.cluster != "threads":
        return workers.launch(asked, job)
    with interrupt_flag() as stop:
        if job.ranks > 1:
            return int(workers.cluster_of_threads(job.ranks).run(run_rank, asked, job, stop)[0])
        return run_rank(None, asked, job, stop)


class Plan(NamedTuple):
    """What a run needs, as rank 0 finds it. The other ranks get no table: each run gives them its rows."""

    table: Rows | None
    settings: Settings
    folder: Path
    notes: dict[str, Any]
    fraction: float


def run_rank(comm: Any, asked: argparse.Namespace, job: JobOptions, stop: Callable[[], bool]) -> int:
    """Train on one rank of a job, or alone without a comm; returns the exit code."""
    tables: list[Rows | None] = []

    def find() -> Plan:
        plan = _plan(asked, job)
        tables.append(plan.table)
        return plan if comm is None else plan._replace(table=None)

    try:
        plan = together(comm, lambda: None, lambda _: find())
        plan = plan._replace(table=tables[0] if tables else None)
        with registry.temporary_default(asked.device):
            train = _train_once if asked.folds is None else _cross_validate
            return train(plan, asked, _Run(comm, job, stop))
    except (TrainingError, PredictionError) as error:
        if comm is None or comm.rank == 0:
            print(f"tinygrad-edu train: {without_line(error)}", file=sys.stderr)
        return 1


def _folder(asked: argparse.Namespace) -> Path:
    return Path(asked.out or Path("tinygrad-edu-out", source.short_name(asked.data)))


def _plan(asked: argparse.Namespace, job: JobOptions) -> Plan:
    """Read the data and choose the settings."""
    folder = _folder(asked)
    saved: dict[str, Any] = {}
    if asked.resume:
        if asked.folds is not None:
            raise UsageError("--resume continues one run; leave out --folds, or --resume")
        predictor, notes = Predictor.load(folder / CHECKPOINT)
        saved = {field.name: getattr(predictor.settings, field.name) for field in fields(Settings)}
        if (part := source.saved_option(notes, "test_fraction")) is not None:
            saved["test_fraction"] = part
        _recall_columns(asked, notes)
    settings = _settings(asked, saved)
    fraction = saved.get("test_fraction", 0.25) if asked.test_fraction is None else asked.test_fraction
    if not 0 < fraction < 1:
        raise UsageError(f"--test-fraction must lie in (0, 1), not {fraction}")
    refuse_overwriting(asked.data, folder)
    if asked.out is None:
        refuse_replacing(asked.data, folder)
    table = source.read(asked.data, asked, seed=settings.seed)
    _check(table)
    source.print_notes("train", source.notes_on(table))
    if asked.task is None and source.is_file(asked.data) and (doubt := about_task(table)):
        print(f"tinygrad-edu train: {doubt}", file=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    notes = {"data": table.name, "source": table.source, "file": file_identity(asked.data),
             "test_fraction": fraction,
             **{option: getattr(asked, option) for option in _REMEMBERED}}  # fmt: skip
    return Plan(table, settings, folder, notes | job.notes(), fraction)


# -- what is asked for -----------------------------------------------------------------------------


def _settings(asked: argparse.Namespace, saved: dict[str, Any]) -> Settings:
    """The given options; for the others, those of a resumed run, else defaults that suit the data."""
    preset: Mapping[str, Any] = catalogue.DATA_SETS.get(asked.data, {})
    preset = catalogue.FILE if source.is_file(asked.data) else preset
    names = {field.name for field in fields(Settings)}
    given = {name: value for name, value in vars(asked).items() if name in names and value is not None}
    if "hidden" in given:
        given["hidden"] = tuple(units for group in given["hidden"] for units in group)
    before = {name: value for name, value in saved.items() if name in names}
    try:
        return Settings(**{**preset, **before, **given})
    except ValueError as error:
        raise as_usage(error) from None


def _recall_columns(asked: argparse.Namespace, notes: dict[str, Any]) -> None:
    """Read the file as the first run did, unless the command line says otherwise."""
    for option in _REMEMBERED:
        if getattr(asked, option) is None:
            setattr(asked, option, source.saved_option(notes, option))


def _prepare(train: Rows, held_out: Rows) -> tuple[data.Table, data.Table, data.Preparation]:
    """Both parts as numbers, and the preparation, learned from the first part."""
    if isinstance(train, data.Table):
        assert isinstance(held_out, data.Table)
        return train, held_out, data.Preparation.of_names(train.feature_names)
    assert isinstance(held_out, Examples)
    preparation = train.preparation()
    source.print_notes("train", preparation.unknown(held_out.features))
    return train.table(preparation), held_out.table(preparation), preparation


def _check(table: Rows) -> None:
    if len(table) < 4:
        raise UsageError(f"{table.name}: {len(table)} rows are too few to learn and be judged on; 4 at least")
    if table.class_names and len(table.class_names) < 2:
        raise UsageError(
            f"{table.name}: all rows have the label {table.class_names[0]!r}; "
            "there is nothing to tell apart; is another column the label? (--label)"
        )


def _classes(table: Rows) -> np.ndarray[Any, Any] | None:
    return table.labels if table.class_names else None


# -- one run ---------------------------------------------------------------------------------------


class _Run(NamedTuple):
    """The ranks of a run, and whether it is to stop."""

    comm: Any
    job: JobOptions
    stop: Callable[[], bool]

    def trainer(self, divide: Callable[[], tuple[Rows, Rows]], plan: Plan) -> Trainer:
        """A trainer of the two parts of the rows that `divide` makes on rank 0."""
        train, held_out, preparation = together(self.comm, lambda: None, lambda _: _prepare(*divide()))
        notes = {**plan.notes, "columns": preparation.to_json()}
        batch = min(plan.settings.batch_size, len(train))
        if self.job.workers > batch:
            raise UsageError(
                f"--workers {self.job.workers}: a batch of {batch} rows has not a row for each; use fewer, "
                "or a larger --batch-size"
            )
        of_job = self.job.of_trainer()
        return Trainer(train, held_out, plan.settings, notes=notes, comm=self.comm, **of_job)


def _train_once(plan: Plan, asked: argparse.Namespace, run: _Run) -> int:
    table, settings, folder = plan.table, plan.settings, plan.folder

    def divide() -> tuple[Rows, Rows]:
        assert table is not None
        try:
            return data.train_test_split(table, plan.fraction, seed=settings.seed, stratify=_classes(table))
        except ValueError as error:  # raised if there are too few rows for such a part
            raise as_usage(error) from None

    trainer = run.trainer(divide, plan)
    train, held_out = trainer.train, trainer.held_out
    assert held_out is not None
    checkpoint = folder / CHECKPOINT
    if asked.resume:
        trainer.resume(checkpoint)
    if table is not None and not asked.quiet:
        print(f"{described(table, train)}: {len(train)} to train on, {len(held_out)} held out")
        print(predicted(table) + plan_of(trainer))
        if asked.resume:
            print(goes_on(len(trainer.history), settings.epochs))
    finished = _fit(trainer, checkpoint, run.stop, asked.quiet)
    trainer.save(checkpoint)
    if not trainer.job.is_first:
        return 0
    for name in PICTURES:
        (folder / name).unlink(missing_ok=True)  # from the run that this one replaces
    write_history(trainer, folder / "history.csv")
    if not finished:
        steps = len(trainer.history) * len(trainer.loader) + trainer.loader.state_dict()["position"]
        print(
            f"\ninterrupted after epoch {len(trainer.history)}, step {steps}; "
            f"the model is in {checkpoint}; go on with --resume",
            file=sys.stderr,
        )
        return 130
    if trainer.report is not None and not asked.quiet:
        print(served(trainer.report))
    print_scores({"train": trainer.scores(train), "held out": trainer.scores(held_out)})
    made = [checkpoint, folder / "history.csv", *draw_pictures(trainer, folder)]
    if not asked.quiet:
        print("wrote " + ", ".join(str(file) for file in made))
    return 0


def _fit(trainer: Trainer, checkpoint: Path, stop: Callable[[], bool], quiet: bool, title: str = "") -> bool:
    """Train under a progress bar, with regular checkpoints; returns whether training is complete."""
    epochs, steps = trainer.settings.epochs, trainer.steps
    begun = len(trainer.history) * steps + trainer.loader.state_dict()["position"]
    saved = time.monotonic()
    hidden = quiet or not trainer.job.is_first
    with progress_bar(title or "training", epochs * steps, initial=begun, hidden=hidden) as bar:

        def on_epoch(row: Row) -> None:
            nonlocal saved
            words = {"epoch": f"{row['epoch']:.0f}/{epochs}"}
            shown = ("train_loss", "held_out_accuracy", "held_out_r2")
            words |= {name.replace("_", " "): f"{row[name]:.4f}" for name in row if name in shown}
            bar.set_postfix(words, refresh=False)
            if trainer.job.first(lambda: time.monotonic() - saved > _SECONDS_BETWEEN_SAVES):
                trainer.save(checkpoint)
                saved = time.monotonic()

        def on_step(loss: float) -> None:
            bar.update()

        return trainer.fit(stop=stop, on_step=on_step, on_epoch=on_epoch)


# -- cross-validation ------------------------------------------------------------------------------


def _cross_validate(plan: Plan, asked: argparse.Namespace, run: _Run) -> int:
    """K runs, each judged on the fold it has not seen; fold<k>.safetensors and folds.csv."""
    table, folder, seed = plan.table, plan.folder, plan.settings.seed
    folds: list[Any] = []

    def find() -> None:
        assert table is not None
        labels = _classes(table)
        try:
            folds.extend(data.kfold(len(table) if labels is None else labels, asked.folds, seed=seed))
        except ValueError as error:
            raise as_usage(error) from None

    def divide(k: int) -> tuple[Rows, Rows]:
        assert table is not None
        inside, outside = folds[k]
        return table.rows(inside), table.rows(outside)

    together(run.comm, lambda: None, lambda _: find())
    rows: list[Row] = []
    for k in range(1, asked.folds + 1):
        trainer = run.trainer(functools.partial(divide, k - 1), plan)
        is_told = table is not None and not asked.quiet
        if table is not None and k == 1 and is_told:
            print(f"{described(table, trainer.train)}: {asked.folds} folds")
            print(predicted(table) + plan_of(trainer))
        checkpoint = folder / f"fold{k}.safetensors"
        finished = _fit(trainer, checkpoint, run.stop, asked.quiet, f"fold {k}/{asked.folds}")
        trainer.save(checkpoint)
        if not finished:
            if trainer.job.is_first:
                print(f"\ninterrupted in fold {k}; its model is in {checkpoint}", file=sys.stderr)
            return 130
        held_out = trainer.held_out
        assert held_out is not None
        scores = trainer.job.first(functools.partial(trainer.scores, held_out))
        rows.append({"fold": k, **scores})
        if is_told:
            said = (f"{TITLES[name]} {readable(name, x)}" for name, x in scores.items())
            print(f"fold {k:2d}   {'   '.join(said)}")
    if trainer.job.is_first:
        _conclude(rows, folder, asked.quiet)
    return 0


def _conclude(rows: list[Row], folder: Path, quiet: bool) -> None:
    """Print and write the scores of all folds."""
    names = [name for name in rows[0] if name != "fold"]
    for name in names:
        values = np.array([row[name] for row in rows])
        if name == "mse":
            values = np.sqrt(values)
        mean, spread = readable("", np.nanmean(values)), readable("", np.nanstd(values, ddof=1))
        if "e" in spread and "e" not in mean:
            spread = f"{np.nanstd(values, ddof=1):.4f}"
        print(f"held out {TITLES[name]}: {mean} ± {spread} (mean ± sd of {len(rows)} folds)")
    write_rows(rows, folder / "folds.csv")
    for left in folder.glob("fold*.safetensors"):  # from an earlier run with more folds
        if (number := left.stem.removeprefix("fold")).isdecimal() and int(number) > len(rows):
            left.unlink()
    if not quiet:
        print(f"wrote {folder / 'folds.csv'}, {folder / 'fold1.safetensors'} to fold{len(rows)}.safetensors")
        if (folder / CHECKPOINT).exists():
            print(f"{folder / CHECKPOINT} and its pictures are an earlier run's")
