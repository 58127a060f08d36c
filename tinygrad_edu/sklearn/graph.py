"""Graph: any module, on any device, trained by autograd, for all that `plain` has no formulas for."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu import catalogue, nn
from tinygrad_edu import functional as F
from tinygrad_edu.backend import philox
from tinygrad_edu.backend.registry import canonical
from tinygrad_edu.engine.modes import no_grad
from tinygrad_edu.sklearn.losses import Array, Loss
from tinygrad_edu.sklearn.rows import Batch
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.training.settings import ACTIVATIONS as MODULES

ACTIVATIONS = {**MODULES, **{theirs: MODULES[ours] for theirs, ours in catalogue.SYNONYMS.items()}}
Factory = Callable[[int, int], nn.Module]  # (inputs, outputs) -> a module with its first weights


def perceptron(
    coefs: Sequence[Array], intercepts: Sequence[Array], activations: Sequence[str], dropout: Sequence[float]
) -> nn.Sequential:
    """The multilayer perceptron of these weights as a module: Linear, activation, Dropout if any."""
    layers: list[nn.Module] = []
    for weight, bias, name, share in zip(coefs, intercepts, (*activations, ""), (*dropout, 0.0), strict=True):
        linear = nn.Linear(0, 0)  # empty, so that it draws no random numbers
        linear.in_features, linear.out_features = weight.shape
        linear.weight, linear.bias = nn.Parameter(weight.T, device="cpu"), nn.Parameter(bias, device="cpu")
        layers += [linear, *([ACTIVATIONS[name]()] if name else []), *([nn.Dropout(share)] if share else [])]
    return nn.Sequential(*layers)


def new_module(module: nn.Module | Factory, inputs: int, outputs: int, seed: int) -> nn.Module:
    """A copy of the user's module, or what the user's factory makes; its random numbers start from `seed`."""
    if isinstance(module, nn.Module):
        return copy.deepcopy(module)
    with philox.replacing_default(philox.Generator(seed)):
        new = module(inputs, outputs)
    if not isinstance(new, nn.Module):
        raise TypeError(
            f"module= returned a {type(new).__name__}, not a module; it is called with the "
            "numbers of inputs and outputs and makes an nn.Module"
        )
    return copy.deepcopy(new)  # the function may return the same module again


def moved(module: nn.Module, device: str, dtype: Any) -> nn.Module:
    """The module on that device in that dtype: the module itself if nothing changes, else a copy."""
    tensors = [*module.parameters(), *(b for b in module.buffers() if b.dtype.kind == "f")]
    if all(t.device == canonical(device) and t.dtype == dtype for t in tensors):
        return module
    return copy.deepcopy(module).to(np.dtype(dtype)).to(device)


def outputs_of(
    batch: Batch,
    coefs: Sequence[Array],
    intercepts: Sequence[Array],
    activations: Sequence[str],
    loss: Loss,
    device: str,
) -> Array:
    """The outputs of the perceptron with these weights (rows, outputs), computed on `device`."""
    with no_grad():
        x = F.wrap(np.asarray(batch.array(), coefs[0].dtype), device=device)
        for weight, bias, name in zip(coefs, intercepts, (*activations, ""), strict=True):
            x = x @ F.wrap(weight, device=device) + F.wrap(bias, device=device)
            x = ACTIVATIONS[name]()(x) if name else x
        return loss.activate(np.array(x.numpy()))


def outputs_of_module(batch: Batch, module: nn.Module, columns: int, loss: Loss, device: str) -> Array:
    """The outputs of a trained module (rows, outputs), computed on `device`. The module is not changed, and
    another thread may train it: a copy of its layers, with the same parameters, computes them."""
    tensors = (*module.parameters(), *module.buffers())
    twin = moved(copy.deepcopy(module, {id(t): t for t in tensors}), device, tensors[0].dtype)
    return Graph(twin, columns, loss, 0.0, device, tensors[0].dtype, None).outputs(batch)


class Graph:
    """A module for training, on `device` in `dtype`:
    (rows, inputs) -> (rows, outputs), the sums that `loss` takes.

    alpha      the penalty of `Plain`, on every parameter of two or more axes
    generator  for the dropout layers that have none of their own
    """

    def __init__(
        self,
        module: nn.Module,
        outputs: int,
        loss: Loss,
        alpha: float,
        device: str,
        dtype: Any,
        generator: philox.Generator | None,
    ) -> None:
        self.module = module
        self.columns, self.loss, self.alpha, self.device = outputs, loss, alpha, device
        self.dtype = np.dtype(dtype)
        for layer in module.modules():
            if isinstance(layer, nn.Dropout) and layer.generator is None:
                layer.generator = generator
        self.parameters: list[Tensor] = list(module.parameters())
        if not self.parameters:
            raise ValueError(f"module= has no parameters to train: {type(module).__name__}")
        self.penalized = [p for p in self.parameters if p.ndim > 1]

    def gradient(self, batch: Batch, target: Array, weight: Array | None) -> float:
        """The batch's loss with its penalty; autograd writes the gradients."""
        self.module.train()
        self.module.zero_grad()
        sums = self._sums(batch)
        rows = self.loss.of_rows(
            sums, self._wrap(target) if target.dtype.kind == "f" else F.wrap(target, device=self.device)
        )
        mass = float(len(target) if weight is None else weight.sum())
        nothing = F.zeros((), dtype=self.dtype, device=self.device)
        penalty = sum((F.sum(p * p) for p in self.penalized), nothing) * (0.5 * self.alpha)
        total = F.sum(rows if weight is None else rows * self._wrap(weight))
        ((total + penalty) * (1.0 / mass)).backward()
        outputs = self.loss.activate(np.array(sums.numpy()))
        return self.loss.value(outputs, target, weight) + float(penalty.item()) / mass

    def outputs(self, batch: Batch) -> Array:
        """The outputs of the network (rows, outputs), in evaluation mode."""
        with no_grad(), nn.evaluating():
            return self.loss.activate(np.array(self._sums(batch).numpy()))

    def _sums(self, batch: Batch) -> Tensor:
        rows = batch.array()
        sums = self.module(self._wrap(rows))
        found, expected = getattr(sums, "shape", type(sums).__name__), (len(rows), self.columns)
        if found != expected:
            raise ValueError(
                f"module= gave {found} for {len(rows)} rows; for this y it must give the sums "
                f"{expected}, rows by outputs"
            )
        return sums

    def _wrap(self, array: Array) -> Tensor:
        return F.wrap(np.asarray(array, self.dtype), device=self.device)

    def layers(self) -> tuple[list[Array], list[Array]]:
        """Copies of the weights (inputs, units) and biases of all Linear layers, in order."""
        found = [layer for layer in self.module.modules() if isinstance(layer, nn.Linear)]
        return (
            [np.array(layer.weight.numpy().T, order="C") for layer in found],
            [np.array(layer.bias.numpy()) for layer in found if layer.bias is not None],
        )

    def uses(self, arrays: Sequence[Any]) -> bool:
        """Whether this is the module, on the same device in the same dtype; or whether the arrays, which the
        user may have changed, still equal those of `layers`."""
        if isinstance(arrays[0], nn.Module):
            return arrays[0] is self.module is moved(self.module, self.device, self.dtype)
        coefs, intercepts = self.layers()
        return all(np.array_equal(a, b) for a, b in zip(arrays, (*coefs, *intercepts), strict=True))

    # -- as a vector, a copy, in the order of a perceptron's: what is trained here can go on in `Plain` ------

    def pack(self, arrays: Sequence[Array]) -> Array:
        """One vector of an array per parameter: first the matrices, transposed, then the rest."""
        return np.concatenate(
            [*(a.T.ravel() for a in arrays if a.ndim == 2), *(a.ravel() for a in arrays if a.ndim != 2)]
        )

    def unpack(self, vector: Array) -> list[Array]:
        """The inverse of `pack`."""
        shapes = [p.shape for p in self.parameters]
        order = sorted(range(len(shapes)), key=lambda i: len(shapes[i]) != 2)
        arrays: list[Array] = [np.empty(0)] * len(shapes)
        start = 0
        for i in order:
            part = vector[start : start + math.prod(shapes[i])]
            arrays[i] = part.reshape(shapes[i][::-1]).T if len(shapes[i]) == 2 else part.reshape(shapes[i])
            start += part.size
        return arrays

    def vector(self) -> Array:
        """All parameters, packed."""
        return self.pack([p.numpy() for p in self.parameters])

    def slope_vector(self) -> Array:
        """Their gradients, packed."""
        return self.pack([np.zeros(p.shape) if p.grad is None else p.grad.numpy() for p in self.parameters])

    def add_gradients(self, share: float, comm: Any) -> None:
        """Replace all gradients by the sum over the ranks of `share` times each rank's own.

        Buffers of floats, such as the averages of batch norm, become the mean over the ranks.
        """
        vector = self.slope_vector() * share if share else np.zeros(sum(p.size for p in self.parameters))
        vector = vector.astype(self.dtype)
        comm.all_reduce(vector)
        for p, array in zip(self.parameters, self.unpack(vector), strict=True):
            p.grad = self._wrap(np.ascontiguousarray(array))
        for buffer in self.module.buffers():
            if buffer.dtype.kind == "f":
                comm.all_reduce(buffer, "mean")

    def load(self, vector: Array) -> None:
        """Overwrite all parameters."""
        for p, array in zip(self.parameters, self.unpack(vector), strict=True):
            p.detach().copy_(array)

    def snapshot(self) -> Any:
        """Parameters and buffers, such as the averages of batch norm."""
        return self.module.state_dict()

    def restore(self, snapshot: Any) -> None:
        """Go back to a snapshot."""
        self.module.load_state_dict(snapshot)
