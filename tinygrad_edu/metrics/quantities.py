"""Metrics of quantities, batch by batch: errors, R^2, and the mean of any number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygrad_edu.errors import wrong
from tinygrad_edu.metrics.scores import Array
from tinygrad_edu.metrics.streaming import Metric, array, same_shape


class Mean(Metric):
    """The mean of a number.

    of    `of(outputs, targets)` gives a number for each row, or one for the batch, which is the mean of its
          rows; by default the outputs themselves are the numbers, and targets are not used
    name  the column of a history
    """

    name = "mean"
    counted = ("total", "rows")

    def __init__(self, of: Callable[[Any, Any], Any] | None = None, *, name: str = "mean") -> None:
        if of is not None and not callable(of):
            raise wrong(TypeError, "Mean", f"of={of!r:.60} is no function", "pass a function of outputs and "
                        "targets, or leave it out")  # fmt: skip
        self.of, self.name = of, name
        super().__init__()

    def reset(self) -> None:
        """Forget all batches."""
        self.total, self.rows = 0.0, 0

    def update(self, outputs: Any, targets: Any = None) -> None:
        """Count a batch."""
        found = array(outputs if self.of is None else self.of(outputs, targets))
        if found.dtype.kind not in "biuf":
            what = f"of returned {found.tolist()!r:.60}" if self.of else f"outputs of {found.dtype}"
            remedy = "give a number for each row, or one for the batch"
            raise wrong(TypeError, "Mean", f"{what} to take the mean of", remedy)
        values = found.astype(np.float64)
        rows, total = values.size, float(values.sum())
        if self.of is not None and not values.ndim and np.ndim(array(outputs)):
            rows = len(outputs)  # the number is the mean of a batch
            total *= rows
        self.merge({"total": total, "rows": rows})

    def merge(self, state: Mapping[str, Any]) -> None:
        """Add what another one has counted."""
        self.total, self.rows = self.total + float(state["total"]), self.rows + int(state["rows"])

    def compute(self) -> float:
        """The mean. Raises ValueError if there were no numbers."""
        if not self.rows:
            raise self._nothing()
        return self.total / self.rows


class _OfErrors(Mean):
    """The mean of a function of the errors, over all elements."""

    def __init__(self) -> None:
        super().__init__(name=type(self).name)

    def update(self, outputs: Any, targets: Any = None) -> None:
        """Count a batch: outputs and targets of one shape."""
        guess, truth = same_shape(type(self).__name__, outputs, targets)
        super().update(self._of_error(guess - truth).reshape(-1))

    def _of_error(self, error: Array) -> Array:
        raise AssertionError("each metric of errors has its own")


class MeanSquaredError(_OfErrors):
    """The mean of (output - target)^2 over all elements, in the unit of the targets squared."""

    name = "mean_squared_error"
    mode = "min"

    def _of_error(self, error: Array) -> Array:
        return np.square(error)


class MeanAbsoluteError(_OfErrors):
    """The mean of |output - target| over all elements, in the unit of the targets."""

    name = "mean_absolute_error"
    mode = "min"

    def _of_error(self, error: Array) -> Array:
        return np.abs(error)


class R2(Metric):
    """1 - squared error / squared distance from the mean; of several columns the mean of each one's R^2.

    Targets that are all equal: 1 when predicted exactly, else 0; of one row NaN, as in scikit-learn. Means
    and squared distances of batches are merged without loss of digits: Chan, Golub, LeVeque, "Algorithms for
    computing the sample variance", The American Statistician 37 (1983).
    """

    name = "r2"
    mode = "max"
    counted = ("rows", "mean", "spread", "error")

    def reset(self) -> None:
        """Forget all batches."""
        self.rows = 0
        self.mean = self.spread = self.error = np.zeros(0)

    def update(self, outputs: Any, targets: Any) -> None:
        """Count a batch: outputs and targets of one shape, (n,) or (n, columns)."""
        guess, truth = same_shape("R2", outputs, targets)
        if not truth.ndim:
            raise wrong(ValueError, "R2", "a single number has no rows", "give (n,) or (n, columns)")
        if not len(truth):
            return
        truth, guess = truth.reshape(len(truth), -1), guess.reshape(len(truth), -1)
        mean = truth.mean(axis=0)
        spread, error = np.square(truth - mean).sum(axis=0), np.square(guess - truth).sum(axis=0)
        self.merge({"rows": len(truth), "mean": mean, "spread": spread, "error": error})

    def merge(self, state: Mapping[str, Any]) -> None:
        """Add what another one has counted."""
        rows, mean = int(state["rows"]), np.asarray(state["mean"], np.float64)
        spread, error = np.asarray(state["spread"], np.float64), np.asarray(state["error"], np.float64)
        if rows and self.rows and mean.shape != self.mean.shape:
            raise wrong(ValueError, "R2", f"{len(mean)} columns after {len(self.mean)}",
                        "all batches have the same columns")  # fmt: skip
        if not self.rows:
            self.rows, self.mean, self.spread, self.error = rows, mean, spread, error
        elif rows:
            total, apart = self.rows + rows, mean - self.mean
            self.spread = self.spread + spread + np.square(apart) * (self.rows * rows / total)
            self.mean, self.error, self.rows = self.mean + apart * (rows / total), self.error + error, total

    def compute(self) -> float:
        """The number. Raises ValueError if there were no rows."""
        if not self.rows:
            raise self._nothing()
        if self.rows == 1:
            return float("nan")
        varies = self.spread != 0
        share = np.divide(self.error, self.spread, out=(self.error != 0).astype(np.float64), where=varies)
        return float(np.mean(1.0 - share))
