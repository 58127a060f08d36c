"""Trainer: fits a Predictor to rows, step by step; it can stop and continue between any two steps."""

from __future__ import annotations

import hashlib
import math
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from tinygrad_edu import functional as F
from tinygrad_edu import metrics, nn
from tinygrad_edu.data import ArrayDataset, DataLoader, Table
from tinygrad_edu.distributed import Comm, Report
from tinygrad_edu.engine.modes import no_grad
from tinygrad_edu.errors import retold, wrong
from tinygrad_edu.nn.checkpoint_file import FAULTS
from tinygrad_edu.phrases import Argument, Phrase
from tinygrad_edu.training.job import Job
from tinygrad_edu.training.predictor import PathLike, Predictor, read_run
from tinygrad_edu.training.settings import OPTIMIZERS, Array, Settings

Row = dict[str, float]

TOLERANCE = 1e-4  # a training loss that falls by less has stalled


class TrainingError(RuntimeError):
    """Training cannot continue: the loss, or a weight, is no longer finite."""


class Trainer:
    """Fits a Predictor to the rows of a table, and keeps the history.

    train, held_out  Tables of the same columns; the second is only measured, never trained on; it may be None
    notes            JSON to keep in the checkpoint, for the program that loads it
    history          a row an epoch: epoch, train_loss and, with held-out rows, held_out_loss and
                     held_out_accuracy (classes) or held_out_r2. train_loss is the mean over the epoch's
                     batches, as they were met

    In a job, every rank makes a Trainer of the same rows and settings and calls the same methods. A batch of
    `settings.batch_size` rows is that of all workers together, so the steps are those of one process, to
    rounding, unless a parameter server does not wait for its workers. History and scores are those of all
    rows, on every rank; rank 0 measures the held-out rows and writes the checkpoints.

    comm       the job; None for this process alone
    scheme     "all-reduce", where all ranks work, or "parameter-server", where rank 0 is the server
    staleness  of a parameter server, how many steps a worker may be ahead of the slowest: 0 waits for all,
               None for none. With other than 0 every worker's part of a batch is a step of its own
    backups    how many workers a step of a parameter server with staleness=0 does not wait for
    report     what a parameter server has done, on rank 0; else None
    """

    def __init__(
        self,
        train: Table,
        held_out: Table | None,
        settings: Settings,
        *,
        notes: Mapping[str, Any] | None = None,
        comm: Comm | None = None,
        scheme: str = "all-reduce",
        staleness: int | None = 0,
        backups: int = 0,
    ) -> None:
        self.job = Job(comm, scheme, staleness, backups)
        self.job.check_rows(min(settings.batch_size, len(train)))
        self.job.check_same(settings, train)
        self.report: Report | None = None
        self.train, self.held_out, self.settings, self.notes = train, held_out, settings, dict(notes or {})
        self.predictor = Predictor.untrained(train, settings)
        make, options = OPTIMIZERS[settings.optimizer]
        self.optimizer = make(
            self.predictor.model.parameters(), lr=settings.lr, weight_decay=settings.weight_decay, **options
        )
        features = self.predictor.scaling.forwards(train.features, settings.dtype)
        self.loader = DataLoader(
            ArrayDataset(features, self._targets(train)),
            settings.batch_size,
            shuffle=True,
            seed=settings.seed,
            transform=self.job.part,
        )
        self._model = self.job.connect(self.predictor)
        classes = len(train.class_names)
        of_classes = F.binary_cross_entropy_with_logits if classes == 2 else F.cross_entropy
        self._loss: Callable[..., Any] = of_classes if classes else F.mse
        self.history: list[Row] = []
        self._sum, self._rows = 0.0, 0  # of the losses of the current epoch

    def _targets(self, table: Table) -> Array:
        if len(table.class_names) > 2:
            return table.labels.astype(np.int64)
        if table.class_names:
            return table.labels[:, None].astype(self.settings.dtype)
        return self.predictor.target.forwards(table.labels[:, None], self.settings.dtype)

    @property
    def done(self) -> bool:
        """Whether all epochs are trained, or the training loss has stalled for `patience` epochs."""
        return len(self.history) >= self.settings.epochs or self._epochs_stalled()

    def _epochs_stalled(self) -> bool:
        best, waited = math.inf, 0
        for row in self.history:
            waited = 0 if row["train_loss"] <= best - TOLERANCE else waited + 1
            best = min(best, row["train_loss"])
        return 0 < self.settings.patience < waited

    def fit(
        self,
        *,
        stop: Callable[[], bool] = lambda: False,
        on_step: Callable[[float], None] = lambda loss: None,
        on_epoch: Callable[[Row], None] = lambda row: None,
    ) -> bool:
        """Train until `done`, or until `stop()` is true after a step; returns `done`.

        Raises TrainingError when the loss is no longer finite; the checkpoint saved before stays valid.

        on_step   gets the loss of this rank's rows of a batch; on a parameter server, NaN after each update
        on_epoch  gets the epoch's row of the history
        In a job, all ranks stop if `stop()` is true on one of them, a few steps later; with a parameter
        server, at the end of the epoch.
        """
        self.predictor.model.train()
        stopped = False
        while not self.done and not stopped:
            self.loader.load_state_dict(self.loader.state_dict())  # continue where the last pass ended
            if not self.job.has_server:
                stopped = self._train(stop, on_step)
            else:
                self._train_by_server(on_step)
                stopped = self.job.total(float(stop())) > 0
            if self._rows == len(self.train):
                on_epoch(self._close_epoch())
        return self.done

    def _train(self, stop: Callable[[], bool], on_step: Callable[[float], None]) -> bool:
        """Take the steps that are left of an epoch; whether `stop` ended them."""
        job, steps = self.job, len(self.loader)
        for x, y in self.loader:
            self.optimizer.zero_grad()
            value = job.backward(self._model, self._loss, x, y)
            self.optimizer.step()
            self._count(value, len(x))
            on_step(value)
            if job.should_stop(stop, self.loader.state_dict()["position"] or steps, steps):
                return True
        return False

    def _train_by_server(self, on_step: Callable[[float], None]) -> None:
        """An epoch with a parameter server; at its end every rank has the same parameters."""
        server = self.job.serve(self.predictor.model, self.optimizer)
        if server.is_server:
            self._add(server.serve(lambda _: on_step(math.nan)))
            state = self.loader.state_dict()
            self.loader.load_state_dict({**state, "epoch": state["epoch"] + 1, "position": 0})
            self._rows = len(self.train)
            return
        for x, y in self.loader:
            value = math.nan
            if len(x) or self.job.waits:
                self.optimizer.zero_grad()
                value = self.job.backward(self._model, self._loss, x, y)
                server.step()
                self._count(value, len(x))
            else:
                self._count(0.0, 0)
            on_step(value)
        server.close()

    def _count(self, loss: float, rows: int) -> None:
        self._sum, self._rows = self._sum + loss * rows, self._rows + self.job.rows

    def _add(self, report: Report) -> None:
        """Add what the server did in an epoch."""
        if self.report is None:
            self.report = report
            return
        self.report.updates += report.updates
        self.report.dropped += report.dropped
        self.report.staleness += report.staleness
        self.report.gradients += report.gradients

    @property
    def steps(self) -> int:
        """How often rank 0 calls `on_step` in an epoch; with backup workers, about."""
        return len(self.loader) * (1 if self.job.waits else self.job.workers)

    def _close_epoch(self) -> Row:
        row: Row = {"epoch": len(self.history) + 1, "train_loss": self.job.total(self._sum) / self._rows}
        lost = "the loss" if not math.isfinite(row["train_loss"]) else self.predictor.lost_weight()
        if lost:  # the loss of an epoch does not include the weights after its last step
            raise wrong(
                TrainingError,
                "Trainer",
                f"{lost} became NaN or infinite in epoch {row['epoch']}",
                f"lower the learning rate, now {self.settings.lr:g}",
            )
        if (held_out := self.held_out) is not None:
            row |= self.job.first(lambda: self._measure(held_out))
        self.history.append(row)
        self._sum, self._rows = 0.0, 0
        return row

    def _measure(self, table: Table) -> Row:
        raw = self.predictor.raw(table.features)
        with no_grad():
            loss = float(self._loss(F.wrap(raw), F.wrap(self._targets(table))).item())
        guess = self.predictor.meaning(raw)
        known = np.isfinite(guess).all()  # the network may have no finite output for a held-out row
        if self.predictor.class_names:
            score = metrics.accuracy(table.labels, guess) if known else math.nan
            return {"held_out_loss": loss, "held_out_accuracy": score}
        return {"held_out_loss": loss, "held_out_r2": metrics.r2(table.labels, guess) if known else math.nan}

    def scores(self, table: Table) -> Row:
        """Accuracy and ROC AUC, or R^2 and mean squared error, of the predictor in its current state."""
        predicted = self.predictor(table.features)
        if self.predictor.class_names:
            return {
                "accuracy": metrics.accuracy(table.labels, predicted),
                "roc_auc": metrics.roc_auc(table.labels, predicted),
            }
        return {
            "r2": metrics.r2(table.labels, predicted),
            "mse": metrics.mean_squared_error(table.labels, predicted),
        }

    # -- checkpoints -------------------------------------------------------------------------------

    def save(self, path: PathLike) -> None:
        """Write everything to one file, atomically; `Predictor.load` and `resume` read it."""
        sums = self.job.gather(self._sum)
        run = {"history": self.history, "sum": sum(sums), "rows": self._rows, "data": self._digest()}
        if self.job.comm is not None:
            run |= {"sums": sums, "job": self.job.to_json()}
        nn.save_checkpoint(
            path,
            model=self.predictor.model,
            optimizer=self.optimizer,
            loader=self.loader,
            extra={"predictor": self.predictor.to_json(), "run": run, "notes": self.notes},
            comm=self.job.comm,
        )

    def resume(self, path: PathLike) -> None:
        """Continue after `save`, with the same data and settings; only `epochs` and `patience` may differ.

        A job goes on to the same bits with as many workers. With another number of them, or as one process,
        a run without dropout can go on, too, to rounding; the workers' random numbers are not in the file.
        Raises nn.CheckpointError otherwise, and changes nothing.
        """
        facts = self.job.first(lambda: read_run(path)[0])
        run = facts["extra"]["run"]
        try:
            saved = Settings.from_json(facts["extra"]["predictor"]["settings"])
            history, total, rows, rows_of = list(run["history"]), run["sum"], run["rows"], run["data"]
            given_out = facts["loader"]["position"] * saved.batch_size
            sums, ranks = list(run.get("sums", [total])), len(facts.get("ranks", [None]))
            if len(sums) != ranks:
                raise ValueError("its sums of losses are not those of its ranks")
            _check(history, total, sums, (facts["loader"]["epoch"], given_out, rows))
        except FAULTS as error:
            before = f"{os.fspath(path)} has no run to go on with: "
            raise retold(error, None, nn.CheckpointError, place=os.fspath(path), before=before) from error
        for field in fields(Settings):
            before, now = getattr(saved, field.name), getattr(self.settings, field.name)
            if before != now and field.name not in ("epochs", "patience"):
                file, setting = os.fspath(path), Argument(field.name)
                raise wrong(
                    nn.CheckpointError,
                    None,
                    Phrase(f"{file} was trained with ", setting, f" {before}, this run has {now}"),
                    "resume with the same, or train anew into another folder",
                    place=file,
                )
        if rows_of != self._digest():
            raise wrong(
                nn.CheckpointError,
                None,
                f"{os.fspath(path)} was trained on other rows than these",
                "resume with the same data and split, or train anew into another folder",
                place=os.fspath(path),
            )
        self._check_job(path, run.get("job", {}), ranks)
        nn.load_checkpoint(
            path,
            model=self.predictor.model,
            optimizer=self.optimizer,
            loader=self.loader,
            default_generator=ranks == self.job.size,
            comm=self.job.comm,
        )
        if ranks != self.job.size:
            sums = [total] + [0.0] * (self.job.size - 1)
        self.history, self._sum, self._rows = history, sums[self.job.rank], rows

    def _check_job(self, path: PathLike, saved: Any, ranks: int) -> None:
        """Raise CheckpointError if a run of so many ranks, of the scheme `saved`, cannot go on here."""
        file, now = os.fspath(path), self.job.to_json()
        if ranks != self.job.size and self.settings.dropout:
            problem: Any = (
                f"{file} was trained by {ranks} rank{'s' * (ranks > 1)} with dropout, this run has "
                f"{self.job.size}, and the random numbers of those"
            )
            problem, remedy = f"{problem} are not in it", "resume with as many workers, or train anew"
            raise wrong(nn.CheckpointError, None, problem, remedy, place=file)
        for name in now if isinstance(saved, dict) and saved and now else ():
            if saved.get(name) != now[name]:
                problem = Phrase(f"{file} was trained with ", Argument(name), f" {saved.get(name)}, this run "
                                 f"has {now[name]}")  # fmt: skip
                raise wrong(nn.CheckpointError, None, problem, "resume with the same", place=file)

    def _digest(self) -> str:
        """A digest of the training and held-out rows, so that a run is not resumed on others."""
        digest = hashlib.sha256()
        for table in (self.train, self.held_out):
            if table is not None:
                digest.update(f"{table.features.shape} {table.feature_names} {table.class_names}".encode())
                digest.update(np.ascontiguousarray(table.features).tobytes())
                digest.update(np.ascontiguousarray(table.labels).tobytes())
        return digest.hexdigest()


def _check(history: list[Any], total: Any, sums: list[Any], place: tuple[Any, Any, Any]) -> None:
    """Raise ValueError for a record that `save` does not write.

    sums   of the losses of each rank; `total` is their sum
    place  number of completed epochs, rows already used in the current one, rows in the sum of losses
    """
    numbers = [total, *sums, *(value for row in history for value in (row["train_loss"], *row.values()))]
    epochs, given_out, rows = place
    if (
        any(type(number) not in (int, float) or abs(number) > sys.float_info.max for number in numbers)
        or epochs != len(history)
        or rows != given_out
    ):
        raise ValueError("its history is not that of its batches")
