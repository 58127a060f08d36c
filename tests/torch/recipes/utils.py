"""torch.utils.checkpoint: values and gradients are those without checkpoints."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np


def part(t: Any) -> Any:
    """torch.utils.checkpoint of PyTorch or of the face."""
    return importlib.import_module(f"{t.__name__}.utils.checkpoint")


def segment(x: Any, y: Any, power: float = 2.0) -> Any:
    """A part of a computation."""
    return ((x * y).sin() ** power).sum(0)


def with_dropout(t: Any, d: Any) -> Any:
    """A segment that draws at random: both runs draw the same."""
    x = d.floats(50, 4)
    layer = t.nn.Dropout(0.5)
    y = part(t).checkpoint(lambda x: layer(x) * x, x, use_reentrant=False)
    (gradient,) = t.autograd.grad(y.sum(), x, retain_graph=False)
    kept = np.array(y.detach().numpy()) != 0
    expected = np.where(kept, 4 * np.array(x.detach().numpy()), 0.0)
    return bool(np.allclose(gradient.detach().numpy(), expected)), 0 < kept.mean() < 1


def of_layers(t: Any, d: Any) -> Any:
    """A model of layers in segments."""
    layers = [t.nn.Linear(3, 3, dtype=t.float64) for _ in range(5)]
    for layer in layers:
        for p in layer.parameters():
            p.data.copy_(d.floats(*p.shape, grad=False))
    model = t.nn.Sequential(*layers)
    x = d.floats(2, 3)
    y = part(t).checkpoint_sequential(model, 2, x, use_reentrant=False)
    y.sum().backward(retain_graph=True)
    return y, [p.grad for p in model.parameters()], t.equal(y, model(x))


RECIPES: dict[str, list[Any]] = {
    "torch.utils.checkpoint.checkpoint": [
        lambda t, d: part(t).checkpoint(segment, d.floats(3, 4), d.floats(4), use_reentrant=False),
        lambda t, d: part(t).checkpoint(segment, d.floats(3), 2.0, power=3.0, use_reentrant=False),
        lambda t, d: part(t).checkpoint(lambda x: (x.sin(), x * 2, "text"), d.floats(3), use_reentrant=False),
        lambda t, d: part(t).checkpoint(lambda x: {"a": x.exp(), "b": [x]}, d.floats(2), use_reentrant=False),
        lambda t, d: part(t).checkpoint(segment, d.floats(3, grad=False), 2.0, use_reentrant=False),
        lambda t, d: part(t).checkpoint(lambda x: 3, d.floats(2), use_reentrant=False),
        lambda t, d: part(t).checkpoint(
            lambda x: part(t).checkpoint(segment, x, 2.0, use_reentrant=False) + x,
            d.floats(3),
            use_reentrant=False,
        ),
        with_dropout,
    ],
    "torch.utils.checkpoint.checkpoint_sequential": [of_layers],
}
