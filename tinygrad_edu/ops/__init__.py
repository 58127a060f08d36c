"""Floor 3: the mathematics of the library. One declaration per primitive; everything else follows from it."""
from tinygrad_edu.ops import (  # noqa: I001 - ruff would give each name a line
    activation, contract, convolution, elementwise, fused, index, movement, pooling, random,
    reduce,
)

__all__ = ["activation", "contract", "convolution", "elementwise", "fused", "index", "movement", "pooling",
           "random", "reduce"]
