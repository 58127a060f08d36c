"""Trainer: makes a Predictor fit rows, step by step, and can stop and go on between any two steps."""
from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from tinygrad_edu import functional as F
from tinygrad_edu import metrics, nn
from tinygrad_edu.data import ArrayDataset, DataLoader, Table
from tinygrad_edu.engine.modes import no_grad
from tinygrad_edu.training.predictor import PathLike, Predictor, read_extra
from tinygrad_edu.training.settings import OPTIMIZERS, Array, Settings

Row = dict[str, float]

TOLERANCE = 1e-4    # a training loss that falls by less is standing still


class TrainingError(RuntimeError):
    """Training cannot go on: the loss is no longer a number."""


class Trainer:
    """Makes a Predictor fit the rows of a table, and keeps the record.

    train, held_out  Tables of the same columns; the second is only ever measured (None: there is none)
    notes            JSON to keep in the checkpoint, for whoever loads it
    history          a row an epoch: epoch, train_loss and, with held-out rows, held_out_loss and
                     held_out_accuracy (classes) or held_out_r2. train_loss is the mean over the epoch's
                     batches, as they were met
    """

    def __init__(self, train: Table, held_out: Table | None, settings: Settings, *,
                 notes: Mapping[str, Any] | None = None) -> None:
        self.train, self.held_out, self.settings, self.notes = train, held_out, settings, dict(notes or {})
        self.predictor = Predictor.untrained(train, settings)
        make, options = OPTIMIZERS[settings.optimizer]
        self.optimizer = make(self.predictor.model.parameters(), lr=settings.lr,
                              weight_decay=settings.weight_decay, **options)
        features = self.predictor.scaling.forwards(train.features, settings.dtype)
        self.loader = DataLoader(ArrayDataset(features, self._targets(train)), settings.batch_size,
                                 shuffle=True, seed=settings.seed)
        classes = len(train.class_names)
        of_classes = F.binary_cross_entropy_with_logits if classes == 2 else F.cross_entropy
        self._loss: Callable[..., Any] = of_classes if classes else F.mse
        self.history: list[Row] = []
        self._sum, self._rows = 0.0, 0      # of the losses of the epoch under way

    def _targets(self, table: Table) -> Array:
        if len(table.class_names) > 2:
            return table.labels.astype(np.int64)
        if table.class_names:
            return table.labels[:, None].astype(self.settings.dtype)
        return self.predictor.target.forwards(table.labels[:, None], self.settings.dtype)

    @property
    def done(self) -> bool:
        """Whether all epochs are trained, or the training loss has stood still for `patience` of them."""
        return len(self.history) >= self.settings.epochs or self._stalled()

    def _stalled(self) -> bool:
        best, waited = math.inf, 0
        for row in self.history:
            waited = 0 if row["train_loss"] <= best - TOLERANCE else waited + 1
            best = min(best, row["train_loss"])
        return 0 < self.settings.patience < waited

    def fit(self, *, stop: Callable[[], bool] = lambda: False,
            on_step: Callable[[float], None] = lambda loss: None,
            on_epoch: Callable[[Row], None] = lambda row: None) -> bool:
        """Train until `done`, or until `stop()` says so after a step; returns `done`.

        Raises TrainingError when the loss is no longer finite; the checkpoint before is still good.
        """
        loss_of = self._loss
        model, optimizer = self.predictor.model.train(), self.optimizer
        stopped = False
        while not self.done and not stopped:
            self.loader.load_state_dict(self.loader.state_dict())   # go on where the last pass was left
            for x, y in self.loader:
                loss = loss_of(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                value, rows = float(loss.item()), len(x)
                self._sum, self._rows = self._sum + value * rows, self._rows + rows
                on_step(value)
                if stop():
                    stopped = True
                    break
            if self._rows == len(self.train):
                on_epoch(self._close_epoch())
        return self.done

    def _close_epoch(self) -> Row:
        row: Row = {"epoch": len(self.history) + 1, "train_loss": self._sum / self._rows}
        if not math.isfinite(row["train_loss"]):
            raise TrainingError(f"the loss became {row['train_loss']} in epoch {row['epoch']}; "
                                f"lower the learning rate, now {self.settings.lr:g}")
        if self.held_out is not None:
            row |= self._measure(self.held_out)
        self.history.append(row)
        self._sum, self._rows = 0.0, 0
        return row

    def _measure(self, table: Table) -> Row:
        raw = self.predictor.raw(table.features)
        with no_grad():
            loss = float(self._loss(F.wrap(raw), F.wrap(self._targets(table))).item())
        guess = self.predictor.meaning(raw)
        if self.predictor.class_names:
            return {"held_out_loss": loss, "held_out_accuracy": metrics.accuracy(table.labels, guess)}
        return {"held_out_loss": loss, "held_out_r2": metrics.r2(table.labels, guess)}

    def scores(self, table: Table) -> Row:
        """Accuracy and ROC AUC, or R^2 and mean squared error, of the predictor as it is."""
        predicted = self.predictor(table.features)
        if self.predictor.class_names:
            return {"accuracy": metrics.accuracy(table.labels, predicted),
                    "roc_auc": metrics.roc_auc(table.labels, predicted)}
        return {"r2": metrics.r2(table.labels, predicted),
                "mse": metrics.mean_squared_error(table.labels, predicted)}

    # -- checkpoints -------------------------------------------------------------------------------

    def save(self, path: PathLike) -> None:
        """Write everything to one file, atomically; `Predictor.load` and `resume` read it."""
        run = {"history": self.history, "sum": self._sum, "rows": self._rows, "data": self._digest()}
        nn.save_checkpoint(path, model=self.predictor.model, optimizer=self.optimizer, loader=self.loader,
                           extra={"predictor": self.predictor.to_json(), "run": run, "notes": self.notes})

    def resume(self, path: PathLike) -> None:
        """Go on where `save` was called: same data, same settings; only `epochs` and `patience` may differ.

        Raises nn.CheckpointError otherwise, and changes nothing.
        """
        extra = read_extra(path)
        saved = Settings.from_json(extra["predictor"]["settings"])
        for field in fields(Settings):
            before, now = getattr(saved, field.name), getattr(self.settings, field.name)
            if before != now and field.name not in ("epochs", "patience"):
                raise nn.CheckpointError(
                    f"{os.fspath(path)} was trained with {field.name} {before}, this run has {now}; "
                    "resume with the same, or train anew into another folder")
        if extra["run"]["data"] != self._digest():
            raise nn.CheckpointError(
                f"{os.fspath(path)} was trained on other rows than these; resume with the same data and "
                "split, or train anew into another folder")
        nn.load_checkpoint(path, model=self.predictor.model, optimizer=self.optimizer, loader=self.loader)
        run = extra["run"]
        self.history, self._sum, self._rows = list(run["history"]), run["sum"], run["rows"]

    def _digest(self) -> str:
        """Names the training and held-out rows, so that a run is not resumed on others."""
        digest = hashlib.sha256()
        for table in (self.train, self.held_out):
            if table is not None:
                digest.update(f"{table.features.shape} {table.feature_names} {table.class_names}".encode())
                digest.update(np.ascontiguousarray(table.features).tobytes())
                digest.update(np.ascontiguousarray(table.labels).tobytes())
        return digest.hexdigest()
