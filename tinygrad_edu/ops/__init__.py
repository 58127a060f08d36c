"""Floor 3: the mathematics of the library. One declaration per primitive; everything else follows from it."""
from tinygrad_edu.ops import activation, contract, elementwise, fused, index, movement, random, reduce

__all__ = ["activation", "contract", "elementwise", "fused", "index", "movement", "random", "reduce"]
