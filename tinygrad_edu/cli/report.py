"""The texts of `tinygrad-edu train`: on the data, the plan, the scores."""

from __future__ import annotations

import numpy as np

from tinygrad_edu import data
from tinygrad_edu.data.csv_file import Examples
from tinygrad_edu.data.spelling import exact
from tinygrad_edu.distributed import Report
from tinygrad_edu.printable import printable
from tinygrad_edu.training import Trainer
from tinygrad_edu.training.job import Job
from tinygrad_edu.training.trainer import Row

Rows = data.Table | Examples
TITLES = {"accuracy": "accuracy", "roc_auc": "ROC AUC", "r2": "R²", "mse": "RMSE"}


def about_task(table: Rows) -> str:
    """How labels that are whole numbers were interpreted, if the user may have meant the other task."""
    if not table.class_names:
        if (table.labels != np.floor(table.labels)).any():
            return ""
        found = len(np.unique(table.labels))
        return (
            f"{table.name}: the labels are whole numbers, {found} different ones in {len(table)} rows, "
            "and taken for quantities (a regression); if they are classes say --task classification"
        )
    count = len(table.class_names)
    if count > max(20, len(table) // 2) and any(exact(name) is None for name in table.class_names):
        return (
            f"{table.name}: {count} different words as labels in {len(table)} rows, each a class; if "
            "they are quantities or dates, write them as plain numbers"
        )
    if (count < 6 and count < len(table)) or any(exact(name) is None for name in table.class_names):
        return ""
    return (
        f"{table.name}: the labels are whole numbers, {count} different ones in {len(table)} rows, "
        "and taken for classes; if they are quantities say --task regression"
    )


def described(table: Rows, train: data.Table) -> str:
    """The size of the data, and what is predicted."""
    kind = f"{len(table.class_names)} classes" if table.class_names else "a quantity to predict"
    return f"{table.name}: {len(table)} rows x {train.features.shape[1]} features, {kind}"


def predicted(table: Rows) -> str:
    """The line that names the predicted column of a file and, for classes, lists them."""
    if not isinstance(table, Examples) or table.layout.label is None:
        return ""
    name, at = table.layout.label
    last = ", the last column" if at == len(table.sheet.names) - 1 else ""
    classes = ", ".join(table.class_names[:8]) + (", ..." if len(table.class_names) > 8 else "")
    return printable(f"predicted: {name}{last}{f' ({classes})' if classes else ''}") + "\n"


def goes_on(done: int, epochs: int) -> str:
    """What --resume will do."""
    if done >= epochs:
        return f"it has had {done} epochs, and nothing is left to train; a larger --epochs goes on"
    return f"going on after epoch {done}"


def plan_of(trainer: Trainer) -> str:
    """The network and how it is trained, in two lines; in a job, and its workers in a third."""
    settings, predictor = trainer.settings, trainer.predictor
    sizes = [len(predictor.feature_names), *settings.hidden, predictor.model[-1].out_features]
    count = sum(parameter.size for parameter in predictor.model.parameters())
    options = {
        "dropout": settings.dropout,
        "weight decay": settings.weight_decay,
        "patience": settings.patience,
    }
    extras = "".join(f", {name} {value:g}" for name, value in options.items() if value)
    return (
        f"model: {' - '.join(map(str, sizes))}, {settings.activation}, {count} parameters{extras}\n"
        f"training: {settings.optimizer}, learning rate {settings.lr:g}, {settings.epochs} epochs of "
        f"{len(trainer.loader)} steps of {settings.batch_size} rows, seed {settings.seed}"
        f"{_workers_of(trainer.job)}"
    )


def _workers_of(job: Job) -> str:
    """The line on the workers of a job; "" for a process alone."""
    if job.comm is None:
        return ""
    if not job.has_server:
        return f"\nworkers: {job.workers}, all-reduce: each has a part of every batch"
    waits = "without a bound on staleness" if job.staleness is None else f"staleness {job.staleness}"
    backups = f", {job.backups} of them backups" if job.backups else ""
    each = "" if job.waits else "; each part of a batch is a step"
    return f"\nworkers: {job.workers}{backups}, and a parameter server, {waits}{each}"


def served(report: Report) -> str:
    """What a parameter server has done."""
    used = sum(report.staleness.values())
    mean = sum(steps * count for steps, count in report.staleness.items()) / max(used, 1)
    most = max(report.staleness, default=0)
    dropped = f", {report.dropped} gradients came too late and were dropped" if report.dropped else ""
    return f"server: {report.updates} steps; staleness {mean:.2f} on average, {most} at most{dropped}"


def print_scores(scores: dict[str, Row]) -> None:
    """A table of the scores of each part of the rows."""
    names = list(next(iter(scores.values())))
    print(" " * 10 + "".join(f"{TITLES[name]:>15}" for name in names))
    for part, row in scores.items():
        print(f"{part:<10}" + "".join(f"{readable(name, row[name]):>15}" for name in names))


def readable(name: str, score: float) -> str:
    """Four decimals, or four digits if the number is too large or too small; the root of a squared error."""
    score = score**0.5 if name == "mse" else score
    return f"{score:.4f}" if score == 0 or 1e-3 <= abs(score) < 1e6 or np.isnan(score) else f"{score:.3e}"
