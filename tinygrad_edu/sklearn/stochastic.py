"""Descent: one fit by SGD or Adam: epochs of batches, and when to stop.

Random numbers are drawn in scikit-learn's order: weights, then the split that holds rows out, then a shuffle
an epoch. What a fit leaves behind, it leaves on the estimator under scikit-learn's names.
"""
from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.optim.optimizer import Optimizer
from tinygrad_edu.sklearn.door import ConvergenceWarning
from tinygrad_edu.sklearn.losses import Array
from tinygrad_edu.sklearn.network import Network, Samples
from tinygrad_edu.sklearn.rules import SGD, Adam

if TYPE_CHECKING:
    from tinygrad_edu.sklearn.estimator import Perceptron

SLOWER = 5.0            # an adaptive learning rate is divided by it
SLOWEST = 1e-6          # and gives up here


class Descent:
    """Trains `network` on `train` for the estimator `model`; `held_out`, if any, is only ever measured."""

    def __init__(self, model: Perceptron, network: Network, train: Samples, held_out: Samples | None,
                 batch_size: int, *, incremental: bool) -> None:
        self.model, self.network, self.train, self.held_out = model, network, train, held_out
        self.batch_size, self.incremental = batch_size, incremental
        self.optimizer = self._optimizer()
        self.order = np.arange(len(train.rows))
        # scikit-learn's way: a warm start is left at its last weights if no epoch beats the fits before.
        self.best = None if model.t_ else network.vector().copy()
        self.labels: Any = None if held_out is None else model._labels(held_out.y)

    def _optimizer(self) -> Optimizer:
        """A new rule, or in `partial_fit` the one of the call before."""
        model = self.model
        kept = getattr(model, "_optimizer_state", None) if self.incremental else None
        solver, state = kept or (model.solver, None)
        optimizer: Optimizer
        if solver == "adam":
            optimizer = Adam(self.network.parameters, model.learning_rate_init, model.beta_1, model.beta_2,
                             model.epsilon)
        else:
            optimizer = SGD(self.network.parameters, model.learning_rate_init, model.momentum,
                            model.nesterovs_momentum)
        if state is not None:
            optimizer.load_state_dict(state)
        self.solver = solver
        return optimizer

    def run(self) -> None:
        """Epochs until one says stop; an interrupt by the user ends them too, and keeps what was learned."""
        model = self.model
        model.n_iter_ = 0
        try:
            for _ in range(model.max_iter):
                self._epoch()
                if self._called_back() or self._stops() or self.incremental:
                    break
                if model.n_iter_ == model.max_iter:
                    warnings.warn(f"Stochastic Optimizer: Maximum iterations ({model.max_iter}) reached and "
                                  "the optimization hasn't converged yet.", ConvergenceWarning, stacklevel=2)
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=2)
        if model.early_stopping and self.best is not None:
            self.network.load(self.best)
        model._optimizer_state = self.solver, self.optimizer.state_dict()

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
        if self.solver == "sgd" and model.learning_rate == "invscaling":
            self._set_rate(float(model.learning_rate_init) / (model.t_ + 1) ** model.power_t)

    def _shuffled(self) -> Array:
        self.model._random_state.shuffle(self.order)
        return self.order

    def _measure(self) -> float:
        """Loss and score of the held-out rows; NaN without any."""
        model, held = self.model, self.held_out
        if held is None:
            return np.nan
        outputs = self.network.outputs(held.rows.whole())
        model.validation_curve_.append(model._loss.value(outputs, held.target, held.weight))
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
            self.best = self.network.vector().copy()

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
        if self.solver == "adam" or model.learning_rate != "adaptive":
            self._say(f"{text} Stopping.")
            return True
        rate = self.optimizer.param_groups[0]["lr"]
        if rate <= SLOWEST:
            self._say(f"{text} Learning rate too small. Stopping.")
            return True
        self._set_rate(rate / SLOWER)
        self._say(f"{text} Setting learning rate to {rate / SLOWER:f}")
        model._no_improvement_count = 0
        return False

    def _called_back(self) -> bool:
        """Call the user's functions with the estimator as it is; one that returns True ends the fit."""
        if not self.model.callbacks:
            return False
        self.model._adopt(self.network)
        answers = [callback(self.model) for callback in self.model.callbacks]
        return any(answers)

    def _set_rate(self, rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def _say(self, text: str) -> None:
        if self.model.verbose:
            sys.stdout.write(f"{text}\n")
