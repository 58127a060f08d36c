"""One SGD step of an MLP with cross-entropy, written three times:
by hand in NumPy, in PyTorch, in this library.

Each function returns `step()`, which computes the loss, its gradients and the update, and returns the loss.
PyTorch and this library take any device of theirs.
All start from the same weights and see the same batch, so they must return the same losses;
`mlp.py` checks it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

Step = Callable[[], float]
LR = 0.01


def problem(sizes: tuple[int, ...], batch: int) -> tuple[Any, Any, list[Any]]:
    """A batch and weights: x (batch, in), classes (batch,), [(W (out, in), b (out,)), ...], all float32."""
    random = np.random.default_rng(0)
    x = random.standard_normal((batch, sizes[0])).astype(np.float32)
    target = random.integers(0, sizes[-1], batch)
    weights = [
        ((random.standard_normal((m, n)) * np.sqrt(2 / n)).astype(np.float32), np.zeros(m, np.float32))
        for n, m in pairwise(sizes)
    ]
    return x, target, weights


def numpy_step(sizes: tuple[int, ...], batch: int, device: str = "cpu") -> Step:
    """The four lines of backpropagation, by hand."""
    x, target, layers = problem(sizes, batch)
    rows = np.arange(batch)

    def step() -> float:
        outputs = [x]
        for i, (w, b) in enumerate(layers):
            z = outputs[-1] @ w.T + b
            outputs.append(np.maximum(z, 0) if i < len(layers) - 1 else z)
        z = outputs.pop()
        z = z - z.max(1, keepdims=True)
        e = np.exp(z)
        total = e.sum(1)
        loss = (np.log(total) - z[rows, target]).mean()
        delta = e / total[:, None]
        delta[rows, target] -= 1
        delta /= batch
        for i in range(len(layers) - 1, -1, -1):
            w, b = layers[i]
            a = outputs[i]
            dw, db = delta.T @ a, delta.sum(0)
            if i:
                delta = (delta @ w) * (a > 0)
            w -= LR * dw
            b -= LR * db
        return float(loss)

    return step


def torch_step(sizes: tuple[int, ...], batch: int, device: str = "cpu") -> Step:
    """PyTorch, eager."""
    import torch

    x, target, weights = problem(sizes, batch)
    modules: list[Any] = []
    for w, b in weights:
        layer = torch.nn.Linear(w.shape[1], w.shape[0])
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(w))
            layer.bias.copy_(torch.from_numpy(b))
        modules += [layer, torch.nn.ReLU()]
    model = torch.nn.Sequential(*modules[:-1]).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    data, classes = torch.from_numpy(x).to(device), torch.from_numpy(target).to(device)

    def step() -> float:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(data), classes)
        loss.backward()
        optimizer.step()
        return float(loss)

    return step


def tinygrad_edu_step(sizes: tuple[int, ...], batch: int, device: str = "cpu") -> Step:
    """This library, eager."""
    import tinygrad_edu as te
    from tinygrad_edu import nn, optim

    x, target, weights = problem(sizes, batch)
    modules: list[Any] = []
    for w, b in weights:
        layer = nn.Linear(w.shape[1], w.shape[0])
        with te.no_grad():
            layer.weight.copy_(w)
            layer.bias.copy_(b)
        modules += [layer, nn.ReLU()]
    model = nn.Sequential(*modules[:-1]).to(device)
    optimizer = optim.SGD(model.parameters(), lr=LR)
    data, classes = te.tensor(x, device=device), te.tensor(target, device=device)

    def step() -> float:
        optimizer.zero_grad()
        loss = te.cross_entropy(model(data), classes)
        loss.backward()
        optimizer.step()
        return float(loss)

    return step


FRAMEWORKS: dict[str, Callable[..., Step]] = {
    "numpy": numpy_step,
    "pytorch": torch_step,
    "tinygrad_edu": tinygrad_edu_step,
}
