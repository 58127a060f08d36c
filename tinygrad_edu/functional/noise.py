"""Noise that training adds, so that a model relies on no single number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.creation import as_tensor, bernoulli
from tinygrad_edu.functional.movement import clone
from tinygrad_edu.scalars import number

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["dropout"]


def dropout(x: Tensor, p: float = 0.5, training: bool = True, *, shape: Any = None,
            generator: Generator | None = None) -> Tensor:  # fmt: skip
    """x with elements set to 0 with probability p, and the rest divided by 1 - p; x itself if not `training`.

    One draw is made for each element of `shape`, which broadcasts to x's; by default it is x's own shape.
    Source: Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, JMLR 15 (2014).
    """
    p = number(p, "dropout: p")
    if not 0.0 <= p <= 1.0:
        raise wrong(ValueError, "dropout", f"p={p} is not a probability", "it must lie in [0, 1]")
    x = as_tensor(x)
    if not training:
        return x
    if p == 0.0:
        return clone(x)
    if p == 1.0:
        return x * 0.0
    drawn = x.shape if shape is None else shape
    kept = bernoulli(1.0 - p, drawn, generator=generator, dtype=x.dtype, device=x.device)
    return x * (kept * (1.0 / (1.0 - p)))
