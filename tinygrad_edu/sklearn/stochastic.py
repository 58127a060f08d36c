"""Descent: one fit by SGD or Adam: epochs of batches, and when to stop.

Random numbers are drawn in scikit-learn's order: weights, then the split that holds rows out, then a shuffle
an epoch. What a fit leaves behind, it leaves on the estimator under scikit-learn's names.
"""
from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.sklearn.door import ConvergenceWarning
from tinygrad_edu.sklearn.losses import Array
from tinygrad_edu.sklearn.network import Samples
from tinygrad_edu.sklearn.progress import Progress

if TYPE_CHECKING:
    from tinygrad_edu.sklearn.estimator import Perceptron

SLOWER = 5.0            # an adaptive learning rate is divided by it
SLOWEST = 1e-6          # and gives up here


class Descent:
    """Trains on `train` for the estimator `model`; `held_out`, if any, is only ever measured."""

    def __init__(self, model: Perceptron, progress: Progress, train: Samples, held_out: Samples | None,
                 batch_size: int, *, incremental: bool) -> None:
        self.model, self.network, self.train, self.held_out = model, progress.network, train, held_out
        self.optimizer = progress.optimizer
        self.batch_size, self.incremental = batch_size, incremental
        self.order = np.arange(len(train.rows))
        # scikit-learn's way: a warm start is left at its last weights if no epoch beats the fits before.
        self.best = None if model.t_ else self.network.snapshot()
        self.labels: Any = None if held_out is None else model._labels(held_out.y)

    def run(self) -> None:
        """Epochs until one says stop; an interrupt by the user ends them too, and keeps what was learned."""
        model = self.model
        model.n_iter_ = 0
        try:
            for _ in range(model.max_iter):
                self._epoch()
                if model._called_back(self.network) or self._stops() or self.incremental:
                    break
                if model.n_iter_ == model.max_iter:
                    warnings.warn(f"Stochastic Optimizer: Maximum iterations ({model.max_iter}) reached and "
                                  "the optimization hasn't converged yet.", ConvergenceWarning, stacklevel=2)
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=2)
        finally:
            model._adopt(self.network)
        if model.early_stopping and self.best is not None:
            self.network.restore(self.best)
            model._adopt(self.network)

    def _epoch(self) -> None:
        """Every row once, in batches of which the last may be smaller; then the books are kept."""
        model, train, size = self.model, self.train, self.batch_size
        order = self._shuffled() if model.shuffle else None
        target = train.target if order is None else train.target[order]
        weight = train.weight if order is None or train.weight is None else train.weight[order]
        rows, total, start = len(target), 0.0, 0
        for batch in train.rows.batches(order, size):
            part = slice(start, min(start + size, rows))
            loss = self.network.gradient(batch, target[part], None if weight is None else weight[part])
            self.optimizer.step()
            total += loss * (part.stop - start)
            start += size
        model.n_iter_ += 1
        model.t_ += rows
        model.loss_ = total / rows
        model.loss_curve_.append(model.loss_)
        self._say(f"Iteration {model.n_iter_}, loss = {model.loss_:.8f}")
        score = self._measure()
        if model.early_stopping:
            self._count_by_score(score)
        else:
            self._count_by_loss()
        self.optimizer.epoch_ended(model.t_)

    def _shuffled(self) -> Array:
        self.model._random_state.shuffle(self.order)
        return self.order

    def _measure(self) -> float:
        """Loss and score of the held-out rows; NaN without any."""
        model, held = self.model, self.held_out
        if held is None:
            return np.nan
        outputs = model._hold_out(self.network, held)
        return model._score(self.labels, model._meaning(outputs), held.weight)

    def _count_by_score(self, score: float) -> None:
        """Count the epochs in a row that failed to raise the score by `tol`, and keep the best weights."""
        model = self.model
        model.validation_scores_.append(score)
        self._say(f"Validation score: {score:f}")
        fails = score < model.best_validation_score_ + model.tol
        model._no_improvement_count = model._no_improvement_count + 1 if fails else 0
        if score > model.best_validation_score_:
            model.best_validation_score_ = score
            self.best = self.network.snapshot()

    def _count_by_loss(self) -> None:
        """Count the epochs in a row that failed to lower the training loss by `tol`."""
        model = self.model
        fails = model.loss_ > model.best_loss_ - model.tol
        model._no_improvement_count = model._no_improvement_count + 1 if fails else 0
        model.best_loss_ = min(model.best_loss_, model.loss_)

    def _stops(self) -> bool:
        """Whether too many epochs failed; an adaptive learning rate is lowered first."""
        model = self.model
        if model._no_improvement_count <= model.n_iter_no_change:
            return False
        what = "Validation score" if model.early_stopping else "Training loss"
        text = (f"{what} did not improve more than tol={model.tol:f} for {model.n_iter_no_change} "
                "consecutive epochs.")
        settings = self.optimizer.param_groups[0]
        if settings.get("schedule") != "adaptive":
            self._say(f"{text} Stopping.")
            return True
        rate = settings["lr"]
        if rate <= SLOWEST:
            self._say(f"{text} Learning rate too small. Stopping.")
            return True
        settings["lr"] = rate / SLOWER
        self._say(f"{text} Setting learning rate to {rate / SLOWER:f}")
        model._no_improvement_count = 0
        return False

    def _say(self, text: str) -> None:
        if self.model.verbose:
            sys.stdout.write(f"{text}\n")
