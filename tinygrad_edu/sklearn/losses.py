"""Four pairs of an output activation and the loss that is minimized.

Each pair is chosen so that the slope of the loss by the last layer's sums is simply `outputs - target`. The
formulas are scikit-learn's, down to the order of additions;
their averages over rows are weighted by the sample weights.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from tinygrad_edu import functional as F
from tinygrad_edu.sklearn.door import expit, xlogy
from tinygrad_edu.tensor import Tensor

Array = np.ndarray[Any, Any]


class Loss(ABC):
    """An output activation and the loss that belongs to it; arrays are (rows, outputs)."""

    activation: ClassVar[str]  # scikit-learn's name, in `out_activation_`

    def prepare(self, y: Array, dtype: Any) -> Array:
        """Targets in the form that the methods below take, one per row; `dtype` is that of the outputs."""
        return np.asarray(y, np.float64)

    @abstractmethod
    def activate(self, z: Array) -> Array:
        """The outputs, in the memory of the sums `z`."""

    @abstractmethod
    def value(self, outputs: Array, target: Array, weight: Array | None) -> float:
        """The loss, averaged over rows."""

    def slope(self, outputs: Array, target: Array) -> Array:
        """The slope of each row's loss by the last layer's sums, in the memory of `outputs`."""
        return np.subtract(outputs, target, outputs)

    @abstractmethod
    def of_rows(self, sums: Tensor, target: Tensor) -> Tensor:
        """The same loss for autograd: one number a row, from the last layer's sums, up to a constant."""


class Softmax(Loss):
    """Cross-entropy of exclusive classes; targets are class numbers (rows,)."""

    activation = "softmax"

    def prepare(self, y: Array, dtype: Any) -> Array:
        return y.argmax(axis=1)

    def activate(self, z: Array) -> Array:
        highest = np.maximum.reduce(np.ascontiguousarray(z.T))  # over long rows: three times as fast
        np.subtract(z, highest[:, None], z)
        np.exp(z, z)
        return np.divide(z, np.add.reduce(z, axis=1)[:, None], z)

    def value(self, outputs: Array, target: Array, weight: Array | None) -> float:
        rows, classes = outputs.shape
        logs = xlogy(1.0, _clipped(outputs.take(_class_indices(outputs, target))))
        mass = rows if weight is None else weight.sum()
        if not mass:
            raise ZeroDivisionError("Weights sum to zero, can't be normalized")
        by_class = np.bincount(target, logs if weight is None else logs * weight, classes)
        return -float((by_class / mass).sum())

    def slope(self, outputs: Array, target: Array) -> Array:
        outputs.reshape(-1)[_class_indices(outputs, target)] -= 1
        return outputs

    def of_rows(self, sums: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(sums, target, reduction="none")


class Logistic(Loss):
    """Cross-entropy of independent yes-or-no outputs: two classes, or any set of labels."""

    activation = "logistic"

    def prepare(self, y: Array, dtype: Any) -> Array:
        return y.astype(dtype)

    def activate(self, z: Array) -> Array:
        return np.asarray(expit(z, out=z))

    def value(self, outputs: Array, target: Array, weight: Array | None) -> float:
        p = _clipped(outputs)
        logs = xlogy(target, p) + xlogy(1 - target, 1 - p)
        return -float(np.average(logs, weights=weight, axis=0).sum())

    def of_rows(self, sums: Tensor, target: Tensor) -> Tensor:
        return F.sum(F.binary_cross_entropy_with_logits(sums, target, reduction="none"), axis=1)


class Squared(Loss):
    """Half the squared error. The reported loss averages over outputs; the gradient is that of their sum."""

    activation = "identity"

    def activate(self, z: Array) -> Array:
        return z

    def value(self, outputs: Array, target: Array, weight: Array | None) -> float:
        return 0.5 * float(np.average((target - outputs) ** 2, weights=weight, axis=0).mean())

    def of_rows(self, sums: Tensor, target: Tensor) -> Tensor:
        return F.sum(F.square(sums - target), axis=1) * 0.5


class Poisson(Loss):
    """Half the Poisson deviance of counts; the network's sums are the logarithms of the expected counts."""

    activation = "exp"

    def activate(self, z: Array) -> Array:
        return np.exp(z, z)

    def value(self, outputs: Array, target: Array, weight: Array | None) -> float:
        deviance = xlogy(target, target / outputs) - target + outputs
        return float(np.average(deviance, weights=weight, axis=0).sum())

    def of_rows(self, sums: Tensor, target: Tensor) -> Tensor:
        return F.sum(F.exp(sums) - target * sums, axis=1)


LOSSES: dict[str, Loss] = {loss.activation: loss for loss in (Softmax(), Logistic(), Squared(), Poisson())}


def _class_indices(outputs: Array, target: Array) -> Array:
    """The flat index in `outputs` of each row's own class."""
    return np.arange(0, outputs.size, outputs.shape[1]) + target


def _clipped(p: Array) -> Array:
    """Probabilities clipped away from 0 and 1, where the logarithm is not finite."""
    epsilon = _epsilon(p.dtype)
    return np.minimum(np.maximum(p, epsilon), 1 - epsilon)


@functools.cache
def _epsilon(dtype: np.dtype[Any]) -> Any:
    return np.finfo(dtype).eps
