"""Records: what a fit records, and what else a solver knows about the estimator that it trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tinygrad_edu.sklearn.losses import Array, Loss
from tinygrad_edu.sklearn.network import Network, Samples


class Settings(Protocol):
    """The estimator's parameters that a solver follows."""

    solver: str
    learning_rate: str
    learning_rate_init: float
    power_t: float
    momentum: float
    nesterovs_momentum: bool
    beta_1: float
    beta_2: float
    epsilon: float
    shuffle: bool
    max_iter: int
    max_fun: int
    tol: float
    early_stopping: bool
    n_iter_no_change: float
    verbose: bool | int
    callbacks: Any
    comm: Any


class Records:
    """What fits record, under the names of scikit-learn; an attribute exists only after a fit has set it.

    A solver writes them. The estimator copies them to its own attributes before it calls the user's
    callbacks, and when the training ends, also by an error.
    """

    n_iter_: int  # epochs, or iterations of L-BFGS, of this fit
    t_: int  # rows seen, over all fits that continue the same training
    loss_: float
    loss_curve_: list[float]
    validation_curve_: list[float]
    validation_scores_: Any  # a list with early stopping, else None
    best_validation_score_: Any  # a number with early stopping, else None
    best_loss_: Any  # a number without early stopping, else None
    _no_improvement_count: int

    def __init__(self, before: Mapping[str, Any]) -> None:
        """Take the records of earlier fits from `before`, the attributes of the estimator."""
        vars(self).update({name: before[name] for name in Records.__annotations__ if name in before})

    def open(self, *, anew: bool, early_stopping: bool) -> None:
        """Begin new records for a descent, or complete those of the fit before to continue them."""
        if anew or not hasattr(self, "loss_curve_"):
            self.loss_curve_, self.validation_curve_ = [], []
            self._no_improvement_count = 0
            self.validation_scores_ = self.best_validation_score_ = self.best_loss_ = None
        if early_stopping and self.validation_scores_ is None:
            self.validation_scores_, self.best_validation_score_ = [], -np.inf
        if not early_stopping and self.best_loss_ is None:
            self.best_loss_ = np.inf

    def count(self, fails: bool) -> None:
        """Count one more consecutive epoch without improvement, or start again from 0."""
        self._no_improvement_count = self._no_improvement_count + 1 if fails else 0

    def fails(self) -> int:
        """How many consecutive epochs brought no improvement."""
        return self._no_improvement_count


@dataclass(frozen=True)
class HeldOut:
    """Rows that are only measured, never trained on; `score` rates outputs (rows, outputs) for them."""

    samples: Samples
    loss: Loss
    score: Callable[[Array], float]

    def measure(self, network: Network, records: Records) -> Array:
        """The outputs of the network for these rows; their loss is added to the records."""
        outputs = network.outputs(self.samples.rows.whole())
        records.validation_curve_.append(self.loss.value(outputs, self.samples.target, self.samples.weight))
        return outputs


@dataclass(frozen=True)
class Fit:
    """One fit, as its solver sees it."""

    settings: Settings
    records: Records
    held_out: HeldOut | None
    set_attributes: Callable[[Network], None]  # copies weights and records to the estimator
    run_callbacks: Callable[[Network], bool]  # whether a callback ends the training
