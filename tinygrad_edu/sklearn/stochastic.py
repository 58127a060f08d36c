"""Descent: one fit by SGD or Adam: epochs of batches, and the rule for stopping.

Random numbers are drawn in scikit-learn's order: weights, then the split that holds rows out, then a shuffle
an epoch.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np

from tinygrad_edu.sklearn.door import ConvergenceWarning
from tinygrad_edu.sklearn.losses import Array
from tinygrad_edu.sklearn.network import Samples
from tinygrad_edu.sklearn.progress import Progress
from tinygrad_edu.sklearn.records import Fit
from tinygrad_edu.sklearn.shared import any_rank, common_number

SLOWER = 5.0  # an adaptive learning rate is divided by it
SLOWEST = 1e-6  # below this rate, training stops


class Descent:
    """Trains the network of `progress` on `train`, in batches that `random_state` shuffles."""

    def __init__(
        self,
        fit: Fit,
        progress: Progress,
        train: Samples,
        batch_size: int,
        random_state: Any,
        *,
        incremental: bool,
    ) -> None:
        self.fit, self.settings, self.records = fit, fit.settings, fit.records
        self.network, self.optimizer, self.train = progress.network, progress.optimizer, train
        self.batch_size, self.random_state, self.incremental = batch_size, random_state, incremental
        self.order = np.arange(len(train.rows))
        # As in scikit-learn: a warm start keeps its last weights if no epoch is better than the fits before.
        self.best = None if self.records.t_ else self.network.snapshot()

    def run(self) -> None:
        """Train until a rule or an interrupt by the user ends it; an interrupt keeps the weights."""
        records, most = self.records, self.settings.max_iter
        records.n_iter_ = 0
        try:
            for _ in range(most):
                self._epoch()
                ended = any_rank(self.fit.run_callbacks(self.network), self.settings.comm)
                if ended or self._should_stop() or self.incremental:
                    break
                if records.n_iter_ == most:
                    warnings.warn(
                        f"Stochastic Optimizer: Maximum iterations ({most}) reached and "
                        "the optimization hasn't converged yet.",
                        ConvergenceWarning,
                        stacklevel=2,
                    )
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=2)
        finally:
            self.fit.set_attributes(self.network)
        if self.settings.early_stopping and self.best is not None:
            self.network.restore(self.best)
            self.fit.set_attributes(self.network)

    def _epoch(self) -> None:
        """Train once on every row, in batches of which the last may be smaller; then update the records."""
        records, train, size = self.records, self.train, self.batch_size
        order = self._shuffled() if self.settings.shuffle else None
        target = train.target if order is None else train.target[order]
        weight = train.weight if order is None or train.weight is None else train.weight[order]
        rows, total, start = len(target), 0.0, 0
        for batch in train.rows.batches(order, size):
            part = slice(start, min(start + size, rows))
            loss = self.network.gradient(batch, target[part], None if weight is None else weight[part])
            self.optimizer.step()
            total += loss * (part.stop - start)
            start += size
        records.n_iter_ += 1
        records.t_ += rows
        records.loss_ = total / rows
        records.loss_curve_.append(records.loss_)
        self._print(f"Iteration {records.n_iter_}, loss = {records.loss_:.8f}")
        score = self._measure()
        if self.settings.early_stopping:
            self._count_by_score(score)
        else:
            self._count_by_loss()
        self.optimizer.epoch_ended(records.t_)

    def _shuffled(self) -> Array:
        self.random_state.shuffle(self.order)
        return self.order

    def _measure(self) -> float:
        """The score of the held-out rows, or NaN without any; their loss is added to the records."""
        held = self.fit.held_out
        if held is None:
            return np.nan
        return common_number(held.score(held.measure(self.network, self.records)), self.settings.comm)

    def _count_by_score(self, score: float) -> None:
        """Count the epochs in a row that failed to raise the score by `tol`, and keep the best weights."""
        records = self.records
        records.validation_scores_.append(score)
        self._print(f"Validation score: {score:f}")
        records.count(fails=score < records.best_validation_score_ + self.settings.tol)
        if score > records.best_validation_score_:
            records.best_validation_score_ = score
            self.best = self.network.snapshot()

    def _count_by_loss(self) -> None:
        """Count the epochs in a row that failed to lower the training loss by `tol`."""
        records = self.records
        records.count(fails=records.loss_ > records.best_loss_ - self.settings.tol)
        records.best_loss_ = min(records.best_loss_, records.loss_)

    def _should_stop(self) -> bool:
        """Whether too many epochs brought no improvement; an adaptive learning rate is lowered first."""
        settings, group = self.settings, self.optimizer.param_groups[0]
        if self.records.fails() <= settings.n_iter_no_change:
            return False
        what = "Validation score" if settings.early_stopping else "Training loss"
        text = (
            f"{what} did not improve more than tol={settings.tol:f} for {settings.n_iter_no_change} "
            "consecutive epochs."
        )
        if group.get("schedule") != "adaptive":
            self._print(f"{text} Stopping.")
            return True
        rate = group["lr"]
        if rate <= SLOWEST:
            self._print(f"{text} Learning rate too small. Stopping.")
            return True
        group["lr"] = rate / SLOWER
        self._print(f"{text} Setting learning rate to {rate / SLOWER:f}")
        self.records.count(fails=False)
        return False

    def _print(self, text: str) -> None:
        if self.settings.verbose and (self.settings.comm is None or self.settings.comm.rank == 0):
            sys.stdout.write(f"{text}\n")
