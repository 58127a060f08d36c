"""Graph: any module, on any device, trained by this library's autograd; what `plain` has no formulas for."""
from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu import functional as F
from tinygrad_edu import nn
from tinygrad_edu.backend import philox
from tinygrad_edu.engine.modes import no_grad
from tinygrad_edu.sklearn.losses import Array, Loss
from tinygrad_edu.sklearn.rows import Batch
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.training.settings import ACTIVATIONS as MODULES

ACTIVATIONS = {**MODULES, "logistic": nn.Sigmoid}
Factory = Callable[[int, int], nn.Module]       # (inputs, outputs) -> a module with its first weights


def perceptron(coefs: Sequence[Array], intercepts: Sequence[Array], activations: Sequence[str],
               dropout: Sequence[float]) -> nn.Sequential:
    """The multilayer perceptron of these weights as a module: Linear, activation, Dropout where there is any.
    """
    layers: list[nn.Module] = []
    for weight, bias, name, share in zip(coefs, intercepts, (*activations, ""), (*dropout, 0.0), strict=True):
        linear = nn.Linear(*weight.shape, dtype=weight.dtype)
        linear.load_state_dict({"weight": weight.T, "bias": bias})
        layers += [linear, *([ACTIVATIONS[name]()] if name else []), *([nn.Dropout(share)] if share else [])]
    return nn.Sequential(*layers)


def made(module: nn.Module | Factory, inputs: int, outputs: int, seed: int) -> nn.Module:
    """A copy of the user's module, or what the user's factory makes; its random numbers begin at `seed`."""
    if isinstance(module, nn.Module):
        return copy.deepcopy(module)
    before = philox.default.state_dict()
    try:
        philox.manual_seed(seed)
        return module(inputs, outputs)
    finally:
        philox.default.load_state_dict(before)


class Graph:
    """A module for training: (rows, inputs) -> (rows, outputs), the sums that `loss` takes.

    alpha      the penalty of `Plain`; it takes every parameter of two or more axes
    generator  for the dropout layers that have none of their own
    """

    def __init__(self, module: nn.Module, loss: Loss, alpha: float, device: str, dtype: Any,
                 generator: philox.Generator | None) -> None:
        self.module = module.to(np.dtype(dtype)).to(device)
        self.loss, self.alpha, self.device, self.dtype = loss, alpha, device, np.dtype(dtype)
        for layer in module.modules():
            if isinstance(layer, nn.Dropout) and layer.generator is None:
                layer.generator = generator
        self.parameters: list[Tensor] = list(module.parameters())
        self.penalized = [p for p in self.parameters if p.ndim > 1]

    def gradient(self, batch: Batch, target: Array, weight: Array | None) -> float:
        """The batch's loss with its penalty; the slopes go where autograd puts them."""
        self.module.train()
        self.module.zero_grad()
        sums = self.module(self._wrap(batch.array()))
        rows = self.loss.of_rows(sums, F.wrap(target, device=self.device))
        mass = float(len(target) if weight is None else weight.sum())
        nothing = F.zeros((), dtype=self.dtype, device=self.device)
        penalty = sum((F.sum(p * p) for p in self.penalized), nothing) * (0.5 * self.alpha)
        total = F.sum(rows if weight is None else rows * self._wrap(weight))
        ((total + penalty) * (1.0 / mass)).backward()
        outputs = self.loss.activate(np.array(sums.numpy()))
        return self.loss.value(outputs, target, weight) + float(penalty.item()) / mass

    def outputs(self, batch: Batch) -> Array:
        """What the network says (rows, outputs), in evaluation mode."""
        self.module.eval()
        with no_grad():
            return self.loss.activate(np.array(self.module(self._wrap(batch.array())).numpy()))

    def _wrap(self, array: Array) -> Tensor:
        return F.wrap(np.asarray(array, self.dtype), device=self.device)

    # -- as a perceptron, and as a vector --------------------------------------------------------------------

    def layers(self) -> tuple[list[Array], list[Array]]:
        """Copies of the weights (inputs, units) and biases of all Linear layers, in order."""
        found = [layer for layer in self.module.modules() if isinstance(layer, nn.Linear)]
        return ([np.array(layer.weight.numpy().T, order="C") for layer in found],
                [np.array(layer.bias.numpy()) for layer in found if layer.bias is not None])

    def vector(self) -> Array:
        """All parameters one after the other, a copy."""
        return np.concatenate([p.numpy().ravel() for p in self.parameters])

    def slope_vector(self) -> Array:
        """Their gradients in the same order, a copy."""
        return np.concatenate([np.zeros(p.size) if p.grad is None else p.grad.numpy().ravel()
                               for p in self.parameters])

    def load(self, vector: Array) -> None:
        """Overwrite all parameters."""
        ends = itertools.accumulate((p.size for p in self.parameters), initial=0)
        for p, start in zip(self.parameters, ends, strict=False):
            p.detach().copy_(vector[start:start + p.size].reshape(p.shape))
