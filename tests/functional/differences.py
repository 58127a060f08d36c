"""Derivatives by central differences in float64: the oracle of the gradients of compositions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import tinygrad_edu as te

STEP = 1e-5


def weighted(f: Callable[..., Any]) -> Callable[..., Any]:
    """f, made one number: every element of the result (or of every result) with a weight of its own."""

    def number(*xs: Any) -> Any:
        out = f(*xs)
        parts = out if isinstance(out, (list, tuple)) else [out]
        return sum(
            (y * te.as_tensor(np.cos(np.arange(y.size)).reshape(y.shape))).sum()
            for y in parts
            if y.dtype.kind == "f"
        )

    return number


def prove(
    f: Callable[..., Any], arrays: Sequence[Any], *, second: bool = True, tolerance: float = 2e-6
) -> None:
    """Gradients of f, and gradients of their squares, against central differences in random directions."""
    g = weighted(f)
    _compare(g, arrays, tolerance)
    if second:
        _compare(
            lambda *xs: sum(te.square(s).sum() for s in te.grad(g, range(len(xs)))(*xs)),
            arrays,
            10 * tolerance,
        )


def _compare(g: Callable[..., Any], arrays: Sequence[Any], tolerance: float) -> None:
    random = np.random.default_rng(0)
    xs = [np.asarray(a, np.float64) for a in arrays]
    directions = [random.standard_normal(x.shape) for x in xs]

    def at(t: float) -> float:
        return float(g(*(te.as_tensor(x + t * v) for x, v in zip(xs, directions, strict=True))).item())

    numeric = (at(STEP) - at(-STEP)) / (2 * STEP)
    slopes = te.grad(g, range(len(xs)))(*(te.as_tensor(x) for x in xs))
    analytic = sum(float((s.numpy() * v).sum()) for s, v in zip(slopes, directions, strict=True))
    assert abs(analytic - numeric) <= tolerance * (1 + abs(numeric)), (analytic, numeric)
    assert all(s.shape == x.shape for s, x in zip(slopes, xs, strict=True))
