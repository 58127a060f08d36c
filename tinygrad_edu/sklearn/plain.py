"""Plain: the multilayer perceptron by hand, on NumPy arrays and with no graph: what scikit-learn computes.

All weights lie in one block of memory, the arena, and their gradients in another of the same layout. So an
optimizer has one parameter to update, L-BFGS gets its vector without a copy, and `coefs` and `intercepts` are
views. A step allocates almost nothing: sums, outputs and deltas overwrite those of the batch before.
Every product and sum is taken in scikit-learn's order, so its results come out bit for bit.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu import functional as F
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.sklearn.door import expit
from tinygrad_edu.sklearn.losses import Array, Loss
from tinygrad_edu.sklearn.rows import Batch
from tinygrad_edu.tensor import Tensor


def _identity(*arrays: Array) -> None:
    """The identity does nothing, forward or backward."""


def _logistic_slope(delta: Array, out: Array) -> None:
    np.multiply(delta, out, delta)
    np.multiply(delta, 1 - out, delta)


def _relu(z: Array) -> None:
    np.maximum(z, np.zeros(z.shape[1], z.dtype), out=z)  # twice as fast as with the number 0


def _relu_slope(delta: Array, out: Array) -> None:
    np.multiply(delta, out > 0, delta)  # a product: a branch would be mispredicted half of the time


def _relu_slope_of_infinities(delta: Array, out: Array) -> None:
    """For a network that diverged: 0 times infinity is NaN, but scikit-learn writes 0."""
    delta[out == 0] = 0


# name: (the function, in place; its slope times `delta`, in place, by the function's result)
ACTIVATIONS: Mapping[str, tuple[Callable[[Array], Any], Callable[[Array, Array], Any]]] = {
    "identity": (_identity, _identity),
    "logistic": (lambda z: expit(z, out=z), _logistic_slope),
    "tanh": (lambda z: np.tanh(z, z), lambda delta, out: np.multiply(delta, 1 - out**2, delta)),
    "relu": (_relu, _relu_slope),
}


def outputs_of(
    batch: Batch, coefs: Sequence[Array], intercepts: Sequence[Array], activations: Sequence[str], loss: Loss
) -> Array:
    """The outputs of the network (rows, outputs); keeps nothing, so other threads may train meanwhile."""
    layer = batch.times(coefs[0])
    for weight, bias, name in zip(coefs[1:], intercepts, activations, strict=False):
        layer += bias
        ACTIVATIONS[name][0](layer)
        layer = layer @ weight
    layer += intercepts[-1]
    return loss.activate(layer)


class Plain:
    """A network for training: `coefs` (inputs, units) and `intercepts` (units,) of each layer.

    activations  one name of `ACTIVATIONS` for each hidden layer
    alpha        the loss gets alpha / 2 times the sum of all squared coefs, divided by the rows of the batch
    """

    def __init__(
        self,
        coefs: Sequence[Array],
        intercepts: Sequence[Array],
        activations: Sequence[str],
        loss: Loss,
        alpha: float,
    ) -> None:
        self.arena = Parameter(
            np.concatenate([array.ravel() for array in (*coefs, *intercepts)]), device="cpu"
        )  # whatever the default is: see `_is_plain`
        self.weights: Array = self.arena.storage.array
        self.arena.grad = F.zeros_like(self.arena)
        self.slopes: Array = self.arena.grad.storage.array  # `grad` holds a copy of what was assigned
        shapes = [array.shape for array in (*coefs, *intercepts)]
        layers = len(coefs)
        views, slopes = _views(self.weights, shapes), _views(self.slopes, shapes)
        self.coefs, self.intercepts = views[:layers], views[layers:]
        self.coef_slopes, self.intercept_slopes = slopes[:layers], slopes[layers:]
        penalized = slice(sum(coef.size for coef in coefs))
        self.pull = np.empty_like(self.weights[penalized])
        self.penalty = self.weights[penalized], self.slopes[penalized]
        self.activations, self.loss, self.alpha = tuple(activations), loss, alpha
        self.memory: list[Array] = []  # (rows, units): outputs of each layer
        self.deltas: list[Array] = []  # (rows, units): slopes by each hidden layer's sums

    @property
    def parameters(self) -> list[Tensor]:
        """What an optimizer changes; `gradient` writes its `grad`."""
        return [self.arena]

    def gradient(self, batch: Batch, target: Array, weight: Array | None) -> float:
        """The batch's loss with its penalty; the gradients of all weights go into their arena."""
        layers = self._forward(batch, len(target))
        value = self.loss.value(layers[-1], target, weight)
        mass = len(target) if weight is None else weight.sum()
        penalty = float(sum(np.dot(flat, flat) for flat in (coef.ravel() for coef in self.coefs)))
        value += 0.5 * self.alpha * penalty / mass

        delta = self.loss.slope(layers[-1], target)
        diverged = not math.isfinite(value)
        if weight is not None:
            np.multiply(delta, weight[:, None], delta)
        for i in range(len(self.coefs) - 1, 0, -1):
            np.matmul(layers[i - 1].T, delta, self.coef_slopes[i])
            np.add.reduce(delta, axis=0, out=self.intercept_slopes[i])
            delta = np.matmul(delta, self.coefs[i].T, self.deltas[i - 1][: len(target)])
            slope = ACTIVATIONS[self.activations[i - 1]][1]
            if diverged and slope is _relu_slope:
                slope = _relu_slope_of_infinities
            slope(delta, layers[i - 1])
        batch.outer(delta, self.coef_slopes[0])
        np.add.reduce(delta, axis=0, out=self.intercept_slopes[0])
        coefs, slopes = self.penalty
        np.add(slopes, np.multiply(coefs, self.alpha, self.pull), slopes)
        np.divide(self.slopes, mass, self.slopes)
        return float(value)

    def _forward(self, batch: Batch, rows: int) -> list[Array]:
        if not self.memory or len(self.memory[0]) < rows:
            self.memory = [np.empty((rows, coef.shape[1]), coef.dtype) for coef in self.coefs]
            self.deltas = [np.empty_like(layer) for layer in self.memory[:-1]]
        layers = [layer[:rows] for layer in self.memory]
        batch.times(self.coefs[0], layers[0])
        for i, out in enumerate(layers):
            if i:
                np.matmul(layers[i - 1], self.coefs[i], out)
            np.add(out, self.intercepts[i], out)
            if i < len(self.activations):
                ACTIVATIONS[self.activations[i]][0](out)
        self.loss.activate(layers[-1])
        return layers

    def outputs(self, batch: Batch) -> Array:
        """The outputs of the network (rows, outputs)."""
        return outputs_of(batch, self.coefs, self.intercepts, self.activations, self.loss)

    def layers(self) -> tuple[list[Array], list[Array]]:
        """`coefs` and `intercepts`: views of the arena, in new lists."""
        return list(self.coefs), list(self.intercepts)

    def uses(self, arrays: Sequence[Any]) -> bool:
        """Whether these arrays are the views of the arena."""
        mine = (*self.coefs, *self.intercepts)
        return len(arrays) == len(mine) and all(a is b for a, b in zip(arrays, mine, strict=True))

    # -- as a vector: the memory itself ----------------------------------------------------------------------

    def pack(self, arrays: Sequence[Array]) -> Array:
        """There is one parameter, which is packed."""
        return arrays[0]

    def unpack(self, vector: Array) -> list[Array]:
        """The inverse of `pack`."""
        return [vector]

    def vector(self) -> Array:
        """All weights as one vector, coefs first."""
        return self.weights

    def slope_vector(self) -> Array:
        """All gradients in the same order."""
        return self.slopes

    def add_gradients(self, share: float, comm: Any) -> None:
        """Replace all gradients by the sum over the ranks of `share` times each rank's own."""
        if share:
            np.multiply(self.slopes, share, self.slopes)
        else:
            self.slopes.fill(0)
        comm.all_reduce(self.slopes)

    def load(self, vector: Array) -> None:
        """Overwrite all weights."""
        self.weights[...] = vector

    def snapshot(self) -> Array:
        """A copy of the weights: training changes nothing else."""
        return self.weights.copy()

    restore = load


def _views(memory: Array, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """Views of these shapes, one after the other."""
    ends = list(itertools.accumulate(int(np.prod(shape)) for shape in shapes))
    return [
        memory[start:end].reshape(shape) for start, end, shape in zip([0, *ends], ends, shapes, strict=False)
    ]
