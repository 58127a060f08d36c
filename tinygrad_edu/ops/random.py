"""Random ops: no inputs, no gradient, a generator as parameter, so that a replay draws new numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.domain import Call, Recipe
from tinygrad_edu.engine.op import Op
from tinygrad_edu.shapes import Shape


def _calls(**params: Any) -> Recipe:
    return lambda draw: Call(
        (), {"shape": draw.shape(), "generator": Generator(draw.integer(0, 99)), **params}
    )


def _bernoulli(*, p: float, shape: Shape, generator: Generator, dtype: Any = np.float32) -> Any:
    return (generator.uniform(shape, np.float32) < p).astype(dtype)


def _permutation(*, n: int, generator: Generator) -> Any:
    return generator.permutation(n)


# fmt: off
uniform = Op("uniform", lambda *, shape, generator, dtype=np.float32: generator.uniform(shape, dtype), (),
             calls=_calls(), math=r"U[0, 1)")
normal = Op("normal", lambda *, shape, generator, dtype=np.float32: generator.normal(shape, dtype), (),
            calls=_calls(), math=r"N(0, 1)")
integers = Op("integers", lambda *, low, high, shape, generator: generator.integers(low, high, shape), (),
              calls=_calls(low=0, high=5), math=r"U\{\text{low}, \dots, \text{high} - 1\}")
bernoulli = Op("bernoulli", _bernoulli, (), calls=_calls(p=0.5), math=r"[U < p]")
permutation = Op("permutation", _permutation, (), math=r"\text{a random order of } 0 \dots n - 1",
                 calls=lambda draw: Call((), {"n": draw.integer(0, 9),
                                              "generator": Generator(draw.integer(0, 99))}))
# fmt: on
