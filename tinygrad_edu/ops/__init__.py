"""Floor 3: the mathematics of the library. One declaration per primitive; all else is derived from it."""

from tinygrad_edu.ops import (
    activation,
    constant,
    contract,
    convolution,
    decompositions,
    elementwise,
    fused,
    index,
    linalg,
    movement,
    pooling,
    random,
    reduce,
)

__all__ = ["activation", "constant", "contract", "convolution", "decompositions", "elementwise", "fused",
           "index", "linalg", "movement", "pooling", "random", "reduce"]  # fmt: skip
